/* authorizer.h - runs the functions of Lambda authorizers. What their answers mean is judged in authorization/.
 *
 * Owner    authorizer_invoke owns the call until on_done has returned. Threads: loop thread only. */
#ifndef INTEGRATION_AUTHORIZER_H
#define INTEGRATION_AUTHORIZER_H

#include "base/span.h"
#include "config/config.h"
#include "function/function.h"
#include "gateway/rules.h"
#include "net/loop.h"

/* What came back. Valid during on_done only. */
struct authorizer_reply {
    const struct rule *failure; /* NULL: it returned something. RULE_AUTHORIZER_UNAUTHORIZED, _FAILED, _TIMEOUT,
                                   _UNAVAILABLE, _RESULT_MALFORMED, RULE_GOING_AWAY */
    struct span detail;         /* of a failure, for the log: one sentence */
    struct span json;           /* what it returned */
    unsigned lambda_status;     /* that Lambda answers the invocation with, not the function; 0: it has not answered */
    struct span request_id;     /* Lambda's; empty: as above */
};

typedef void authorizer_done_fn(void *arg, const struct authorizer_reply *reply);

/* Runs the authorizers of one API; keeps their deadlines. */
struct authorizer_runner;
struct authorizer_runner *authorizer_runner_new(struct loop *loop, struct function_pool *pool);
void authorizer_runner_free(struct authorizer_runner *runner); /* NULL is fine */

/* Invokes the authorizer's function. `on_done` comes exactly once, later. After 10 s (RULE_AUTHORIZER_TIMEOUT) it comes
 * with that rule, and the function's own answer is dropped when it comes. */
void authorizer_invoke(struct authorizer_runner *runner, const struct config_authorizer *authorizer,
                       const struct invocation_request *request, authorizer_done_fn *on_done, void *arg);

#endif
