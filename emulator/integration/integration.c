/* integration.c - which kind stands behind a route, and the time every kind has. */
#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "integration/integration_ops.h"
#include "integration/waiting.h"

#define NS_PER_MS 1000000u

struct integration_call {
    struct waiting_node waiting;
    uint64_t began_ns;
    integration_done_fn *on_done; /* NULL: the caller was told that the time is over */
    void *arg;
};

struct integration_runner {
    struct function_pool *pool;
    struct waiting calls;
};

static const struct integration_ops *const kinds[] = {&lambda_proxy_ops};

/* ---- calls ---- */

/* It has taken `least_ns`, if it is not longer: deadlines are whole milliseconds, and may come a fraction of one early.
 */
static void tell(struct integration_call *call, const struct integration_result *result, uint64_t least_ns)
{
    struct integration_result timed = *result;
    integration_done_fn *on_done = TAKE(call->on_done);
    const uint64_t taken_ns = clock_mono_ns() - call->began_ns;

    timed.latency_ns = taken_ns > least_ns ? taken_ns : least_ns;
    on_done(call->arg, &timed);
}

static void end_call_late(struct waiting_node *node)
{
    struct integration_call *call = LIST_ENTRY(node, struct integration_call, waiting);
    const struct rule *rule = rule_get(RULE_INTEGRATION_TIMEOUT);

    tell(call,
         &(struct integration_result){.failure = rule, .detail = SPAN("the integration has not answered in time")},
         rule->limit * NS_PER_MS);
}

static const struct integration_ops *kind_of(const struct config_route *route)
{
    return kinds[0];
}

void integration_invoke(struct integration_runner *runner, const struct config_route *route,
                        const struct config_function *function, const struct invocation_request *request,
                        integration_done_fn *on_done, void *arg)
{
    struct integration_call *call = mem_zalloc(sizeof(*call));

    assert(function); /* a route without one has no integration */
    call->on_done = on_done;
    call->arg = arg;
    call->began_ns = clock_mono_ns();
    list_init(&call->waiting.link);
    if (!config_function_is_wrapped(function))
        waiting_begin(&runner->calls, &call->waiting, call->began_ns / NS_PER_MS,
                      rule_get(RULE_INTEGRATION_TIMEOUT)->limit);
    kind_of(route)->invoke(runner->pool, function, request, call);
}

void integration_call_done(struct integration_call *call, const struct integration_result *result)
{
    waiting_end(&call->waiting);
    if (call->on_done)
        tell(call, result, 0);
    free(call);
}

/* ---- the runner ---- */

struct integration_runner *integration_runner_new(struct loop *loop, struct function_pool *pool)
{
    struct integration_runner *runner = mem_zalloc(sizeof(*runner));

    runner->pool = pool;
    waiting_init(&runner->calls, loop, end_call_late);
    return runner;
}

static void forget_call(struct waiting_node *node)
{
    LIST_ENTRY(node, struct integration_call, waiting)->on_done = NULL;
}

/* Calls that are still under way stay with the pool; nobody is told any more. */
void integration_runner_free(struct integration_runner *runner)
{
    if (!runner)
        return;
    waiting_fini(&runner->calls, forget_call);
    free(runner);
}
