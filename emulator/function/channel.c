/* channel.c - the two rings, the sleep handshake and the claim slots.
 *
 * Each side keeps its own positions in private memory and only publishes them; of the peer it reads one position at a
 * time, once, and checks the distance. So whatever the peer writes into the memory, no copy leaves a ring. Positions
 * run freely through 32 bits; their difference is what counts. */
#include "function/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define LAYOUT_MAGIC 0x6c6e6863u /* "chnl" */
#define LAYOUT_VERSION 1u
#define CACHE_LINE 64

/* What a sleeping side wants to be woken for. */
enum { SLEEP_FOR_BYTES = 1, SLEEP_FOR_ROOM = 2 };

enum slot_state { SLOT_FREE, SLOT_OFFERED, SLOT_CLAIMED, SLOT_REVOKED };

/* Every word that one side writes often has a cache line of its own. */
struct word {
    _Alignas(CACHE_LINE) _Atomic uint32_t value;
};

struct ring_positions {
    struct word written; /* by the producer */
    struct word read;    /* by the consumer */
};

struct slot {
    _Alignas(CACHE_LINE) _Atomic uint32_t state;
    _Atomic uint64_t claimed_ns;
};

struct header {
    uint32_t magic;
    uint32_t version;
    uint32_t ring_bytes;
    uint32_t slots;
    int32_t creator_pid;
};

struct layout {
    struct header header;
    struct word asleep[2];              /* by side; the host's is its futex */
    struct ring_positions positions[2]; /* by the side that reads */
    struct slot slot[CHANNEL_SLOTS];
    _Alignas(4096) char bytes[2][CHANNEL_RING_BYTES];
};

_Static_assert((CHANNEL_RING_BYTES & (CHANNEL_RING_BYTES - 1)) == 0, "positions are masked");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "atomics must work between processes");
_Static_assert(sizeof(_Atomic uint32_t) == sizeof(uint32_t), "a futex is a plain word");

/* One end of one ring. */
struct end {
    struct ring_positions *positions;
    char *bytes;
    uint32_t at; /* this side's own position, the only one it believes */
};

struct channel {
    struct layout *layout;
    struct channel_fds fds;
    enum channel_side side;
    struct end in;
    struct end out;
    unsigned news; /* what the peer may be waiting for, since the last flush */
};

static struct header expected_header(int32_t creator_pid)
{
    return (struct header){LAYOUT_MAGIC, LAYOUT_VERSION, CHANNEL_RING_BYTES, CHANNEL_SLOTS, creator_pid};
}

/* ---- making, opening, closing ---- */

static void fds_close(struct channel_fds *fds)
{
    if (fds->memory >= 0)
        close(fds->memory);
    if (fds->bell >= 0)
        close(fds->bell);
    *fds = (struct channel_fds){-1, -1};
}

static int memory_prepare(int fd)
{
    struct header header = expected_header(getpid());
    ssize_t n;

    if (ftruncate(fd, sizeof(struct layout)) < 0)
        return -errno;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return -errno;
    n = pwrite(fd, &header, sizeof(header), 0);
    return n < 0 ? -errno : (size_t)n < sizeof(header) ? -EIO : 0;
}

int channel_create(struct channel_fds *ret)
{
    struct channel_fds fds = {-1, -1};
    int r;

    fds.memory = memfd_create("apigw-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    r = fds.memory < 0 ? -errno : memory_prepare(fds.memory);
    if (r == 0) {
        fds.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = fds.bell < 0 ? -errno : 0;
    }
    if (r < 0) {
        fds_close(&fds);
        return r;
    }
    *ret = fds;
    return 0;
}

static bool layout_is_ours(const struct layout *l)
{
    struct header expected = expected_header(l->header.creator_pid);
    return memcmp(&l->header, &expected, sizeof(expected)) == 0;
}

static int layout_map(int fd, struct layout **ret)
{
    struct stat st;
    struct layout *l;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size != (off_t)sizeof(*l))
        return -EPROTO;
    l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (l == MAP_FAILED)
        return -errno;
    if (!layout_is_ours(l)) {
        munmap(l, sizeof(*l));
        return -EPROTO;
    }
    *ret = l;
    return 0;
}

