/* loop.c - the event loop: libuv behind our own names. Every handle is allocated here and freed in its close callback,
 * since libuv may still look at it until then.
 *
 * Timers are ours, in order of their deadlines on base/clock, with one alarm of libuv's for the first: so that they can
 * be fired in order when that clock is moved forward. There are about ten in the whole program. */
#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <uv.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

/* How late the kernel may end a wait for a timer: it then need not set the CPU's own timer for each wait, which where
 * that is a hypervisor's takes as long as all else that a message costs. As long as between two ticks of the kernel, at
 * which it looks anyway. */
#define LATE_NS 4000000ul

struct loop_signal {
    uv_signal_t handle;
    loop_signal_fn *on_signal;
    void *arg;
    struct loop_signal *next;
};

struct loop {
    uv_loop_t uv;
    struct loop_signal *signals;
    uv_timer_t alarm;   /* for the first of `timers` */
    struct list timers; /* started ones, the next first */
    uv_idle_t no_sleep; /* active: the loop looks for events without waiting for them */
    uv_prepare_t last;  /* always active: comes behind those of the deferred callbacks */
    loop_timer_fn *on_pause;
    void *pause_arg;
    bool before_sleep; /* the deferred callbacks are running */
};

struct loop_watch {
    uv_poll_t handle;
    loop_ready_fn *on_ready;
    void *arg;
    bool is_bell;
    bool is_edge; /* the kernel knows that it is one */
};

struct loop_timer {
    struct list node; /* in loop->timers while it is started */
    struct loop *loop;
    uint64_t deadline_ms;
    loop_timer_fn *on_timer;
    void *arg;
};

struct loop_deferred {
    uv_prepare_t handle;
    struct loop *loop;
    loop_timer_fn *on_turn;
    void *arg;
};

static void free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_handle(void *handle, void *owner)
{
    uv_handle_t *h = handle;

    h->data = owner;
    uv_close(h, free_handle);
}

/* ---- pauses ---- */

static void pause_between(struct loop *loop)
{
    if (loop->on_pause)
        loop->on_pause(loop->pause_arg);
}

static void on_last(uv_prepare_t *handle)
{
    pause_between(handle->data);
}

/* Prepare handles run in the order in which they stand, and those that are started stand in front: one that stays is
 * the last. */
static void open_last(struct loop *loop)
{
    uv_prepare_init(&loop->uv, &loop->last);
    loop->last.data = loop;
    uv_prepare_start(&loop->last, on_last);
    uv_unref((uv_handle_t *)&loop->last);
}

void loop_set_pause(struct loop *loop, loop_timer_fn *on_pause, void *arg)
{
    loop->on_pause = on_pause;
    loop->pause_arg = arg;
}

/* ---- the loop ---- */

struct loop *loop_new(void)
{
    struct loop *loop = mem_zalloc(sizeof(*loop));
    int r = uv_loop_init(&loop->uv);

    if (r < 0) {
        free(loop);
        errno = -r;
        return NULL;
    }
    uv_idle_init(&loop->uv, &loop->no_sleep);
    uv_timer_init(&loop->uv, &loop->alarm);
    loop->alarm.data = loop;
    open_last(loop);
    list_init(&loop->timers);
    return loop;
}

void loop_free(struct loop *loop)
{
    struct loop_signal *s;
    int r;

    if (!loop)
        return;
    while ((s = loop->signals)) {
        loop->signals = s->next;
        close_handle(&s->handle, s);
    }
    uv_close((uv_handle_t *)&loop->no_sleep, NULL);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_close((uv_handle_t *)&loop->last, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT); /* the close callbacks */
    r = uv_loop_close(&loop->uv);
    assert(r == 0); /* else somebody's handle is still open */
    free(loop);
}

void loop_run(struct loop *loop)
{
    prctl(PR_SET_TIMERSLACK, LATE_NS, 0, 0, 0);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0); /* what it was */
}

unsigned loop_cpus(const struct loop *loop)
{
    (void)loop;
    return uv_available_parallelism();
}

