/* output.c - reads a pipe into lines. A flood of them is read a piece per turn, so that it starves nobody. */
#include "function/output.h"

#include <errno.h>
#include <unistd.h>

/* A turn reads so much; after the end of the process, what the pipe can hold and a bit more. */
#define READ_BYTES 16384u
#define READS_PER_TURN 4
#define READS_AT_END 80

static void end_line(struct output *o)
{
    o->on_line(o->arg, span_of(o->line, o->len));
    o->len = 0;
}

static void take_bytes(struct output *o, struct span bytes)
{
    while (bytes.len > 0) {
        const char *newline = memchr(bytes.ptr, '\n', bytes.len);
        size_t run = newline ? (size_t)(newline - bytes.ptr) : bytes.len;
        size_t room = sizeof(o->line) - o->len;
        size_t take = run < room ? run : room;

        memcpy(o->line + o->len, bytes.ptr, take);
        o->len += take;
        bytes = span_from(bytes, take);
        if (newline && take == run) {
            end_line(o);
            bytes = span_from(bytes, 1);
        } else if (o->len == sizeof(o->line)) {
            end_line(o);
        }
    }
}

static void stop(struct output *o)
{
    loop_watch_free(o->watch);
    o->watch = NULL;
    if (o->fd >= 0)
        close(o->fd);
    o->fd = -1;
}

static void read_some(struct output *o, int reads)
{
    char bytes[READ_BYTES];

    while (reads-- > 0 && o->fd >= 0) {
        ssize_t n = read(o->fd, bytes, sizeof(bytes));
        if (n > 0)
            take_bytes(o, span_of(bytes, (size_t)n));
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else
            stop(o); /* every writer has closed it */
    }
}

static void on_ready(void *arg, bool readable, bool hung_up)
{
    (void)readable;
    (void)hung_up;
    output_read(arg);
}

int output_open(struct output *o, struct loop *loop, int fd, output_line_fn *on_line, void *arg)
{
    int r;

    o->fd = fd;
    o->on_line = on_line;
    o->arg = arg;
    o->len = 0;
    o->watch = loop_watch_new(loop, fd, on_ready, o);
    if (o->watch)
        return 0;
    r = -errno;
    stop(o);
    return r;
}

void output_read(struct output *o)
{
    read_some(o, READS_PER_TURN);
}

void output_finish(struct output *o)
{
    read_some(o, READS_AT_END);
    if (o->len > 0)
        end_line(o);
    stop(o);
}
