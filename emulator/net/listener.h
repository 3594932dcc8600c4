/* listener.h - the one port: accepts, reads request heads, and decides whose request each is.
 *
 * A socket is peeked at until its head is whole. Without `Upgrade: websocket` it goes to net/http untouched. An upgrade
 * is checked here, put to the gateway (which may take as long as $connect takes) and then either handed to
 * net/websocket or refused with an HTTP answer; after a refusal the socket may send another request.
 *
 * Owner    listener_open to listener_free. Threads: loop thread only.
 * Errors   every refusal is logged once, with its rule. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdint.h>

#include "base/buf.h"
#include "gateway/gateway.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/websocket.h"

struct listener;

/* Binds and listens; nothing is accepted yet. `port` 0 takes a free one. `sockets_max` is how many client sockets may
 * be open at once. NULL with one sentence in `ret_error`. */
struct listener *listener_open(struct loop *loop, const char *host, uint16_t port, size_t sockets_max,
                               struct buf *ret_error);

uint16_t listener_port(const struct listener *listener);

/* Begins to accept. */
void listener_start(struct listener *listener, struct gateway *gateway, struct websocket_server *websockets,
                    struct http_server *http);

/* A socket that was handed on is closed: there is room for another. */
void listener_socket_closed(void *listener);

/* Closes the port and the sockets whose heads are not whole yet. Pending handshakes stay. */
void listener_stop(struct listener *listener);
void listener_free(struct listener *listener);

#endif