int channel_open(const struct channel_fds *fds, enum channel_side side, struct channel **ret)
{
    struct channel *c = mem_zalloc(sizeof(*c));
    enum channel_side peer = side == CHANNEL_HOST ? CHANNEL_GATEWAY : CHANNEL_HOST;
    int r;

    c->fds = *fds;
    c->side = side;
    r = layout_map(fds->memory, &c->layout);
    if (r < 0) {
        channel_close(c);
        return r;
    }
    c->in = (struct end){&c->layout->positions[side], c->layout->bytes[side], 0};
    c->out = (struct end){&c->layout->positions[peer], c->layout->bytes[peer], 0};
    *ret = c;
    return 0;
}

void channel_close(struct channel *c)
{
    if (!c)
        return;
    if (c->layout)
        munmap(c->layout, sizeof(*c->layout));
    fds_close(&c->fds);
    free(c);
}

int32_t channel_creator_pid(const struct channel *c)
{
    return c->layout->header.creator_pid;
}

int channel_bell_fd(const struct channel *c)
{
    return c->fds.bell;
}

/* ---- the rings ---- */

/* How far a position of the peer's is ahead of (or behind) ours; -EPROTO if that cannot be. */
static int64_t checked_distance(uint32_t ahead, uint32_t behind)
{
    uint32_t distance = ahead - behind;
    return distance <= CHANNEL_RING_BYTES ? (int64_t)distance : -EPROTO;
}

static int64_t bytes_readable(const struct channel *c)
{
    return checked_distance(atomic_load_explicit(&c->in.positions->written.value, memory_order_acquire), c->in.at);
}

static int64_t bytes_writable(const struct channel *c)
{
    int64_t used =
        checked_distance(c->out.at, atomic_load_explicit(&c->out.positions->read.value, memory_order_acquire));
    return used < 0 ? used : (int64_t)CHANNEL_RING_BYTES - used;
}

/* A run of `size` bytes at the end's position is one or two pieces of memory; this is the first's length. */
static size_t first_piece(const struct end *e, size_t size)
{
    size_t to_edge = CHANNEL_RING_BYTES - (e->at & (CHANNEL_RING_BYTES - 1));
    return size < to_edge ? size : to_edge;
}

static char *end_ptr(const struct end *e)
{
    return e->bytes + (e->at & (CHANNEL_RING_BYTES - 1));
}

int64_t channel_write(struct channel *c, struct span bytes)
{
    int64_t room = bytes_writable(c);
    size_t size, first;

    if (room < 0)
        return room;
    size = bytes.len < (size_t)room ? bytes.len : (size_t)room;
    if (size == 0)
        return 0;
    first = first_piece(&c->out, size);
    memcpy(end_ptr(&c->out), bytes.ptr, first);
    memcpy(c->out.bytes, bytes.ptr + first, size - first);
    c->out.at += (uint32_t)size;
    atomic_store_explicit(&c->out.positions->written.value, c->out.at, memory_order_release);
    c->news |= SLEEP_FOR_BYTES;
    return (int64_t)size;
}

size_t channel_room(struct channel *c)
{
    int64_t room = bytes_writable(c);
    return room < 0 ? CHANNEL_RING_BYTES : (size_t)room;
}

int64_t channel_read(struct channel *c, char *out, size_t size)
{
    int64_t there = bytes_readable(c);
    size_t first;

    if (there < 0)
        return there;
    if (size > (size_t)there)
        size = (size_t)there;
    if (size == 0)
        return 0;
    first = first_piece(&c->in, size);
    memcpy(out, end_ptr(&c->in), first);
    memcpy(out + first, c->in.bytes, size - first);
    c->in.at += (uint32_t)size;
    atomic_store_explicit(&c->in.positions->read.value, c->in.at, memory_order_release);
    c->news |= SLEEP_FOR_ROOM;
    return (int64_t)size;
}

/* ---- sleeping and waking ----
 * The sleeper publishes its flag, then looks at the positions once more; the waker publishes a position, then looks at
 * the flag. With a full fence between the two steps on both sides at least one of them sees the other, so no wakeup is
 * lost. The waker takes the flag away, so one sleep is woken once. */

static _Atomic uint32_t *asleep_flag(struct channel *c, enum channel_side side)
{
    return &c->layout->asleep[side].value;
}

static long futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
    return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