void loop_settle(struct loop *loop)
{
    do
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    while (loop->uv.closing_handles);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

/* ---- descriptors ---- */

static struct loop *loop_of(uv_poll_t *handle)
{
    _Static_assert(offsetof(struct loop, uv) == 0, "libuv's loop is the beginning of ours");
    return (struct loop *)handle->loop;
}

/* libuv has no name for it, but neither does it mind: it tells the kernel of a descriptor once, before it first waits
 * for it. So this is done when the descriptor has come back from there. */
static void become_edge(struct loop_watch *w)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int fd = -1;

    uv_fileno((uv_handle_t *)&w->handle, &fd);
    event.data.fd = fd;
    w->is_edge = epoll_ctl(uv_backend_fd(w->handle.loop), EPOLL_CTL_MOD, fd, &event) == 0;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct loop *loop = loop_of(handle);
    struct loop_watch *w = handle->data;

    if (w->is_bell && !w->is_edge)
        become_edge(w);
    if (status < 0)
        w->on_ready(w->arg, true, true); /* a read tells what is wrong */
    else
        w->on_ready(w->arg, events & UV_READABLE, events & UV_DISCONNECT);
    pause_between(loop);
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_ready_fn *on_ready, void *arg)
{
    struct loop_watch *w = mem_zalloc(sizeof(*w));
    int r = uv_poll_init(&loop->uv, &w->handle, fd);

    if (r < 0) {
        free(w);
        errno = -r;
        return NULL;
    }
    w->on_ready = on_ready;
    w->arg = arg;
    w->handle.data = w;
    loop_watch_resume(w);
    return w;
}

struct loop_watch *loop_watch_new_bell(struct loop *loop, int fd, loop_ready_fn *on_ready, void *arg)
{
    struct loop_watch *w = loop_watch_new(loop, fd, on_ready, arg);

    if (w)
        w->is_bell = true;
    return w;
}

bool loop_watch_is_edge(const struct loop_watch *watch)
{
    return watch->is_edge;
}

void loop_watch_pause(struct loop_watch *watch)
{
    assert(!watch->is_bell); /* libuv would tell the kernel anew */
    uv_poll_stop(&watch->handle);
}

void loop_watch_resume(struct loop_watch *watch)
{
    uv_poll_start(&watch->handle, UV_READABLE | UV_DISCONNECT, on_poll);
}

void loop_watch_want(struct loop_watch *watch, unsigned wanted)
{
    int events = (wanted & LOOP_READABLE ? UV_READABLE : 0) | (wanted & LOOP_WRITABLE ? UV_WRITABLE : 0) |
                 (wanted & LOOP_HANGUP ? UV_DISCONNECT : 0);

    if (events)
        uv_poll_start(&watch->handle, events, on_poll);
    else
        uv_poll_stop(&watch->handle);
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch)
        close_handle(&watch->handle, watch);
}

/* ---- timers ---- */

static struct loop_timer *next_timer(const struct loop *loop)
{
    struct list *first = list_first(&loop->timers);

    return first ? LIST_ENTRY(first, struct loop_timer, node) : NULL;
}

/* Stops the timer and calls back, which may start it again. */
static void fire(struct loop_timer *timer)
{
    list_remove(&timer->node);
    timer->on_timer(timer->arg);
}

static void on_alarm(uv_timer_t *alarm);

static void set_alarm(struct loop *loop)
{
    const struct loop_timer *next = next_timer(loop);
    uint64_t now = clock_mono_ms();

    if (!next) {
        uv_timer_stop(&loop->alarm);
        return;
    }
    uv_update_time(&loop->uv); /* or a long turn would shorten the wait */
    uv_timer_start(&loop->alarm, on_alarm, next->deadline_ms > now ? next->deadline_ms - now : 0, 0);
}

static void fire_due(struct loop *loop)
{
    const uint64_t now = clock_mono_ms();
    struct loop_timer *next;

    while ((next = next_timer(loop)) && next->deadline_ms <= now)
        fire(next);
    set_alarm(loop);
}

