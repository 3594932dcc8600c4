/* control.h - what is under /_apigw/: the emulator's own, not AWS's. The clock, so far.
 *
 *   GET  /_apigw/clock                       {"now":"2026-11-24T09:37:45.859Z","advancedMs":0}
 *   POST /_apigw/clock {"advance":"10m"}     the same, when what became due on the way has happened
 *
 * Moves of the clock happen one after another. One goes from deadline to deadline; between two, the loop runs until
 * what was begun by the step has ended, so that a handler is not timed out by the move that started it.
 *
 * Owner    control_new to control_free. Threads: loop thread only. */
#ifndef MANAGEMENT_CONTROL_H
#define MANAGEMENT_CONTROL_H

#include "base/span.h"
#include "function/function.h"
#include "gateway/gateway.h"
#include "management/lambda_invoke.h"
#include "management/management.h"
#include "net/loop.h"

struct control;

struct control *control_new(struct loop *loop, struct gateway *gateway, struct function_pool *pool,
                            struct lambda *lambda);

/* The clock is moved no further: whoever waits for it is answered with 503. */
void control_stop(struct control *control);

void control_free(struct control *control); /* NULL is fine */

/* Is it a path that belongs to the emulator? */
bool control_owns(struct span path);

/* Answers one request whose path is owned; `on_answered` comes exactly once, possibly before this returns. */
void control_handle(struct control *control, struct span method, struct span path, struct span body,
                    management_answered_fn *on_answered, void *arg);

#endif
