/* deadlines.h - which connection has been idle, or alive, for too long.
 *
 * Every connection has the same two limits, so two queues and one timer serve them all: to be active is to move to the
 * end of a queue, and the timer finds out where it must be set again when it fires.
 *
 * Owner    of its timer. Connections are in it from deadlines_add to deadlines_remove.
 * Threads  loop thread only. */
#ifndef GATEWAY_DEADLINES_H
#define GATEWAY_DEADLINES_H

#include "base/list.h"
#include "gateway/connection.h"
#include "gateway/rules.h"
#include "net/loop.h"

/* Milliseconds since the client was last heard of, if it has sent something that was no message since this was last
 * asked; else UINT64_MAX. Asked only before a connection is called idle, or the clock is moved: that is how pings count
 * without costing anything when they come. */
typedef uint64_t deadlines_quiet_fn(void *arg, const struct connection *connection);

/* `connection` broke `rule` after `elapsed_ms`; it must be removed before this returns. */
typedef void deadlines_expired_fn(void *arg, struct connection *connection, enum rule_id rule, uint64_t elapsed_ms);

struct deadlines {
    struct list idle;     /* least recently active first */
    struct list lifetime; /* oldest first */
    struct loop_timer *timer;
    deadlines_quiet_fn *quiet_ms;
    deadlines_expired_fn *on_expired;
    void *arg;
};

void deadlines_init(struct deadlines *deadlines, struct loop *loop, deadlines_quiet_fn *quiet_ms,
                    deadlines_expired_fn *on_expired, void *arg);
void deadlines_fini(struct deadlines *deadlines); /* when no connection is left in it */

/* The connection is open from now on. */
void deadlines_add(struct deadlines *deadlines, struct connection *connection);

/* There was traffic on it. */
void deadlines_touch(struct deadlines *deadlines, struct connection *connection);

/* Finds out who has pinged, at the cost of a question for each connection: before the clock is moved, since how long
 * ago it was is told by the system's clock. */
void deadlines_sample(struct deadlines *deadlines);

/* The same for one connection that is in it. */
void deadlines_sample_one(struct deadlines *deadlines, struct connection *connection);

/* How long it may still be idle, and be. */
uint64_t deadlines_idle_left_ms(const struct connection *connection);
uint64_t deadlines_lifetime_left_ms(const struct connection *connection);

void deadlines_remove(struct connection *connection);

#endif
