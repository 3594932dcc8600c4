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
#include "function/function.h"
#include "gateway/gateway.h"

struct management_response {
    unsigned status;
    bool has_content_type;  /* Content-Type: application/json */
    bool has_trace_id;      /* X-Amzn-Trace-Id */
    const char *error_type; /* x-amzn-ErrorType; NULL: none */
    struct buf body;        /* the caller's to free */
};

/* The most body bytes worth reading: one more than passes. */
size_t management_body_max(void);

/* Answers one request, which is as on the wire; a body is cut at management_body_max(). Headers, query and address are
 * looked at only where the config wants signatures. */
void management_handle(struct gateway *gw, const struct sigv4_request *request, struct management_response *ret);

/* The same for handlers, which name a connection id. */
struct function_services management_services(struct gateway *gw);

#endif
