/* mem.h - memory that cannot fail, and ownership that shows on the line.
 *
 * Every queue and buffer of ours is bounded, so running out of memory is not an input but the end of the machine:
 * these functions print one line and abort. Free with free(). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

#include "base/span.h"

void *mem_alloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_zalloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_realloc(void *ptr, size_t size) __attribute__((alloc_size(2), returns_nonnull));

/* Terminated copies. */
char *mem_strdup(const char *str) __attribute__((malloc, returns_nonnull));
char *mem_span_dup(struct span s) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *format, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* CLEANUP(f) struct x *p: calls f##_ptr(&p) when p leaves scope. TAKE(p): ownership leaves p. */
#define CLEANUP(fn) __attribute__((cleanup(fn##_ptr)))
#define TAKE(p)                     \
    __extension__({                 \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    })

static inline void free_ptr(void *p)
{
    free(*(void **)p);
}

#endif
