/* log.c - one line, one write(2), on standard error.
 *
 * A line is at most LOG_LINE_MAX bytes, which is PIPE_BUF: a pipe takes it whole or not at all, so lines of several
 * processes never mix. Whatever is put after a line is full is dropped; one of JSON can still be closed then. A reader
 * that has stopped reading must not stop the gateway: its lines are dropped and counted.
 */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

/* How long a reader that does not read is waited for. */
#define FULL_WAIT_MS 500

/* Signals, partial writes and other writers to the same pipe may come between; not for ever. */
#define WRITE_TRIES_MAX 64

/* What a line may hold in front of the mark that it was cut, what closes JSON, and its newline. */
#define CUT_MARK "\xe2\x80\xa6"
#define TEXT_MAX (LOG_LINE_MAX - sizeof(CUT_MARK))
#define JSON_MAX (TEXT_MAX - 2)

struct line {
    char bytes[LOG_LINE_MAX];
    size_t len;
    size_t max;
    bool cut;
    bool in_string;  /* of JSON */
    int saved_errno; /* logging is not to be noticed by the code around it */
};

struct level_style {
    const char *name;
    const char *padded; /* as wide as the widest, so that subjects stand in one column */
    const char *colour;
};

static const struct level_style styles[] = {
    [LOG_ERROR] = {"error", "error", "\033[31m"},
    [LOG_WARN] = {"warn", "warn ", "\033[33m"},
    [LOG_INFO] = {"info", "info ", "\033[32m"},
    [LOG_DEBUG] = {"debug", "debug", "\033[36m"},
};

static const char *const format_names[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json"};

/* What a line says. */
struct entry {
    enum log_level level;
    const char *subject;
    struct span message;
    const struct log_field *fields;
    size_t field_count;
    const char *todo;
};

static enum log_format format_now = LOG_TEXT;
static enum log_level level_now = LOG_INFO;
static unsigned long lines_lost;

void log_set_format(enum log_format format)
{
    format_now = format;
}

int log_format_parse(const char *name, enum log_format *ret)
{
    for (size_t i = 0; i < sizeof(format_names) / sizeof(*format_names); i++)
        if (strcmp(name, format_names[i]) == 0) {
            *ret = (enum log_format)i;
            return 0;
        }
    return -1;
}

void log_set_level(enum log_level level)
{
    level_now = level;
}

bool log_enabled(enum log_level level)
{
    return level <= level_now;
}

int log_level_parse(const char *name, enum log_level *ret)
{
    for (size_t i = 0; i < sizeof(styles) / sizeof(*styles); i++)
        if (strcmp(name, styles[i].name) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    return -1;
}

/* https://no-color.org: set and not empty. */
static bool use_colour(void)
{
    const char *no_color = getenv("NO_COLOR");

    return isatty(STDERR_FILENO) && !(no_color && *no_color);
}

/* ---- filling a line ---- */

/* All of `text` or nothing: half an escape or half a character would be a lie. */
static void put(struct line *l, struct span text)
{
    if (l->cut || text.len > l->max - l->len) {
        l->cut = true;
        return;
    }
    memcpy(l->bytes + l->len, text.ptr, text.len);
    l->len += text.len;
}

static void put_str(struct line *l, const char *text)
{
    put(l, span_of_str(text));
}

/* Characters that move the cursor, end a line or turn the direction of what follows. */
static bool is_harmless(struct span character)
{
    static const char *const harmful[] = {
        "\xe2\x80\xa8", "\xe2\x80\xa9",                                                 /* line, paragraph separator */
        "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae", /* bidi embedding, override */
        "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9",                 /* bidi isolates */
    };
    const unsigned char first = (unsigned char)character.ptr[0];

    if (character.len == 1)
        return first >= 0x20 && first != 0x7f;
    if (character.len == 2)
        return first != 0xc2 || (unsigned char)character.ptr[1] >= 0xa0; /* U+0080 to U+009F are controls */
    for (size_t i = 0; i < sizeof(harmful) / sizeof(*harmful); i++)
        if (span_equal(character, span_of_str(harmful[i])))
            return false;
    return true;
}

static void put_hex(struct line *l, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        const unsigned char byte = (unsigned char)bytes.ptr[i];

        put(l, span_of((const char[]){'\\', 'x', digits[byte >> 4], digits[byte & 15]}, 4));
    }
}

static void put_escaped(struct line *l, struct span text)
{
    while (text.len && !l->cut) {
        const size_t len = utf8_sequence(text);
        const struct span character = span_of(text.ptr, len ? len : 1);

        if (len && is_harmless(character))
            put(l, character);
        else
            put_hex(l, character);
        text = span_from(text, character.len);
    }
}

static void put_time(struct line *l)
{
    const uint64_t now_ms = clock_wall_ms();
    const time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    char text[64];
    int len;

    localtime_r(&seconds, &tm);
    len = snprintf(text, sizeof(text), "%02d:%02d:%02d.%03d ", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(now_ms % 1000));
    put(l, span_of(text, (size_t)len));
}

/* The bytes are not cleared: a line overwrites what it uses. */
static void begin(struct line *l)
{
    l->len = 0;
    l->max = format_now == LOG_JSON ? JSON_MAX : TEXT_MAX;
    l->cut = false;
    l->in_string = false;
    l->saved_errno = errno;
}

static void put_level(struct line *l, enum log_level level)
{
    if (!use_colour()) {
        put_str(l, styles[level].padded);
        return;
    }
    put_str(l, styles[level].colour);
    put_str(l, styles[level].padded);
    put_str(l, "\033[0m");
}

static void put_number(struct line *l, uint64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRIu64, number);

    put(l, span_of(text, (size_t)len));
}

