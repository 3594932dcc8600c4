/* histogram.h - how long things took: counts in fixed buckets, as Prometheus has them.
 *
 * Owner: the caller's memory; {0} is empty. Pure. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* From a quick handler, some 50 µs, to the integration's timeout of 29 seconds. */
#define HISTOGRAM_BUCKETS 17

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS + 1]; /* each with its own alone; the last is what is above all limits */
    uint64_t sum_ns;
};

void histogram_add(struct histogram *h, uint64_t ns);

/* How many there are in the buckets up to `bucket`; HISTOGRAM_BUCKETS: in all. */
uint64_t histogram_up_to(const struct histogram *h, size_t bucket);

/* Adds what `from` has counted. */
void histogram_merge(struct histogram *h, const struct histogram *from);

/* The largest duration of a bucket, in nanoseconds, and as seconds in decimal. */
uint64_t histogram_limit_ns(size_t bucket);
const char *histogram_limit_text(size_t bucket);

#endif
