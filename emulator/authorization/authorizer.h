/* authorizer.h - what a Lambda authorizer is asked for, and what its answer means (API Gateway developer guide,
 * "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers").
 *
 * Pure. */
#ifndef AUTHORIZATION_AUTHORIZER_H
#define AUTHORIZATION_AUTHORIZER_H

#include "authorization/denial.h"
#include "authorization/policy.h"
#include "base/buf.h"
#include "base/span.h"
#include "config/config.h"

/* The first identity source of `authorizer` that is missing or empty in `event`, the document it would be asked with;
 * NULL: all are there. */
const struct config_identity_source *authorizer_missing_source(const struct config_authorizer *authorizer,
                                                               struct span event);

/* As the config writes it: "route.request.header.Auth". */
void authorizer_write_source(const struct config_identity_source *source, struct buf *out);

/* What an authorizer says of a client that it lets in. Begins as {0}; authorizer_answer_fini frees. */
struct authorizer_answer {
    struct buf members;              /* of requestContext.authorizer, as JSON without the braces */
    struct buf usage_identifier_key; /* empty: none */
    struct buf notes;                /* on statements of the policy that were left out, for the log */
};
void authorizer_answer_fini(struct authorizer_answer *answer);

/* Judges the JSON that an authorizer has returned: may the client do what `request` says? 0 and *ret; or -1 with
 * `denial` filled in. */
int authorizer_judge(struct span result, const struct policy_request *request, struct authorizer_answer *ret,
                     struct denial *denial);

static inline void authorizer_answer_fini_ptr(struct authorizer_answer *answer)
{
    authorizer_answer_fini(answer);
}

#endif
