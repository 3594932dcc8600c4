/* channel.h - shared memory between the emulator and one apigw-host: two byte streams and a way to wake each side.
 *
 * One sealed memfd holds two single-producer single-consumer rings (to the host, to the gateway) and the claim slots. A
 * ring is a stream, like a pipe: a message larger than the ring goes through in pieces. The gateway sleeps on an
 * eventfd (its doorbell), the host on a futex in the memory; each is woken only when it has said that it is going to
 * sleep. The host has no doorbell descriptor because writing to one can block: whoever shares an eventfd can clear its
 * O_NONBLOCK and fill it, and a plugin does share what its host holds. Waking a futex never blocks.
 *
 * Both programs link this file. The peer's memory is hostile: positions are read once, checked against a private copy,
 * and bytes are copied out before they are believed. A channel never blocks (channel_wait apart) and never allocates
 * after it was opened.
 *
 * Owner    the side that opened it; channel_close unmaps and closes what it got.
 * Threads  one thread per side. */
#ifndef FUNCTION_CHANNEL_H
#define FUNCTION_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define CHANNEL_RING_BYTES (128u * 1024u) /* a power of two; each direction */
#define CHANNEL_SLOTS 64u                 /* claim slots: most invocations handed over at once */

enum channel_side { CHANNEL_GATEWAY, CHANNEL_HOST };

/* Descriptors of one channel, both close-on-exec. */
struct channel_fds {
    int memory;
    int bell; /* the gateway's doorbell, an eventfd: readable when the host has rung */
};

struct channel;

/* Makes the memory (zeroed, sealed against resizing) and the doorbell. 0 or -errno; on failure nothing is left. */
int channel_create(struct channel_fds *ret);

/* Maps it for one side. Takes both descriptors, on failure too: channel_close closes them. 0 or -errno (-EPROTO: the
 * memory is not of this layout). The host's are copies that it inherited. */
int channel_open(const struct channel_fds *fds, enum channel_side side, struct channel **ret);
void channel_close(struct channel *c); /* takes NULL */

/* The process that made the channel, as the memory tells it. */
int32_t channel_creator_pid(const struct channel *c);

/* The doorbell; for the gateway's loop. */
int channel_bell_fd(const struct channel *c);

/* Writes as much of `bytes` as there is room for and returns how much. Nothing is rung: channel_flush does that.
 * -EPROTO: the peer has broken the ring. */
int64_t channel_write(struct channel *c, struct span bytes);

/* Bytes that channel_write would take now. Of a broken ring all, so that the write is tried and tells. */
size_t channel_room(struct channel *c);

/* Copies up to `size` bytes out. 0: nothing there. -EPROTO as above. */
int64_t channel_read(struct channel *c, char *out, size_t size);

/* Wakes the peer if it sleeps and waits for what was written or freed since the last flush. 1 if it did, 0 if not, or
 * -EBADF: the host's doorbell descriptor was closed by the plugin, so the gateway cannot be woken. */
int channel_flush(struct channel *c);

/* Says that this side is about to sleep, for bytes to read and, with `want_room`, for room to write. False if there
 * already is something to do: then do it instead. A broken ring counts as something to do. */
bool channel_sleep(struct channel *c, bool want_room);

/* Says that this side is awake; the gateway calls it when its doorbell was readable, which this clears. Waking for
 * nothing happens: read until there is no more, then channel_sleep again. */
void channel_wake(struct channel *c);

/* The same without clearing it, for a gateway that hears of each ring. */
void channel_set_awake(struct channel *c);

/* Host only: sleeps until there is something to do, or timeout_ms has passed (-1: no limit), or for no reason. Flushes
 * first. One system call where it sleeps, none where it need not. 0, or -EBADF as channel_flush says. */
int channel_wait(struct channel *c, bool want_room, int timeout_ms);

/* ---- claim slots ----
 * An invocation waits in the ring until the host claims its slot; until then the gateway may take it back. Exactly one
 * of the two succeeds. The host's claim is the mark from which the timeout counts. */

/* Gateway: the slot of an invocation about to be handed over. */
void channel_slot_offer(struct channel *c, unsigned slot);

/* Host: true if it may run now; stamps CLOCK_MONOTONIC. False: the gateway took it back, drop it. */
bool channel_slot_claim(struct channel *c, unsigned slot);

/* Gateway: true if it was taken back before the host claimed it. Its frame is still in the ring: offer the slot again
 * only once an invocation handed over later has been answered, or the host would run the old frame in its place. */
bool channel_slot_revoke(struct channel *c, unsigned slot);

/* Gateway: has the host claimed it? Then *ret_ns is CLOCK_MONOTONIC of that moment, as the host tells it: it may be any
 * number. */
bool channel_slot_claimed(struct channel *c, unsigned slot, uint64_t *ret_ns);

#endif
