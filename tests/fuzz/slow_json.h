/* slow_json.h - JSON as RFC 8259 spells it, a byte at a time and one function for each of its rules: what base/json.c,
 * which looks at many bytes at once, is compared with. */
#ifndef TESTS_SLOW_JSON_H
#define TESTS_SLOW_JSON_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/span.h"

/* ---- reading: each takes what it can from the front of *s, and returns whether that is what it is named after ---- */

static inline bool slow_one_of(struct span *s, const char *characters)
{
    if (s->len == 0 || s->ptr[0] == '\0' || !strchr(characters, s->ptr[0]))
        return false;
    *s = span_from(*s, 1);
    return true;
}

static inline void slow_blanks(struct span *s)
{
    while (slow_one_of(s, " \t\n\r"))
        ;
}

static inline bool slow_word(struct span *s, const char *word)
{
    for (; *word; word++)
        if (!slow_one_of(s, (const char[]){*word, '\0'}))
            return false;
    return true;
}

static inline bool slow_digits(struct span *s)
{
    bool any = false;

    while (slow_one_of(s, "0123456789"))
        any = true;
    return any;
}

static inline bool slow_number(struct span *s)
{
    slow_one_of(s, "-");
    if (!slow_one_of(s, "0") && !slow_digits(s))
        return false;
    if (slow_one_of(s, ".") && !slow_digits(s))
        return false;
    if (!slow_one_of(s, "eE"))
        return true;
    slow_one_of(s, "+-");
    return slow_digits(s);
}

static inline bool slow_escape_sequence(struct span *s)
{
    if (!slow_one_of(s, "u"))
        return slow_one_of(s, "\"\\/bfnrt");
    for (int i = 0; i < 4; i++)
        if (!slow_one_of(s, "0123456789abcdefABCDEF"))
            return false;
    return true;
}

static inline bool slow_string(struct span *s)
{
    if (!slow_one_of(s, "\""))
        return false;
    while (!slow_one_of(s, "\"")) {
        if (s->len == 0 || (unsigned char)s->ptr[0] < 0x20)
            return false;
        if (!slow_one_of(s, "\\"))
            *s = span_from(*s, 1);
        else if (!slow_escape_sequence(s))
            return false;
    }
    return true;
}

static inline bool slow_value(struct span *s, unsigned depth);

static inline bool slow_member(struct span *s, unsigned depth)
{
    slow_blanks(s);
    if (!slow_string(s))
        return false;
    slow_blanks(s);
    return slow_one_of(s, ":") && slow_value(s, depth);
}

static inline bool slow_container(struct span *s, unsigned depth, bool is_object)
{
    const char *close = is_object ? "}" : "]";

    if (depth == 0)
        return false;
    slow_blanks(s);
    if (slow_one_of(s, close))
        return true;
    do {
        if (!(is_object ? slow_member(s, depth - 1) : slow_value(s, depth - 1)))
            return false;
        slow_blanks(s);
    } while (slow_one_of(s, ","));
    return slow_one_of(s, close);
}

/* With blanks in front of it. */
static inline bool slow_value(struct span *s, unsigned depth)
{
    slow_blanks(s);
    if (s->len == 0)
        return false;
    switch (s->ptr[0]) {
    case '"': return slow_string(s);
    case 't': return slow_word(s, "true");
    case 'f': return slow_word(s, "false");
    case 'n': return slow_word(s, "null");
    case '{': return slow_one_of(s, "{") && slow_container(s, depth, true);
    case '[': return slow_one_of(s, "[") && slow_container(s, depth, false);
    default: return slow_number(s);
    }
}

static inline bool slow_is_json(struct span text)
{
    if (!slow_value(&text, JSON_DEPTH_MAX))
        return false;
    slow_blanks(&text);
    return text.len == 0;
}

/* ---- writing ---- */

/* The shortest escapes, and only those that there must be: section 7. */
static inline void slow_escape(struct buf *out, struct span text)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";

    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const char *found = c ? strchr(special, c) : NULL;

        if (found)
            buf_printf(out, "\\%c", letters[found - special]);
        else if ((unsigned char)c < 0x20)
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_append_char(out, c);
    }
}

#endif
