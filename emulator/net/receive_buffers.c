/* receive_buffers.c - see receive_buffers.h. Addresses are taken in regions, each twice as large as the one before, so
 * that there are few of them to look through when something is freed. */
#include "net/receive_buffers.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"

#define FIRST_REGION_SLOTS 64u
#define REGIONS_MAX 20u /* for more slots than there can be descriptors */

/* So many free ones keep their pages, for the next who come. */
#define WARM_MAX 64u

struct region {
    char *start;
    size_t slots;
    size_t used; /* from its start; those behind were never given out */
};

static struct {
    struct region regions[REGIONS_MAX];
    size_t region_count;
    void **vacant; /* given back; the last WARM_MAX of them may have pages */
    size_t vacant_count;
    size_t vacant_room;
} the_buffers;

static bool add_region(void)
{
    const size_t slots = (size_t)FIRST_REGION_SLOTS << the_buffers.region_count;
    const size_t bytes = slots * RECEIVE_BUFFER_BYTES_MAX;
    void *start;

    if (the_buffers.region_count == REGIONS_MAX)
        return false;
    start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return false;
    madvise(start, bytes, MADV_NOHUGEPAGE); /* one byte would cost two megabytes */
    the_buffers.regions[the_buffers.region_count++] = (struct region){.start = start, .slots = slots};
    return true;
}

static void *take_slot(void)
{
    struct region *last;

    if (the_buffers.vacant_count > 0)
        return the_buffers.vacant[--the_buffers.vacant_count];
    last = the_buffers.regions + the_buffers.region_count - 1;
    if (the_buffers.region_count == 0 || last->used == last->slots) {
        if (!add_region())
            return NULL;
        last = the_buffers.regions + the_buffers.region_count - 1;
    }
    return last->start + last->used++ * RECEIVE_BUFFER_BYTES_MAX;
}

/* The one that turns cold gives its pages back; it is at the bottom of the warm ones. */
static void cool(void)
{
    if (the_buffers.vacant_count > WARM_MAX)
        madvise(the_buffers.vacant[the_buffers.vacant_count - 1 - WARM_MAX], RECEIVE_BUFFER_BYTES_MAX, MADV_DONTNEED);
}

static void give_back(void *slot)
{
    if (the_buffers.vacant_count == the_buffers.vacant_room) {
        the_buffers.vacant_room = the_buffers.vacant_room ? 2 * the_buffers.vacant_room : FIRST_REGION_SLOTS;
        the_buffers.vacant = mem_realloc(the_buffers.vacant, the_buffers.vacant_room * sizeof(*the_buffers.vacant));
    }
    the_buffers.vacant[the_buffers.vacant_count++] = slot;
    cool();
}

static bool is_slot(const void *p)
{
    for (size_t i = 0; i < the_buffers.region_count; i++) {
        const struct region *r = &the_buffers.regions[i];

        if ((uintptr_t)p - (uintptr_t)r->start < r->slots * RECEIVE_BUFFER_BYTES_MAX)
            return true;
    }
    return false;
}

static void *allocate(size_t size, const char *why)
{
    void *slot = NULL;

    if (size <= RECEIVE_BUFFER_BYTES_MAX && strcmp(why, "rx_ubuf") == 0)
        slot = take_slot();
    return slot ? slot : malloc(size);
}

void *receive_buffers_realloc(void *p, size_t size, const char *why)
{
    void *moved;

    if (!p)
        return size ? allocate(size, why) : NULL;
    if (!is_slot(p)) {
        if (size)
            return realloc(p, size);
        free(p);
        return NULL;
    }
    if (size && size <= RECEIVE_BUFFER_BYTES_MAX)
        return p;
    moved = size ? malloc(size) : NULL;
    if (moved)
        memcpy(moved, p, RECEIVE_BUFFER_BYTES_MAX);
    if (moved || !size)
        give_back(p);
    return moved;
}
