/* hints.h - what statuses and close codes mean, and what to do about them: one table each. Pure. */
#ifndef CLIENT_HINTS_H
#define CLIENT_HINTS_H

#include <stdbool.h>

#include "base/span.h"

/* What a refused handshake has its reason in, most often; NULL: nobody knows. `error_type` is x-amzn-ErrorType, or
 * empty. `has_stage`: the URL has a path. */
const char *hint_refused(unsigned status, struct span error_type, bool has_stage);

/* The same for a request to @connections, and to /_apigw/connections. */
const char *hint_connections(unsigned status, struct span error_type);
const char *hint_apigw(unsigned status);

/* "Going Away", or NULL for what has no name. */
const char *hint_close_name(unsigned code);

/* What a close by the server comes from on API Gateway, or NULL. */
const char *hint_close(unsigned code);

#endif
