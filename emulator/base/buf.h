/* buf.h - a growable byte buffer.
 *
 * Owner: whoever holds the struct; buf_init is {0}, buf_fini frees. It grows without limit of its own: the caller
 * bounds what it appends. Not terminated unless buf_terminate was called last. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/span.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
};

void buf_fini(struct buf *b);

/* Empties it; keeps the memory unless it is over `keep_bytes`. */
void buf_clear(struct buf *b, size_t keep_bytes);

/* Room for `more` bytes after len; returns where they go. The caller adds to len what it wrote. */
char *buf_reserve(struct buf *b, size_t more);

void buf_append(struct buf *b, struct span bytes);
void buf_append_str(struct buf *b, const char *str);
void buf_append_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Drops the first `n` bytes, n <= len. */
void buf_consume(struct buf *b, size_t n);

/* Adds a terminator that is not counted in len. */
const char *buf_terminate(struct buf *b);

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->ptr, b->len};
}

/* CLEANUP(buf_fini) struct buf b = {0}; */
static inline void buf_fini_ptr(struct buf *b)
{
    buf_fini(b);
}

#endif
