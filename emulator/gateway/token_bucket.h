/* token_bucket.h - a rate with a burst, as AWS throttles: a bucket of `burst` tokens that is refilled with `rate`
 * tokens per second; each request takes one, and is refused when there is none.
 *
 * Owner    the caller's memory. Pure: the time comes from the caller. */
#ifndef GATEWAY_TOKEN_BUCKET_H
#define GATEWAY_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
    double rate_per_ns;
    double burst;
    double tokens;
    uint64_t filled_at_ns;
};

/* A full bucket. A burst of less than 1 refuses everything; a rate of 0 is never refilled, so with it the bucket
 * refuses everything from the start: AWS takes a limit of 0 for "nothing may pass". */
void token_bucket_init(struct token_bucket *bucket, double rate, double burst);

/* Takes one token; false if there is none. `now_ns` never goes back. */
bool token_bucket_take(struct token_bucket *bucket, uint64_t now_ns);

#endif
