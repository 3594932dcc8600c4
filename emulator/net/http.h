/* http.h - plain HTTP on the port: the @connections API, Lambda's Invoke API and /_apigw, on libmicrohttpd driven by
 * our loop.
 *
 * Owner    http_server_new to http_server_free. Threads: loop thread only. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <sys/socket.h>

#include "gateway/gateway.h"
#include "management/control.h"
#include "management/lambda_invoke.h"
#include "net/loop.h"
#include "net/websocket.h"

struct http_server;

/* `on_socket_closed` is told of every socket given to http_server_adopt, once, when its descriptor is free again. */
struct http_server *http_server_new(struct loop *loop, size_t connections_max, socket_closed_fn *on_socket_closed,
                                    void *arg);

/* Before the first http_server_adopt. */
void http_server_bind(struct http_server *server, struct gateway *gateway, struct control *control,
                      struct lambda *lambda);

/* Serves the requests on `fd`, none of whose bytes have been read. Takes it, on failure too. */
void http_server_adopt(struct http_server *server, int fd, const struct sockaddr *peer, socklen_t peer_len);

/* Closes every connection; NULL is fine. */
void http_server_free(struct http_server *server);

#endif
