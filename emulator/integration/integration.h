/* integration.h - what stands behind a route.
 *
 * One table of ops per kind, registered in one array: a new kind is a new file and one line. AWS_PROXY (Lambda proxy)
 * is the one there is. It hands the event to a function and judges what comes back by AWS's rules for proxy results.
 *
 * Owner    integration_invoke owns the call until on_done has returned. Threads: loop thread only. */
#ifndef INTEGRATION_INTEGRATION_H
#define INTEGRATION_INTEGRATION_H

#include "base/span.h"
#include "config/config.h"
#include "function/function.h"
#include "gateway/rules.h"
#include "net/loop.h"

/* What the gateway makes of it. Valid during on_done only. */
struct integration_result {
    const struct rule *failure; /* NULL: it worked. RULE_INTEGRATION_FAILED, _TIMEOUT, RULE_RESULT_MALFORMED,
                                   RULE_FUNCTION_THROTTLED */
    struct span detail;         /* of a failure, for the log: one sentence */
    int status_code;
    bool has_body;
    struct span body;
    struct span subprotocol; /* the result's Sec-WebSocket-Protocol header, fit for a response head; empty if none */
    uint64_t latency_ns;     /* from integration_invoke until now */
    unsigned lambda_status;  /* that Lambda answers the invocation with, not the function; 0: it has not answered */
    struct span request_id;  /* Lambda's; empty: as above */
};

typedef void integration_done_fn(void *arg, const struct integration_result *result);

/* Runs the integrations of one API; keeps their deadlines. */
struct integration_runner;
struct integration_runner *integration_runner_new(struct loop *loop, struct function_pool *pool);
void integration_runner_free(struct integration_runner *runner);

/* Invokes what stands behind `route`, which is `function` in the stage that is asked. `on_done` comes exactly once,
 * later. After the integration timeout (29 s) it comes with RULE_INTEGRATION_TIMEOUT, and the function's own answer is
 * dropped when it comes. */
void integration_invoke(struct integration_runner *runner, const struct config_route *route,
                        const struct config_function *function, const struct invocation_request *request,
                        integration_done_fn *on_done, void *arg);

#endif
