/* denial.c - see denial.h. */
#include "authorization/denial.h"

#include "gateway/response.h"

void denial_set(struct denial *d, enum rule_id id, const struct span *values)
{
    d->rule = rule_get(id);
    buf_clear(&d->message, 0);
    if (d->rule->message)
        response_fill(&d->message, d->rule->message, values);
}

void denial_fini(struct denial *d)
{
    buf_fini(&d->message);
    buf_fini(&d->detail);
}
