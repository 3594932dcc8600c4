/* histogram.c - see histogram.h. */
#include "histogram.h"

#include <math.h>
#include <string.h>

void histogram_reset(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}

static size_t bucket_of(uint64_t value)
{
    unsigned shift;

    if (value < HISTOGRAM_SUB)
        return (size_t)value;
    shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return (size_t)(shift + 1) * HISTOGRAM_SUB + (size_t)(value >> shift) - HISTOGRAM_SUB;
}

/* The middle of a bucket. */
static uint64_t value_of(size_t bucket)
{
    size_t shift;

    if (bucket < HISTOGRAM_SUB)
        return bucket;
    shift = bucket / HISTOGRAM_SUB - 1;
    return ((uint64_t)(bucket % HISTOGRAM_SUB + HISTOGRAM_SUB) << shift) + ((1ull << shift) >> 1);
}

void histogram_record(struct histogram *h, uint64_t value)
{
    h->buckets[bucket_of(value)]++;
    h->count++;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    uint64_t wanted = (uint64_t)ceil((double)h->count * percent / 100.0);
    uint64_t seen = 0;
    size_t i;

    for (i = 0; h->count && i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= wanted && seen > 0)
            return value_of(i);
    }
    return 0;
}
