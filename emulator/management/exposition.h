/* exposition.h - metrics as text, in the format that Prometheus reads (its documentation, "Exposition formats", text
 * format 0.0.4).
 *
 * Debian has no client library for C; the format is small, and promtool and the Python client's parser check it in
 * tests. Families come one after another, each with all of its samples.
 *
 * Pure. */
#ifndef MANAGEMENT_EXPOSITION_H
#define MANAGEMENT_EXPOSITION_H

#include <stdint.h>

#include "base/buf.h"
#include "base/histogram.h"
#include "base/span.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#define EXPOSITION_LABELS_MAX 5

enum exposition_type { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM, EXPOSITION_SUMMARY };

struct exposition_family {
    const char *name;
    enum exposition_type type;
    const char *help;
};

struct exposition_label {
    const char *name;
    struct span value;
};

/* What a sample is labelled with. A label without a value is the same as none, so it is left out. */
struct exposition_labels {
    struct exposition_label items[EXPOSITION_LABELS_MAX];
    size_t count;
};
void exposition_label(struct exposition_labels *labels, const char *name, struct span value);

void exposition_begin(const struct exposition_family *family, struct buf *out);

/* One sample of the family that was begun last. */
void exposition_value(const struct exposition_family *family, const struct exposition_labels *labels, uint64_t value,
                      struct buf *out);

/* Of a summary: how long all of them took, and how many they were. */
void exposition_summary(const struct exposition_family *family, const struct exposition_labels *labels, uint64_t sum_ns,
                        uint64_t count, struct buf *out);

/* Its buckets, in seconds, their sum and their count. */
void exposition_histogram(const struct exposition_family *family, const struct exposition_labels *labels,
                          const struct histogram *histogram, struct buf *out);

#endif
