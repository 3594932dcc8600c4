/* link.c - frames on the channel. Frames are read straight into memory of their own: an event's spans point there. */
#include "host/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"

static _Thread_local bool thread_is_ours;
static pid_t host_pid;

/* What a handler forked ends with the environment, also when nobody is left to end its process group. Of a child of the
 * handler's own thread the kernel sees to that. (A child of another thread would end with that thread.) */
static void die_with_host(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != host_pid)
        _exit(1);
}

/* For all others, grandchildren in sessions of their own too: a pipe that only the host can write to. Whoever is forked
 * asks for SIGKILL when its writing end is closed. */
static int lifeline[2] = {-1, -1};

static void open_lifeline(void)
{
    if (lifeline[0] < 0 && getpid() == host_pid && pipe2(lifeline, O_CLOEXEC) < 0)
        lifeline[0] = lifeline[1] = -1;
}

/* The signal is the open file's, so each has the pipe open by itself; and keeps it when it becomes another program. */
static void hang_on_lifeline(void)
{
    char path[32];
    int fd;

    if (lifeline[1] >= 0)
        close(lifeline[1]);
    lifeline[1] = -1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", lifeline[0]);
    fd = lifeline[0] < 0 ? -1 : open(path, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return;
    close(lifeline[0]);
    lifeline[0] = fd;
    fcntl(fd, F_SETOWN, getpid());
    fcntl(fd, F_SETSIG, SIGKILL);
    fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
    if (poll(&(struct pollfd){.fd = fd}, 1, 0) > 0)
        _exit(1); /* it was closed before */
}

/* The child of a fork shares the memory but not the positions: it must never write. */
static void disown_in_child(void)
{
    if (thread_is_ours)
        die_with_host();
    thread_is_ours = false;
    hang_on_lifeline();
}

/* Ends the process without exit handlers, which would print through the channel. */
static _Noreturn void link_broken(int r)
{
    dprintf(STDERR_FILENO, "apigw-host: the plugin has %s; the environment ends\n",
            r == -EBADF ? "closed a descriptor that belongs to its host"
                        : "overwritten memory that belongs to its host");
    _exit(1);
}

int link_open(struct link *l, const struct channel_fds *fds)
{
    int r;

    *l = (struct link){0};
    list_init(&l->invocations);
    r = channel_open(fds, CHANNEL_HOST, &l->channel);
    if (r < 0)
        return r;
    thread_is_ours = true;
    host_pid = getpid();
    return -pthread_atfork(open_lifeline, NULL, disown_in_child);
}

bool link_is_ours(void)
{
    return thread_is_ours;
}

bool link_usable(const struct link *l)
{
    return thread_is_ours && l->channel && !l->busy;
}

/* ---- in ---- */

static void on_invoke(struct link *l, struct message *m)
{
    list_append(&l->invocations, &m->node);
}

static void on_call_result(struct link *l, struct message *m)
{
    free(l->call_result);
    l->call_result = m;
}

static void on_shutdown(struct link *l, struct message *m)
{
    l->shutdown = true;
    free(m);
}

static const struct {
    uint32_t type;
    void (*take)(struct link *l, struct message *m);
} frame_kinds[] = {
    {PROTOCOL_INVOKE, on_invoke},
    {PROTOCOL_CALL_RESULT, on_call_result},
    {PROTOCOL_SHUTDOWN, on_shutdown},
};

static void dispatch(struct link *l, struct message *m)
{
    for (size_t i = 0; i < sizeof(frame_kinds) / sizeof(frame_kinds[0]); i++) {
        if (frame_kinds[i].type == m->head.type) {
            frame_kinds[i].take(l, m);
            return;
        }
    }
    link_broken(-EPROTO);
}

/* Reads on until `size` bytes are at `to`; false if the ring is empty before that. */
static bool read_up_to(struct link *l, char *to, size_t size)
{
    while (l->partial.got < size) {
        int64_t n = channel_read(l->channel, to + l->partial.got, size - l->partial.got);
        if (n < 0)
            link_broken((int)n);
        if (n == 0)
            return false;
        l->partial.got += (size_t)n;
    }
    return true;
}

static bool read_head(struct link *l)
{
    if (l->partial.message)
        return true;
    if (!read_up_to(l, (char *)&l->partial.head, sizeof(l->partial.head)))
        return false;
    if (l->partial.head.size > PROTOCOL_FRAME_MAX)
        link_broken(-EPROTO);
    l->partial.message = mem_alloc(sizeof(struct message) + l->partial.head.size);
    l->partial.message->head = l->partial.head;
    l->partial.got = 0;
    return true;
}

static bool read_frame(struct link *l)
{
    if (!read_head(l) || !read_up_to(l, l->partial.message->bytes, l->partial.head.size))
        return false;
    l->partial.got = 0;
    dispatch(l, TAKE(l->partial.message));
    return true;
}

/* Takes everything that has arrived. */
static void take_arrived(struct link *l)
{
    while (read_frame(l))
        ;
}

static void wait_for_gateway(struct link *l, bool want_room)
{
    int r = channel_wait(l->channel, want_room, -1);
    if (r < 0)
        link_broken(r);
}

struct message *link_next_invocation(struct link *l)
{
    struct list *first;

    l->busy = true;
    for (;;) {
        take_arrived(l);
        first = list_first(&l->invocations);
        if (first || l->shutdown)
            break;
        wait_for_gateway(l, false);
    }
    l->busy = false;
    if (!first)
        return NULL;
    list_remove(first);
    return LIST_ENTRY(first, struct message, node);
}

struct message *link_wait_call_result(struct link *l)
{
    l->busy = true;
    for (;;) {
        take_arrived(l);
        if (l->call_result)
            break;
        wait_for_gateway(l, false);
    }
    l->busy = false;
    return TAKE(l->call_result);
}

/* ---- out ---- */

static void send_bytes(struct link *l, struct span bytes)
{
    for (;;) {
        int64_t n = channel_write(l->channel, bytes);
        if (n < 0)
            link_broken((int)n);
        bytes = span_from(bytes, (size_t)n);
        if (bytes.len == 0)
            return;
        take_arrived(l); /* or bytes that wait for us would keep us awake */
        wait_for_gateway(l, true);
    }
}

void link_send(struct link *l, uint32_t type, const struct span *parts, size_t count)
{
    struct protocol_frame head = {type, 0};

    for (size_t i = 0; i < count; i++)
        head.size += (uint32_t)parts[i].len;
    l->busy = true;
    send_bytes(l, span_of((const char *)&head, sizeof(head)));
    for (size_t i = 0; i < count; i++)
        if (parts[i].len)
            send_bytes(l, parts[i]);
    l->busy = false;
}

void link_log(struct link *l, int level, struct span line)
{
    do {
        size_t len = line.len < PROTOCOL_LOG_LINE_MAX ? line.len : PROTOCOL_LOG_LINE_MAX;
        struct protocol_log log = {l->sequence, level, (uint32_t)len};
        link_send(l, PROTOCOL_LOG, (struct span[]){span_of((char *)&log, sizeof(log)), span_of(line.ptr, len)}, 2);
        line = span_from(line, len);
    } while (line.len);
}

void link_flush(struct link *l)
{
    int r = channel_flush(l->channel);
    if (r < 0)
        link_broken(r);
}
