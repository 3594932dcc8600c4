/* histogram.c - see histogram.h. */
#include "base/histogram.h"

static const struct {
    uint64_t ns;
    const char *text;
} limits[HISTOGRAM_BUCKETS] = {
    {50000, "5e-05"},    {100000, "0.0001"},  {250000, "0.00025"}, {500000, "0.0005"},  {1000000, "0.001"},
    {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},  {25000000, "0.025"}, {50000000, "0.05"},
    {100000000, "0.1"},  {250000000, "0.25"}, {500000000, "0.5"},  {1000000000, "1"},   {2500000000, "2.5"},
    {10000000000, "10"}, {29000000000, "29"},
};

/* Most are quick, so the search goes from the bottom. */
void histogram_add(struct histogram *h, uint64_t ns)
{
    size_t i = 0;

    while (i < HISTOGRAM_BUCKETS && ns > limits[i].ns)
        i++;
    h->buckets[i]++;
    h->sum_ns += ns;
}

uint64_t histogram_up_to(const struct histogram *h, size_t bucket)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= bucket; i++)
        count += h->buckets[i];
    return count;
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
    for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++)
        h->buckets[i] += from->buckets[i];
    h->sum_ns += from->sum_ns;
}

uint64_t histogram_limit_ns(size_t bucket)
{
    return limits[bucket].ns;
}

const char *histogram_limit_text(size_t bucket)
{
    return limits[bucket].text;
}
