/* diagnostics.c - collects what is wrong with a file and shows it with the source lines. */
#include "config/diagnostics.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"

#define TAB_CELLS 4
#define LINE_CELLS_MAX 100 /* of a source line that are shown */
#define CELLS_BEFORE_CARET 40
#define APPENDED_BYTES_MAX 80 /* of what the file says, within a message */

bool diagnostics_full(const struct diagnostics *d)
{
    return d->count == DIAGNOSTICS_SHOWN_MAX;
}

static void __attribute__((format(printf, 4, 0)))
add(struct diagnostics *d, struct range where, bool warning, const char *format, va_list args)
{
    struct buf message = {0};

    if (diagnostics_full(d))
        return;
    buf_vprintf(&message, format, args);
    buf_terminate(&message);
    d->items[d->count] = (struct diagnostic){where, d->count, warning, message.ptr};
    d->count++;
}

void diagnostics_error(struct diagnostics *d, struct range where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(d, where, false, format, args);
    va_end(args);
    d->errors++;
}

void diagnostics_warn(struct diagnostics *d, struct range where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(d, where, true, format, args);
    va_end(args);
    d->warnings++;
}

void diagnostics_fini(struct diagnostics *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->items[i].message);
    d->count = 0;
}

/* Shows every byte that is no part of a printable character as \xNN. */
static void append_printable(struct buf *out, struct span text)
{
    while (text.len > 0) {
        size_t len = utf8_sequence(text);

        if (len == 0 || (unsigned char)*text.ptr < ' ' || *text.ptr == 0x7f) {
            buf_printf(out, "\\x%02x", (unsigned char)*text.ptr);
            len = 1;
        } else {
            buf_append(out, span_of(text.ptr, len));
        }
        text = span_from(text, len);
    }
}

void diagnostics_append(struct buf *out, struct span text)
{
    bool cut = text.len > APPENDED_BYTES_MAX;

    if (cut)
        text.len = utf8_valid_prefix(span_of(text.ptr, APPENDED_BYTES_MAX));
    append_printable(out, text);
    buf_append_str(out, cut ? "…" : "");
}

void diagnostics_quote(struct buf *out, struct span text)
{
    buf_append_char(out, '"');
    diagnostics_append(out, text);
    buf_append_char(out, '"');
}

/* ---- lines and columns ---- */

static size_t line_start(struct span text, size_t offset)
{
    const char *newline = offset ? memrchr(text.ptr, '\n', offset) : NULL;

    return newline ? (size_t)(newline + 1 - text.ptr) : 0;
}

/* The line that starts at `start`, without its end. */
static struct span line_at(struct span text, size_t start)
{
    struct span rest = span_from(text, start);
    const char *newline = rest.len ? memchr(rest.ptr, '\n', rest.len) : NULL;

    if (newline)
        rest.len = (size_t)(newline - rest.ptr);
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '\r')
        rest.len--;
    return rest;
}

size_t diagnostics_line(const struct diagnostics *d, size_t offset)
{
    size_t line = 1;

    for (size_t i = 0; i < offset && i < d->text.len; i++)
        line += d->text.ptr[i] == '\n';
    return line;
}

/* Characters, as editors count columns; a byte that is no character counts as one. */
static size_t column(struct span line, size_t offset)
{
    size_t at = 0, count = 1;

    while (at < offset && at < line.len) {
        size_t len = utf8_sequence(span_from(line, at));

        at += len ? len : 1;
        count++;
    }
    return count + (offset > line.len ? 1 : 0);
}

/* ---- the source line, cell by cell; a tab is several cells ---- */

struct cells {
    struct span line;
    size_t at;     /* bytes */
    size_t column; /* cells */
    size_t blanks; /* of a tab, still to come */
};

