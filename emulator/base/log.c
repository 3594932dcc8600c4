/* log.c - one line, one write(2), on standard error.
 *
 * A line is at most LOG_LINE_MAX bytes, which is PIPE_BUF: a pipe takes it whole or not at all, so lines of several
 * processes never mix. A reader that has stopped reading must not stop the gateway: its lines are dropped and counted.
 */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
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

/* What a line may hold in front of the mark that it was cut and its newline. */
#define CUT_MARK "\xe2\x80\xa6"
#define TEXT_MAX (LOG_LINE_MAX - sizeof(CUT_MARK))

struct line {
    char bytes[LOG_LINE_MAX];
    size_t len;
    bool cut;
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

static enum log_level level_now = LOG_INFO;
static unsigned long lines_lost;

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
    if (l->cut || text.len > TEXT_MAX - l->len) {
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
    l->cut = false;
    l->saved_errno = errno;
    put_time(l);
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

static void put_end(struct line *l)
{
    if (l->cut) {
        memcpy(l->bytes + l->len, CUT_MARK, sizeof(CUT_MARK) - 1);
        l->len += sizeof(CUT_MARK) - 1;
    }
    l->bytes[l->len++] = '\n';
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
    struct line l;
    char text[80];
    int len = snprintf(text, sizeof(text), " log: standard error did not take all lines lost=%lu", lines_lost);

    begin(&l);
    put_level(&l, LOG_WARN);
    put(&l, span_of(text, (size_t)len));
    put_end(&l);
    if (write_all(span_of(l.bytes, l.len)))
        lines_lost = 0;
}

static void finish(struct line *l)
{
    put_end(l);
    if (lines_lost)
        report_lost();
    if (lines_lost || !write_all(span_of(l->bytes, l->len)))
        lines_lost++;
    errno = l->saved_errno;
}

void log_write(enum log_level level, const char *subject, const char *format, ...)
{
    struct line l;
    char text[LOG_LINE_MAX];
    va_list args;
    int len;

    if (!log_enabled(level))
        return;
    begin(&l);
    va_start(args, format);
    errno = l.saved_errno; /* for %m */
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(len >= 0); /* only a wrong format fails */

    put_level(&l, level);
    put_str(&l, " ");
    put_str(&l, subject);
    put_str(&l, ": ");
    put_escaped(&l, span_of_str(text)); /* what vsnprintf cut is cut here too: text is as long as a line */
    finish(&l);
}

void log_plugin(struct span tag, struct span text)
{
    struct line l;

    begin(&l);
    put_escaped(&l, tag);
    put_str(&l, " | ");
    put_escaped(&l, text);
    finish(&l);
}