static void on_alarm(uv_timer_t *alarm)
{
    fire_due(alarm->data);
}

uint64_t loop_advance_step(struct loop *loop, uint64_t ms)
{
    const struct loop_timer *next = next_timer(loop);
    uint64_t now = clock_mono_ms(), way = ms;

    if (next && next->deadline_ms < now + ms)
        way = next->deadline_ms > now ? next->deadline_ms - now : 0;
    clock_advance_ms(way);
    fire_due(loop);
    return ms - way;
}

void loop_advance(struct loop *loop, uint64_t ms)
{
    while (ms > 0)
        ms = loop_advance_step(loop, ms);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *on_timer, void *arg)
{
    struct loop_timer *t = mem_zalloc(sizeof(*t));

    list_init(&t->node);
    t->loop = loop;
    t->on_timer = on_timer;
    t->arg = arg;
    return t;
}

void loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
    struct loop *loop = timer->loop;
    struct list *at;

    list_remove(&timer->node);
    /* Never for now: a timer that starts itself again must not be due in the same turn. */
    timer->deadline_ms = clock_mono_ms() + (after_ms ? after_ms : 1);
    at = loop->timers.prev;
    while (at != &loop->timers && LIST_ENTRY(at, struct loop_timer, node)->deadline_ms > timer->deadline_ms)
        at = at->prev;
    list_insert_before(at->next, &timer->node);
    if (next_timer(loop) == timer)
        set_alarm(loop);
}

/* The alarm may then go off for nobody; it looks again. */
void loop_timer_stop(struct loop_timer *timer)
{
    list_remove(&timer->node);
    if (list_empty(&timer->loop->timers))
        set_alarm(timer->loop);
}

bool loop_timer_active(const struct loop_timer *timer)
{
    return !list_empty(&timer->node);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer)
        loop_timer_stop(timer);
    free(timer);
}

/* ---- deferred ---- */

static void on_prepare(uv_prepare_t *handle)
{
    struct loop_deferred *d = handle->data;

    uv_prepare_stop(handle);
    d->loop->before_sleep = true;
    d->on_turn(d->arg);
    d->loop->before_sleep = false;
}

static void on_no_sleep(uv_idle_t *handle)
{
    uv_idle_stop(handle);
}

struct loop_deferred *loop_deferred_new(struct loop *loop, loop_timer_fn *on_turn, void *arg)
{
    struct loop_deferred *d = mem_zalloc(sizeof(*d));

    uv_prepare_init(&loop->uv, &d->handle);
    d->loop = loop;
    d->on_turn = on_turn;
    d->arg = arg;
    d->handle.data = d;
    return d;
}

/* Prepare handles run right before the loop sleeps. One that is started by another runs in the next turn, which then
 * must not wait for an event. */
void loop_deferred_start(struct loop_deferred *deferred)
{
    uv_prepare_start(&deferred->handle, on_prepare);
    if (deferred->loop->before_sleep)
        uv_idle_start(&deferred->loop->no_sleep, on_no_sleep);
}

void loop_deferred_free(struct loop_deferred *deferred)
{
    if (deferred)
        close_handle(&deferred->handle, deferred);
}

/* ---- signals ---- */

static void on_uv_signal(uv_signal_t *handle, int signum)
{
    struct loop_signal *s = handle->data;

    s->on_signal(s->arg, signum);
}

void loop_on_signal(struct loop *loop, int signum, loop_signal_fn *on_signal, void *arg)
{
    struct loop_signal *s = mem_zalloc(sizeof(*s));

    uv_signal_init(&loop->uv, &s->handle);
    s->on_signal = on_signal;
    s->arg = arg;
    s->handle.data = s;
    s->next = loop->signals;
    loop->signals = s;
    uv_signal_start(&s->handle, on_uv_signal, signum);
    uv_unref((uv_handle_t *)&s->handle); /* does not keep the loop running */
}
