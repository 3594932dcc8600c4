/* fuzz.h - what libFuzzer, or replay.c, calls.
 *
 * A target gives the input to one module and asserts what holds for every input. It keeps nothing from one input to the
 * next. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Always 0. `data` ends where its memory ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is `part`, unless it is empty, within `whole`? */
static inline bool fuzz_within(struct span part, struct span whole)
{
    return !part.len || (whole.len && part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

/* The first line of *rest, which is then what follows it; all of it, and nothing, if there is one line. */
static inline struct span fuzz_line(struct span *rest)
{
    const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    const struct span line = span_of(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);

    *rest = span_from(*rest, line.len + (end ? 1 : 0));
    return line;
}

#endif
