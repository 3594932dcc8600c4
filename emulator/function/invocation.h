/* invocation.h - one event on its way through a function: the bytes for the host, and who waits for the answer.
 *
 * The frame that is handed over is kept whole until the invocation is done, so that one that no handler has begun can
 * go to another environment untouched.
 *
 * Owner    the list it is in: a function's queue, an environment's handed ones, or the pool's failed ones. Ends with
 *          invocation_answer or invocation_end, which call on_done and free it. */
#ifndef FUNCTION_INVOCATION_H
#define FUNCTION_INVOCATION_H

#include "base/list.h"
#include "function/function.h"
#include "function/log_tail.h"

/* A frame as it stands in the ring; the fields follow. */
struct invocation_head {
    struct protocol_frame frame;
    struct protocol_invoke invoke;
};

struct invocation {
    struct list link;
    struct function *function; /* the pool's: whose it is */
    const struct config_function *config;
    invocation_done_fn *on_done;
    void *arg;
    uint64_t arrival;          /* numbers the invocations of a function */
    uint64_t queued_ns;        /* clock_mono_ns: since when it waits */
    uint64_t handed_ns;        /* handed to an environment */
    uint64_t claimed_ns;       /* seen to have been begun; 0: not yet */
    unsigned losses;           /* environments that died before they began it */
    struct log_tail *log_tail; /* NULL: nobody wants it */

    /* the journal's */
    bool is_begun;
    uint64_t duration_ns;
    uint64_t init_ns;
    uint32_t memory_max_kb;

    /* set by invocation_fail */
    enum invocation_outcome outcome;
    char *error_type;
    char *error_message;

    bool is_kept; /* its block is one of those that are used again */
    size_t field_bytes;
    struct invocation_head head;
    char fields[];
};

/* A copy of everything in `request`, with a new request id; never fails. NULL: the event is over PROTOCOL_FRAME_MAX. */
struct invocation *invocation_new(const struct config_function *config, const struct invocation_request *request,
                                  invocation_done_fn *on_done, void *arg);
void invocation_free(struct invocation *inv); /* without calling on_done */

/* It is another function's now, by the same name. */
void invocation_set_config(struct invocation *inv, const struct config_function *config);

/* The whole frame. */
struct span invocation_frame(const struct invocation *inv);

/* The UUID that handler and log know it by. */
struct span invocation_request_id(const struct invocation *inv);

/* Takes note of one line of its log: what its handler printed, or what is said about it. Whoever writes such a line to
 * the log tells the invocation too, before it ends. NULL is fine. */
void invocation_note_line(struct invocation *inv, struct span line);

/* Calls on_done with `result`, to which its id and the end of its log are added, and frees it. */
void invocation_answer(struct invocation *inv, const struct invocation_result *result);

/* Notes how it failed. Lambda's "RequestId: <id> Error: " is put before the message of what a handler was given. */
void invocation_fail(struct invocation *inv, enum invocation_outcome outcome, struct span error_type,
                     struct span message);

/* Calls on_done with the failure noted before, and frees it. */
void invocation_end(struct invocation *inv);

#endif
