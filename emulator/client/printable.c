/* printable.c - see printable.h. */
#include "client/printable.h"

#include <stdio.h>

#include "base/utf8.h"

#define INDENT_STEP 2u
#define INDENT_MAX 80u /* what is nested deeper moves no further to the right */
#define HEX_COLUMNS 16u

/* ---- text ---- */

static unsigned decode(struct span sequence)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned code = (unsigned char)sequence.ptr[0] & masks[sequence.len];

    for (size_t i = 1; i < sequence.len; i++)
        code = code << 6 | ((unsigned char)sequence.ptr[i] & 0x3f);
    return code;
}

/* Ranges that change more than one cell: controls, what is invisible and reorders or breaks lines, tags. */
static bool is_harmful(unsigned code)
{
    static const unsigned ranges[][2] = {
        {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    return false;
}

static void escape(struct buf *out, unsigned code)
{
    if (code < 0x80)
        buf_printf(out, code == '\n' ? "\\n" : code == '\r' ? "\\r" : code == '\t' ? "\\t" : "\\x%02x", code);
    else
        buf_printf(out, "\\u{%x}", code);
}

void printable_text(struct buf *out, struct span text, const char *newline)
{
    while (text.len) {
        const size_t len = utf8_sequence(text);
        const struct span sequence = span_of(text.ptr, len ? len : 1);
        const unsigned code = len ? decode(sequence) : 0;

        if (newline && code == '\n')
            buf_append_str(out, newline);
        else if (!len)
            buf_printf(out, "\\x%02x", (unsigned char)*text.ptr);
        else if (is_harmful(code))
            escape(out, code);
        else
            buf_append(out, sequence);
        text = span_from(text, sequence.len);
    }
}

/* Between quotes of JSON: what was escaped stays so, what is harmful is escaped as JSON does it. */
static void json_string_raw(struct buf *out, struct span raw)
{
    while (raw.len) {
        const size_t len = utf8_sequence(raw);
        const struct span sequence = span_of(raw.ptr, len ? len : 1);
        const unsigned code = len ? decode(sequence) : 0;

        if (!len)
            buf_append(out, UTF8_REPLACEMENT);
        else if (!is_harmful(code))
            buf_append(out, sequence);
        else if (code >= 0x10000)
            buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
        else
            buf_printf(out, "\\u%04x", code);
        raw = span_from(raw, sequence.len);
    }
}

/* ---- JSON ---- */

struct pretty {
    struct buf *out;
    const struct printable_style *style;
    size_t limit; /* of out->len */
    unsigned depth;
};

static const char *const colours[] = {
    [JSON_NULL] = "\033[35m",   [JSON_FALSE] = "\033[35m", [JSON_TRUE] = "\033[35m", [JSON_NUMBER] = "\033[33m",
    [JSON_STRING] = "\033[32m", [JSON_ARRAY] = "",         [JSON_OBJECT] = "",
};
#define KEY_COLOUR "\033[34m"
#define NO_COLOUR "\033[0m"

static void put(struct pretty *p, const char *colour, struct span raw)
{
    if (p->style->colour)
        buf_append_str(p->out, colour);
    json_string_raw(p->out, raw);
    if (p->style->colour && *colour)
        buf_append_str(p->out, NO_COLOUR);
}

static void put_key(struct pretty *p, struct span key)
{
    if (p->style->colour)
        buf_append_str(p->out, KEY_COLOUR);
    buf_append_char(p->out, '"');
    json_string_raw(p->out, key);
    buf_append_char(p->out, '"');
    if (p->style->colour)
        buf_append_str(p->out, NO_COLOUR);
    buf_append_str(p->out, ": ");
}

static bool is_container(struct json_value value)
{
    return value.type == JSON_ARRAY || value.type == JSON_OBJECT;
}

/* Columns that a value takes on one line, a byte a column; it stops counting beyond `max`. */
static size_t columns(struct json_value value, size_t max)
{
    struct json_iter it;
    struct json_value member;
    struct span key;
    size_t n = 2;

    if (!is_container(value))
        return value.raw.len;
    json_iter_init(&it, value);
    while (n <= max && json_iter_next(&it, &key, &member))
        n += (it.object ? key.len + 4 : 0) + columns(member, max - n) + 2;
    return n;
}

static void new_line(struct pretty *p, unsigned depth)
{
    const unsigned nested = depth * INDENT_STEP < INDENT_MAX ? depth * INDENT_STEP : INDENT_MAX;

    buf_printf(p->out, "\n%*s", (int)(p->style->indent + nested), "");
}

static bool put_value(struct pretty *p, struct json_value value, size_t used);

/* The members of a container, on one line or on one each. False: it was cut. */
static bool put_members(struct pretty *p, struct json_value value, bool one_line)
{
    struct json_iter it;
    struct json_value member;
    struct span key;
    bool first = true;

    json_iter_init(&it, value);
    while (json_iter_next(&it, &key, &member)) {
        if (!first)
            buf_append_str(p->out, one_line ? ", " : ",");
        first = false;
        if (!one_line)
            new_line(p, p->depth);
        if (it.object)
            put_key(p, key);
        if (!put_value(p, member, it.object ? key.len + 4 : 0))
            return false;
    }
    return true;
}

/* `used`: columns taken on this line by what is in front. */
static bool put_value(struct pretty *p, struct json_value value, size_t used)
{
    const size_t at = p->style->indent + p->depth * INDENT_STEP + used;
    const size_t room = p->style->width > at ? p->style->width - at : 0;
    const bool one_line = columns(value, room) <= room;
    bool whole;

    if (p->out->len > p->limit)
        return false;
    if (!is_container(value)) {
        put(p, colours[value.type], value.raw);
        return true;
    }
    buf_append_char(p->out, value.raw.ptr[0]);
    p->depth++;
    whole = put_members(p, value, one_line);
    p->depth--;
    if (!whole)
        return false;
    if (!one_line)
        new_line(p, p->depth);
    buf_append_char(p->out, value.type == JSON_OBJECT ? '}' : ']');
    return true;
}

bool printable_json(struct buf *out, struct json_value value, const struct printable_style *style)
{
    struct pretty p = {.out = out, .style = style, .limit = SIZE_MAX};

    if (style->bytes_max)
        p.limit = out->len + style->bytes_max;
    return put_value(&p, value, 0);
}

void printable_compact(struct buf *out, struct json_value value)
{
    struct json_iter it;
    struct json_value member;
    struct span key;
    bool first = true;

    if (!is_container(value)) {
        buf_append(out, value.raw);
        return;
    }
    buf_append_char(out, value.raw.ptr[0]);
    json_iter_init(&it, value);
    while (json_iter_next(&it, &key, &member)) {
        if (!first)
            buf_append_char(out, ',');
        first = false;
        if (it.object)
            buf_printf(out, "\"" SPAN_FMT "\":", SPAN_ARG(key));
        printable_compact(out, member);
    }
    buf_append_char(out, value.type == JSON_OBJECT ? '}' : ']');
}

/* ---- bytes ---- */

static void hex_line(struct buf *out, struct span bytes, size_t offset)
{
    buf_printf(out, "%04zx ", offset);
    for (size_t i = 0; i < HEX_COLUMNS; i++)
        if (i < bytes.len)
            buf_printf(out, " %02x", (unsigned char)bytes.ptr[i]);
        else
            buf_append_str(out, "   ");
    buf_append_str(out, "  ");
    for (size_t i = 0; i < bytes.len; i++)
        buf_append_char(out, bytes.ptr[i] >= ' ' && bytes.ptr[i] < 0x7f ? bytes.ptr[i] : '.');
}

void printable_hex(struct buf *out, struct span bytes, unsigned indent)
{
    const size_t shown = bytes.len < PRINTABLE_HEX_BYTES ? bytes.len : PRINTABLE_HEX_BYTES;

    for (size_t at = 0; at < shown; at += HEX_COLUMNS) {
        if (at > 0)
            buf_printf(out, "\n%*s", (int)indent, "");
        hex_line(out, span_of(bytes.ptr + at, shown - at < HEX_COLUMNS ? shown - at : HEX_COLUMNS), at);
    }
}
