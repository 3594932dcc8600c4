/* sigv4.h - AWS Signature Version 4: who signed a request, and is it the request that arrived?
 *
 * Both forms for the service execute-api: an Authorization header, and the query of a presigned URL. What is signed is
 * the canonical request (canonical.h). Checks come in the order that AWS was seen to have; each failure is a rule with
 * AWS's answer.
 *
 * Pure: the time is an argument. Any thread. */
#ifndef AUTHORIZATION_SIGV4_H
#define AUTHORIZATION_SIGV4_H

#include "authorization/denial.h"
#include "base/span.h"
#include "config/config.h"
#include "event/event.h"

/* An HTTP request, as on the wire. */
struct sigv4_request {
    struct span method;
    struct span path;  /* before '?' */
    struct span query; /* after '?'; NULL ptr: there was none */
    const struct event_header *headers;
    size_t header_count;
    struct span body;      /* whole */
    struct span source_ip; /* of the client; empty: not known */
};

/* The credential of `config` that the request was signed with; NULL with `denial` filled in. */
const struct config_credential *sigv4_verify(const struct config *config, const struct sigv4_request *request,
                                             uint64_t now_ms, struct denial *denial);

/* The value of the first header of that name, in any case; NULL ptr: there is none. */
struct span sigv4_find_header(const struct sigv4_request *request, struct span name);

#endif
