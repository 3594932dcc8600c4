/* websocket.h - open WebSockets: frames in, messages out, on libwebsockets.
 *
 * Owner    server_new to server_free; a link belongs to libwebsockets and ends with its socket.
 * Threads  loop thread only. */
#ifndef NET_WEBSOCKET_H
#define NET_WEBSOCKET_H

#include "base/span.h"
#include "gateway/gateway.h"
#include "gateway/wire.h"
#include "net/loop.h"
#include "net/tls.h"

struct websocket_server;

typedef void socket_closed_fn(void *arg);

/* `on_socket_closed` is told of every socket given to websocket_open, once, when its descriptor is free again. NULL
 * with a reason logged if libwebsockets cannot be set up. */
struct websocket_server *websocket_server_new(struct loop *loop, socket_closed_fn *on_socket_closed, void *arg);

/* Before the first websocket_open. */
void websocket_server_bind(struct websocket_server *server, struct gateway *gateway);

/* A client whose request head has been consumed. */
struct websocket_client {
    int fd;
    struct tls_link *tls; /* a reference to the TLS link that `fd` is the plain end of; NULL: it is none */
    uint64_t read_bytes;  /* that `fd` has given so far, all heads */
};

/* Completes an accepted handshake: writes the 101 and hands `connection` its link. Takes the client. `key` is its
 * Sec-WebSocket-Key; an empty `subprotocol` means no such header. */
void websocket_open(struct websocket_server *server, const struct websocket_client *client, struct span key,
                    struct span subprotocol, struct connection *connection);

/* To be called for a socket that listens: what a client's socket needs it has from there. */
void websocket_prepare_listening(int fd);

size_t websocket_count(const struct websocket_server *server);

/* Drops the sockets that are left and lets go of the loop; then loop_settle, then free. */
void websocket_server_close(struct websocket_server *server);
void websocket_server_free(struct websocket_server *server);

/* How the gateway reaches a link. */
extern const struct wire_ops websocket_wire_ops;

#endif
