/* http.c - the only file that knows libmicrohttpd. It runs in external mode: its epoll descriptor is watched by our
 * loop, and MHD_run is called when that is readable and when MHD_get_timeout says so. (Its own epoll thread hangs at
 * exactly 128 or 256 busy clients in this version.) What a request means is decided in management/. */
#include "net/http.h"

#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/id.h"
#include "gateway/report.h"
#include "gateway/response.h"
#include "gateway/rules.h"
#include "management/control.h"
#include "management/lambda_invoke.h"
#include "management/management.h"
#include "net/microhttpd.h"
#include "net/refusal.h"

#define IDLE_SECONDS 60

/* What a connection's memory has beside the largest head: for what that is parsed into, and the head of the answer. */
#define PARSED_BYTES (4u << 10)

/* An invocation's may have 6 MB, so there is a limit for all of them together. */
#define BODIES_BYTES_MAX (128u << 20)

struct http_server {
    struct loop *loop;
    size_t connections_max;
    struct MHD_Daemon *daemon; /* NULL: nobody has asked for anything */
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct loop_deferred *again;
    struct gateway *gateway;
    struct control *control;
    struct lambda *lambda;
    size_t body_bytes;     /* of all requests under way */
    struct list suspended; /* requests that wait for their answers */
    socket_closed_fn *on_socket_closed;
    void *arg;
};

/* One request, from its first line to the end of its answer. */
struct request {
    struct list link; /* in server->suspended, or alone */
    struct http_server *server;
    struct MHD_Connection *connection;
    char *target; /* as on the wire */
    bool has_head;
    size_t body_max;   /* so many bytes are kept */
    size_t body_bytes; /* so many came */
    bool crowded;      /* there is no room for its body */
    struct buf body;
    struct waiter *waiter; /* NULL: nobody was asked, or the answer is there */
    bool answered;
    struct management_response answer;
};

/* What those know of a request who may take their time: it may be gone before its answer comes. */
struct waiter {
    struct request *request; /* NULL: gone */
};

/* ---- driving the library ---- */

static void run(void *arg)
{
    struct http_server *server = arg;
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    mhd.run(server->daemon);
    if (mhd.get_timeout(server->daemon, &timeout_ms) != MHD_YES)
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
    mhd.add_response_header(response, name, value);
}

/* In the order that a client of AWS has seen, but for Content-Length, which the library puts last. */
static void add_headers(struct MHD_Response *response, const struct management_response *answer)
{
    char date[CLOCK_HTTP_SIZE], request_id[UUID_SIZE], apigw_id[ID_SIZE], trace_id[TRACE_ID_SIZE];

    clock_format_http(clock_wall_ms(), date);
    add_header(response, "Date", date);
    if (answer->has_content_type)
        add_header(response, "Content-Type", "application/json");
    if (!answer->request_id[0])
        id_new_uuid(request_id);
    add_header(response, "x-amzn-RequestId", answer->request_id[0] ? answer->request_id : request_id);
    if (answer->error_type)
        add_header(response, "x-amzn-ErrorType", answer->error_type);
    if (!answer->is_lambda) {
        id_new_apigw(apigw_id);
        add_header(response, "x-amz-apigw-id", apigw_id);
    }
    if (answer->has_trace_id) {
        id_new_trace(trace_id);
        add_header(response, "X-Amzn-Trace-Id", trace_id);
    }
    for (size_t i = 0; i < MANAGEMENT_HEADERS_MAX && answer->headers[i].name; i++)
        add_header(response, answer->headers[i].name, answer->headers[i].value);
    if (answer->status == MHD_HTTP_UPGRADE_REQUIRED)
        add_header(response, "Upgrade", "websocket");
}

static enum MHD_Result send_answer(struct request *request)
{
    struct buf *body = &request->answer.body;
    struct MHD_Response *response = mhd.create_response_from_buffer(body->len, body->ptr, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result queued;

    if (!response)
        return MHD_NO;
    mhd.set_response_options(response, MHD_RF_SEND_KEEP_ALIVE_HEADER, MHD_RO_END);
    add_headers(response, &request->answer);
    queued = mhd.queue_response(request->connection, request->answer.status, response);
    mhd.destroy_response(response);
    return queued;
}

/* ---- asking: @connections, which answers at once, and the others, which may take their time ---- */

struct header_list {
    struct event_header *items; /* NULL: only count */
    size_t count;
};

static enum MHD_Result add_to_list(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_list *list = arg;

    if (list->items)
        list->items[list->count] =
            (struct event_header){.name = span_of_str(name), .value = span_of_str(value ? value : "")};
    list->count++;
    return MHD_YES;
}

/* Empty if it is not known. */
static struct span format_peer(struct MHD_Connection *connection, char out[NI_MAXHOST])
{
    const union MHD_ConnectionInfo *info = mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info ? info->client_addr : NULL;
    const socklen_t len =
        peer && peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

