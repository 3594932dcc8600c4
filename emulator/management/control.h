/* control.h - what is under /_apigw/: the emulator's own, not AWS's (docs/inspection.md).
 *
 *   GET    /_apigw                    what there is
 *   GET    /_apigw/health             may it be used, or why not
 *   GET    /_apigw/connections        clients, a page at a time
 *   GET    /_apigw/connections/{id}   one of them
 *   DELETE /_apigw/connections/{id}   closes it
 *   GET    /_apigw/functions          functions and their environments
 *   GET    /_apigw/clock              the clock
 *   POST   /_apigw/clock              moves it
 *
 * Each is a line in a table in control.c, and a file of its own. Requests that a web page may have sent are refused
 * (guard.h).
 *
 * Owner    control_new to control_free. Threads: loop thread only. */
#ifndef MANAGEMENT_CONTROL_H
#define MANAGEMENT_CONTROL_H

#include "authorization/sigv4.h"
#include "base/span.h"
#include "function/function.h"
#include "gateway/gateway.h"
#include "management/guard.h"
#include "management/health.h"
#include "management/lambda_invoke.h"
#include "management/management.h"
#include "net/loop.h"

struct control;

/* What it is about; borrowed for its life. */
struct control_setup {
    struct loop *loop;
    struct gateway *gateway;
    struct function_pool *pool;
    struct lambda *lambda;
    const struct guard_names *names; /* that requests may give as Host */
    health_source_fn *health;        /* adds what is wrong outside of those; may be NULL */
    void *health_arg;
};

struct control *control_new(const struct control_setup *setup);

/* The clock is moved no further: whoever waits for it is answered with 503. */
void control_stop(struct control *control);

void control_free(struct control *control); /* NULL is fine */

/* Is it a path that belongs to the emulator? */
bool control_owns(struct span path);

/* Answers one request whose path is owned; `on_answered` comes exactly once, possibly before this returns. */
void control_handle(struct control *control, const struct sigv4_request *request, management_answered_fn *on_answered,
                    void *arg);

#endif
