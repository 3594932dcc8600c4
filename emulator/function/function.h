/* function.h - functions, their execution environments and their invocations.
 *
 * A function keeps a pool of execution environments, apigw-host processes that run one invocation at a time each. They
 * start when needed, or ahead, and are reused until they have been idle for long. A few quick ones share the work; an
 * invocation that has waited FUNCTION_PATIENCE_MS because all are in a slow one starts another, up to the function's
 * concurrency. What waits is bounded.
 *
 * Owner    function_pool_new to function_pool_free. An invocation belongs to the pool from function_invoke until its
 *          on_done has returned; that is called exactly once, never from within function_invoke.
 * Threads  loop thread only.
 * Errors   an invocation always ends in an outcome; one log line says what went wrong with a function. */
#ifndef FUNCTION_FUNCTION_H
#define FUNCTION_FUNCTION_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "config/config.h"
#include "function/protocol.h"
#include "net/loop.h"

#define FUNCTION_PATIENCE_MS \
    5 /* an invocation that takes longer is slow; one that waited longer may start another environment */
#define FUNCTION_INIT_MS_MAX 10000                     /* Lambda's limit for the init phase */
#define FUNCTION_FINI_MS_MAX 1000                      /* for fini, when an environment is ended */
#define FUNCTION_QUEUE_MAX 10000                       /* invocations waiting per function */
#define FUNCTION_QUEUE_BYTES_MAX (64u * 1024u * 1024u) /* and their events */

enum invocation_outcome {
    INVOCATION_RESULT,      /* typed: status_code, body, headers */
    INVOCATION_RESULT_JSON, /* json is what the function returned, "null" if nothing */
    INVOCATION_ERROR,       /* the function failed: error_type and error_message, as Lambda words them */
    INVOCATION_TIMED_OUT,   /* function timeout; error_* are filled too */
    INVOCATION_THROTTLED,   /* the queue is full, or the function's reserved concurrency used up */
    INVOCATION_STOPPED,     /* the pool is closing */
    INVOCATION_NOT_STARTED  /* no environment could be started; error_message says why */
};

struct invocation_header {
    struct span name;
    struct span value;
};

/* Valid during on_done only. */
struct invocation_result {
    enum invocation_outcome outcome;
    struct span request_id; /* the invocation's, as its log and its handler have it */
    struct span log_tail;   /* where the request wanted it: the end of its log, see log_tail.h */
    int status_code;
    bool has_body;
    bool is_base64_encoded;
    struct span body;
    const struct invocation_header *headers;
    size_t header_count;
    struct span json;
    struct span error_type;
    struct span error_message;

    /* what its REPORT line says; all 0 if no environment had it */
    uint64_t duration_ns;
    uint64_t init_ns; /* of a cold start, else 0 */
    uint32_t memory_max_kb;
};

/* What a handler is to be given. Every span is copied by function_invoke. */
struct invocation_request {
    struct span fields[FIELD_COUNT]; /* FIELD_AWS_REQUEST_ID is filled in by function_invoke, unless it is a UUID */
    bool wants_log_tail;
    uint32_t event_type;
    uint32_t disconnect_status_code;
    uint64_t connected_at_ms;
    uint64_t request_time_ms;
};

typedef void invocation_done_fn(void *arg, const struct invocation_result *result);

/* Spans are valid until the next turn of the loop. */
struct function_connection {
    uint64_t connected_at_ms;
    uint64_t last_active_at_ms;
    struct span source_ip;
    struct span user_agent;
};

/* What handlers may ask for while they run; each returns an enum apigw_result. */
struct function_services {
    int (*post_to_connection)(void *arg, struct span connection_id, struct span data);
    int (*get_connection)(void *arg, struct span connection_id, struct function_connection *ret);
    int (*delete_connection)(void *arg, struct span connection_id);
    void *arg;
};

struct function_pool;

/* One pool serves all functions of these configurations (referenced; config_check_together). Those that have a name in
 * common are one function. `host_path` is the apigw-host program. */
struct function_pool *function_pool_new(struct loop *loop, struct config *const *configs, size_t count,
                                        const char *host_path);

/* From now on the functions of these (referenced) are invoked. One that is as it was keeps its environments. Of one
 * that has changed or is gone, what runs may finish; what waits is given to the one of its name, or fails. */
void function_pool_reconfigure(struct function_pool *pool, struct config *const *configs, size_t count);

/* The function of that name as it is configured now; NULL if there is none. */
const struct config_function *function_find(const struct function_pool *pool, struct span name);

/* The configurations whose functions are served; NULL behind the last. */
const struct config *function_pool_config(const struct function_pool *pool, size_t index);

/* What handlers' calls are answered with; copied. Without it they get APIGW_FAILED. */
void function_pool_set_services(struct function_pool *pool, const struct function_services *services);

/* Log streams are written as files below `folder` from now on (function/log_stream.h): before anything is started. 0,
 * or -1 with a sentence in `ret_error`. */
int function_pool_set_logs(struct function_pool *pool, const char *folder, struct buf *ret_error);

/* From now on plugin files that change are taken over (function/renewal.c). */
void function_pool_watch(struct function_pool *pool);

/* Starts the environments that are to be there ahead of any invocation, and sees to it that they stay. */
void function_pool_start(struct function_pool *pool);

/* Hands one event to a function. `on_done` comes later, on the loop. */
void function_invoke(struct function_pool *pool, const struct config_function *function,
                     const struct invocation_request *request, invocation_done_fn *on_done, void *arg);

/* Invocations not yet done, of all functions. */
size_t function_pool_busy(const struct function_pool *pool);

/* Takes note of which handlers have begun until now: before the clock is moved, so that the move counts for them. */
void function_pool_sample(struct function_pool *pool);

/* Was an environment told to end, and has not ended yet? */
bool function_pool_is_ending(const struct function_pool *pool);

/* Ends every environment: fini is called where none runs, the others are killed; then `on_closed`. What was not done
 * ends as INVOCATION_STOPPED before that. */
void function_pool_close(struct function_pool *pool, void (*on_closed)(void *arg), void *arg);

/* While it closes: wrappers, such as valgrind, are not waited for any longer than others. */
void function_pool_hurry(struct function_pool *pool);

void function_pool_free(struct function_pool *pool); /* after on_closed */

/* Asks apigw-host which handlers the plugin at `path` has, without a loop: blocks, at most FUNCTION_INIT_MS_MAX. For
 * config_options.probe_plugin; `host_path` is the apigw-host program (a const char *, passed as arg). */
int function_probe_plugin(void *host_path, const char *path, struct buf *ret_names, struct buf *ret_error);

#endif
