/* integration.c - which kind stands behind a route, and the time every kind has. */
#include <assert.h>

#include "base/mem.h"
#include "integration/integration_ops.h"
#include "integration/waiting.h"

struct integration_call {
    struct waiting_node waiting;
    integration_done_fn *on_done; /* NULL: the caller was told that the time is over */
    void *arg;
};

struct integration_runner {
    struct function_pool *pool;
    struct waiting calls;
};

static const struct integration_ops *const kinds[] = {&lambda_proxy_ops};

/* ---- calls ---- */

static void end_call_late(struct waiting_node *node)
{
    struct integration_call *call = LIST_ENTRY(node, struct integration_call, waiting);
    const struct integration_result result = {
        .failure = rule_get(RULE_INTEGRATION_TIMEOUT),
        .detail = SPAN("the integration has not answered in time"),
    };
    integration_done_fn *on_done = TAKE(call->on_done);

    on_done(call->arg, &result);
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
    list_init(&call->waiting.link);
    if (!config_function_is_wrapped(function))
        waiting_begin(&runner->calls, &call->waiting, rule_get(RULE_INTEGRATION_TIMEOUT)->limit);
    kind_of(route)->invoke(runner->pool, function, request, call);
}

void integration_call_done(struct integration_call *call, const struct integration_result *result)
{
    waiting_end(&call->waiting);
    if (call->on_done)
        call->on_done(call->arg, result);
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
