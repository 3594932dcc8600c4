/* http_client.h - one request after the other on one kept-alive HTTP/1.1 connection. */
#ifndef BENCH_HTTP_CLIENT_H
#define BENCH_HTTP_CLIENT_H

#include "stream.h"

#define HTTP_INPUT_SIZE 8192

struct http_client;

typedef void http_on_response_fn(struct http_client *client, unsigned status);

struct http_client {
    struct stream stream; /* first: a stream of ours is one of these */
    http_on_response_fn *on_response;
    void *owner;
    char *request;
    size_t request_len;
    size_t body_len; /* the end of it */
    uint64_t sent_ns;
    char input[HTTP_INPUT_SIZE + 1]; /* of a response that is not whole yet */
    size_t input_len;
};

/* Sets up the request, which every http_client_send sends, and connects. */
void http_client_connect(struct http_client *client, struct loop *loop, unsigned port, uint64_t serial,
                         const char *path, const char *body);

/* Another body of the same length, while nothing is being sent. */
void http_client_set_body(struct http_client *client, const char *body);
void http_client_send(struct http_client *client);

#endif
