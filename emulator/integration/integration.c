/* integration.c - which kind stands behind a route, and the time every kind has.
 *
 * All calls have the same limit, so their deadlines are a queue in order of arrival, with one timer for its front. */
#include <assert.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "integration/integration_ops.h"

struct integration_call {
    struct list link; /* in the runner's queue; alone once the time is over */
    uint64_t deadline_ms;
    integration_done_fn *on_done; /* NULL: the caller was told that the time is over */
    void *arg;
};

struct integration_runner {
    struct function_pool *pool;
    struct list calls; /* struct integration_call, by deadline */
    struct loop_timer *timer;
};

static const struct integration_ops *const kinds[] = {&lambda_proxy_ops};

/* ---- deadlines ---- */

static void start_timer(struct integration_runner *runner, uint64_t now_ms)
{
    const struct integration_call *first = LIST_ENTRY(runner->calls.next, struct integration_call, link);

    loop_timer_start(runner->timer, first->deadline_ms > now_ms ? first->deadline_ms - now_ms : 0);
}

static void end_call_late(struct integration_call *call)
{
    const struct integration_result result = {
        .failure = rule_get(RULE_INTEGRATION_TIMEOUT),
        .detail = SPAN("the integration has not answered in time"),
    };
    integration_done_fn *on_done = TAKE(call->on_done);

    list_remove(&call->link);
    on_done(call->arg, &result);
}

/* Calls that were answered are not in the queue any more; the timer that was set for one fires for nothing. */
static void on_timer(void *arg)
{
    struct integration_runner *runner = arg;
    uint64_t now_ms = clock_mono_ms();
    struct list *node;

    while ((node = list_first(&runner->calls))) {
        struct integration_call *call = LIST_ENTRY(node, struct integration_call, link);
        if (call->deadline_ms > now_ms)
            break;
        end_call_late(call);
    }
    if (!list_empty(&runner->calls))
        start_timer(runner, now_ms);
}

/* ---- calls ---- */

static const struct integration_ops *kind_of(const struct config_route *route)
{
    assert(route->function); /* a route without one has no integration */
    return kinds[0];
}

void integration_invoke(struct integration_runner *runner, const struct config_route *route,
                        const struct invocation_request *request, integration_done_fn *on_done, void *arg)
{
    struct integration_call *call = mem_alloc(sizeof(*call));
    uint64_t now_ms = clock_mono_ms();

    *call = (struct integration_call){
        .deadline_ms = now_ms + rule_get(RULE_INTEGRATION_TIMEOUT)->limit, .on_done = on_done, .arg = arg};
    list_append(&runner->calls, &call->link);
    if (!loop_timer_active(runner->timer))
        start_timer(runner, now_ms);
    kind_of(route)->invoke(runner->pool, route, request, call);
}

void integration_call_done(struct integration_call *call, const struct integration_result *result)
{
    list_remove(&call->link);
    if (call->on_done)
        call->on_done(call->arg, result);
    free(call);
}

/* ---- the runner ---- */

struct integration_runner *integration_runner_new(struct loop *loop, struct function_pool *pool)
{
    struct integration_runner *runner = mem_zalloc(sizeof(*runner));

    runner->pool = pool;
    list_init(&runner->calls);
    runner->timer = loop_timer_new(loop, on_timer, runner);
    return runner;
}

/* Calls that are still under way stay with the pool; nobody is told any more. */
void integration_runner_free(struct integration_runner *runner)
{
    struct list *node;

    if (!runner)
        return;
    while ((node = list_first(&runner->calls))) {
        LIST_ENTRY(node, struct integration_call, link)->on_done = NULL;
        list_remove(node);
    }
    loop_timer_free(runner->timer);
    free(runner);
}
