/* journal.c - see journal.h. */
#include "function/journal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define KEEP_BYTES 4096u

/* ---- where a line goes ---- */

bool journal_is_wanted(const struct journal *j, const struct invocation *inv)
{
    return j->stream || (inv && inv->log_tail) || log_enabled(LOG_DEBUG);
}

static void append_to_places(struct journal *j, struct invocation *inv, struct span line)
{
    if (j->stream)
        log_stream_write(j->stream, line);
    invocation_note_line(inv, line);
}

/* The emulator's log has one line for each, and would escape a tab. */
static void log_text(struct journal *j, const struct invocation *inv)
{
    struct span left = buf_span(&j->text);

    for (size_t i = 0; i < j->text.len; i++)
        if (j->text.ptr[i] == '\t')
            j->text.ptr[i] = ' ';
    while (left.len > 0) {
        const char *newline = memchr(left.ptr, '\n', left.len);
        size_t len = newline ? (size_t)(newline - left.ptr) : left.len;
        log_plugin(j->function->name, inv ? invocation_request_id(inv) : SPAN("init"), span_of(left.ptr, len));
        left = span_from(left, newline ? len + 1 : len);
    }
}

/* What was written to `text`, which may be several lines, is said. */
static void say_text(struct journal *j, struct invocation *inv)
{
    append_to_places(j, inv, buf_span(&j->text));
    if (log_enabled(LOG_DEBUG))
        log_text(j, inv);
    buf_clear(&j->text, KEEP_BYTES);
}

/* ---- init ---- */

void journal_open(struct journal *j, const struct config *config, const struct config_function *function,
                  struct log_streams *streams, const char *stream_name)
{
    *j = (struct journal){.config = config, .function = function};
    if (streams) {
        CLEANUP(free) char *name = mem_printf("aws/lambda/%s/%s", function->name, stream_name);
        j->stream = log_stream_new(streams, name);
    }
    if (!journal_is_wanted(j, NULL))
        return;
    report_write_init_start(&j->text, config->region);
    say_text(j, NULL);
}

void journal_close(struct journal *j)
{
    log_stream_free(j->stream);
    buf_fini(&j->text);
    *j = (struct journal){0};
}

static void say_init_report(struct journal *j, const struct report_init *init)
{
    if (!journal_is_wanted(j, NULL))
        return;
    report_write_init_report(&j->text, init);
    say_text(j, NULL);
}

void journal_end_init(struct journal *j, uint64_t duration_ns, bool ahead)
{
    if (ahead)
        say_init_report(j, &(struct report_init){.duration_ns = duration_ns, .status = REPORT_SUCCESS});
    else
        j->init_ns = duration_ns;
}

void journal_fail_init(struct journal *j, const struct report_init *init)
{
    say_init_report(j, init);
}

/* ---- invocations ---- */

void journal_begin(struct journal *j, struct invocation *inv)
{
    if (inv->is_begun || !journal_is_wanted(j, inv))
        return;
    inv->is_begun = true;
    report_write_start(&j->text, invocation_request_id(inv));
    say_text(j, inv);
}

void journal_print(struct journal *j, struct invocation *inv, const char *when, struct span line)
{
    if (inv)
        journal_begin(j, inv);
    append_to_places(j, inv, line);
    log_plugin(j->function->name, inv ? invocation_request_id(inv) : span_of_str(when), line);
}

static void write_error(struct journal *j, const struct invocation *inv, const struct journal_end *end)
{
    struct span id = invocation_request_id(inv);

    if (end->status == REPORT_TIMEOUT)
        report_write_timeout(&j->text, clock_wall_ms(), id, j->function->timeout_ms);
    else if (end->reason.ptr)
        report_write_end_of_process(&j->text, id, end->reason, end->error_type);
    else
        buf_printf(&j->text, "[ERROR] " SPAN_FMT ": " SPAN_FMT, SPAN_ARG(end->error_type), SPAN_ARG(end->message));
    buf_append_char(&j->text, '\n');
}

static void write_end(struct journal *j, const struct invocation *inv, const struct journal_end *end)
{
    struct report report = {
        .request_id = invocation_request_id(inv),
        .duration_ns = end->duration_ns,
        .init_ns = inv->init_ns,
        .memory_size_mb = j->function->memory_mb,
        .memory_max_kb = j->memory_max_kb,
        .status = end->status,
        .error_type = report_error_type(end->error_type, SPAN("Function.Unknown")),
    };

    if (end->status != REPORT_SUCCESS)
        write_error(j, inv, end);
    report_write_end(&j->text, report.request_id);
    buf_append_char(&j->text, '\n');
    report_write_report(&j->text, &report);
}

void journal_end(struct journal *j, struct invocation *inv, const struct journal_end *end)
{
    inv->duration_ns = end->duration_ns;
    inv->memory_max_kb = j->memory_max_kb;
    inv->init_ns = j->init_ns;
    j->init_ns = 0;
    if (!journal_is_wanted(j, inv))
        return;
    journal_begin(j, inv);
    write_end(j, inv, end);
    say_text(j, inv);
}
