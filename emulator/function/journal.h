/* journal.h - what is said in the log stream of one environment: Lambda's own lines, with those of the handler between.
 *
 * A line goes to up to three places: a file (log_stream.h), the invocation that wants its log with its answer, and the
 * emulator's log; there a handler's lines always are, Lambda's at the level `debug`. Where none of them is asked for,
 * nothing is formatted.
 *
 * Owner    the environment. Threads: loop thread only. */
#ifndef FUNCTION_JOURNAL_H
#define FUNCTION_JOURNAL_H

#include "function/invocation.h"
#include "function/log_stream.h"
#include "function/report.h"

struct journal {
    const struct config *config;
    const struct config_function *function;
    struct log_stream *stream; /* NULL: no files */
    struct buf text;           /* of the lines at hand */
    uint64_t init_ns;          /* for the next REPORT; 0: it is told */
    uint32_t memory_max_kb;    /* the most that is known of */
};

/* `streams` may be NULL. `stream_name` is the value of AWS_LAMBDA_LOG_STREAM_NAME. Writes INIT_START. */
void journal_open(struct journal *j, const struct config *config, const struct config_function *function,
                  struct log_streams *streams, const char *stream_name);
void journal_close(struct journal *j);

/* Init has succeeded. `ahead`: nobody waited for it, and it has a line of its own; else the first REPORT tells. */
void journal_end_init(struct journal *j, uint64_t duration_ns, bool ahead);
void journal_fail_init(struct journal *j, const struct report_init *init);

/* What a handler printed during `inv`, or without one: then `when` says when. */
void journal_print(struct journal *j, struct invocation *inv, const char *when, struct span line);

/* Is any of it asked for? `inv` may be NULL. */
bool journal_is_wanted(const struct journal *j, const struct invocation *inv);

/* An invocation has begun: START, once. */
void journal_begin(struct journal *j, struct invocation *inv);

/* How it ended. */
struct journal_end {
    enum report_status status;
    uint64_t duration_ns;
    struct span error_type;
    struct span message; /* of an error that the handler told of: a line as of Lambda's runtimes */
    struct span reason;  /* of the end of the process, in Lambda's words */
};

/* The rest of its lines; and fills in what its caller is told of it. */
void journal_end(struct journal *j, struct invocation *inv, const struct journal_end *end);

#endif
