/* core_file.c - see core_file.h. */
#include "function/core_file.h"

#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* The kernel cuts core_pattern at 127 bytes. */
#define SETTING_SIZE 256

/* ---- which file ---- */

static void append_literally(struct buf *out, char c)
{
    if (strchr("*?[]\\", c))
        buf_append_char(out, '\\');
    buf_append_char(out, c);
}

/* What the kernel puts in place of %c. The process's number is another in another pid namespace, where %P is. */
static void append_value(struct buf *out, char c, const siginfo_t *exit)
{
    if (c == 'p')
        buf_printf(out, "%d", (int)exit->si_pid);
    else if (c == 's')
        buf_printf(out, "%d", exit->si_status);
    else if (c == '%')
        buf_append_char(out, '%');
    else
        buf_append_char(out, '*');
}

void core_file_glob(const struct core_file_pattern *pattern, const siginfo_t *exit, struct buf *ret)
{
    struct span p = pattern->pattern;
    bool has_pid = false;

    for (size_t i = 0; i < p.len; i++) {
        if (p.ptr[i] != '%') {
            append_literally(ret, p.ptr[i]);
        } else if (++i < p.len) { /* a single one at the end is dropped */
            append_value(ret, p.ptr[i], exit);
            has_pid = has_pid || p.ptr[i] == 'p';
        }
    }
    if (pattern->uses_pid && !has_pid)
        buf_printf(ret, ".%d", (int)exit->si_pid);
}

/* The one that was written last in either place, or NULL. */
static char *newest(const char *glob_pattern, struct span folder)
{
    CLEANUP(buf_fini) struct buf there = {0};
    struct timespec when = {0};
    const char *best = NULL;
    char *found = NULL;
    glob_t files = {0};

    for (size_t i = 0; i < folder.len; i++)
        append_literally(&there, folder.ptr[i]);
    buf_printf(&there, "/%s", glob_pattern);
    glob(glob_pattern, GLOB_NOSORT, NULL, &files);
    if (glob_pattern[0] != '/')
        glob(buf_terminate(&there), GLOB_NOSORT | GLOB_APPEND, NULL, &files);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct stat st;
        if (stat(files.gl_pathv[i], &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (best && (st.st_mtim.tv_sec < when.tv_sec ||
                     (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec < when.tv_nsec)))
            continue;
        best = files.gl_pathv[i];
        when = st.st_mtim;
    }
    if (best)
        found = realpath(best, NULL);
    globfree(&files);
    return found;
}

/* ---- the sentence ---- */

static void describe_program(struct span pattern, const siginfo_t *exit, struct buf *ret)
{
    struct span program = span_from(pattern, 1);

    while (program.len > 0 && isspace((unsigned char)*program.ptr))
        program = span_from(program, 1);
    for (size_t i = 0; i < program.len; i++)
        if (isspace((unsigned char)program.ptr[i]))
            program.len = i;
    buf_printf(ret, "its core file was given to " SPAN_FMT, SPAN_ARG(program));
    if (memmem(program.ptr, program.len, "systemd-coredump", strlen("systemd-coredump")))
        buf_printf(ret, " (coredumpctl gdb %d)", (int)exit->si_pid);
}

void core_file_describe(const struct core_file_pattern *pattern, const siginfo_t *exit, struct span folder,
                        struct buf *ret)
{
    CLEANUP(buf_fini) struct buf pattern_here = {0};
    CLEANUP(free) char *path = NULL;

    if (pattern->pattern.len > 0 && *pattern->pattern.ptr == '|') {
        describe_program(pattern->pattern, exit, ret);
        return;
    }
    core_file_glob(pattern, exit, &pattern_here);
    path = newest(buf_terminate(&pattern_here), folder);
    if (path)
        buf_printf(ret, "its core file is %s", path);
    else
        buf_printf(ret, "its core file is named as kernel.core_pattern says: " SPAN_FMT, SPAN_ARG(pattern->pattern));
}

/* Without its newline; empty if it cannot be read. */
static struct span read_setting(const char *path, char out[SETTING_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, SETTING_SIZE);

    if (fd >= 0)
        close(fd);
    while (n > 0 && out[n - 1] == '\n')
        n--;
    return span_of(out, n > 0 ? (size_t)n : 0);
}

void core_file_describe_here(const siginfo_t *exit, struct span folder, struct buf *ret)
{
    char name[SETTING_SIZE], uses_pid[SETTING_SIZE];
    const struct core_file_pattern pattern = {
        .pattern = read_setting("/proc/sys/kernel/core_pattern", name),
        .uses_pid = !span_equal(read_setting("/proc/sys/kernel/core_uses_pid", uses_pid), SPAN("0")),
    };

    core_file_describe(&pattern, exit, folder, ret);
}
