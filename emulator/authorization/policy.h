/* policy.h - evaluates an IAM policy document (IAM user guide, "Policy evaluation logic" and "Grammar of the IAM JSON
 * policy language").
 *
 * A statement has Effect, Action or NotAction, Resource or NotResource, and perhaps a Condition; the wildcards are '*',
 * which spans '/' too, and '?'. Of conditions, those on aws:SourceIp are evaluated: a statement with another one does
 * not match, and is noted.
 *
 * Pure. Whatever the document is, the time is bounded by its length times that of the resource. */
#ifndef AUTHORIZATION_POLICY_H
#define AUTHORIZATION_POLICY_H

#include "base/buf.h"
#include "base/span.h"

/* What somebody wants to do. */
struct policy_request {
    struct span action;    /* execute-api:Invoke */
    struct span resource;  /* an ARN */
    struct span source_ip; /* empty: not known */
};

enum policy_effect {
    POLICY_ALLOW,
    POLICY_DENY,     /* a statement denies it, whatever others allow */
    POLICY_NO_MATCH, /* nothing allows it */
    POLICY_MALFORMED
};

/* May it be done, by this JSON document? Appends to `notes` what is malformed, or which statements were left out for
 * their condition, as sentences without full stops. */
enum policy_effect policy_evaluate(struct span document, const struct policy_request *request, struct buf *notes);

/* How long the longest Resource or NotResource of the document is; 0 if it has none. */
size_t policy_longest_resource(struct span document);

/* Does `text` match `pattern`, with its wildcards? */
bool policy_match(struct span pattern, struct span text, bool ignore_case);

#endif
