/* http.c - the only file that knows libmicrohttpd. It runs in external mode: its epoll descriptor is watched by our
 * loop, and MHD_run is called when that is readable and when MHD_get_timeout says so. (Its own epoll thread hangs at
 * exactly 128 or 256 busy clients in this version.) What a request means is decided in management/. */
#include "net/http.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/id.h"
#include "management/management.h"

#define IDLE_SECONDS 60

struct http_server {
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct loop_deferred *again;
    struct gateway *gateway;
    socket_closed_fn *on_socket_closed;
    void *arg;
};

/* One request while its body comes in. */
struct request {
    struct buf body;
};

/* ---- driving the library ---- */

static void run(void *arg)
{
    struct http_server *server = arg;
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES)
        loop_timer_stop(server->timer);
    else if (timeout_ms == 0)
        loop_deferred_start(server->again);
    else
        loop_timer_start(server->timer, timeout_ms);
}

static void on_epoll_ready(void *arg, bool readable, bool hung_up)
{
    run(arg);
}

/* ---- answers ---- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

/* In the order that a client of AWS has seen, but for Content-Length, which the library puts last. */
static void add_headers(struct MHD_Response *response, const struct management_response *answer)
{
    char date[CLOCK_HTTP_SIZE], request_id[UUID_SIZE], apigw_id[ID_SIZE], trace_id[TRACE_ID_SIZE];

    clock_format_http(clock_wall_ms(), date);
    id_new_uuid(request_id);
    id_new_apigw(apigw_id);
    add_header(response, "Date", date);
    if (answer->has_content_type)
        add_header(response, "Content-Type", "application/json");
    add_header(response, "x-amzn-RequestId", request_id);
    if (answer->error_type)
        add_header(response, "x-amzn-ErrorType", answer->error_type);
    add_header(response, "x-amz-apigw-id", apigw_id);
    if (answer->has_trace_id) {
        id_new_trace(trace_id);
        add_header(response, "X-Amzn-Trace-Id", trace_id);
    }
    if (answer->status == MHD_HTTP_UPGRADE_REQUIRED)
        add_header(response, "Upgrade", "websocket");
}

static enum MHD_Result answer_request(struct http_server *server, struct MHD_Connection *connection, const char *url,
                                      const char *method, struct span body)
{
    struct management_response answer = {0};
    struct MHD_Response *response;
    enum MHD_Result queued;

    management_handle(server->gateway, span_of_str(method), span_of_str(url), body, &answer);
    response = MHD_create_response_from_buffer(answer.body.len, answer.body.ptr, MHD_RESPMEM_MUST_COPY);
    buf_fini(&answer.body);
    if (!response)
        return MHD_NO;
    MHD_set_response_options(response, MHD_RF_SEND_KEEP_ALIVE_HEADER, MHD_RO_END);
    add_headers(response, &answer);
    queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return queued;
}

/* ---- the library's callbacks ---- */

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_len, void **state)
{
    struct request *request = *state;

    if (!request) {
        *state = mem_zalloc(sizeof(*request));
        return MHD_YES; /* the head has come; now the body */
    }
    if (*data_len == 0)
        return answer_request(arg, connection, url, method, buf_span(&request->body));
    if (request->body.len < management_body_max()) {
        size_t room = management_body_max() - request->body.len;

        buf_append(&request->body, span_of(data, *data_len < room ? *data_len : room));
    }
    *data_len = 0; /* all of it was taken; what is too much was dropped */
    return MHD_YES;
}

static void on_request_done(void *arg, struct MHD_Connection *connection, void **state,
                            enum MHD_RequestTerminationCode why)
{
    struct request *request = *state;

    if (request)
        buf_fini(&request->body);
    free(request);
    *state = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = arg;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED)
        server->on_socket_closed(server->arg);
}

/* Paths are taken apart in management/, so they stay as they were on the wire. */
static size_t leave_escaped(void *arg, struct MHD_Connection *connection, char *text)
{
    return strlen(text);
}

static void on_library_log(void *arg, const char *format, va_list args)
{
    CLEANUP(buf_fini) struct buf line = {0};

    if (!log_enabled(LOG_DEBUG))
        return;
    buf_vprintf(&line, format, args);
    while (line.len && line.ptr[line.len - 1] == '\n')
        line.len--;
    log_debug(LOG_NET, "libmicrohttpd: " SPAN_FMT, SPAN_ARG(line));
}

struct http_server *http_server_new(struct loop *loop, size_t connections_max, socket_closed_fn *on_socket_closed,
                                    void *arg)
{
    struct http_server *server = mem_zalloc(sizeof(*server));
    const union MHD_DaemonInfo *info = NULL;

    server->on_socket_closed = on_socket_closed;
    server->arg = arg;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL, NULL,
        on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)connections_max, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_request_done, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_END);
    if (server->daemon)
        info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info)
        server->watch = loop_watch_new(loop, info->epoll_fd, on_epoll_ready, server);
    server->timer = loop_timer_new(loop, run, server);
    server->again = loop_deferred_new(loop, run, server);
    if (!server->watch) {
        log_error(LOG_NET, "libmicrohttpd cannot be started");
        http_server_free(server);
        return NULL;
    }
    return server;
}

void http_server_bind(struct http_server *server, struct gateway *gateway)
{
    server->gateway = gateway;
}

void http_server_adopt(struct http_server *server, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
    if (MHD_add_connection(server->daemon, fd, peer, peer_len) != MHD_YES) {
        log_warn(LOG_NET, "a connection could not be taken over by the HTTP server, it is closed");
        server->on_socket_closed(server->arg); /* the library has closed it */
        return;
    }
    run(server);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    loop_watch_free(server->watch);
    loop_timer_free(server->timer);
    loop_deferred_free(server->again);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    free(server);
}
