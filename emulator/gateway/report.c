/* report.c - writes the line of a rule that acted. */
#include "gateway/report.h"

#include <assert.h>
#include <inttypes.h>

#include "base/buf.h"
#include "base/mem.h"

#define REPORT_ID_BYTES_MAX 64 /* an id that came from outside may be as long as a URL */
#define REPORT_DETAIL_BYTES_MAX 1024
#define FIELDS_MAX 9

static struct span cut(struct span s, size_t bytes_max)
{
    return span_of(s.ptr, s.len < bytes_max ? s.len : bytes_max);
}

struct fields {
    struct log_field items[FIELDS_MAX];
    size_t count;
};

static void add_number(struct fields *f, const char *name, uint64_t number)
{
    if (number > 0)
        f->items[f->count++] = (struct log_field){.name = name, .number = number};
}

static void add_text(struct fields *f, const char *name, struct span text)
{
    if (text.len > 0)
        f->items[f->count++] = (struct log_field){.name = name, .text = cut(text, REPORT_ID_BYTES_MAX)};
}

static struct span or_nothing(const char *text)
{
    return text ? span_of_str(text) : span_of(NULL, 0);
}

void report_write(enum log_level level, const struct report *report)
{
    CLEANUP(buf_fini) struct buf message = {0};
    const struct rule *rule = report->rule;
    struct fields f = {0};

    assert(rule && report->happened);
    if (!log_enabled(level))
        return;
    buf_printf(&message, "%s: ", report->happened);
    if (report->detail.len > 0)
        buf_append(&message, cut(report->detail, REPORT_DETAIL_BYTES_MAX));
    else
        buf_append_str(&message, rule->what);
    if (rule_has_other_limit(rule))
        buf_printf(&message, " (%s is tuned to %" PRIu64 " %s)", rule->id, rule->limit, rule->limit_unit);
    add_text(&f, "rule", span_of_str(rule->id));
    add_number(&f, "value", report->value);
    add_number(&f, "limit", rule->limit);
    add_text(&f, "unit", or_nothing(rule->limit_unit));
    add_text(&f, "conn", report->connection_id);
    add_text(&f, "req", report->request_id);
    add_number(&f, "status", report->http_status);
    add_number(&f, "close", report->close_code);
    add_text(&f, "frame", or_nothing(report->frame));
    assert(f.count <= FIELDS_MAX);
    log_event(level, LOG_GATEWAY, buf_span(&message), f.items, f.count, rule->remedy);
}
