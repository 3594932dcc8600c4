/* deadlines.c - two queues in the order of their deadlines, and one timer for the nearest of them. */
#include "gateway/deadlines.h"

#include <assert.h>

#include "base/clock.h"

static struct connection *first_idle(const struct deadlines *deadlines)
{
    struct list *node = list_first(&deadlines->idle);
    return node ? LIST_ENTRY(node, struct connection, idle) : NULL;
}

static struct connection *oldest(const struct deadlines *deadlines)
{
    struct list *node = list_first(&deadlines->lifetime);
    return node ? LIST_ENTRY(node, struct connection, lifetime) : NULL;
}

static uint64_t idle_deadline(const struct connection *connection)
{
    return connection->last_active_mono_ms + rule_get(RULE_IDLE_TIMEOUT)->limit;
}

static uint64_t lifetime_deadline(const struct connection *connection)
{
    return connection->opened_at_mono_ms + rule_get(RULE_CONNECTION_LIFETIME)->limit;
}

static void start_timer(struct deadlines *deadlines)
{
    const struct connection *idle = first_idle(deadlines), *old = oldest(deadlines);
    uint64_t next, now = clock_mono_ms();

    if (!idle)
        return; /* every connection is in both queues */
    next = idle_deadline(idle);
    if (lifetime_deadline(old) < next)
        next = lifetime_deadline(old);
    loop_timer_start(deadlines->timer, next > now ? next - now : 0);
}

/* Puts it where it belongs in the queue. It was heard of a moment ago, so that is near the end. */
static void requeue_idle(struct deadlines *deadlines, struct connection *connection)
{
    struct list *before;

    list_remove(&connection->idle);
    before = deadlines->idle.prev;
    while (before != &deadlines->idle &&
           LIST_ENTRY(before, struct connection, idle)->last_active_mono_ms > connection->last_active_mono_ms)
        before = before->prev;
    list_insert_before(before->next, &connection->idle);
}

/* Has the client sent a ping since the last traffic that we know of? */
static bool was_heard(struct deadlines *deadlines, struct connection *connection, uint64_t now)
{
    uint64_t quiet = deadlines->quiet_ms(deadlines->arg, connection);

    if (quiet > now || now - quiet <= connection->last_active_mono_ms)
        return false;
    connection->last_active_mono_ms = now - quiet;
    requeue_idle(deadlines, connection);
    return true;
}

void deadlines_sample(struct deadlines *deadlines)
{
    const uint64_t now = clock_mono_ms();
    struct list *node;

    /* The other queue: this one changes. */
    for (node = deadlines->lifetime.next; node != &deadlines->lifetime; node = node->next)
        was_heard(deadlines, LIST_ENTRY(node, struct connection, lifetime), now);
}

void deadlines_sample_one(struct deadlines *deadlines, struct connection *connection)
{
    was_heard(deadlines, connection, clock_mono_ms());
}

static uint64_t left_ms(uint64_t deadline_ms)
{
    const uint64_t now = clock_mono_ms();

    return deadline_ms > now ? deadline_ms - now : 0;
}

uint64_t deadlines_idle_left_ms(const struct connection *connection)
{
    return left_ms(idle_deadline(connection));
}

uint64_t deadlines_lifetime_left_ms(const struct connection *connection)
{
    return left_ms(lifetime_deadline(connection));
}

static void expire_idle(struct deadlines *deadlines, uint64_t now)
{
    struct connection *connection;

    while ((connection = first_idle(deadlines)) && idle_deadline(connection) <= now)
        if (!was_heard(deadlines, connection, now))
            deadlines->on_expired(deadlines->arg, connection, RULE_IDLE_TIMEOUT, now - connection->last_active_mono_ms);
}

static void expire_old(struct deadlines *deadlines, uint64_t now)
{
    struct connection *connection;

    while ((connection = oldest(deadlines)) && lifetime_deadline(connection) <= now)
        deadlines->on_expired(deadlines->arg, connection, RULE_CONNECTION_LIFETIME,
                              now - connection->opened_at_mono_ms);
}

static void on_timer(void *arg)
{
    struct deadlines *deadlines = arg;
    uint64_t now = clock_mono_ms();

    expire_old(deadlines, now);
    expire_idle(deadlines, now);
    start_timer(deadlines);
}

void deadlines_init(struct deadlines *deadlines, struct loop *loop, deadlines_quiet_fn *quiet_ms,
                    deadlines_expired_fn *on_expired, void *arg)
{
    list_init(&deadlines->idle);
    list_init(&deadlines->lifetime);
    deadlines->timer = loop_timer_new(loop, on_timer, deadlines);
    deadlines->quiet_ms = quiet_ms;
    deadlines->on_expired = on_expired;
    deadlines->arg = arg;
}

void deadlines_fini(struct deadlines *deadlines)
{
    assert(list_empty(&deadlines->idle) && list_empty(&deadlines->lifetime));
    loop_timer_free(deadlines->timer);
}

void deadlines_add(struct deadlines *deadlines, struct connection *connection)
{
    connection->opened_at_mono_ms = clock_mono_ms();
    connection->last_active_mono_ms = connection->opened_at_mono_ms;
    list_append(&deadlines->idle, &connection->idle);
    list_append(&deadlines->lifetime, &connection->lifetime);
    /* A timer that runs is set for a connection that was here before, so it fires no later than this one's limits. */
    if (!loop_timer_active(deadlines->timer))
        start_timer(deadlines);
}

void deadlines_touch(struct deadlines *deadlines, struct connection *connection)
{
    connection->last_active_mono_ms = clock_mono_ms();
    list_remove(&connection->idle);
    list_append(&deadlines->idle, &connection->idle);
}

void deadlines_remove(struct connection *connection)
{
    list_remove(&connection->idle);
    list_remove(&connection->lifetime);
}
