/* environment.h - one execution environment: an apigw-host process, its channel, and the invocations it was handed.
 *
 * It runs what it was handed in order and answers in order. It sorts itself onto one of its owner's shelves by what it
 * can do, and tells the owner of three events: it has room, it has answered, it has ended.
 *
 * Owner    environment_start to environment_free, which on_end calls for. Handed invocations belong to it until they
 *          are answered or taken. Threads: loop thread only. */
#ifndef FUNCTION_ENVIRONMENT_H
#define FUNCTION_ENVIRONMENT_H

#include "base/buf.h"
#include "base/list.h"
#include "function/channel.h"
#include "function/invocation.h"
#include "function/journal.h"
#include "function/output.h"
#include "function/plugin_image.h"
#include "function/process.h"

/* Most invocations handed at once. As many slots again are for those that were taken back: a slot is used anew only
 * when the host must have passed the frame that named it. */
#define ENVIRONMENT_HANDED_MAX (CHANNEL_SLOTS / 2)

/* And bytes of them: one larger event is handed alone. The host keeps them in the memory that the handler has. */
#define ENVIRONMENT_HANDED_BYTES_MAX (1024u * 1024u)

/* The value of AWS_LAMBDA_LOG_STREAM_NAME, "2026/01/31/[$LATEST]" and 32 digits. */
#define STREAM_NAME_SIZE 56

enum environment_state {
    ENVIRONMENT_STARTING,
    ENVIRONMENT_IDLE,
    ENVIRONMENT_BUSY,  /* runs one, and takes more */
    ENVIRONMENT_SLOW,  /* what it runs takes long: it gets no more */
    ENVIRONMENT_ENDING /* being shut down or killed, or dead */
};
#define ENVIRONMENT_STATES (ENVIRONMENT_ENDING + 1)

/* Why it is made to end. */
enum environment_end {
    END_BY_ITSELF,
    END_TIMEOUT,      /* the function's timeout */
    END_INIT_FAILED,  /* it said so */
    END_INIT_TIMEOUT, /* not ready in time */
    END_STUCK,        /* it does not begin what it was handed */
    END_OUT_OF_MEMORY,
    END_RETIRED,  /* it was idle for long */
    END_PROTOCOL, /* the process broke the protocol; the line is logged */
    END_CLOSED    /* the pool is closing */
};

/* The environments of one owner that are in one state. */
struct environment_shelf {
    struct list list;
    size_t count;
};

struct environment;

struct environment_owner_ops {
    /* It can be handed something: it has become ready, or what stood in the way has been sent. */
    void (*on_room)(void *owner, struct environment *env);

    /* The oldest handed invocation was answered and has been taken out: the owner ends it. `result` is valid during the
     * call. */
    void (*on_answer)(void *owner, struct environment *env, struct invocation *inv,
                      const struct invocation_result *result);

    /* The process is dead. The owner takes what was handed and frees the environment. */
    void (*on_end)(void *owner, struct environment *env, const siginfo_t *exit);
};

/* Everything is borrowed for the environment's life. */
struct environment_setup {
    struct loop *loop;
    const char *host_path;
    const struct config *config;
    const struct config_function *function;
    struct plugin_copy *copy; /* what it loads */
    const struct function_services *services;
    struct log_streams *logs;          /* NULL: none */
    bool provisioned;                  /* started ahead, and kept */
    struct environment_shelf *shelves; /* ENVIRONMENT_STATES of them */
    const struct environment_owner_ops *ops;
    void *owner;
};

struct environment {
    struct list link; /* on a shelf */
    enum environment_state state;
    enum environment_end end;
    struct environment_setup setup;
    uint64_t started_ns;
    uint64_t idle_ns;        /* since when it is idle */
    uint64_t end_by_ns;      /* when it is killed, if it was asked to end */
    bool ready;              /* init is done */
    bool limits_memory;      /* it is to be ended when it uses more than memorySize */
    uint64_t memory_seen_ns; /* by the system's clock, which is never moved */
    uint32_t memory_kb;      /* in use, when it was last told or looked at */
    char stream_name[STREAM_NAME_SIZE];
    struct journal journal;

    pid_t pid; /* for the log, after its death too */
    struct process process;
    struct loop_watch *death;
    struct output output;

    struct channel *channel;
    struct loop_watch *bell;
    struct loop_deferred *again; /* there was more to do than one turn's share */
    struct buf in;               /* frames, copied out of the ring */
    size_t in_at;                /* how far they are handled */
    struct buf out;              /* what did not fit in the ring */
    bool call_result_waits;      /* in `out` */
    bool may_linger;             /* there is another CPU for the host */
    uint64_t linger_until_ns;    /* 0: it does not linger */
    unsigned linger_rest;        /* so many wakes are let pass before it lingers again */

    struct list handed; /* struct invocation, oldest first: the first is the one that runs */
    size_t handed_count;
    size_t handed_bytes;
    uint64_t ended; /* of the handed ones, how many were answered */
    uint64_t sequence;
    uint64_t slots_used;    /* bit n: slot n */
    uint64_t slots_revoked; /* of the used ones, those whose invocation was taken back */
    uint64_t slot_sequence[CHANNEL_SLOTS];
    uint64_t worked_ns; /* in handlers that have answered, since the supervisor last looked */

    uint64_t init_ns; /* of an init that failed */
    struct buf error_type;
    struct buf error_message;

    /* the supervisor's */
    uint64_t watched_sequence; /* of the oldest invocation it has seen */
    uint64_t watched_ns;
    bool overdue; /* that one is to be ended if it is still there at the next tick */
};

/* Starts the process; it is on the shelf ENVIRONMENT_STARTING then. 0, or -1 with a sentence in `ret_error`. */
int environment_start(const struct environment_setup *setup, struct buf *ret_error, struct environment **ret);
void environment_free(struct environment *env); /* takes NULL, kills the process if there still is one */

/* May environment_hand be called? */
bool environment_has_room(const struct environment *env);
void environment_hand(struct environment *env, struct invocation *inv);

/* The invocation that runs or is the next to, or NULL. */
struct invocation *environment_oldest(const struct environment *env);

/* Has the handler begun it? Fills in claimed_ns the first time that is seen. */
bool environment_has_begun(struct environment *env, struct invocation *inv, uint64_t now_ns);

/* Takes back what no handler has begun, but for the oldest, and appends it to `ret` in order. */
void environment_take_unbegun(struct environment *env, struct list *ret);

/* Takes everything, in order. */
void environment_take_all(struct environment *env, struct list *ret);

/* Its invocation takes long. */
void environment_mark_slow(struct environment *env);

/* Handles what has come from it, the bell having rung or not. */
void environment_run(struct environment *env);

/* Looks how much memory the process has, and kills it if that is more than the function's. A few system calls. */
void environment_check_memory(struct environment *env, uint64_t now_ns);

/* Lets it call fini and end, within FUNCTION_FINI_MS_MAX; nothing may be handed to it. */
void environment_shut_down(struct environment *env, enum environment_end why);

/* Kills it; on_end comes later. The first reason counts. */
void environment_kill(struct environment *env, enum environment_end why);

#endif
