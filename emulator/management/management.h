/* management.h - the @connections API: what it answers, without knowing how it was asked.
 *
 * Two callers: net/http for SDKs and curl, and the functions' channel for handlers. Statuses, headers and bodies are
 * those of ApiGatewayManagementApi 2018-11-29 (API Gateway developer guide, "Use @connections commands in your
 * backend service"). Loop thread only. */
#ifndef MANAGEMENT_MANAGEMENT_H
#define MANAGEMENT_MANAGEMENT_H

#include "authorization/sigv4.h"
#include "base/buf.h"
#include "base/span.h"
#include "event/id.h"
#include "function/function.h"
#include "gateway/gateway.h"

#define MANAGEMENT_HEADERS_MAX 6

struct management_header {
    const char *name;
    char *value;
};

/* Begins as {0}, ends with management_response_fini. */
struct management_response {
    unsigned status;
    bool has_content_type;                                    /* Content-Type: application/json */
    bool has_trace_id;                                        /* X-Amzn-Trace-Id */
    bool is_lambda;                                           /* x-amz-apigw-id is not for Lambda's answers */
    const char *error_type;                                   /* x-amzn-ErrorType; NULL: none */
    char request_id[UUID_SIZE];                               /* x-amzn-RequestId; empty: a new one */
    struct management_header headers[MANAGEMENT_HEADERS_MAX]; /* further ones, in order; a name of NULL: no more */
    struct buf body;
};

void management_response_fini(struct management_response *response);

/* `name` is a literal; `value` is copied. No more than MANAGEMENT_HEADERS_MAX. */
void management_response_add_header(struct management_response *response, const char *name, struct span value);

/* How answers come that may take their time. The answer is the callee's, to keep or to end. */
typedef void management_answered_fn(void *arg, struct management_response *answer);

/* The most body bytes worth reading: one more than passes. */
size_t management_body_max(void);

/* Answers one request, which is as on the wire and was sent to `host`; a body is cut at management_body_max(). Headers,
 * query and address are looked at only where an API wants signatures (gateway_wants_signatures). */
void management_handle(struct gateway *gw, struct span host, const struct sigv4_request *request,
                       struct management_response *ret);

/* The same for handlers, which name a connection id. */
struct function_services management_services(struct gateway *gw);

#endif
