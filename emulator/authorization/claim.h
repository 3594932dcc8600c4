/* claim.h - what a signed request says of its signature, before anything of it is believed.
 *
 * Pure. A claim's spans point into the request and into the claim; claim_fini frees. */
#ifndef AUTHORIZATION_CLAIM_H
#define AUTHORIZATION_CLAIM_H

#include <stdint.h>

#include "authorization/sigv4.h"
#include "base/buf.h"
#include "base/clock.h"

struct claim {
    bool presigned; /* in the query */
    struct span algorithm;
    struct span credential;
    struct span signature;
    struct span signed_headers;
    struct span date;    /* as sent */
    struct span expires; /* seconds; NULL ptr: not said */
    struct span token;   /* of the session; NULL ptr: none */
    uint64_t date_s;     /* since 1970 */
    uint64_t expires_s;
    char stamp[CLOCK_BASIC_SIZE]; /* the date as it is signed: 20261124T062300Z */
    /* Of the credential: */
    struct span key_id;
    struct span scope; /* 20261124/us-east-1/execute-api/aws4_request */
    struct span day;
    struct span region;
    struct span service;
    struct span terminator;
    struct buf text; /* what had to be decoded */
};

/* Reads it. 0, or -1 with `denial` filled in: it is missing, incomplete or malformed. That it has a scope of five parts
 * is not checked here but in claim_read_credential, for AWS looks at the time in between. */
int claim_read(struct claim *c, const struct sigv4_request *request, struct denial *denial);
int claim_read_credential(struct claim *c, struct denial *denial);

void claim_fini(struct claim *c);

static inline void claim_fini_ptr(struct claim *c)
{
    claim_fini(c);
}

#endif
