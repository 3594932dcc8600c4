/* sign.h - signs requests to execute-api with the credentials of the environment (Signature Version 4), in headers. */
#ifndef CLIENT_SIGN_H
#define CLIENT_SIGN_H

#include <stdbool.h>

#include "base/span.h"
#include "client/url.h"

#define SIGN_LINES_MAX 3u

struct sign_request {
    struct span method;
    struct span host;  /* as the Host header has it */
    struct span path;  /* as on the wire */
    struct span query; /* NULL ptr: none */
    struct span body;
};

/* Are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set? */
bool sign_is_possible(void);

/* Makes the headers that sign the request, "Name: value" each; the caller frees them. AWS_SESSION_TOKEN is among them
 * if it is set. The region is AWS_REGION, AWS_DEFAULT_REGION, else what the host name says, else us-east-1. Returns how
 * many there are. */
size_t sign_headers(const struct sign_request *request, char *ret_lines[SIGN_LINES_MAX]);

#endif
