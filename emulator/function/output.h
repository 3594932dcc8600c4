/* output.h - what a process writes to its standard output and error, cut into lines.
 *
 * Owner: the caller; output_close stops. Threads: loop thread only. */
#ifndef FUNCTION_OUTPUT_H
#define FUNCTION_OUTPUT_H

#include "base/span.h"
#include "function/protocol.h"
#include "net/loop.h"

/* One line without its newline, at most PROTOCOL_LOG_LINE_MAX bytes; valid during the call. */
typedef void output_line_fn(void *arg, struct span line);

struct output {
    int fd; /* -1: closed */
    struct loop_watch *watch;
    output_line_fn *on_line;
    void *arg;
    size_t len;
    char line[PROTOCOL_LOG_LINE_MAX]; /* the beginning of one that has not ended */
};

/* Reads from `fd`, which is non-blocking and becomes the output's, failing or not. 0 or -errno. */
int output_open(struct output *o, struct loop *loop, int fd, output_line_fn *on_line, void *arg);

/* Reads what is there now, a bounded amount of it. */
void output_read(struct output *o);

/* The writer has ended: reads what it left and closes. A last line needs no newline. */
void output_finish(struct output *o);

#endif
