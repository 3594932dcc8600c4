/* json.h - JSON for the message path: writes into a buffer, and reads without allocating.
 *
 * The reader is strict (RFC 8259): json_parse checks the whole text once, and what it accepted can then be walked
 * with functions that cannot fail. Spans point into the text. The configuration file is read with cJSON instead;
 * this is for what passes through once per message (docs/architecture.md, "JSON"). */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/* Containers nested deeper than this are refused. */
#define JSON_DEPTH_MAX 512

/* ---- writing ---- */

/* The bytes between the quotes; invalid UTF-8 passes through untouched. */
void json_escape(struct buf *out, struct span text);

/* Upper bound of what json_escape adds for `len` bytes. */
#define JSON_ESCAPED_MAX(len) ((len)*6)

/* Structured writing: commas and quotes come by themselves. Zero-initialise all but `out`. */
struct json_writer {
    struct buf *out;
    bool comma;
};

void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_key_span(struct json_writer *w, struct span key);
void json_string(struct json_writer *w, struct span value);
void json_int(struct json_writer *w, int64_t value);
void json_bool(struct json_writer *w, bool value);
/* `value` is JSON already. */
void json_raw(struct json_writer *w, struct span value);

/* ---- reading ---- */

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* One value; `raw` is its exact text, quotes and brackets included, blanks around it not. */
struct json_value {
    enum json_type type;
    struct span raw;
};

struct json_error {
    size_t offset;    /* of the first byte that does not fit */
    const char *what; /* a phrase such as "expected ',' or '}'" */
};

/* 0, or -1 with *ret_error (may be NULL) filled. On success *ret is the one value of the text. */
int json_parse(struct span text, struct json_value *ret, struct json_error *ret_error);

/* The value that the text begins with, blanks in front of it aside; what is behind it is not looked at. 0, or -1. */
int json_parse_first(struct span text, struct json_value *ret);

/* Members of an object (key is the raw text between its quotes, escapes not undone) or elements of an array (key is
 * empty), in order. `value` must come from json_parse or from a walk of it. */
struct json_iter {
    const char *at;
    const char *end;
    bool object;
};
void json_iter_init(struct json_iter *it, struct json_value value);
bool json_iter_next(struct json_iter *it, struct span *ret_key, struct json_value *ret_value);

/* The member named `key` (given unescaped); of duplicates the last one, as most parsers do. */
bool json_get(struct json_value object, struct span key, struct json_value *ret);

/* Does a raw string (between the quotes) spell `text` once its escapes are undone? */
bool json_raw_equal(struct span raw, struct span text);

/* The text of a JSON_STRING, escapes undone, appended to `out`. A lone surrogate becomes U+FFFD. */
void json_unescape(struct json_value string, struct buf *out);

/* True, and a span into the raw text, if the string has no escapes: nothing needs to be copied. */
bool json_string_plain(struct json_value string, struct span *ret);

/* An integer in the range of int64; -1 if it has a fraction, an exponent, or does not fit. */
int json_int_value(struct json_value number, int64_t *ret);

#endif
