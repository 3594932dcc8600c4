/* arena.h - the memory of one invocation: allocated piece by piece, freed as a whole.
 *
 * Owner: whoever holds the struct; nothing points into it after arena_reset. Bounded, so that a handler that never
 * stops allocating is told so instead of taking the machine with it. One thread. */
#ifndef SDK_ARENA_H
#define SDK_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* What stays from one invocation to the next. */
#define ARENA_KEEP_BYTES (64u * 1024u)

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* the last one first */
    struct arena_chunk *filled; /* the one that small allocations come from; NULL: none yet */
    size_t used;                /* of its bytes */
    size_t taken_bytes;         /* by all chunks */
    size_t bytes_max;
    bool separate;
};

/* At most `bytes_max` bytes between two resets. `separate`: each allocation is one of malloc's and nothing is kept, so
 * that AddressSanitizer and valgrind see every byte that is used beyond its end or after the reset. */
void arena_init(struct arena *a, size_t bytes_max, bool separate);
void arena_fini(struct arena *a);

/* Zeroed, and aligned for everything. NULL if that is more than may be had. A size of 0 is a pointer to nothing. */
void *arena_allocate(struct arena *a, size_t size);

/* Frees everything, but keeps a chunk of ARENA_KEEP_BYTES if there is one. */
void arena_reset(struct arena *a);

#endif
