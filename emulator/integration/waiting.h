/* waiting.h - calls that all have the same time to end: a queue in the order of their deadlines, with one timer for its
 * front, so that a call costs no timer.
 *
 * Owner    of its timer; a call's node belongs to the call. Threads: loop thread only. */
#ifndef INTEGRATION_WAITING_H
#define INTEGRATION_WAITING_H

#include <stdint.h>

#include "base/list.h"
#include "net/loop.h"

/* Embedded in a call. */
struct waiting_node {
    struct list link;
    uint64_t deadline_ms;
};

/* The time of `node` is over; it is not in the queue any more. */
typedef void waiting_over_fn(struct waiting_node *node);

struct waiting {
    struct list nodes; /* the next deadline first */
    struct loop_timer *timer;
    waiting_over_fn *on_over;
};

void waiting_init(struct waiting *waiting, struct loop *loop, waiting_over_fn *on_over);

/* Whoever is still in the queue waits for ever; `forget` is called for each. */
void waiting_fini(struct waiting *waiting, waiting_over_fn *forget);

/* `limit_ms` from now, which is `now_ms` of clock_mono_ms: the same limit for all of a queue, but for one that was
 * tuned before the first. */
void waiting_begin(struct waiting *waiting, struct waiting_node *node, uint64_t now_ms, uint64_t limit_ms);

/* It has ended, in time or after its time was over. */
void waiting_end(struct waiting_node *node);

#endif
