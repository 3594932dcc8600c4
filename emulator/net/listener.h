/* listener.h - the one port: accepts, reads request heads, and decides whose request each is.
 *
 * Who begins with a TLS hello gets a net/tls link, and what is said here of a socket holds for its plain end.
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
#include "net/port.h"
#include "net/websocket.h"
#include "tls/identity.h"

struct listener;

/* Takes the listening sockets; nothing is accepted yet. `identity` is whom TLS clients see, the caller's, NULL: TLS is
 * not served, for a reason that was told. `sockets_max` is how many client sockets may be open at once. */
struct listener *listener_new(struct loop *loop, const struct port *port, struct identity *identity,
                              size_t sockets_max);

uint16_t listener_port(const struct listener *listener);

/* Are no more clients accepted, until others leave? */
bool listener_is_full(const struct listener *listener);

/* Begins to accept. */
void listener_start(struct listener *listener, struct gateway *gateway, struct websocket_server *websockets,
                    struct http_server *http);

/* A socket that was handed on is closed: there is room for another. */
void listener_socket_closed(void *listener);

/* When WebSockets and HTTP are closed: ends what TLS clients are left; then loop_settle, then free. */
void listener_close_tls(struct listener *listener);

/* Closes the port and the sockets whose heads are not whole yet. Pending handshakes stay. */
void listener_stop(struct listener *listener);
void listener_free(struct listener *listener);

#endif
