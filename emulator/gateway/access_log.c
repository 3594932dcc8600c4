/* access_log.c - see access_log.h. */
#include "gateway/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/write.h"

/* What is no file is written in pieces that fit whenever there is room for anything. */
#define PIECE_BYTES PIPE_BUF

struct access_logs {
    struct list all;
    struct loop_timer *timer;
};

struct access_log {
    struct list link;
    struct access_logs *owner;
    unsigned refs;
    char *path;  /* NULL: standard output */
    int fd;      /* -1: not open */
    bool stream; /* it is no file, and may have a slow reader */
    bool failed; /* the last attempt has, for `error`; a line said so, and the next one says when it is over */
    int error;
    uint64_t dropped; /* lines, while it fails */
    struct buf out;   /* whole lines, but for the beginning of the first if that was written */
    struct buf line;  /* between begin and end */
};

static const char *name_of(const struct access_log *log)
{
    return log->path ? log->path : "standard output";
}

/* ---- the file ---- */

static void close_file(struct access_log *log)
{
    if (log->path && log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

/* A pipe without a reader is an error, not something to wait for. */
static int open_file(struct access_log *log)
{
    struct stat is;

    log->fd = log->path ? open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666)
                        : STDOUT_FILENO;
    if (log->fd < 0)
        return -errno;
    if (fstat(log->fd, &is) < 0) {
        int error = errno;

        close_file(log);
        return -error;
    }
    log->stream = !S_ISREG(is.st_mode);
    return 0;
}

/* Is another file, or none, where the open one was? */
static bool was_moved(const struct access_log *log)
{
    struct stat open, there;

    if (!log->path || log->fd < 0 || log->stream)
        return false;
    return fstat(log->fd, &open) < 0 || stat(log->path, &there) < 0 || open.st_dev != there.st_dev ||
           open.st_ino != there.st_ino;
}

static int make_ready(struct access_log *log)
{
    if (was_moved(log))
        close_file(log);
    return log->fd < 0 ? open_file(log) : 0;
}

/* ---- writing ---- */

/* A reader that is slow for a moment is nothing to speak of; one that lets lines be dropped is. */
static void note_failure(struct access_log *log, int error)
{
    log->error = error;
    if (log->failed || error == EAGAIN)
        return;
    log->failed = true;
    log_error(LOG_GATEWAY, "the access log %s cannot be written: %s; its lines wait, up to %u MB of them", name_of(log),
              strerror(error), ACCESS_LOG_WAITING_MAX >> 20);
}

static void note_success(struct access_log *log)
{
    if (log->failed)
        log_warn(LOG_GATEWAY, "the access log %s is written again, %llu of its lines were lost", name_of(log),
                 (unsigned long long)log->dropped);
    log->failed = false;
    log->error = 0;
    log->dropped = 0;
}

static void flush(struct access_log *log)
{
    int error = 0;
    int r;

    if (log->out.len == 0)
        return;
    r = make_ready(log);
    if (r == 0)
        buf_consume(&log->out, write_some(log->fd, buf_span(&log->out), log->stream ? PIECE_BYTES : 0, &error));
    else
        error = -r;
    if (error)
        note_failure(log, error);
    else
        note_success(log);
    if (log->out.len == 0)
        buf_clear(&log->out, ACCESS_LOG_BUFFER);
}

static void start_timer(struct access_logs *logs, uint64_t after_ms)
{
    if (!loop_timer_active(logs->timer))
        loop_timer_start(logs->timer, after_ms);
}

/* Those that wait for a reader are looked at soon, those that fail later. */
static uint64_t pause_of(const struct access_log *log)
{
    return log->error && log->error != EAGAIN ? ACCESS_LOG_RETRY_MS : ACCESS_LOG_DELAY_MS;
}

static void on_timer(void *arg)
{
    struct access_logs *logs = arg;
    uint64_t after_ms = UINT64_MAX;

    for (struct list *node = logs->all.next; node != &logs->all; node = node->next) {
        struct access_log *log = LIST_ENTRY(node, struct access_log, link);

        flush(log);
        if (log->out.len > 0 && pause_of(log) < after_ms)
            after_ms = pause_of(log);
    }
    if (after_ms != UINT64_MAX)
        start_timer(logs, after_ms);
}

static void drop_line(struct access_log *log)
{
    log->dropped++;
    if (log->failed)
        return;
    log->failed = true;
    log_error(LOG_GATEWAY, "the access log %s takes no more lines, nobody reads them; what follows is lost until then",
              name_of(log));
}

struct buf *access_log_begin(struct access_log *log)
{
    if (log->out.len < ACCESS_LOG_WAITING_MAX)
        return &log->line;
    drop_line(log);
    return NULL;
}

void access_log_end(struct access_log *log)
{
    buf_append_char(&log->line, '\n');
    buf_append(&log->out, buf_span(&log->line));
    buf_clear(&log->line, ACCESS_LOG_BUFFER);
    if (log->out.len >= ACCESS_LOG_BUFFER && !log->error)
        flush(log);
    if (log->out.len > 0)
        start_timer(log->owner, pause_of(log));
}

/* ---- life ---- */

static bool is_at(const struct access_log *log, const char *path)
{
    return log->path && path ? strcmp(log->path, path) == 0 : log->path == path;
}

static struct access_log *find(const struct access_logs *logs, const char *path)
{
    for (struct list *node = logs->all.next; node != &logs->all; node = node->next) {
        struct access_log *log = LIST_ENTRY(node, struct access_log, link);

        if (is_at(log, path))
            return log;
    }
    return NULL;
}

static struct access_log *make(struct access_logs *logs, const char *path)
{
    struct access_log *log = mem_zalloc(sizeof(*log));

    log->owner = logs;
    log->path = path ? mem_strdup(path) : NULL;
    log->fd = -1;
    list_append(&logs->all, &log->link);
    return log;
}

struct access_log *access_log_open(struct access_logs *logs, const char *path, struct buf *ret_error)
{
    struct access_log *log = find(logs, path);
    int r;

    if (!log)
        log = make(logs, path);
    log->refs++;
    r = make_ready(log);
    if (r < 0) {
        log->failed = true; /* which the caller says */
        log->error = -r;
        buf_printf(ret_error, "the access log %s cannot be written: %s", name_of(log), strerror(-r));
    }
    return log;
}

const char *access_log_failure(const struct access_log *log, const char **ret_name)
{
    *ret_name = name_of(log);
    return log->failed ? strerror(log->error) : NULL;
}

void access_log_close(struct access_log *log)
{
    if (!log || --log->refs > 0)
        return;
    flush(log);
    if (log->out.len > 0 || log->dropped > 0)
        log_error(LOG_GATEWAY, "the access log %s is closed, %llu of its lines and %zu bytes of others were lost",
                  name_of(log), (unsigned long long)log->dropped, log->out.len);
    close_file(log);
    list_remove(&log->link);
    buf_fini(&log->out);
    buf_fini(&log->line);
    free(log->path);
    free(log);
}

struct access_logs *access_logs_new(struct loop *loop)
{
    struct access_logs *logs = mem_zalloc(sizeof(*logs));

    list_init(&logs->all);
    logs->timer = loop_timer_new(loop, on_timer, logs);
    return logs;
}

void access_logs_free(struct access_logs *logs)
{
    if (!logs)
        return;
    loop_timer_free(logs->timer);
    free(logs);
}
