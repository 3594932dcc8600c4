/* screen.c - see screen.h. */
#include "client/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "client/printable.h"

#define SHOWN_BYTES_MAX 4096u /* of a message, unless all of it is wanted */
#define SCRIPT_WIDTH 100u

#define DIM "\033[2m"
#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

bool screen_wants_colour(enum screen_colour wish)
{
    const char *no_colour = getenv("NO_COLOR");

    if (wish != SCREEN_COLOUR_AUTO)
        return wish == SCREEN_COLOUR_ALWAYS;
    return isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
}

/* ---- the beginning of a line ---- */

static void paint(const struct screen *s, struct buf *out, const char *colour, const char *text)
{
    if (s->colour)
        buf_append_str(out, colour);
    buf_append_str(out, text);
    if (s->colour)
        buf_append_str(out, PLAIN);
}

static void write_time(struct buf *out)
{
    const uint64_t now = clock_wall_ms();
    const time_t seconds = (time_t)(now / 1000);
    struct tm tm;

    localtime_r(&seconds, &tm);
    buf_printf(out, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(now % 1000));
}

/* The time, and a mark; returns how many columns that are. */
static unsigned begin(const struct screen *s, struct buf *out, const char *colour, const char *mark)
{
    CLEANUP(buf_fini) struct buf time = {0};

    if (s->timestamps) {
        write_time(&time);
        paint(s, out, DIM, buf_terminate(&time));
        buf_append_char(out, ' ');
    }
    paint(s, out, colour, mark);
    buf_append_char(out, ' ');
    return (unsigned)(s->timestamps ? time.len + 1 : 0) + (unsigned)strlen(mark) + 1;
}

/* ---- getting it there ---- */

static void print(struct screen *s, struct span text)
{
    if (s->editor)
        editor_hide(s->editor);
    if (fwrite(text.ptr, 1, text.len, stdout) != text.len || fflush(stdout) != 0)
        s->output_is_lost = true;
    if (s->editor)
        editor_show(s->editor);
}

/* ---- messages for a person ---- */

static void write_text(const struct screen *s, struct buf *out, struct span text, unsigned indent)
{
    CLEANUP(free) char *newline = mem_printf("\n%*s", (int)indent, "");

    if (!s->full && text.len > SHOWN_BYTES_MAX) {
        text.len = SHOWN_BYTES_MAX;
        while (((unsigned char)text.ptr[text.len] & 0xc0) == 0x80 && text.len > SHOWN_BYTES_MAX - 3)
            text.len--; /* no half of a character */
    }
    printable_text(out, text, newline);
}

/* True: all of it is there. */
static bool write_content(const struct screen *s, struct buf *out, struct span message, unsigned indent)
{
    const struct printable_style style = {
        .colour = s->colour, .indent = indent, .width = editor_width(), .bytes_max = s->full ? 0 : SHOWN_BYTES_MAX};
    struct json_value value;

    if (json_parse(message, &value, NULL) == 0)
        return value.raw.len <= SHOWN_BYTES_MAX || s->full ? printable_json(out, value, &style)
                                                           : (printable_json(out, value, &style), false);
    write_text(s, out, message, indent);
    return s->full || message.len <= SHOWN_BYTES_MAX;
}

static void write_cut(const struct screen *s, struct buf *out, size_t len, unsigned indent)
{
    CLEANUP(free) char *note = mem_printf("\xe2\x80\xa6 %zu bytes in all; --full shows them", len);

    if (s->colour)
        buf_append_str(out, PLAIN);
    buf_printf(out, "\n%*s", (int)indent, "");
    paint(s, out, DIM, note);
}

static void write_binary(const struct screen *s, struct buf *out, struct span message, unsigned indent)
{
    CLEANUP(free) char *what = mem_printf("binary, %zu bytes", message.len);

    paint(s, out, DIM, what);
    buf_printf(out, "\n%*s", (int)indent, "");
    printable_hex(out, message, indent);
    if (message.len > PRINTABLE_HEX_BYTES)
        buf_append_str(out, " \xe2\x80\xa6");
}

static void show_message(struct screen *s, struct span message, bool binary, const char *colour, const char *mark)
{
    CLEANUP(buf_fini) struct buf out = {0};
    const unsigned indent = begin(s, &out, colour, mark);

    if (binary)
        write_binary(s, &out, message, indent);
    else if (!write_content(s, &out, message, indent))
        write_cut(s, &out, message.len, indent);
    buf_append_char(&out, '\n');
    print(s, buf_span(&out));
}

/* ---- messages for a script ---- */

/* One line whatever is in it: JSON loses the blanks between its parts, other text has \n for its line breaks. On a
 * terminal it is printable. */
static void write_line(struct buf *out, struct span message)
{
    struct json_value value;

    if (!message.ptr)
        return;
    if (isatty(STDOUT_FILENO)) {
        printable_text(out, message, NULL);
    } else if (!memchr(message.ptr, '\n', message.len)) {
        buf_append(out, message);
    } else if (json_parse(message, &value, NULL) == 0) {
        printable_compact(out, value);
    } else {
        for (size_t i = 0; i < message.len; i++)
            if (message.ptr[i] == '\n')
                buf_append_str(out, "\\n");
            else
                buf_append_char(out, message.ptr[i]);
    }
}

static void print_line(struct screen *s, struct span message)
{
    CLEANUP(buf_fini) struct buf out = {0};
    const struct printable_style style = {.colour = s->colour, .width = SCRIPT_WIDTH};
    struct json_value value;

    if (s->timestamps)
        begin(s, &out, CYAN, "<");
    if (s->nul)
        buf_append(&out, message);
    else if (s->pretty && json_parse(message, &value, NULL) == 0)
        printable_json(&out, value, &style);
    else
        write_line(&out, message);
    buf_append_char(&out, s->nul ? '\0' : '\n');
    print(s, buf_span(&out));
}

void screen_received(struct screen *s, struct span message, bool binary)
{
    if (s->editor)
        show_message(s, message, binary, CYAN, "<");
    else if (binary && !s->nul)
        screen_note(s, "a binary message of %zu bytes has come; --null prints it", message.len);
    else
        print_line(s, message);
}

void screen_sent(struct screen *s, struct span message)
{
    CLEANUP(buf_fini) struct buf out = {0};
    unsigned indent;

    if (!s->editor)
        return;
    indent = begin(s, &out, GREEN, ">");
    write_text(s, &out, message, indent);
    if (!s->full && message.len > SHOWN_BYTES_MAX)
        write_cut(s, &out, message.len, indent);
    buf_append_char(&out, '\n');
    print(s, buf_span(&out));
}

/* ---- what is no message ---- */

static void say(struct screen *s, const char *colour, const char *format, va_list args)
{
    CLEANUP(buf_fini) struct buf text = {0}, out = {0};
    unsigned indent;

    buf_vprintf(&text, format, args);
    if (s->editor) {
        indent = begin(s, &out, colour, "*");
        write_text(s, &out, buf_span(&text), indent);
        buf_append_char(&out, '\n');
        print(s, buf_span(&out));
        return;
    }
    buf_append_str(&out, "apigw connect: ");
    printable_text(&out, buf_span(&text), "\n  ");
    buf_append_char(&out, '\n');
    fwrite(out.ptr, 1, out.len, stderr);
}

void screen_note(struct screen *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(s, DIM, format, args);
    va_end(args);
}

void screen_error(struct screen *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(s, RED, format, args);
    va_end(args);
}
