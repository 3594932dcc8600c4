/* probe.c - asks apigw-host which handlers a plugin has, while the configuration is read and no loop runs yet.
 *
 * The plugin's own code runs in there: it may crash, hang or print without end, and the answer still is a sentence. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "function/exit_reason.h"
#include "function/function.h"
#include "function/process.h"

#define NAMES_BYTES_MAX (64u * 1024u)
#define ERROR_BYTES_MAX 4096u

enum { PROBE_NAMES, PROBE_ERROR, PROBE_STREAMS };

struct probe {
    struct process process;
    int fds[PROBE_STREAMS]; /* -1: closed */
    struct buf names;       /* whole, or the probe fails */
    struct buf error;       /* the end of it */
    bool names_too_long;
};

static void probe_fini(struct probe *p)
{
    for (unsigned i = 0; i < PROBE_STREAMS; i++)
        if (p->fds[i] >= 0)
            close(p->fds[i]);
    process_close(&p->process);
    buf_fini(&p->names);
    buf_fini(&p->error);
}

static void probe_fini_ptr(struct probe *p)
{
    probe_fini(p);
}

/* ---- starting ---- */

static int open_streams(struct probe *p, int ret_writers[PROBE_STREAMS])
{
    for (unsigned i = 0; i < PROBE_STREAMS; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
            return -errno;
        p->fds[i] = ends[0];
        ret_writers[i] = ends[1];
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

static int probe_start(struct probe *p, const char *host_path, const char *plugin_path)
{
    CLEANUP(free) char *path = mem_strdup(plugin_path);
    char name[] = "apigw-host", handlers[] = "--handlers";
    char *arguments[] = {name, handlers, path, NULL};
    int writers[PROBE_STREAMS] = {-1, -1};
    int r = open_streams(p, writers);

    if (r == 0) {
        const struct process_start start = {
            .program = host_path,
            .arguments = arguments,
            .variables = environ,
            .fds = {-1, writers[PROBE_NAMES], writers[PROBE_ERROR]},
            .fd_count = 3,
        };
        r = process_spawn(&start, &p->process);
    }
    for (unsigned i = 0; i < PROBE_STREAMS; i++)
        if (writers[i] >= 0)
            close(writers[i]);
    return r;
}

/* ---- listening ---- */

static void take_output(struct probe *p, unsigned stream, struct span bytes)
{
    if (stream == PROBE_ERROR) {
        buf_append(&p->error, bytes);
        if (p->error.len > ERROR_BYTES_MAX)
            buf_consume(&p->error, p->error.len - ERROR_BYTES_MAX);
    } else if (p->names.len + bytes.len > NAMES_BYTES_MAX) {
        p->names_too_long = true;
    } else {
        buf_append(&p->names, bytes);
    }
}

/* False once there is nothing more to come from it for now. */
static bool read_stream(struct probe *p, unsigned stream)
{
    char bytes[4096];
    ssize_t n;

    if (p->fds[stream] < 0)
        return false;
    n = read(p->fds[stream], bytes, sizeof(bytes));
    if (n > 0) {
        take_output(p, stream, span_of(bytes, (size_t)n));
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    close(p->fds[stream]);
    p->fds[stream] = -1;
    return false;
}

/* The process is dead: what the pipes hold is read, but not what somebody still writes into them. */
static void read_rest(struct probe *p)
{
    for (unsigned i = 0; i < PROBE_STREAMS; i++)
        for (unsigned reads = 0; reads < 32 && read_stream(p, i); reads++)
            ;
}

/* True and *ret when it has ended before the deadline. */
static bool probe_wait(struct probe *p, siginfo_t *ret)
{
    uint64_t deadline_ms = clock_mono_ms() + FUNCTION_INIT_MS_MAX;

    while (!process_reap(&p->process, ret)) {
        struct pollfd polled[] = {
            {.fd = p->fds[PROBE_NAMES], .events = POLLIN},
            {.fd = p->fds[PROBE_ERROR], .events = POLLIN},
            {.fd = p->process.pidfd, .events = POLLIN},
        };
        uint64_t now_ms = clock_mono_ms();
        if (now_ms >= deadline_ms)
            return false;
        poll(polled, 3, (int)(deadline_ms - now_ms));
        for (unsigned i = 0; i < PROBE_STREAMS; i++)
            if (polled[i].revents)
                read_stream(p, i);
    }
    read_rest(p);
    return true;
}

/* ---- judging ---- */

/* The last line that is not empty: the host's own sentence comes after what the plugin has printed. */
static struct span last_line(struct span text)
{
    size_t start;

    while (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    start = text.len;
    while (start > 0 && text.ptr[start - 1] != '\n')
        start--;
    return span_from(text, start);
}

static void explain_end(const struct probe *p, const siginfo_t *exit, struct buf *ret_error)
{
    struct span line = last_line(buf_span(&p->error));
    char name[EXIT_REASON_SIZE];

    if (exit->si_code != CLD_EXITED)
        buf_printf(ret_error, "crashes while it is loaded (%s)", exit_reason_signal(exit->si_status, name));
    else if (p->names_too_long)
        buf_printf(ret_error, "has more handlers than fit in %u KB", NAMES_BYTES_MAX / 1024);
    else if (exit->si_status == 1 && line.len > 0)
        buf_append(ret_error, line);
    else
        buf_printf(ret_error, "ends the process while it is loaded (exit status %d)", exit->si_status);
}

static int judge(struct probe *p, const siginfo_t *exit, struct buf *ret_names, struct buf *ret_error)
{
    bool whole = p->names.len > 0 && p->names.ptr[p->names.len - 1] == '\n';

    if (exit->si_code != CLD_EXITED || exit->si_status != 0 || p->names_too_long || !whole) {
        explain_end(p, exit, ret_error);
        return -1;
    }
    for (size_t i = 0; i < p->names.len; i++)
        buf_append_char(ret_names, p->names.ptr[i] == '\n' ? '\0' : p->names.ptr[i]);
    return 0;
}

int function_probe_plugin(void *host_path, const char *path, struct buf *ret_names, struct buf *ret_error)
{
    CLEANUP(probe_fini) struct probe p = {.process = {.pidfd = -1}, .fds = {-1, -1}};
    siginfo_t exit;
    int r = probe_start(&p, host_path, path);

    if (r < 0) {
        buf_printf(ret_error, "cannot be examined: cannot run %s: %s", (const char *)host_path, strerror(-r));
        return -1;
    }
    if (!probe_wait(&p, &exit)) {
        buf_printf(ret_error, "did not finish loading within %d s", FUNCTION_INIT_MS_MAX / 1000);
        return -1;
    }
    return judge(&p, &exit, ret_names, ret_error);
}
