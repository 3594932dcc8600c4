/* output.c - stdout and stderr as streams whose writer sends log frames. */
#include "host/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LEVEL_PRINTED (-1)

struct output {
    struct link *link;
    FILE *stream; /* NULL once the plugin has closed it */
    int fd;
    bool exiting; /* nobody comes to finish lines any more */
    size_t line_len;
    char line[PROTOCOL_LOG_LINE_MAX];
};

static struct output outputs[2];

static ssize_t write_raw(int fd, const char *bytes, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = write(fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static void line_finish(struct output *o)
{
    link_log(o->link, LEVEL_PRINTED, span_of(o->line, o->line_len));
    o->line_len = 0;
}

static void line_add(struct output *o, const char *bytes, size_t size)
{
    while (size > 0) {
        size_t room = sizeof(o->line) - o->line_len;
        size_t n = size < room ? size : room;
        if (n == 0) {
            line_finish(o);
            continue;
        }
        memcpy(o->line + o->line_len, bytes, n);
        o->line_len += n;
        bytes += n;
        size -= n;
    }
}

/* Called by the C library with the stream locked. */
static ssize_t on_write(void *cookie, const char *bytes, size_t size)
{
    struct output *o = cookie;
    const char *at = bytes, *end = bytes + size;

    if (!link_usable(o->link))
        return write_raw(o->fd, bytes, size);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        line_add(o, at, (size_t)((newline ? newline : end) - at));
        if (newline || o->exiting)
            line_finish(o);
        at = newline ? newline + 1 : end;
    }
    link_flush(o->link);
    return (ssize_t)size;
}

static int on_close(void *cookie)
{
    struct output *o = cookie;
    o->stream = NULL;
    return 0;
}

void output_finish_lines(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct output *o = &outputs[i];
        if (o->stream)
            fflush(o->stream);
        if (o->line_len && link_usable(o->link)) {
            line_finish(o);
            link_flush(o->link);
        }
    }
}

static void at_exit(void)
{
    output_finish_lines();
    outputs[0].exiting = outputs[1].exiting = true;
}

static FILE *stream_open(struct output *o, struct link *l, int fd, FILE *fallback)
{
    cookie_io_functions_t functions = {.write = on_write, .close = on_close};

    o->link = l;
    o->fd = fd;
    o->stream = fopencookie(o, "w", functions);
    if (!o->stream)
        return fallback;
    setvbuf(o->stream, NULL, _IOLBF, BUFSIZ);
    return o->stream;
}

void output_open(struct link *l)
{
    stdout = stream_open(&outputs[0], l, STDOUT_FILENO, stdout);
    stderr = stream_open(&outputs[1], l, STDERR_FILENO, stderr);
    atexit(at_exit);
}
