/* waiting.c - see waiting.h. */
#include "integration/waiting.h"

#include "base/clock.h"

static struct waiting_node *first_of(const struct waiting *waiting)
{
    struct list *first = list_first(&waiting->nodes);
    return first ? LIST_ENTRY(first, struct waiting_node, link) : NULL;
}

static void start_timer(struct waiting *waiting, uint64_t now_ms)
{
    const struct waiting_node *first = first_of(waiting);

    if (first)
        loop_timer_start(waiting->timer, first->deadline_ms > now_ms ? first->deadline_ms - now_ms : 0);
}

/* What has ended is not in the queue any more; the timer that was set for it fires for nothing. */
static void on_timer(void *arg)
{
    struct waiting *waiting = arg;
    const uint64_t now_ms = clock_mono_ms();
    struct waiting_node *first;

    while ((first = first_of(waiting)) && first->deadline_ms <= now_ms) {
        list_remove(&first->link);
        waiting->on_over(first);
    }
    start_timer(waiting, now_ms);
}

void waiting_init(struct waiting *waiting, struct loop *loop, waiting_over_fn *on_over)
{
    list_init(&waiting->nodes);
    waiting->timer = loop_timer_new(loop, on_timer, waiting);
    waiting->on_over = on_over;
}

void waiting_fini(struct waiting *waiting, waiting_over_fn *forget)
{
    struct waiting_node *first;

    while ((first = first_of(waiting))) {
        list_remove(&first->link);
        forget(first);
    }
    loop_timer_free(waiting->timer);
}

void waiting_begin(struct waiting *waiting, struct waiting_node *node, uint64_t now_ms, uint64_t limit_ms)
{
    node->deadline_ms = now_ms + limit_ms;
    list_append(&waiting->nodes, &node->link);
    if (!loop_timer_active(waiting->timer))
        start_timer(waiting, now_ms);
}

void waiting_end(struct waiting_node *node)
{
    list_remove(&node->link);
}
