/* payload.h - what an invocation returned, as whoever invoked the function directly gets it. Pure.
 *
 * A result is the JSON text that the function returned; a typed answer becomes the proxy result that it stands for. A
 * failure is an object with errorType and errorMessage (AWS Lambda developer guide, "Lambda function errors"). */
#ifndef MANAGEMENT_PAYLOAD_H
#define MANAGEMENT_PAYLOAD_H

#include "base/buf.h"
#include "function/function.h"

/* Did the function fail? Else it returned something, or it was not invoked at all: throttled, or stopped. */
bool payload_is_error(const struct invocation_result *result);

void payload_write(const struct invocation_result *result, struct buf *out);

#endif
