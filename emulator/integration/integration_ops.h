/* integration_ops.h - one kind of integration, for the files that implement one. */
#ifndef INTEGRATION_INTEGRATION_OPS_H
#define INTEGRATION_INTEGRATION_OPS_H

#include "integration/integration.h"

/* One call of an integration. It lives until the backend has answered, also when its time is over before that. */
struct integration_call;

struct integration_ops {
    const char *type; /* as AWS names it */
    /* Starts it. What comes back goes to integration_call_done, once and later. */
    void (*invoke)(struct function_pool *pool, const struct config_function *function,
                   const struct invocation_request *request, struct integration_call *call);
};

/* The backend has answered: tells the caller, unless the time was over, and frees the call. */
void integration_call_done(struct integration_call *call, const struct integration_result *result);

extern const struct integration_ops lambda_proxy_ops;

#endif
