/* tls.h - TLS in front of what speaks plain text: RFC 8446 and 5246, on OpenSSL.
 *
 * libwebsockets and libmicrohttpd want a socket each, and never see TLS. So there is a bridge: a client's socket on one
 * side, and on the other a socket pair, whose far end is the plain client. What comes is decrypted into the pair, what
 * is written to it is encrypted; a slow reader on either side stops the reading on the other, an end of either side is
 * passed on, and at most a record waits in between.
 *
 * Owner    tls_server_new to tls_server_free; a link ends by itself, and its memory stays until the last reference
 * goes. Threads  loop thread only. Errors   a failure is logged once, with its rule, and the plain end is closed. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/tcp.h"
#include "tls/identity.h"

/* Descriptors that a TLS client takes beside its plain end. */
#define TLS_DESCRIPTORS 2

/* A TLS connection begins with a record of this type, and no HTTP request does. */
#define TLS_FIRST_BYTE 0x16

struct tls_server;
struct tls_link;

typedef void tls_news_fn(void *arg);

/* `identity` stays the caller's. `on_ended` is told of each link once its descriptors are free again. */
struct tls_server *tls_server_new(struct loop *loop, struct identity *identity, tls_news_fn *on_ended, void *arg);

/* Begins a handshake on `fd`, none of whose bytes have been read. Takes `fd`, and gives the plain end, which the caller
 * closes, and a reference to the link. NULL after having said why: then `fd` is the caller's still. */
struct tls_link *tls_accept(struct tls_server *server, int fd, const char *source_ip, int *ret_plain_fd);

/* Until it is called with NULL: `on_news` comes soon, and then whenever the plain end has more to read, or its end. (A
 * socket pair, unlike TCP, cannot be told to be readable only once there is more than was peeked at.) */
void tls_follow(struct tls_link *link, tls_news_fn *on_news, void *arg);

bool tls_is_established(const struct tls_link *link);

/* What net/tcp.h tells of a plain client's socket: how much came, and when. */
bool tls_read_state(const struct tls_link *link, int plain_fd, struct tcp_state *ret);

void tls_unref(struct tls_link *link); /* NULL is fine */

/* When all plain ends are closed: sends what is left, and ends all links. */
void tls_server_close(struct tls_server *server);
void tls_server_free(struct tls_server *server);

#endif