    if (!peer || getnameinfo(peer, len, out, NI_MAXHOST, NULL, 0, NI_NUMERICHOST) != 0)
        return SPAN("");
    return span_of_str(out);
}

/* What signatures and guards need. The array is the caller's to free. */
static void describe_caller(struct request *request, char peer[NI_MAXHOST], struct sigv4_request *ret)
{
    struct header_list headers = {0};

    mhd.get_connection_values(request->connection, MHD_HEADER_KIND, add_to_list, &headers);
    headers.items = mem_alloc((headers.count + 1) * sizeof(*headers.items));
    headers.count = 0;
    mhd.get_connection_values(request->connection, MHD_HEADER_KIND, add_to_list, &headers);
    ret->headers = headers.items;
    ret->header_count = headers.count;
    ret->source_ip = format_peer(request->connection, peer);
}

static void ask_gateway(struct request *request, struct span method, struct span path, struct span query)
{
    struct gateway *gw = request->server->gateway;
    struct sigv4_request asked = {.method = method, .path = path, .query = query, .body = buf_span(&request->body)};
    const char *host = mhd.lookup_connection_value(request->connection, MHD_HEADER_KIND, "Host");
    char peer[NI_MAXHOST];

    if (gateway_wants_signatures(gw))
        describe_caller(request, peer, &asked);
    management_handle(gw, host ? span_of_str(host) : SPAN(""), &asked, &request->answer);
    request->answered = true;
    free((void *)(uintptr_t)asked.headers);
}

static void resume(struct request *request)
{
    list_remove(&request->link);
    mhd.resume_connection(request->connection);
    loop_deferred_start(request->server->again);
}

static void on_answered(void *arg, struct management_response *answer)
{
    struct waiter *waiter = arg;
    struct request *request = waiter->request;

    free(waiter);
    if (!request) {
        management_response_fini(answer);
        return;
    }
    request->waiter = NULL;
    request->answer = *answer;
    request->answered = true;
    if (!list_empty(&request->link))
        resume(request);
}

static void drop_body(struct request *request)
{
    request->server->body_bytes -= request->body.len;
    buf_fini(&request->body);
}

static struct waiter *begin_to_wait(struct request *request)
{
    request->waiter = mem_alloc(sizeof(*request->waiter));
    request->waiter->request = request;
    return request->waiter;
}

static void ask_control(struct request *request, struct span method, struct span path, struct span query)
{
    struct sigv4_request asked = {.method = method, .path = path, .query = query, .body = buf_span(&request->body)};
    char peer[NI_MAXHOST];

    describe_caller(request, peer, &asked);
    control_handle(request->server->control, &asked, on_answered, begin_to_wait(request));
    free((void *)(uintptr_t)asked.headers);
}

static void ask_lambda(struct request *request, struct span method, struct span path, struct span query)
{
    struct sigv4_request asked = {.method = method, .path = path, .query = query, .body = buf_span(&request->body)};
    char peer[NI_MAXHOST];

    describe_caller(request, peer, &asked);
    lambda_handle(request->server->lambda, &asked, request->body_bytes, on_answered, begin_to_wait(request));
    drop_body(request); /* it was copied, and the answer may take minutes */
    free((void *)(uintptr_t)asked.headers);
}

static void refuse_crowded(struct request *request)
{
    request->answer = (struct management_response){.status = 503, .has_content_type = true};
    response_write_message(&request->answer.body, SPAN("Service Unavailable"));
    request->answered = true;
}

/* What is before the '?'. */
static struct span path_of(const char *target)
{
    return span_of(target, strcspn(target, "?"));
}

static void ask(struct request *request, struct span method)
{
    struct span path = path_of(request->target), query = span_of(NULL, 0);

    if (request->target[path.len] == '?')
        query = span_of_str(request->target + path.len + 1);
    if (request->crowded)
        refuse_crowded(request);
    else if (control_owns(path))
        ask_control(request, method, path, query);
    else if (lambda_owns(path))
        ask_lambda(request, method, path, query);
    else
        ask_gateway(request, method, path, query);
}

/* The library calls again for the same request when it is resumed. */
static enum MHD_Result answer_or_wait(struct request *request, const char *method)
{
    if (!request->answered && !request->waiter)
        ask(request, span_of_str(method));
    if (request->answered)
        return send_answer(request);
    if (list_empty(&request->link))
        list_append(&request->server->suspended, &request->link);
    mhd.suspend_connection(request->connection);
    return MHD_YES;
}

/* A body whose end only the end of the connection would show is none: RFC 9112, section 6.3. The library would wait. */
static bool has_readable_body(struct MHD_Connection *connection)
{
    const char *coding = mhd.lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);

    return !coding || strcasecmp(coding, "chunked") == 0;
}

static enum MHD_Result refuse_body(struct request *request)
{
    const struct rule *rule = rule_get(RULE_HANDSHAKE_INVALID);

    report_write(LOG_WARN, &(struct report){
                               .rule = rule,
                               .happened = "refused an HTTP request",
                               .detail = SPAN("its Transfer-Encoding is not chunked"),
                               .http_status = rule->http_status,
                           });
    request->answer = (struct management_response){
        .status = rule->http_status, .has_content_type = true, .error_type = rule->error_type};
    response_write_refusal(&request->answer.body, rule, span_of_str(rule->message));
    return send_answer(request);
}

