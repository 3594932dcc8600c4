/* lambda_proxy.c - AWS_PROXY with a Lambda function: the event goes in as it is, what comes back is a proxy result. */
#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "integration/integration_ops.h"
#include "integration/lambda_status.h"
#include "integration/proxy_result.h"

static void end(struct integration_call *call, const struct invocation_result *invocation,
                struct integration_result result)
{
    result.lambda_status = integration_lambda_status(invocation->outcome);
    result.request_id = invocation->request_id;
    integration_call_done(call, &result);
}

static void end_with_failure(struct integration_call *call, const struct invocation_result *invocation,
                             enum rule_id rule, struct span detail)
{
    end(call, invocation, (struct integration_result){.failure = rule_get(rule), .detail = detail});
}

static void end_with_proxy_result(struct integration_call *call, const struct invocation_result *invocation, int judged,
                                  const struct proxy_result *proxy, const char *why)
{
    if (judged < 0) {
        end_with_failure(call, invocation, RULE_RESULT_MALFORMED, span_of_str(why));
        return;
    }
    end(call, invocation,
        (struct integration_result){
            .status_code = proxy->status_code,
            .has_body = proxy->has_body,
            .body = proxy->body,
            .subprotocol = proxy->subprotocol,
        });
}

/* ---- one function per outcome of an invocation ---- */

static void on_typed(struct integration_call *call, const struct invocation_result *result)
{
    struct proxy_result proxy;
    const char *why = NULL;
    int judged = proxy_result_from_typed(result, &proxy, &why);

    end_with_proxy_result(call, result, judged, &proxy, why);
}

static void on_json(struct integration_call *call, const struct invocation_result *result)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct proxy_result proxy;
    const char *why = NULL;
    int judged = proxy_result_parse(result->json, &text, &proxy, &why);

    end_with_proxy_result(call, result, judged, &proxy, why);
}

static void on_failure(struct integration_call *call, const struct invocation_result *result)
{
    CLEANUP(buf_fini) struct buf detail = {0};

    buf_append(&detail, result->error_type);
    if (result->error_type.len > 0)
        buf_append_str(&detail, ": ");
    buf_append(&detail, result->error_message);
    end_with_failure(call, result, RULE_INTEGRATION_FAILED, buf_span(&detail));
}

static void on_throttled(struct integration_call *call, const struct invocation_result *result)
{
    end_with_failure(call, result, RULE_FUNCTION_THROTTLED, result->error_message);
}

static void on_stopped(struct integration_call *call, const struct invocation_result *result)
{
    end_with_failure(call, result, RULE_GOING_AWAY, result->error_message);
}

typedef void outcome_fn(struct integration_call *call, const struct invocation_result *result);

static outcome_fn *const on_outcome[] = {
    [INVOCATION_RESULT] = on_typed,      [INVOCATION_RESULT_JSON] = on_json,    [INVOCATION_ERROR] = on_failure,
    [INVOCATION_TIMED_OUT] = on_failure, [INVOCATION_THROTTLED] = on_throttled, [INVOCATION_NOT_STARTED] = on_failure,
    [INVOCATION_STOPPED] = on_stopped,
};

static void on_done(void *arg, const struct invocation_result *result)
{
    assert((size_t)result->outcome < sizeof(on_outcome) / sizeof(on_outcome[0]));
    on_outcome[result->outcome](arg, result);
}

static void invoke(struct function_pool *pool, const struct config_function *function,
                   const struct invocation_request *request, struct integration_call *call)
{
    function_invoke(pool, function, request, on_done, call);
}

const struct integration_ops lambda_proxy_ops = {.type = "AWS_PROXY", .invoke = invoke};
