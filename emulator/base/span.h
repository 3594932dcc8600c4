/* span.h - borrowed bytes: a pointer and a length, no terminator promised.
 *
 * A span never owns. Whoever hands one over says in its own header how long the bytes live. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *ptr;
    size_t len;
};

/* A span over a string literal, without its terminator. */
#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})

/* printf("%.*s", SPAN_ARG(s)) */
#define SPAN_FMT "%.*s"
#define SPAN_ARG(s) ((int)(s).len), ((s).ptr ? (s).ptr : "")

static inline struct span span_of(const char *ptr, size_t len)
{
    return (struct span){ptr, len};
}

/* The bytes of a C string; NULL is the empty span. */
static inline struct span span_of_str(const char *str)
{
    return (struct span){str, str ? strlen(str) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII case is ignored, as in header names. */
static inline bool span_equal_nocase(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool span_starts_with(struct span s, struct span prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/* `s` without its first `n` bytes; `n` is at most s.len. */
static inline struct span span_from(struct span s, size_t n)
{
    return (struct span){s.ptr + n, s.len - n};
}

#endif
