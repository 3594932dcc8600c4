/* server.c - puts listener, WebSockets and HTTP together. */
#include "net/server.h"

#include <sys/resource.h>

#include "base/mem.h"
#include "net/http.h"
#include "net/listener.h"
#include "net/port.h"
#include "net/websocket.h"

/* libwebsockets keeps tables of this many entries, once there are so many (contexts.h). */
#define DESCRIPTORS_MAX (1024u * 1024u)

/* Descriptors that clients may not have: an execution environment needs four, and a hundred of them may run. */
#define RESERVE_MAX 512u
#define RESERVE_MIN 24u

struct server {
    struct listener *listener;
    struct websocket_server *websockets;
    struct http_server *http;
};

static size_t descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    return limit.rlim_cur < DESCRIPTORS_MAX ? (size_t)limit.rlim_cur : DESCRIPTORS_MAX;
}

size_t server_raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return descriptor_limit();
}

/* How many client sockets may be open: the limit less a reserve, so that handlers can still be started. */
static size_t sockets_max(void)
{
    size_t limit = descriptor_limit(), reserve = limit / 4;

    reserve = reserve < RESERVE_MIN ? RESERVE_MIN : reserve > RESERVE_MAX ? RESERVE_MAX : reserve;
    return limit > reserve ? limit - reserve : 1;
}

struct server *server_open(struct loop *loop, const char *const *hosts, size_t host_count, uint16_t port,
                           struct identity *identity, struct buf *ret_error)
{
    struct port bound = {0};
    struct server *server;

    if (port_open(hosts, host_count, port, &bound, ret_error) < 0)
        return NULL;
    server = mem_zalloc(sizeof(*server));
    server->listener = listener_new(loop, &bound, identity, sockets_max());
    server->websockets = websocket_server_new(loop, listener_socket_closed, server->listener);
    server->http = http_server_new(loop, sockets_max(), listener_socket_closed, server->listener);
    if (!server->websockets) {
        buf_append_str(ret_error, "libwebsockets cannot be started");
        server_free(server);
        return NULL;
    }
    return server;
}

const struct wire_ops *server_wire_ops(void)
{
    return &websocket_wire_ops;
}

uint16_t server_port(const struct server *server)
{
    return listener_port(server->listener);
}

void server_start(struct server *server, struct gateway *gateway, struct control *control, struct lambda *lambda)
{
    websocket_server_bind(server->websockets, gateway);
    http_server_bind(server->http, gateway, control, lambda);
    listener_start(server->listener, gateway, server->websockets, server->http);
}

void server_stop_accepting(struct server *server)
{
    listener_stop(server->listener);
}

bool server_is_full(const struct server *server)
{
    return listener_is_full(server->listener);
}

size_t server_websocket_count(const struct server *server)
{
    return websocket_count(server->websockets);
}

void server_close(struct server *server)
{
    if (server->websockets)
        websocket_server_close(server->websockets);
    http_server_free(TAKE(server->http));
    listener_close_tls(server->listener);
}

void server_free(struct server *server)
{
    if (!server)
        return;
    http_server_free(server->http);
    websocket_server_free(server->websockets);
    listener_free(server->listener);
    free(server);
}
