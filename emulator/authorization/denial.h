/* denial.h - why a caller may not do something: in AWS's words for the client, in ours for the log.
 *
 * Owner: whoever holds the struct; it begins as {0} and denial_fini frees. */
#ifndef AUTHORIZATION_DENIAL_H
#define AUTHORIZATION_DENIAL_H

#include <stdint.h>

#include "base/buf.h"
#include "gateway/rules.h"

struct denial {
    const struct rule *rule; /* NULL: nothing was denied */
    uint64_t value;          /* what was over the rule's limit; 0: there is none */
    struct buf message;      /* the rule's, filled in */
    struct buf detail;       /* a sentence without a full stop; empty when the rule's own says it all */
};

/* Names the rule; `values` go into the holes of its message. */
void denial_set(struct denial *d, enum rule_id id, const struct span *values);

void denial_fini(struct denial *d);

static inline void denial_fini_ptr(struct denial *d)
{
    denial_fini(d);
}

#endif
