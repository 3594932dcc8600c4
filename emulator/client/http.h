/* http.h - one HTTP request, and its answer in memory. Blocks, for as long as its options say. */
#ifndef CLIENT_HTTP_H
#define CLIENT_HTTP_H

#include "client/transfer.h"

#define HTTP_BODY_MAX ((size_t)64 * 1024 * 1024) /* of an answer */

struct http_request {
    const char *method;
    const char *url;
    struct span body;
    bool sign; /* with the credentials of the environment, if there are any */
    bool json; /* say that the body is JSON: what changes something under /_apigw/ has to */
};

struct http_response {
    unsigned status;
    struct buf error_type; /* x-amzn-ErrorType, without what is behind ':' or '#'; empty: there was none */
    struct buf body;
};

/* 0, or -1 with a sentence, and a newline and a hint behind it. The caller calls http_response_fini. */
int http_send(const struct http_request *request, const struct transfer_options *options, struct http_response *ret,
              struct buf *ret_error);

/* "403 ForbiddenException: Forbidden", from what the answer says. */
void http_describe(const struct http_response *response, struct buf *out);

void http_response_fini(struct http_response *r);

static inline void http_response_fini_ptr(struct http_response *r)
{
    http_response_fini(r);
}

#endif
