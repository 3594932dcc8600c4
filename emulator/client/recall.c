/* recall.c - see recall.h. */
#include "client/recall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

struct recall {
    History *history;
    char *path; /* NULL: it is not kept */
    struct buf last;
};

static char *path_of_file(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (state && *state == '/')
        return mem_printf("%s/apigw/history", state);
    return home && *home == '/' ? mem_printf("%s/.local/state/apigw/history", home) : NULL;
}

/* All folders above `path`, closed to others where they are new. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* The end of the file, from the beginning of a line on; *ret_cut: there is more. */
static void read_end(const char *path, struct buf *ret, bool *ret_cut)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    off_t start;
    ssize_t n;

    *ret_cut = false;
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        if (fd >= 0)
            close(fd);
        return;
    }
    *ret_cut = status.st_size > (off_t)RECALL_FILE_MAX;
    start = *ret_cut ? status.st_size - (off_t)RECALL_FILE_MAX / 2 : 0;
    n = pread(fd, buf_reserve(ret, RECALL_FILE_MAX), RECALL_FILE_MAX, start);
    ret->len = n > 0 ? (size_t)n : 0;
    close(fd);
    if (*ret_cut) {
        const char *newline = memchr(ret->ptr, '\n', ret->len);

        buf_consume(ret, newline ? (size_t)(newline - ret->ptr) + 1 : ret->len);
    }
}

static void write_new(const char *path, struct span text)
{
    CLEANUP(free) char *temporary = mem_printf("%s.%d.tmp", path, (int)getpid());
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    if (write(fd, text.ptr, text.len) != (ssize_t)text.len || rename(temporary, path) < 0)
        unlink(temporary);
    close(fd);
}

static void enter(struct recall *r, const char *line)
{
    HistEvent event;

    history(r->history, &event, H_ENTER, line);
}

static void load(struct recall *r)
{
    CLEANUP(buf_fini) struct buf text = {0};
    bool cut;

    read_end(r->path, &text, &cut);
    if (cut)
        write_new(r->path, buf_span(&text));
    buf_terminate(&text);
    for (char *line = text.ptr, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (*line)
            enter(r, line);
    }
}

struct recall *recall_open(void)
{
    struct recall *r = mem_zalloc(sizeof(*r));
    HistEvent event;

    r->history = history_init();
    history(r->history, &event, H_SETSIZE, RECALL_LINES_MAX);
    history(r->history, &event, H_SETUNIQUE, 1);
    r->path = path_of_file();
    if (r->path) {
        make_folders(r->path);
        load(r);
    }
    return r;
}

/* One write, so that lines of several clients do not mix. */
static void append_to_file(const char *path, const char *line)
{
    CLEANUP(free) char *text = mem_printf("%s\n", line);
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) < 0)
        errno = 0; /* it is not kept then */
    close(fd);
}

void recall_add(struct recall *r, const char *line)
{
    if (!*line || (r->last.len && strcmp(buf_terminate(&r->last), line) == 0))
        return;
    buf_clear(&r->last, 0);
    buf_append_str(&r->last, line);
    enter(r, line);
    if (r->path)
        append_to_file(r->path, line);
}

History *recall_history(struct recall *r)
{
    return r->history;
}

void recall_close(struct recall *r)
{
    history_end(r->history);
    buf_fini(&r->last);
    free(r->path);
    free(r);
}
