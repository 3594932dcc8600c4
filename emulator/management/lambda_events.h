/* lambda_events.h - asynchronous invocations: kept until they have succeeded, and tried again as on Lambda.
 *
 * A function that failed is tried twice more, after one and then two minutes. One that had no room for the invocation
 * is tried again for six hours, after 1 second at first and 5 minutes at last (AWS Lambda developer guide, "How Lambda
 * handles errors and retries with asynchronous invocation"). All attempts have one request id.
 *
 * Owner    lambda_events_new to lambda_events_free. Bounded: what finds no room is refused.
 * Threads  loop thread only. */
#ifndef MANAGEMENT_LAMBDA_EVENTS_H
#define MANAGEMENT_LAMBDA_EVENTS_H

#include "base/span.h"
#include "event/id.h"
#include "function/function.h"
#include "management/lambda_runs.h"
#include "net/loop.h"

#define LAMBDA_EVENTS_MAX 1000
#define LAMBDA_EVENTS_BYTES_MAX (64u * 1024u * 1024u)

struct lambda_events;

/* Functions are as they are configured at the time of an attempt. Attempts are noted in `runs`. */
struct lambda_events *lambda_events_new(struct loop *loop, struct function_pool *pool, struct lambda_runs *runs);

/* What waits for another attempt is dropped with a line in the log. NULL is fine. */
void lambda_events_free(struct lambda_events *events);

/* Invokes a function with a document, which is JSON, and copied. False: there are too many already. */
bool lambda_events_add(struct lambda_events *events, const struct config_function *function,
                       const char request_id[UUID_SIZE], struct span document);

#endif
