/* pool.h - the inside of a function pool, for the files that make it up: pool.c (the border), scheduler.c (who runs
 * what), supervisor.c (what takes too long), keeper.c (how many environments there should be when nothing happens),
 * record.c (what has been done, and what does not work), inspection.c (who looks at it). */
#ifndef FUNCTION_POOL_H
#define FUNCTION_POOL_H

#include "function/environment.h"
#include "function/inspection.h"
#include "function/plugin_image.h"

#define KEEPER_NEVER UINT64_MAX

struct function {
    struct list link; /* in pool->all */
    struct function_pool *pool;
    struct config *of; /* referenced: `config` is one of its */
    const struct config_function *config;
    bool retired;               /* another one, or none, has its name now: it ends when what runs has ended */
    struct plugin_image *image; /* the pool's; functions of one plugin share it */
    struct plugin_copy *copy;   /* the newest that an environment has come up with; referenced; NULL: none yet */
    struct environment_shelf environments[ENVIRONMENT_STATES];

    struct list queue; /* struct invocation, by arrival: what no environment has been handed */
    size_t queue_count;
    size_t running; /* invocations not done, handed ones too: the concurrency, as Lambda counts it */
    size_t bytes;   /* of those */
    bool throttling;
    uint64_t throttled_told_ns; /* when a line said so last */
    size_t throttled;           /* since then */
    unsigned queue_alarm;       /* which of the supervisor's lines about the queue was written */
    uint64_t arrivals;

    uint64_t arrivals_at_start; /* when an environment was last started */
    uint64_t started_ns;
    uint64_t grow_after_ns; /* a start has failed: others are not tried before that */
    uint64_t looked_ns;     /* when the supervisor last measured its load */

    /* the keeper's */
    size_t provisioned;      /* environments alive that were started ahead */
    unsigned ahead_failures; /* in a row */
    uint64_t ahead_after_ns; /* those that are missing are not started before that */

    /* the record's */
    struct function_counts counts;
    bool unsettled;        /* something of the following is to be looked at when an environment has room */
    bool provisioned_up;   /* all of those that are provisioned have been there once */
    char *start_failure;   /* why no environment could be started, the last time; NULL: it could */
    char *renewal_failure; /* why the newest copy of the plugin is not used; NULL: it is */
};

/* The functions of one configuration. */
struct pool_api {
    struct config *config;       /* referenced */
    struct function **functions; /* by config_function.index; APIs share those of one name */
};

struct function_pool {
    struct loop *loop;
    char *host_path;
    struct function_services services;
    struct pool_api *apis;
    size_t api_count;
    struct list all;    /* struct function: theirs, and retired ones */
    struct list images; /* struct pool_image */

    size_t busy;
    struct list failed; /* struct invocation: ended at the end of the turn */
    struct loop_deferred *turn_end;
    struct loop_timer *tick;
    uint64_t woken_ns; /* since when it ticks */
    struct loop_timer *keeper;
    uint64_t keeper_due_ns;   /* when it is set to; KEEPER_NEVER */
    struct log_streams *logs; /* NULL: none */
    bool started;             /* function_pool_start was called */
    bool watches;             /* function_pool_watch was called */

    bool closing;
    uint64_t close_deadline_ns;
    bool hurried;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

static inline struct function *pool_function(const struct list *node)
{
    return LIST_ENTRY(node, struct function, link);
}

/* ---- pool.c ---- */

/* Gives invocations that no handler has begun, and that are in no queue, to another function, or fails them if that is
 * NULL. */
void pool_move_waiting(struct list *invocations, struct function_pool *pool, struct function *to);

/* Ends it with this failure at the end of the turn; never within the caller. Takes it out of no list. */
void pool_fail(struct function_pool *pool, struct invocation *inv, enum invocation_outcome outcome,
               struct span error_type, struct span message);

/* Ends it as INVOCATION_STOPPED, in the same way. */
void pool_stop(struct function_pool *pool, struct invocation *inv);

/* Ends it with this answer now. */
void pool_answer(struct function_pool *pool, struct invocation *inv, const struct invocation_result *result);

/* The last environment of a closing pool may have gone. */
void pool_check_closed(struct function_pool *pool);

/* ---- renewal.c ---- */

/* The image of a plugin file, watched if the pool does; shared by the functions that load it. */
struct plugin_image *renewal_take_image(struct function_pool *pool, const char *path);
void renewal_drop_image(struct function_pool *pool, struct plugin_image *image);

/* Another function, or none, has the name of this one now. */
void renewal_retire(struct function *f, struct function *successor);

/* Was it started with a copy that a newer one has replaced? */
bool renewal_is_outdated(const struct function *f, const struct environment *env);

/* The environment can be handed something: of those with a new copy the first makes it the function's. False: it is not
 * to be used any more, and was told to end if it has nothing to do. */
bool renewal_admit(struct function *f, struct environment *env);

/* Did it try a new copy, which then is not used? Says so in the log. */
bool renewal_has_failed(struct function *f, const struct environment *env, struct span error_type, struct span message);

/* ---- scheduler.c ---- */

/* Takes an invocation into the queue, or fails it: the queue is full. */
void scheduler_submit(struct function *f, struct invocation *inv);

/* Hands what waits to whoever has room; starts the first environment. */
void scheduler_dispatch(struct function *f);

/* For what waits, or `ahead` of it. 0, or -1: it could not be started, and what had to be done about that is done. */
int scheduler_start_environment(struct function *f, bool ahead);

/* The same with a copy of the plugin that is newer than the function's, beyond its concurrency. */
void scheduler_try_copy(struct function *f, struct plugin_copy *copy);

/* Puts invocations that no handler has begun back to their places in the queue. */
void scheduler_requeue(struct function *f, struct list *invocations);

/* The environment that the next invocation goes to, or NULL. */
struct environment *scheduler_choose(const struct function *f);

/* Environments that run, may run, or will. */
size_t scheduler_alive(const struct function *f);

/* ---- keeper.c ---- */

/* Starts what is missing of the environments that are to be there ahead, unless that has just failed. */
void keeper_provision(struct function *f);

/* One that was started ahead has ended. `worked`: it had got ready, and did something. */
void keeper_on_provisioned_end(struct function *f, bool worked);

/* An environment has become idle. */
void keeper_on_idle(struct function *f, const struct environment *env);
void keeper_on_timer(void *pool);

/* ---- record.c ---- */

void record_init(struct function *f);
void record_fini(struct function *f);

/* An invocation of it is done. */
void record_invocation(struct function *f, const struct invocation *inv, enum invocation_outcome outcome);

/* There is no environment, and none could be started. */
void record_start_failure(struct function *f, struct span error_type, struct span message);

/* An environment can be handed something. Cheap, unless something was wrong. */
void record_room(struct function *f);

/* The newest copy of the plugin does not work; or the one that is used is the newest. */
void record_renewal_failure(struct function *f, struct span error_type, struct span message);
void record_renewed(struct function *f);

/* The plugin has changed: what did not work may work now. */
void record_plugin_changed(struct function *f);

/* How many of those that were started ahead have come up. */
size_t record_provisioned_ready(const struct function *f);

/* ---- supervisor.c ---- */

/* Looks after the pool every FUNCTION_PATIENCE_MS until nothing is left to be looked after. */
void supervisor_wake(struct function_pool *pool);
void supervisor_on_tick(void *pool);

#endif
