/* histogram.h - durations in buckets of equal relative width: 64 to each doubling, so a percentile is right to 1.6 %.
 *
 * Recording costs a few instructions whatever the value, and no range needs to be known beforehand. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_SUB (1u << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB)

struct histogram {
    uint64_t count;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_reset(struct histogram *h);
void histogram_record(struct histogram *h, uint64_t value);

/* The value that `percent` of all recorded ones do not exceed; 0 if there is none. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

#endif
