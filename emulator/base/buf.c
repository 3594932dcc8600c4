/* buf.c - a growable byte buffer. Linked into apigw-host too: libc only. */
#include "base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"

/* Small enough to be cheap, large enough that most buffers never grow twice. */
#define BUF_CAP_MIN 256

void buf_fini(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b, size_t keep_bytes)
{
    if (b->cap > keep_bytes)
        buf_fini(b);
    b->len = 0;
}

/* Doubling keeps a long row of appends linear. */
static void grow(struct buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : BUF_CAP_MIN;

    assert(more <= SIZE_MAX / 2 - b->len);
    while (cap < b->len + more)
        cap *= 2;
    b->ptr = mem_realloc(b->ptr, cap);
    b->cap = cap;
}

char *buf_reserve(struct buf *b, size_t more)
{
    if (!b->ptr || more > b->cap - b->len)
        grow(b, more);
    return b->ptr + b->len;
}

void buf_append(struct buf *b, struct span bytes)
{
    if (!bytes.len)
        return;
    memcpy(buf_reserve(b, bytes.len), bytes.ptr, bytes.len);
    b->len += bytes.len;
}

void buf_append_str(struct buf *b, const char *str)
{
    buf_append(b, span_of_str(str));
}

void buf_append_char(struct buf *b, char c)
{
    *buf_reserve(b, 1) = c;
    b->len++;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    assert(len >= 0); /* only a wrong format fails */
    vsnprintf(buf_reserve(b, (size_t)len + 1), (size_t)len + 1, format, again);
    va_end(again);
    b->len += (size_t)len;
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (!n)
        return;
    b->len -= n;
    memmove(b->ptr, b->ptr + n, b->len);
}

const char *buf_terminate(struct buf *b)
{
    *buf_reserve(b, 1) = '\0';
    return b->ptr;
}
