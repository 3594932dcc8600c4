/* lambda_status.h - the HTTP status of Lambda's Invoke API for an outcome, as access logs tell it
 * ($context.integration. integrationStatus). Lambda has run a function that fails, so that is a success of its own. */
#ifndef INTEGRATION_LAMBDA_STATUS_H
#define INTEGRATION_LAMBDA_STATUS_H

#include "function/function.h"

static inline unsigned integration_lambda_status(enum invocation_outcome outcome)
{
    static const unsigned statuses[] = {
        [INVOCATION_RESULT] = 200,    [INVOCATION_RESULT_JSON] = 200, [INVOCATION_ERROR] = 200,
        [INVOCATION_TIMED_OUT] = 200, [INVOCATION_THROTTLED] = 429,   [INVOCATION_NOT_STARTED] = 500,
        [INVOCATION_STOPPED] = 503,
    };

    return statuses[outcome];
}

#endif
