/* pool.h - the inside of a function pool, for the files that make it up: pool.c (the border), scheduler.c (who runs
 * what), supervisor.c (what takes too long). */
#ifndef FUNCTION_POOL_H
#define FUNCTION_POOL_H

#include "function/environment.h"
#include "function/plugin_image.h"

struct function {
    struct function_pool *pool;
    const struct config_function *config;
    struct plugin_image *image; /* the pool's; functions of one plugin share it */
    struct environment_shelf environments[ENVIRONMENT_STATES];

    struct list queue; /* struct invocation, by arrival: what no environment has been handed */
    size_t queue_count;
    size_t bytes; /* of all invocations not done, handed ones too */
    bool throttling;
    uint64_t arrivals;

    uint64_t arrivals_at_start; /* when an environment was last started */
    uint64_t started_ns;
    uint64_t grow_after_ns; /* a start has failed: others are not tried before that */
};

struct function_pool {
    struct loop *loop;
    struct config *config;
    char *host_path;
    struct function_services services;
    struct function *functions; /* by config_function.index */
    struct plugin_image **images;
    size_t image_count;

    size_t busy;
    struct list failed; /* struct invocation: ended at the end of the turn */
    struct loop_deferred *turn_end;
    struct loop_timer *tick;

    bool closing;
    uint64_t close_deadline_ns;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* ---- pool.c ---- */

/* Ends it with this failure at the end of the turn; never within the caller. Takes it out of no list. */
void pool_fail(struct function_pool *pool, struct invocation *inv, enum invocation_outcome outcome,
               struct span error_type, struct span message);

/* Ends it as INVOCATION_STOPPED, in the same way. */
void pool_stop(struct function_pool *pool, struct invocation *inv);

/* Ends it with this answer now. */
void pool_answer(struct function_pool *pool, struct invocation *inv, const struct invocation_result *result);

/* The last environment of a closing pool may have gone. */
void pool_check_closed(struct function_pool *pool);

/* ---- scheduler.c ---- */

/* Takes an invocation into the queue, or fails it: the queue is full. */
void scheduler_submit(struct function *f, struct invocation *inv);

/* Hands what waits to whoever has room; starts the first environment. */
void scheduler_dispatch(struct function *f);

/* 0, or -1: it could not be started, and what had to be done about that is done. */
int scheduler_start_environment(struct function *f);

/* Puts invocations that no handler has begun back to their places in the queue. */
void scheduler_requeue(struct function *f, struct list *invocations);

/* The environment that the next invocation goes to, or NULL. */
struct environment *scheduler_choose(const struct function *f);

/* Environments that run, may run, or will. */
size_t scheduler_alive(const struct function *f);

/* ---- supervisor.c ---- */

/* Looks after the pool every FUNCTION_PATIENCE_MS until nothing is left to be looked after. */
void supervisor_wake(struct function_pool *pool);
void supervisor_on_tick(void *pool);

#endif