/* A value that has blanks, or nothing, in it could not be told from what is around it. */
static void put_field(struct line *l, const struct log_field *field)
{
    const bool quoted = field->text.ptr && (!field->text.len || memchr(field->text.ptr, ' ', field->text.len));

    put_str(l, " ");
    put_str(l, field->name);
    put_str(l, quoted ? "=\"" : "=");
    if (field->text.ptr)
        put_escaped(l, field->text);
    else
        put_number(l, field->number);
    if (quoted)
        put_str(l, "\"");
}

static void put_text_entry(struct line *l, const struct entry *e)
{
    put_time(l);
    put_level(l, e->level);
    put_str(l, " ");
    put_str(l, e->subject);
    put_str(l, ": ");
    put_escaped(l, e->message);
    for (size_t i = 0; i < e->field_count; i++)
        put_field(l, &e->fields[i]);
    if (e->todo) {
        put_str(l, " (");
        put_str(l, e->todo);
        put_str(l, ")");
    }
}

/* ---- the same as JSON ---- */

/* Of those characters that are not harmless: none of them has four bytes. */
static unsigned code_point(struct span character)
{
    const unsigned char *c = (const unsigned char *)character.ptr;

    if (character.len == 1)
        return c[0];
    if (character.len == 2)
        return (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
    return (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
}

/* Bytes that are no text look as they do in a line of text. */
static void put_json_character(struct line *l, struct span character, bool valid)
{
    char escape[8];

    if (!valid)
        snprintf(escape, sizeof(escape), "\\\\x%02x", (unsigned char)*character.ptr);
    else if (*character.ptr == '"' || *character.ptr == '\\')
        snprintf(escape, sizeof(escape), "\\%c", *character.ptr);
    else if (!is_harmless(character))
        snprintf(escape, sizeof(escape), "\\u%04x", code_point(character) & 0xffffu);
    else {
        put(l, character);
        return;
    }
    put_str(l, escape);
}

/* `,"name":` and a value that is not cut, or the beginning of one that may be. */
static void put_json_name(struct line *l, const char *name, const char *value)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%s\"%s\":%s", l->len > 1 ? "," : "", name, value);

    assert(len > 0 && (size_t)len < sizeof(text)); /* names are ours */
    put(l, span_of(text, (size_t)len));
}

static void put_json_number(struct line *l, const char *name, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, number);
    put_json_name(l, name, text);
}

static void put_json_string(struct line *l, const char *name, struct span text)
{
    put_json_name(l, name, "\"");
    l->in_string = !l->cut || l->in_string;
    while (text.len && !l->cut) {
        const size_t len = utf8_sequence(text);

        put_json_character(l, span_of(text.ptr, len ? len : 1), len > 0);
        text = span_from(text, len ? len : 1);
    }
    put_str(l, "\"");
    l->in_string = l->in_string && l->cut;
}

static void put_json_entry(struct line *l, const struct entry *e)
{
    char time_text[CLOCK_ISO_SIZE];

    clock_format_iso(clock_wall_ms(), time_text);
    put_str(l, "{");
    put_json_string(l, "time", span_of_str(time_text));
    put_json_string(l, "level", span_of_str(styles[e->level].name));
    put_json_string(l, "subject", span_of_str(e->subject));
    for (size_t i = 0; i < e->field_count; i++) {
        const struct log_field *field = &e->fields[i];

        if (field->text.ptr)
            put_json_string(l, field->name, field->text);
        else
            put_json_number(l, field->name, field->number);
    }
    if (e->todo)
        put_json_string(l, "todo", span_of_str(e->todo));
    put_json_string(l, "message", e->message); /* last: it alone is ever so long that it is cut */
}

