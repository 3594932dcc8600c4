/* access_record.h - what is known of one event when its line goes into the access log, and the line.
 *
 * What is not known prints `-`. Texts are escaped as in a JSON string: so a JSON format gives JSON, and nobody can
 * forge a line or a field of it. Bytes that are not UTF-8 become U+FFFD.
 *
 * Pure. Spans are borrowed until access_record_write has returned. */
#ifndef GATEWAY_ACCESS_RECORD_H
#define GATEWAY_ACCESS_RECORD_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "config/access_format.h"

/* A longer line is cut: the most that CloudWatch Logs takes as one event. */
#define ACCESS_LINE_MAX (256u * 1024u)

/* Something on the way of a request that has a result of its own: one phase of authorization, or the integration. */
struct access_phase {
    bool ran;
    uint64_t latency_ms;
    unsigned status;          /* that the gateway makes of it; 0: none */
    unsigned endpoint_status; /* that Lambda gave, not the function; 0: none */
    struct span request_id;   /* Lambda's; empty: none */
    struct span error;        /* empty: none */
};

struct access_record {
    struct span api_id;
    struct span stage;
    struct span event_type; /* CONNECT, MESSAGE, DISCONNECT */
    struct span route_key;
    struct span connection_id;
    struct span request_id;
    struct span message_id;
    struct span domain_name;
    struct span identity;   /* the members of requestContext.identity, as JSON without the braces */
    struct span authorizer; /* those of requestContext.authorizer */
    uint64_t request_time_ms;
    uint64_t connected_at_ms; /* 0: it never was */
    unsigned status;          /* 0: none */
    struct span error_message;
    const char *error_response_type; /* NULL: none */
    struct access_phase authenticate;
    struct access_phase authorize;
    struct access_phase authorizer_phase;
    struct access_phase integration;
};

/* Appends the line, without a newline. */
void access_record_write(const struct access_format *format, const struct access_record *record, struct buf *out);

#endif
