/* token_bucket.c - tokens are counted when one is asked for; nothing runs in between. */
#include "gateway/token_bucket.h"

#define NS_PER_S 1e9

/* A thousandth of a millionth of a token: what rounding may eat of one that is due at this very moment. */
#define ROUNDING 1e-9

void token_bucket_init(struct token_bucket *bucket, double rate, double burst)
{
    const bool closed = !(rate > 0) || !(burst >= 1);

    *bucket = (struct token_bucket){
        .rate_per_ns = closed ? 0 : rate / NS_PER_S,
        .burst = closed ? 0 : burst,
        .tokens = closed ? 0 : burst,
    };
}

bool token_bucket_take(struct token_bucket *bucket, uint64_t now_ns)
{
    /* The first call may be at any time: a full bucket stays full. */
    bucket->tokens += (double)(now_ns - bucket->filled_at_ns) * bucket->rate_per_ns;
    bucket->filled_at_ns = now_ns;
    if (bucket->tokens > bucket->burst)
        bucket->tokens = bucket->burst;
    if (bucket->tokens < 1 - ROUNDING)
        return false;
    bucket->tokens -= 1;
    return true;
}