/* ---- the end of a line ---- */

static void append(struct line *l, const char *text)
{
    const size_t len = strlen(text);

    memcpy(l->bytes + l->len, text, len);
    l->len += len;
}

static void put_end(struct line *l)
{
    if (l->cut && (format_now == LOG_TEXT || l->in_string))
        append(l, CUT_MARK);
    if (l->in_string)
        append(l, "\"");
    if (format_now == LOG_JSON)
        append(l, "}");
    append(l, "\n");
}

static void put_entry(struct line *l, const struct entry *e)
{
    begin(l);
    if (format_now == LOG_JSON)
        put_json_entry(l, e);
    else
        put_text_entry(l, e);
    put_end(l);
}

/* ---- writing it ---- */

/* Asked before every write, since one to a full pipe that somebody left in blocking mode would not come back. */
static int poll_room(int timeout_ms)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&out, 1, timeout_ms);
}

/* After a line was lost, later ones do not wait until one has got through. */
static bool write_all(struct span bytes)
{
    const int timeout_ms = lines_lost ? 0 : FULL_WAIT_MS;

    for (int tries = 0; bytes.len && tries < WRITE_TRIES_MAX; tries++) {
        ssize_t written;

        if (poll_room(timeout_ms) == 0)
            return false;
        written = write(STDERR_FILENO, bytes.ptr, bytes.len);
        if (written > 0)
            bytes = span_from(bytes, (size_t)written);
        else if (written == 0 || (errno != EINTR && errno != EAGAIN))
            return false;
    }
    return bytes.len == 0;
}

static void report_lost(void)
{
    const struct entry e = {
        .level = LOG_WARN,
        .subject = "log",
        .message = SPAN("standard error did not take all lines"),
        .fields = (struct log_field[]){{.name = "lost", .number = lines_lost}},
        .field_count = 1,
    };
    struct line l;

    put_entry(&l, &e);
    if (write_all(span_of(l.bytes, l.len)))
        lines_lost = 0;
}

static void finish(struct line *l)
{
    if (lines_lost)
        report_lost();
    if (lines_lost || !write_all(span_of(l->bytes, l->len)))
        lines_lost++;
    errno = l->saved_errno;
}

void log_event(enum log_level level, const char *subject, struct span message, const struct log_field *fields,
               size_t field_count, const char *todo)
{
    const struct entry e = {level, subject, message, fields, field_count, todo};
    struct line l;

    if (!log_enabled(level))
        return;
    put_entry(&l, &e);
    finish(&l);
}

void log_write(enum log_level level, const char *subject, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    va_list args;
    int len;

    if (!log_enabled(level))
        return;
    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(len >= 0); /* only a wrong format fails */
    /* What vsnprintf cut is cut here too: text is as long as a line. */
    log_event(level, subject, span_of_str(text), NULL, 0, NULL);
}

void log_function(enum log_level level, const char *function, struct span request, const char *format, ...)
{
    const struct log_field fields[] = {{.name = "fn", .text = span_of_str(function)}, {.name = "req", .text = request}};
    const size_t count = request.ptr ? 2 : 1;
    char text[LOG_LINE_MAX];
    const int name_len = format_now == LOG_TEXT ? snprintf(text, sizeof(text), "%s: ", function) : 0;
    va_list args;

    if (!log_enabled(level))
        return;
    assert(name_len >= 0 && (size_t)name_len < sizeof(text));
    va_start(args, format);
    vsnprintf(text + name_len, sizeof(text) - (size_t)name_len, format, args);
    va_end(args);
    if (format_now == LOG_TEXT)
        log_event(level, LOG_FUNCTION, span_of_str(text), fields + 1, count - 1, NULL);
    else
        log_event(level, LOG_FUNCTION, span_of_str(text), fields, count, NULL);
}

static void put_plugin_text(struct line *l, const char *function, struct span request, struct span text)
{
    put_time(l);
    put_escaped(l, span_of_str(function));
    put_str(l, " ");
    put_escaped(l, request);
    put_str(l, " | ");
    put_escaped(l, text);
}

void log_plugin(const char *function, struct span request, struct span text)
{
    const struct log_field fields[] = {{.name = "fn", .text = span_of_str(function)}, {.name = "req", .text = request}};
    const struct entry e = {LOG_INFO, "handler", text, fields, request.ptr ? 2 : 1, NULL};
    struct line l;

    if (format_now == LOG_JSON) {
        put_entry(&l, &e);
    } else {
        begin(&l);
        put_plugin_text(&l, function, request, text);
        put_end(&l);
    }
    finish(&l);
}
