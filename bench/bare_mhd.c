/* bare_mhd.c - libmicrohttpd and nothing else: every POST is read and answered 200 without a body. What the
 * @connections API is compared with.
 *
 * Driven the way the emulator drives it, from a libuv loop that watches its epoll descriptor. Prints {"port":N}. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define LIFETIME_S 900 /* nobody leaves it running for ever */
#define CONNECTIONS_MAX 2048

struct server {
    struct MHD_Daemon *daemon;
    struct MHD_Response *empty;
    uv_poll_t readable;
    uv_timer_t timeout;
};

static void fail(const char *what)
{
    fprintf(stderr, "bare-mhd: %s failed\n", what);
    exit(1);
}

/* Called first with the head, then with the body in pieces, then with nothing left. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload_data, size_t *upload_data_size,
                                  void **request_state)
{
    static int head_seen;
    struct server *server = cls;

    if (!*request_state) {
        *request_state = &head_seen;
        return MHD_YES;
    }
    if (*upload_data_size > 0) {
        *upload_data_size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, server->empty);
}

static void on_timeout(uv_timer_t *timer);

static void run(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;

    MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
        uv_timer_start(&server->timeout, on_timeout, wait_ms, 0);
    else
        uv_timer_stop(&server->timeout);
}

static void on_timeout(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    run(poll->data);
}

static void start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

    server->empty = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR,
                         &address, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_END);
    if (!server->empty || !server->daemon)
        fail("MHD_start_daemon");
}

static void watch(struct server *server)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    if (!info || uv_poll_init(uv_default_loop(), &server->readable, info->epoll_fd) != 0)
        fail("uv_poll_init");
    uv_timer_init(uv_default_loop(), &server->timeout);
    server->readable.data = server;
    server->timeout.data = server;
    uv_poll_start(&server->readable, UV_READABLE, on_readable);
}

int main(void)
{
    static struct server server;

    alarm(LIFETIME_S);
    start(&server);
    watch(&server);
    printf("{\"port\":%u}\n", MHD_get_daemon_info(server.daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
