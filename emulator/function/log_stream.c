/* log_stream.c - see log_stream.h. Files are made below a descriptor of the folder: it may be a relative path. */
#include "function/log_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/write.h"

#define FULL_LINE "The log stream has reached its limit of size; what follows is lost.\n"

struct log_streams {
    int folder;
    uint64_t bytes_max;
    struct loop_timer *timer;
    struct list waiting; /* streams with something to write */
};

struct log_stream {
    struct list link; /* in `waiting` */
    struct log_streams *owner;
    char *name;
    int fd;         /* -1: not made yet */
    bool lost;      /* it cannot be written, or is full */
    uint64_t bytes; /* written and waiting */
    struct buf out;
};

/* ---- folders ---- */

/* Makes each folder of `path` but what stands behind the last slash. 0 or -errno. */
static int make_folders_of(int at, const char *path)
{
    CLEANUP(free) char *part = mem_strdup(path);

    for (char *slash = part; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        if (mkdirat(at, part, 0777) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

/* ---- writing ---- */

static int open_file(struct log_stream *stream)
{
    int r = make_folders_of(stream->owner->folder, stream->name);

    if (r < 0)
        return r;
    stream->fd =
        openat(stream->owner->folder, stream->name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666);
    return stream->fd < 0 ? -errno : 0;
}

static int write_out(struct log_stream *stream)
{
    int error = 0;

    write_some(stream->fd, buf_span(&stream->out), 0, &error);
    return -error;
}

static void flush(struct log_stream *stream)
{
    int r = 0;

    list_remove(&stream->link);
    if (stream->out.len == 0)
        return;
    if (stream->fd < 0)
        r = open_file(stream);
    if (r == 0)
        r = write_out(stream);
    if (r < 0) {
        log_error(LOG_FUNCTION, "the log stream %s cannot be written: %s; its lines are lost", stream->name,
                  strerror(-r));
        stream->lost = true;
    }
    buf_clear(&stream->out, LOG_STREAM_BUFFER);
}

static void on_timer(void *arg)
{
    struct log_streams *s = arg;
    struct list *node;

    while ((node = list_first(&s->waiting)))
        flush(LIST_ENTRY(node, struct log_stream, link));
}

static void append(struct log_stream *stream, struct span bytes)
{
    buf_append(&stream->out, bytes);
    stream->bytes += bytes.len;
}

static void wait_for_flush(struct log_stream *stream)
{
    struct log_streams *s = stream->owner;

    if (stream->out.len >= LOG_STREAM_BUFFER || stream->lost) {
        flush(stream);
        return;
    }
    if (list_empty(&stream->link))
        list_append(&s->waiting, &stream->link);
    if (!loop_timer_active(s->timer))
        loop_timer_start(s->timer, LOG_STREAM_DELAY_MS);
}

void log_stream_write(struct log_stream *stream, struct span line)
{
    if (stream->lost)
        return;
    if (stream->bytes + line.len + 1 > stream->owner->bytes_max) {
        append(stream, SPAN(FULL_LINE));
        stream->lost = true;
    } else {
        append(stream, line);
        append(stream, SPAN("\n"));
    }
    wait_for_flush(stream);
}

/* ---- making ---- */

struct log_stream *log_stream_new(struct log_streams *s, const char *name)
{
    struct log_stream *stream = mem_zalloc(sizeof(*stream));

    stream->owner = s;
    stream->name = mem_strdup(name);
    stream->fd = -1;
    list_init(&stream->link);
    return stream;
}

void log_stream_free(struct log_stream *stream)
{
    if (!stream)
        return;
    flush(stream);
    if (stream->fd >= 0)
        close(stream->fd);
    buf_fini(&stream->out);
    free(stream->name);
    free(stream);
}

static int open_folder(const char *folder)
{
    CLEANUP(free) char *path = mem_printf("%s/", folder);
    int r = make_folders_of(AT_FDCWD, path);

    if (r < 0) {
        errno = -r;
        return -1;
    }
    return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

struct log_streams *log_streams_open(struct loop *loop, const char *folder, uint64_t bytes_max, struct buf *ret_error)
{
    int fd = open_folder(folder);
    struct log_streams *s;

    if (fd < 0 || faccessat(fd, ".", W_OK, 0) < 0) {
        buf_printf(ret_error, "logs cannot be written to %s: %s", folder, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    s = mem_zalloc(sizeof(*s));
    s->folder = fd;
    s->bytes_max = bytes_max;
    s->timer = loop_timer_new(loop, on_timer, s);
    list_init(&s->waiting);
    return s;
}

void log_streams_close(struct log_streams *s)
{
    if (!s)
        return;
    loop_timer_free(s->timer);
    close(s->folder);
    free(s);
}
