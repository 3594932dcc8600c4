/* report.c - writes the line of a rule that acted. */
#include "gateway/report.h"

#include <assert.h>
#include <inttypes.h>

#include "base/buf.h"
#include "base/mem.h"

#define REPORT_ID_BYTES_MAX 64 /* an id that came from outside may be as long as a URL */
#define REPORT_DETAIL_BYTES_MAX 1024

static struct span cut(struct span s, size_t bytes_max)
{
    return span_of(s.ptr, s.len < bytes_max ? s.len : bytes_max);
}

static void append_number(struct buf *line, const char *name, uint64_t value)
{
    if (value > 0)
        buf_printf(line, " %s=%" PRIu64, name, value);
}

static void append_id(struct buf *line, const char *name, struct span id)
{
    if (id.len > 0)
        buf_printf(line, " %s=" SPAN_FMT, name, SPAN_ARG(cut(id, REPORT_ID_BYTES_MAX)));
}

void report_write(enum log_level level, const struct report *report)
{
    CLEANUP(buf_fini) struct buf line = {0};
    const struct rule *rule = report->rule;

    assert(rule && report->happened);
    if (!log_enabled(level))
        return;
    buf_printf(&line, "%s: ", report->happened);
    if (report->detail.len > 0)
        buf_append(&line, cut(report->detail, REPORT_DETAIL_BYTES_MAX));
    else
        buf_append_str(&line, rule->what);
    buf_printf(&line, " rule=%s", rule->id);
    append_number(&line, "value", report->value);
    append_number(&line, "limit", rule->limit);
    if (rule->limit > 0)
        buf_printf(&line, " unit=%s", rule->limit_unit);
    append_id(&line, "conn", report->connection_id);
    append_id(&line, "req", report->request_id);
    if (rule->remedy)
        buf_printf(&line, " (%s)", rule->remedy);
    log_write(level, LOG_GATEWAY, SPAN_FMT, SPAN_ARG(buf_span(&line)));
}
