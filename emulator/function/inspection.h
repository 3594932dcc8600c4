/* inspection.h - what is known of functions and their environments, for those who look at a running pool.
 *
 * Threads  loop thread only. Everything is borrowed until the next turn of the loop. */
#ifndef FUNCTION_INSPECTION_H
#define FUNCTION_INSPECTION_H

#include <sys/types.h>

#include "config/config.h"
#include "function/function.h"

struct function;
struct environment;

/* What a function has done since it is as it is: one that changes begins anew. */
struct function_counts {
    uint64_t invocations; /* that ended, refused ones apart */
    uint64_t errors;      /* of those: the function failed, was ended, or could not be started */
    uint64_t timeouts;    /* of those errors */
    uint64_t throttles;   /* refused: the queue is full, or the reserved concurrency used up */
    uint64_t cold_starts; /* invocations that an environment was started for */
    uint64_t timed;       /* invocations that an environment has run, well or not */
    uint64_t duration_ns; /* theirs, as in REPORT lines */
    uint64_t duration_max_ns;
};

struct function_details {
    const struct config_function *function;
    bool retired; /* another one, or none, has its name now: it finishes what it runs */
    size_t queued;
    size_t queued_bytes;
    size_t running; /* handed to environments, and not done */
    size_t environments;
    size_t provisioned_missing;  /* of those to be there ahead, before they have all been there once */
    bool provisioned_fails;      /* the last one of those has failed */
    const char *start_failure;   /* why no environment could be started, the last time; NULL: it could */
    const char *renewal_failure; /* why its plugin file, which has changed, is not used; NULL: it is */
    struct function_counts counts;
};

struct environment_details {
    pid_t pid;
    const char *state; /* starting, idle, busy, slow, ending */
    bool provisioned;
    uint64_t started_at_ms; /* wall clock, as all of these */
    uint64_t invocations;   /* that it has ended */
    size_t waiting;         /* handed to it ahead of time, and not begun */
    uint32_t memory_kb;     /* in use when that was last looked at; 0: not yet */
    uint32_t memory_max_kb;
    struct span log_stream;
    struct span request_id; /* of the invocation that runs; empty: none does */
    uint64_t began_at_ms;   /* that one */
};

/* The one behind `function`, the first if that is NULL, retired ones too; NULL: there is none. */
const struct function *inspection_next_function(const struct function_pool *pool, const struct function *function);
void inspection_describe_function(const struct function *function, struct function_details *ret);

/* The configurations that have it, one after another: the next from *index on, which is moved behind it; begin with 0.
 * NULL: there is none. */
const struct config *inspection_next_user(const struct function *function, size_t *index);

/* The same for the environments of a function, the oldest of each state last. */
struct environment *inspection_next_environment(const struct function *function, const struct environment *environment);
void inspection_describe_environment(struct environment *environment, struct environment_details *ret);

#endif
