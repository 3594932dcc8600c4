/* stream.c - see stream.h. */
#include "stream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define INPUT_SIZE (256 * 1024)
#define EVENTS_MAX 256
#define TURN_MS 20 /* how late `done` may be asked when nothing happens */
#define CONNECTIONS_PER_SOURCE 16384
#define SOURCES_MAX 128

uint64_t loop_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void loop_init(struct loop *loop)
{
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->input = malloc(INPUT_SIZE);
    if (loop->epoll < 0 || !loop->input)
        load_die("cannot make the loop: %s", strerror(errno));
}

static void stream_watch(struct stream *s, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = s};

    if (s->watched == events)
        return;
    if (epoll_ctl(s->loop->epoll, s->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &event) < 0)
        load_die("epoll_ctl: %s", strerror(errno));
    s->watched = events;
}

static void set_option(int fd, int level, int option, int value)
{
    if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
        load_die("setsockopt: %s", strerror(errno));
}

static struct sockaddr_in loopback(uint32_t address, unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(address)}};
}

/* The port is left to connect(), which knows the destination and so can use one port for several. */
static void bind_source(int fd, uint64_t serial)
{
    uint32_t source = (uint32_t)(serial / CONNECTIONS_PER_SOURCE % SOURCES_MAX);
    struct sockaddr_in address = loopback(INADDR_LOOPBACK + source, 0);

    if (source == 0)
        return;
    set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        load_die("bind: %s", strerror(errno));
}

/* However it ends, the connection is reset: it leaves no port in TIME_WAIT behind. */
static void reset_at_end(int fd)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
        load_die("setsockopt: %s", strerror(errno));
}

void stream_connect(struct stream *s, struct loop *loop, const struct stream_ops *ops, unsigned port, uint64_t serial)
{
    struct sockaddr_in address = loopback(INADDR_LOOPBACK, port);

    *s = (struct stream){.ops = ops, .loop = loop};
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        load_die("socket: %s", strerror(errno));
    set_option(s->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    reset_at_end(s->fd);
    bind_source(s->fd, serial);
    if (connect(s->fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EINPROGRESS)
        load_die("connect to port %u: %s", port, strerror(errno));
    stream_watch(s, EPOLLIN | EPOLLOUT);
}

static void stream_flush(struct stream *s)
{
    while (s->out.bytes > 0) {
        ssize_t n = send(s->fd, s->out.base + s->out.offset, s->out.bytes, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            s->send_error = errno; /* what the server said before comes first */
            return;
        }
        s->out.bytes -= (size_t)n;
        s->out.offset = (s->out.offset + (size_t)n) % s->out.period;
    }
    stream_watch(s, s->out.bytes > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void stream_send_from(struct stream *s, const char *base, size_t period, size_t offset, size_t bytes)
{
    assert(s->out.bytes == 0 || (s->out.base == base && (s->out.offset + s->out.bytes) % period == offset));
    if (s->out.bytes == 0)
        s->out.offset = offset;
    s->out.base = base;
    s->out.period = period;
    s->out.bytes += bytes;
    if (!(s->watched & EPOLLOUT))
        stream_flush(s);
}

void stream_send(struct stream *s, const char *base, size_t period, size_t bytes)
{
    assert(s->out.bytes == 0);
    stream_send_from(s, base, period, 0, bytes);
}

void stream_close(struct stream *s)
{
    if (s->fd < 0)
        return;
    close(s->fd);
    s->fd = -1;
}

static void stream_read(struct stream *s)
{
    ssize_t n = recv(s->fd, s->loop->input, INPUT_SIZE, 0);

    if (n > 0)
        s->ops->on_data(s, s->loop->input, (size_t)n);
    else if (n == 0)
        s->ops->on_end(s, s->send_error ? strerror(s->send_error) : "the server closed the connection");
    else if (errno != EAGAIN)
        s->ops->on_end(s, strerror(errno));
}

/* Writing first: reading may end in a close, and even in another connection in the same place. */
static void stream_serve(struct stream *s, uint32_t events)
{
    if (s->fd >= 0 && (events & EPOLLOUT))
        stream_flush(s);
    if (s->fd >= 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        stream_read(s);
}

static void loop_turn(struct loop *loop)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(loop->epoll, events, EVENTS_MAX, TURN_MS);
    int i;

    if (count < 0 && errno != EINTR)
        load_die("epoll_wait: %s", strerror(errno));
    for (i = 0; i < count; i++)
        stream_serve(events[i].data.ptr, events[i].events);
}

bool loop_run(struct loop *loop, bool (*done)(void *arg), void *arg, uint64_t deadline_ns)
{
    while (!done(arg)) {
        if (loop_now_ns() >= deadline_ns)
            return false;
        loop_turn(loop);
    }
    return true;
}
