/* arena.c - the memory of one invocation. Linked into apigw-host and into the fake host: libc only. */
#include "src/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;                       /* of what follows */
    alignas(max_align_t) char bytes[]; /* zeroed as far as nobody was given them */
};

/* A chunk and its head together take what is kept. */
#define CHUNK_BYTES (ARENA_KEEP_BYTES - sizeof(struct arena_chunk))

void arena_init(struct arena *a, size_t bytes_max, bool separate)
{
    *a = (struct arena){.bytes_max = bytes_max, .separate = separate};
}

static size_t round_up(size_t size)
{
    return (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}

/* NULL if it is over the bound, or there is no memory. */
static struct arena_chunk *chunk_add(struct arena *a, size_t size)
{
    const size_t left = a->bytes_max - a->taken_bytes;
    struct arena_chunk *chunk;

    if (left < sizeof(*chunk) || size > left - sizeof(*chunk))
        return NULL;
    chunk = calloc(1, sizeof(*chunk) + size);
    if (!chunk)
        return NULL;
    chunk->next = a->chunks;
    chunk->size = size;
    a->chunks = chunk;
    a->taken_bytes += sizeof(*chunk) + size;
    return chunk;
}

/* What is too large to be one of several in a chunk has one of its own; the chunk that is filled stays as it is. */
static void *allocate_alone(struct arena *a, size_t size)
{
    struct arena_chunk *chunk = chunk_add(a, size);
    return chunk ? chunk->bytes : NULL;
}

void *arena_allocate(struct arena *a, size_t size)
{
    void *given;

    if (a->separate || size > CHUNK_BYTES / 4)
        return allocate_alone(a, size);
    size = size ? round_up(size) : alignof(max_align_t);
    if (!a->filled || size > a->filled->size - a->used) {
        struct arena_chunk *chunk = chunk_add(a, CHUNK_BYTES);

        if (!chunk)
            return allocate_alone(a, size); /* less than a chunk may be left */
        a->filled = chunk;
        a->used = 0;
    }
    given = a->filled->bytes + a->used;
    a->used += size;
    return given;
}

/* What is used after its end must not look as if it were still there, sanitizer or not. */
static void chunk_free(struct arena_chunk *chunk, bool spoil)
{
    if (spoil) {
        memset(chunk->bytes, 0xa5, chunk->size);
        __asm__ volatile("" : : "r"(chunk) : "memory"); /* nobody reads what is freed: it would be left out */
    }
    free(chunk);
}

static void free_all_but(struct arena *a, const struct arena_chunk *kept)
{
    while (a->chunks) {
        struct arena_chunk *chunk = a->chunks;

        a->chunks = chunk->next;
        if (chunk != kept)
            chunk_free(chunk, a->separate);
    }
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *kept = a->filled;
    const size_t used = a->used;

    free_all_but(a, kept);
    arena_init(a, a->bytes_max, a->separate);
    if (!kept)
        return;
    memset(kept->bytes, 0, used);
    kept->next = NULL;
    a->chunks = a->filled = kept;
    a->taken_bytes = sizeof(*kept) + kept->size;
}

void arena_fini(struct arena *a)
{
    free_all_but(a, NULL);
    arena_init(a, a->bytes_max, a->separate);
}
