/* conditions.h - does a document match? Pure.
 *
 * A document that lacks the field, or has a value of another type there, does not match, whatever the operator. Numbers
 * compare as numbers, strings by their bytes once escapes are undone, false is less than true. */
#ifndef CONDITIONS_H
#define CONDITIONS_H

#include "store/store.h"

/* Whole numbers are compared to the last digit, others as doubles. */
struct condition_number {
    bool whole;
    int64_t integer;
    double real;
};

struct condition {
    struct span field;
    uint32_t op;
    struct json_value value;
    struct buf text; /* of a string */
    struct condition_number number;
};

struct conditions {
    struct condition items[APIGW_WHERE_MAX];
    size_t count;
    struct buf text; /* of a document's value, while it is compared */
};

/* 0; or APIGW_BAD_REQUEST and a sentence in `ret_error`. The fields and values must outlive the conditions. Free with
 * conditions_fini, also after a failure. */
int conditions_init(struct conditions *c, const struct store_condition *where, size_t count, struct buf *ret_error);
void conditions_fini(struct conditions *c);

/* `document` comes from json_parse. */
bool conditions_hold(struct conditions *c, struct json_value document);

static inline void conditions_fini_ptr(struct conditions *c)
{
    conditions_fini(c);
}

#endif
