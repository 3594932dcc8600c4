/* script.c - see script.h. */
#include "client/script.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define READ_BYTES 65536u

struct script {
    int fd; /* -1: texts */
    const char *const *texts;
    size_t text_count;
    struct buf bytes;
    size_t taken;   /* of the bytes: lines that were given */
    size_t scanned; /* up to where there is no newline */
    size_t line;
    bool at_end;
    struct buf failure;
};

struct script *script_open(const char *path, struct buf *ret_error)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    const int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct script *s;

    if (fd < 0) {
        buf_printf(ret_error, "%s: %s", path, strerror(errno));
        return NULL;
    }
    s = mem_zalloc(sizeof(*s));
    s->fd = fd;
    return s;
}

struct script *script_of_texts(const char *const *texts, size_t count)
{
    struct script *s = mem_zalloc(sizeof(*s));

    s->fd = -1;
    s->texts = texts;
    s->text_count = count;
    s->at_end = true;
    return s;
}

void script_close(struct script *s)
{
    if (!s)
        return;
    if (s->fd > STDIN_FILENO)
        close(s->fd);
    buf_fini(&s->bytes);
    buf_fini(&s->failure);
    free(s);
}

int script_descriptor(const struct script *s)
{
    return s->at_end ? -1 : s->fd;
}

void script_fill(struct script *s)
{
    ssize_t n;

    if (s->at_end)
        return;
    buf_consume(&s->bytes, s->taken);
    s->scanned -= s->taken;
    s->taken = 0;
    if (s->bytes.len > SCRIPT_LINE_MAX) {
        buf_printf(&s->failure, "line %zu has more than %zu bytes", s->line + 1, SCRIPT_LINE_MAX);
        s->at_end = true;
        return;
    }
    n = read(s->fd, buf_reserve(&s->bytes, READ_BYTES), READ_BYTES);
    if (n > 0)
        s->bytes.len += (size_t)n;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n < 0)
        buf_printf(&s->failure, "the script cannot be read: %s", strerror(errno));
    s->at_end = n <= 0;
}

/* A line that is whole, or what is left at the end. */
static bool take_line(struct script *s, struct span *ret)
{
    const struct span rest = span_of(s->bytes.ptr + s->taken, s->bytes.len - s->taken);
    const size_t known = s->scanned - s->taken;
    const char *newline = rest.len > known ? memchr(rest.ptr + known, '\n', rest.len - known) : NULL;

    s->scanned = s->bytes.len;
    if (!newline && (!s->at_end || rest.len == 0))
        return false;
    *ret = newline ? span_of(rest.ptr, (size_t)(newline - rest.ptr)) : rest;
    s->taken += ret->len + (newline ? 1 : 0);
    s->scanned = s->taken;
    s->line++;
    if (ret->len && ret->ptr[ret->len - 1] == '\r')
        ret->len--;
    return true;
}

enum script_got script_next(struct script *s, struct span *ret_line)
{
    if (s->texts) {
        if (s->line == s->text_count)
            return SCRIPT_END;
        *ret_line = span_of_str(s->texts[s->line++]);
        return SCRIPT_LINE;
    }
    while (!s->failure.len && s->bytes.ptr && take_line(s, ret_line))
        if (ret_line->len)
            return SCRIPT_LINE;
    if (s->failure.len)
        return SCRIPT_FAILED;
    return s->at_end ? SCRIPT_END : SCRIPT_WAIT;
}

const char *script_failure(struct script *s)
{
    return buf_terminate(&s->failure);
}

size_t script_line_number(const struct script *s)
{
    return s->line;
}