/* ---- the library's callbacks ---- */

/* A request line has come; what is returned is the request's state. */
static void *on_request_line(void *arg, const char *target, struct MHD_Connection *connection)
{
    struct request *request = mem_zalloc(sizeof(*request));

    list_init(&request->link);
    request->server = arg;
    request->connection = connection;
    request->target = mem_strdup(target);
    request->body_max = lambda_owns(path_of(target)) ? lambda_body_max() : management_body_max();
    return request;
}

/* The beginning of the body, unless all requests together have kept too much. */
static void keep_body(struct request *request, struct span bytes)
{
    const size_t room = request->body_max - request->body.len;

    request->body_bytes += bytes.len;
    if (bytes.len > room)
        bytes.len = room;
    if (request->server->body_bytes + bytes.len > BODIES_BYTES_MAX) {
        if (!request->crowded)
            log_warn(LOG_NET, "refuses an HTTP request: the bodies of all requests under way have %u MB status=503",
                     BODIES_BYTES_MAX >> 20);
        request->crowded = true;
        drop_body(request);
    }
    if (request->crowded)
        return;
    buf_append(&request->body, bytes);
    request->server->body_bytes += bytes.len;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_len, void **state)
{
    struct request *request = *state;

    if (!request->has_head) {
        request->has_head = true;
        return has_readable_body(connection) ? MHD_YES : refuse_body(request);
    }
    if (*data_len == 0)
        return answer_or_wait(request, method);
    keep_body(request, span_of(data, *data_len));
    *data_len = 0; /* all of it was taken; what is too much was dropped */
    return MHD_YES;
}

static void on_request_done(void *arg, struct MHD_Connection *connection, void **state,
                            enum MHD_RequestTerminationCode why)
{
    struct request *request = TAKE(*state);

    if (!request)
        return;
    if (request->waiter)
        request->waiter->request = NULL;
    list_remove(&request->link);
    drop_body(request);
    management_response_fini(&request->answer);
    free(request->target);
    free(request);
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

    list_init(&server->suspended);
    server->loop = loop;
    server->connections_max = connections_max;
    server->on_socket_closed = on_socket_closed;
    server->arg = arg;
    server->timer = loop_timer_new(loop, run, server);
    server->again = loop_deferred_new(loop, run, server);
    return server;
}

static void stop(struct http_server *server)
{
    loop_watch_free(TAKE(server->watch));
    if (server->daemon)
        mhd.stop_daemon(TAKE(server->daemon));
}

/* The library clears all of it for each request. Of a longer body it reads half as much at a time. */
static size_t connection_memory(void)
{
    return (size_t)rule_get(RULE_HEAD_TOO_LARGE)->limit + PARSED_BYTES;
}

/* The first connection starts it; false and why, and the next one tries again. */
static bool start(struct http_server *server, struct buf *ret_error)
{
    const union MHD_DaemonInfo *info = NULL;

    if (server->daemon)
        return true;
    if (!microhttpd_load(ret_error))
        return false;
    server->daemon = mhd.start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
            MHD_ALLOW_SUSPEND_RESUME,
        0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        connection_memory(), MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server, MHD_OPTION_NOTIFY_COMPLETED,
        on_request_done, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
    if (server->daemon)
        info = mhd.get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info)
        server->watch = loop_watch_new(server->loop, info->epoll_fd, on_epoll_ready, server);
    if (server->watch)
        return true;
    stop(server);
    buf_append_str(ret_error, "libmicrohttpd cannot be started; is there a descriptor left?");
    return false;
}

void http_server_bind(struct http_server *server, struct gateway *gateway, struct control *control,
                      struct lambda *lambda)
{
    server->gateway = gateway;
    server->control = control;
    server->lambda = lambda;
}

static void turn_away(struct http_server *server, int fd, const char *why)
{
    CLEANUP(buf_fini) struct buf body = {0};
    struct refusal refusal = {.status = 500};

    log_error(LOG_NET, "an HTTP request cannot be answered: %s status=500", why);
    response_write_message(&body, SPAN("Internal server error"));
    refusal.body = buf_span(&body);
    refusal_write(fd, &refusal);
    close(fd);
    server->on_socket_closed(server->arg);
}

void http_server_adopt(struct http_server *server, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
    CLEANUP(buf_fini) struct buf error = {0};

    if (!start(server, &error)) {
        turn_away(server, fd, buf_terminate(&error));
        return;
    }
    if (mhd.add_connection(server->daemon, fd, peer, peer_len) != MHD_YES) {
        log_warn(LOG_NET, "a connection could not be taken over by the HTTP server, it is closed");
        server->on_socket_closed(server->arg); /* the library has closed it */
        return;
    }
    run(server);
}

/* The library must not be stopped while it has suspended connections. */
static void resume_all(struct http_server *server)
{
    struct list *first;

    while ((first = list_first(&server->suspended)))
        resume(LIST_ENTRY(first, struct request, link));
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    resume_all(server);
    stop(server);
    loop_timer_free(server->timer);
    loop_deferred_free(server->again);
    free(server);
}