static bool cells_next(struct cells *c, struct span *ret)
{
    size_t len;

    if (c->blanks == 0 && c->at >= c->line.len)
        return false;
    if (c->blanks == 0 && c->line.ptr[c->at] == '\t') {
        c->blanks = TAB_CELLS - c->column % TAB_CELLS;
        c->at++;
    }
    c->column++;
    *ret = SPAN(" ");
    if (c->blanks > 0) {
        c->blanks--;
        return true;
    }
    len = utf8_sequence(span_from(c->line, c->at));
    *ret = len ? span_of(c->line.ptr + c->at, len) : UTF8_REPLACEMENT;
    if (len == 1 && ((unsigned char)*ret->ptr < ' ' || *ret->ptr == 0x7f))
        *ret = UTF8_REPLACEMENT;
    c->at += len ? len : 1;
    return true;
}

/* How many cells are in front of the byte at `offset`? */
static size_t cells_before(struct span line, size_t offset)
{
    struct cells c = {.line = line};
    struct span cell;

    while ((c.at < offset || c.blanks > 0) && cells_next(&c, &cell))
        ;
    return c.column;
}

static void append_window(struct buf *out, struct span line, size_t first, size_t end)
{
    struct cells c = {.line = line};
    struct span cell;

    while (c.column < end && cells_next(&c, &cell))
        if (c.column > first)
            buf_append(out, cell);
}

static void append_repeated(struct buf *out, char c, size_t times)
{
    while (times-- > 0)
        buf_append_char(out, c);
}

/* The line and, under the bytes from `offset`, `len` of them, the caret line. */
static void append_source(struct buf *out, size_t number, struct span line, size_t offset, size_t len)
{
    size_t cells = cells_before(line, line.len);
    size_t caret = cells_before(line, offset);
    size_t end = cells_before(line, offset + len < line.len ? offset + len : line.len);
    size_t first = 0, last = cells;

    if (cells > LINE_CELLS_MAX) {
        first = caret > CELLS_BEFORE_CARET ? caret - CELLS_BEFORE_CARET : 0;
        last = first + LINE_CELLS_MAX < cells ? first + LINE_CELLS_MAX : cells;
    }
    end = end > last ? last : end;
    buf_printf(out, "%5zu | %s", number, first > 0 ? "…" : "");
    append_window(out, line, first, last);
    buf_printf(out, "%s\n      | ", last < cells ? "…" : "");
    append_repeated(out, ' ', caret - first + (first > 0));
    buf_append_char(out, '^');
    append_repeated(out, '~', end > caret ? end - caret - 1 : 0);
    buf_append_char(out, '\n');
}

static void render_one(const struct diagnostics *d, const struct diagnostic *item, struct buf *out)
{
    const char *kind = item->warning ? "warning" : "error";
    bool placed = item->where.offset <= d->text.len;
    size_t start, offset, number;
    struct span line;

    append_printable(out, span_of_str(d->path));
    if (!placed) {
        buf_printf(out, ": %s: ", kind);
        append_printable(out, span_of_str(item->message));
        buf_append_char(out, '\n');
        return;
    }
    start = line_start(d->text, item->where.offset);
    offset = item->where.offset - start;
    line = line_at(d->text, start);
    number = diagnostics_line(d, start);
    buf_printf(out, ":%zu:%zu: %s: ", number, column(line, offset), kind);
    append_printable(out, span_of_str(item->message));
    buf_append_char(out, '\n');
    append_source(out, number, line, offset, item->where.len);
}

static int by_place(const void *a, const void *b)
{
    const struct diagnostic *x = a, *y = b;

    if (x->where.offset != y->where.offset)
        return x->where.offset < y->where.offset ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void append_count(struct buf *out, size_t count, const char *noun, const char *after)
{
    if (count > 0)
        buf_printf(out, "%zu %s%s%s", count, noun, count == 1 ? "" : "s", after);
}

void diagnostics_render(struct diagnostics *d, struct buf *out)
{
    size_t all = d->errors + d->warnings;

    if (all == 0)
        return;
    qsort(d->items, d->count, sizeof(d->items[0]), by_place);
    for (size_t i = 0; i < d->count; i++)
        render_one(d, &d->items[i], out);
    if (all > d->count)
        buf_printf(out, "(%zu more not shown)\n", all - d->count);
    append_count(out, d->warnings, "warning", d->errors ? ", " : "\n");
    append_count(out, d->errors, "error", "\n");
}
