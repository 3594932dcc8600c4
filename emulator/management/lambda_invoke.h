/* lambda_invoke.h - Lambda's Invoke API, so that SDKs and the AWS CLI can call a function directly.
 *
 *   POST /2015-03-31/functions/{FunctionName}/invocations?Qualifier=…
 *
 * Statuses, headers and bodies are those of Lambda 2015-03-31 (AWS Lambda API reference, "Invoke"). The event is the
 * body, any JSON; the handler has it to the byte. Nothing here asks who calls: docs/fidelity.md, "Invoke API".
 *
 * Owner    lambda_new to lambda_free. An invocation goes on when whoever waits for it has gone.
 * Threads  loop thread only. */
#ifndef MANAGEMENT_LAMBDA_INVOKE_H
#define MANAGEMENT_LAMBDA_INVOKE_H

#include "authorization/sigv4.h"
#include "base/span.h"
#include "function/function.h"
#include "management/management.h"
#include "net/loop.h"

/* Lambda's limits on an event: 6 MB if the caller waits for the answer, else 1 MB ("Lambda quotas"). */
#define LAMBDA_PAYLOAD_MAX 6291456u
#define LAMBDA_EVENT_PAYLOAD_MAX 1048576u

struct lambda;

struct lambda *lambda_new(struct loop *loop, struct function_pool *pool);

/* When no invocation is under way. NULL is fine. */
void lambda_free(struct lambda *lambda);

/* Is it a path of Lambda's? */
bool lambda_owns(struct span path);

/* The most body bytes worth reading: one more than passes. */
size_t lambda_body_max(void);

/* Answers one request whose path is owned. Its body is cut at lambda_body_max(); `body_bytes` is how many there were.
 * `on_answered` comes exactly once, possibly before this returns. */
void lambda_handle(struct lambda *lambda, const struct sigv4_request *request, size_t body_bytes,
                   management_answered_fn *on_answered, void *arg);

/* How many invocations have been begun, retries included; and is one of those still under way that came after the first
 * `after` of them and is among the first `up_to`? */
uint64_t lambda_invocations(const struct lambda *lambda);
bool lambda_is_busy_with(const struct lambda *lambda, uint64_t after, uint64_t up_to);

#endif
