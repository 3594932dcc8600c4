/* authorizer.c - see authorizer.h. */
#include "integration/authorizer.h"

#include <assert.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "integration/lambda_status.h"
#include "integration/waiting.h"

/* It lives until the function has answered, also when its time is over before that. */
struct authorizer_call {
    struct waiting_node waiting;
    authorizer_done_fn *on_done; /* NULL: the caller was told that the time is over */
    void *arg;
};

struct authorizer_runner {
    struct function_pool *pool;
    struct waiting calls;
};

static void end_call_late(struct waiting_node *node)
{
    struct authorizer_call *call = LIST_ENTRY(node, struct authorizer_call, waiting);
    const struct authorizer_reply reply = {
        .failure = rule_get(RULE_AUTHORIZER_TIMEOUT),
        .detail = SPAN("the authorizer has not answered in time"),
    };
    authorizer_done_fn *on_done = TAKE(call->on_done);

    on_done(call->arg, &reply);
}

/* ---- one function per outcome of an invocation: which rule, and the sentence for the log ---- */

typedef const struct rule *outcome_fn(const struct invocation_result *result, struct buf *detail);

static const struct rule *on_json(const struct invocation_result *result, struct buf *detail)
{
    return NULL;
}

static const struct rule *on_typed(const struct invocation_result *result, struct buf *detail)
{
    buf_printf(detail,
               "the handler answered as for a message, with statusCode %d; an authorizer answers with "
               "apigw_respond_json and a policy",
               result->status_code);
    return rule_get(RULE_AUTHORIZER_RESULT_MALFORMED);
}

static void write_error(const struct invocation_result *result, struct buf *out)
{
    buf_append(out, result->error_type);
    if (result->error_type.len > 0)
        buf_append_str(out, ": ");
    buf_append(out, result->error_message);
}

/* "Unauthorized", exactly, is how an authorizer says 401. */
static const struct rule *on_error(const struct invocation_result *result, struct buf *detail)
{
    if (span_equal(result->error_message, SPAN("Unauthorized")))
        return rule_get(RULE_AUTHORIZER_UNAUTHORIZED);
    write_error(result, detail);
    return rule_get(RULE_AUTHORIZER_FAILED);
}

static const struct rule *on_timed_out(const struct invocation_result *result, struct buf *detail)
{
    write_error(result, detail);
    return rule_get(RULE_AUTHORIZER_FAILED);
}

static const struct rule *on_not_invoked(const struct invocation_result *result, struct buf *detail)
{
    write_error(result, detail);
    return rule_get(RULE_AUTHORIZER_UNAVAILABLE);
}

static const struct rule *on_stopped(const struct invocation_result *result, struct buf *detail)
{
    buf_append(detail, result->error_message);
    return rule_get(RULE_GOING_AWAY);
}

static outcome_fn *const on_outcome[] = {
    [INVOCATION_RESULT] = on_typed,
    [INVOCATION_RESULT_JSON] = on_json,
    [INVOCATION_ERROR] = on_error,
    [INVOCATION_TIMED_OUT] = on_timed_out,
    [INVOCATION_THROTTLED] = on_not_invoked,
    [INVOCATION_STOPPED] = on_stopped,
    [INVOCATION_NOT_STARTED] = on_not_invoked,
};

static void on_invoked(void *arg, const struct invocation_result *result)
{
    CLEANUP(buf_fini) struct buf detail = {0};
    struct authorizer_call *call = arg;
    struct authorizer_reply reply = {
        .json = result->json,
        .lambda_status = integration_lambda_status(result->outcome),
        .request_id = result->request_id,
    };

    assert((size_t)result->outcome < sizeof(on_outcome) / sizeof(on_outcome[0]));
    reply.failure = on_outcome[result->outcome](result, &detail);
    reply.detail = buf_span(&detail);
    waiting_end(&call->waiting);
    if (call->on_done)
        call->on_done(call->arg, &reply);
    free(call);
}

void authorizer_invoke(struct authorizer_runner *runner, const struct config_authorizer *authorizer,
                       const struct invocation_request *request, authorizer_done_fn *on_done, void *arg)
{
    struct authorizer_call *call = mem_zalloc(sizeof(*call));

    call->on_done = on_done;
    call->arg = arg;
    list_init(&call->waiting.link);
    if (!config_function_is_wrapped(authorizer->function))
        waiting_begin(&runner->calls, &call->waiting, clock_mono_ms(), rule_get(RULE_AUTHORIZER_TIMEOUT)->limit);
    function_invoke(runner->pool, authorizer->function, request, on_invoked, call);
}

/* ---- the runner ---- */

struct authorizer_runner *authorizer_runner_new(struct loop *loop, struct function_pool *pool)
{
    struct authorizer_runner *runner = mem_zalloc(sizeof(*runner));

    runner->pool = pool;
    waiting_init(&runner->calls, loop, end_call_late);
    return runner;
}

static void forget_call(struct waiting_node *node)
{
    LIST_ENTRY(node, struct authorizer_call, waiting)->on_done = NULL;
}

void authorizer_runner_free(struct authorizer_runner *runner)
{
    if (!runner)
        return;
    waiting_fini(&runner->calls, forget_call);
    free(runner);
}
