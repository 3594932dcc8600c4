/* server.h - the network side as a whole: one port, WebSockets and HTTP on it.
 *
 * Owner    server_open to server_free. Threads: loop thread only. */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <stdint.h>

#include "base/buf.h"
#include "gateway/gateway.h"
#include "management/control.h"
#include "management/lambda_invoke.h"
#include "net/loop.h"
#include "tls/identity.h"

struct server;

/* How a gateway reaches the WebSockets of a server. */
const struct wire_ops *server_wire_ops(void);

/* Binds the port on each of `hosts` (net/port.h); nothing is accepted yet. `identity` is whom TLS clients see; it stays
 * the caller's; NULL: TLS is not served. NULL with one sentence in `ret_error`. */
struct server *server_open(struct loop *loop, const char *const *hosts, size_t host_count, uint16_t port,
                           struct identity *identity, struct buf *ret_error);

uint16_t server_port(const struct server *server);

/* Begins to accept clients for `gateway`; what is under /_apigw goes to `control`, requests of Lambda's to `lambda`. */
void server_start(struct server *server, struct gateway *gateway, struct control *control, struct lambda *lambda);

/* Closes the port. Open connections and pending handshakes go on. */
void server_stop_accepting(struct server *server);

/* Are no more clients accepted for want of descriptors? */
bool server_is_full(const struct server *server);

/* WebSockets that are still open, those in their closing handshake included. */
size_t server_websocket_count(const struct server *server);

/* Drops what is still open; then loop_settle, then free. */
void server_close(struct server *server);
void server_free(struct server *server);

/* Raises RLIMIT_NOFILE to its hard limit (at most a million) and returns it. Before server_open. */
size_t server_raise_descriptor_limit(void);

#endif
