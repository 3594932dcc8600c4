/* exposition.c - see exposition.h. */
#include "management/exposition.h"

#include <assert.h>
#include <inttypes.h>

#include "base/mem.h"
#include "gateway/text.h"

#define NS_PER_S 1000000000u

static const char *const type_names[] = {
    [EXPOSITION_COUNTER] = "counter",
    [EXPOSITION_GAUGE] = "gauge",
    [EXPOSITION_HISTOGRAM] = "histogram",
    [EXPOSITION_SUMMARY] = "summary",
};

void exposition_label(struct exposition_labels *labels, const char *name, struct span value)
{
    assert(labels->count < EXPOSITION_LABELS_MAX);
    labels->items[labels->count++] = (struct exposition_label){name, value};
}

void exposition_begin(const struct exposition_family *family, struct buf *out)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name, type_names[family->type]);
}

/* A value may have any bytes that are UTF-8; these three are written with a backslash. */
static void write_value(struct span value, struct buf *out)
{
    CLEANUP(buf_fini) struct buf repaired = {0};

    value = text_repaired(value, &repaired);
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.ptr[i];

        if (c == '\\' || c == '"')
            buf_append_char(out, '\\');
        if (c == '\n')
            buf_append_str(out, "\\n");
        else
            buf_append_char(out, c);
    }
}

static void write_label(const char *name, struct span value, bool *first, struct buf *out)
{
    if (value.len == 0)
        return;
    buf_append_char(out, *first ? '{' : ',');
    buf_append_str(out, name);
    buf_append_str(out, "=\"");
    write_value(value, out);
    buf_append_char(out, '"');
    *first = false;
}

/* Up to the blank in front of the number. `le` is a bucket's limit, NULL: none. */
static void begin_sample(const char *name, const char *suffix, const struct exposition_labels *labels, const char *le,
                         struct buf *out)
{
    bool first = true;

    buf_append_str(out, name);
    buf_append_str(out, suffix);
    for (size_t i = 0; i < labels->count; i++)
        write_label(labels->items[i].name, labels->items[i].value, &first, out);
    if (le)
        write_label("le", span_of_str(le), &first, out);
    buf_append_str(out, first ? " " : "} ");
}

void exposition_value(const struct exposition_family *family, const struct exposition_labels *labels, uint64_t value,
                      struct buf *out)
{
    begin_sample(family->name, "", labels, NULL, out);
    buf_printf(out, "%" PRIu64 "\n", value);
}

void exposition_summary(const struct exposition_family *family, const struct exposition_labels *labels, uint64_t sum_ns,
                        uint64_t count, struct buf *out)
{
    begin_sample(family->name, "_sum", labels, NULL, out);
    buf_printf(out, "%" PRIu64 ".%09" PRIu64 "\n", sum_ns / NS_PER_S, sum_ns % NS_PER_S);
    begin_sample(family->name, "_count", labels, NULL, out);
    buf_printf(out, "%" PRIu64 "\n", count);
}

void exposition_histogram(const struct exposition_family *family, const struct exposition_labels *labels,
                          const struct histogram *histogram, struct buf *out)
{
    const uint64_t count = histogram_up_to(histogram, HISTOGRAM_BUCKETS);
    uint64_t below = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += histogram->buckets[i];
        begin_sample(family->name, "_bucket", labels, histogram_limit_text(i), out);
        buf_printf(out, "%" PRIu64 "\n", below);
    }
    begin_sample(family->name, "_bucket", labels, "+Inf", out);
    buf_printf(out, "%" PRIu64 "\n", count);
    exposition_summary(family, labels, histogram->sum_ns, count, out);
}