/* Not read(): a plugin can clear O_NONBLOCK of the shared doorbell and empty it just before us. */
static void bell_clear(int fd)
{
    uint64_t count;
    struct iovec to = {&count, sizeof(count)};
    (void)!preadv2(fd, &to, 1, -1, RWF_NOWAIT);
}

static int gateway_ring(struct channel *c)
{
    uint64_t one = 1;

    if (write(c->fds.bell, &one, sizeof(one)) >= 0)
        return 1;
    if (errno == EBADF)
        return -EBADF;
    /* EAGAIN: the plugin has filled the doorbell, and the gateway hears of what is written alone. */
    bell_clear(c->fds.bell);
    (void)!write(c->fds.bell, &one, sizeof(one));
    return 1;
}

int channel_flush(struct channel *c)
{
    enum channel_side peer = c->side == CHANNEL_HOST ? CHANNEL_GATEWAY : CHANNEL_HOST;
    _Atomic uint32_t *flag = asleep_flag(c, peer);
    unsigned news = c->news;

    if (!news)
        return 0;
    c->news = 0;
    atomic_thread_fence(memory_order_seq_cst);
    if (!(atomic_load_explicit(flag, memory_order_relaxed) & news))
        return 0;
    if (!atomic_exchange(flag, 0))
        return 0;
    if (peer == CHANNEL_GATEWAY)
        return gateway_ring(c);
    futex(flag, FUTEX_WAKE, 1, NULL);
    return 1;
}

bool channel_sleep(struct channel *c, bool want_room)
{
    _Atomic uint32_t *flag = asleep_flag(c, c->side);

    atomic_store_explicit(flag, SLEEP_FOR_BYTES | (want_room ? SLEEP_FOR_ROOM : 0u), memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (bytes_readable(c) == 0 && !(want_room && bytes_writable(c) != 0))
        return true;
    atomic_store_explicit(flag, 0, memory_order_relaxed);
    return false;
}

void channel_set_awake(struct channel *c)
{
    atomic_store_explicit(asleep_flag(c, c->side), 0, memory_order_relaxed);
}

void channel_wake(struct channel *c)
{
    if (c->side == CHANNEL_GATEWAY)
        bell_clear(c->fds.bell);
    channel_set_awake(c);
}

int channel_wait(struct channel *c, bool want_room, int timeout_ms)
{
    _Atomic uint32_t *flag = asleep_flag(c, c->side);
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    int r = channel_flush(c);

    assert(c->side == CHANNEL_HOST);
    if (r < 0)
        return r;
    if (!channel_sleep(c, want_room))
        return 0;
    /* If the gateway has woken us already, the flag is 0 and the call returns at once. */
    futex(flag, FUTEX_WAIT, SLEEP_FOR_BYTES | (want_room ? SLEEP_FOR_ROOM : 0u), timeout_ms < 0 ? NULL : &timeout);
    atomic_store_explicit(flag, 0, memory_order_relaxed);
    return 0;
}

/* ---- claim slots ---- */

static struct slot *slot_get(struct channel *c, unsigned slot)
{
    assert(slot < CHANNEL_SLOTS);
    return &c->layout->slot[slot];
}

static bool slot_move(struct slot *s, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong(&s->state, &from, to);
}

void channel_slot_offer(struct channel *c, unsigned slot)
{
    atomic_store_explicit(&slot_get(c, slot)->state, SLOT_OFFERED, memory_order_release);
}

bool channel_slot_claim(struct channel *c, unsigned slot)
{
    struct slot *s = slot_get(c, slot);
    struct timespec now;

    /* The system's clock itself, not base/clock: the stamp is for another process. It comes first, so that whoever
     * sees the claim sees the stamp; without the claim nobody looks at it. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    atomic_store_explicit(&s->claimed_ns, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
                          memory_order_relaxed);
    return slot_move(s, SLOT_OFFERED, SLOT_CLAIMED);
}

bool channel_slot_revoke(struct channel *c, unsigned slot)
{
    return slot_move(slot_get(c, slot), SLOT_OFFERED, SLOT_REVOKED);
}

bool channel_slot_claimed(struct channel *c, unsigned slot, uint64_t *ret_ns)
{
    struct slot *s = slot_get(c, slot);

    if (atomic_load_explicit(&s->state, memory_order_acquire) != SLOT_CLAIMED)
        return false;
    *ret_ns = atomic_load_explicit(&s->claimed_ns, memory_order_relaxed);
    return true;
}
