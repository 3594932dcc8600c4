/* printable.h - bytes of others, made fit for a terminal. Pure.
 *
 * Whatever a server or a client sends, what is appended here moves no cursor, changes no colour and no direction of
 * writing, and sets no title: control characters (C0, DEL, C1), the marks that reorder text, and what is not UTF-8
 * appear as escapes. */
#ifndef CLIENT_PRINTABLE_H
#define CLIENT_PRINTABLE_H

#include "base/buf.h"
#include "base/json.h"
#include "base/span.h"

/* Appends `text`; a newline becomes `newline`, NULL: "\n" as an escape. Escapes are \xNN and \u{NNNN}. */
void printable_text(struct buf *out, struct span text, const char *newline);

struct printable_style {
    bool colour;
    unsigned indent;  /* columns in front of each line but the first */
    unsigned width;   /* what fits into so many columns stays on one line */
    size_t bytes_max; /* it stops when that much was appended; 0: never */
};

/* Appends a value over several lines; keys, their order and numbers are as they came. False: it was cut. */
bool printable_json(struct buf *out, struct json_value value, const struct printable_style *style);

/* Appends a value on one line, without blanks between its parts. */
void printable_compact(struct buf *out, struct json_value value);

/* Appends the first bytes as a table: offset, hexadecimal, ASCII; each line behind `indent` blanks but the first. */
#define PRINTABLE_HEX_BYTES 64u
void printable_hex(struct buf *out, struct span bytes, unsigned indent);

#endif
