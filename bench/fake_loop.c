/* fake_loop.c - see fake_loop.h. The linker takes these functions and leaves the emulator's own in its library. */
#include "fake_loop.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define WATCHES_MAX 64
#define DEFERRED_MAX 64
#define START_S 1767225600ull /* 2026-01-01 */

struct loop_watch {
    struct loop *loop;
    loop_ready_fn *on_ready; /* NULL: not in use */
    void *arg;
    int fd;
    bool paused;
};

struct loop_deferred {
    struct loop *loop;
    loop_timer_fn *on_turn; /* NULL: not in use */
    void *arg;
    bool started;
};

struct loop_timer {
    bool active;
};

struct loop {
    struct loop_watch watches[WATCHES_MAX];
    struct loop_deferred deferred[DEFERRED_MAX];
};

void fake_loop_turn(struct loop *loop)
{
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        struct loop_watch *watch = &loop->watches[i];
        struct pollfd ready = {.fd = watch->fd, .events = POLLIN};

        if (watch->on_ready && !watch->paused && poll(&ready, 1, 0) == 1)
            watch->on_ready(watch->arg, (ready.revents & POLLIN) != 0, (ready.revents & POLLHUP) != 0);
    }
    for (size_t i = 0; i < DEFERRED_MAX; i++) {
        struct loop_deferred *deferred = &loop->deferred[i];

        if (!deferred->on_turn || !deferred->started)
            continue;
        deferred->started = false;
        deferred->on_turn(deferred->arg);
    }
}

/* The C library's, for what is linked into this program. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    static uint64_t now_us = START_S * 1000000u;

    now_us++;
    *ret = (struct timespec){.tv_sec = (time_t)(now_us / 1000000u), .tv_nsec = (long)(now_us % 1000000u) * 1000};
    return 0;
}

/* The next numbers of Knuth's linear congruential generator. */
int getentropy(void *out, size_t size)
{
    static uint64_t state = 1;
    unsigned char *bytes = out;

    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(state >> 56);
    }
    return 0;
}

struct loop *loop_new(void)
{
    return mem_zalloc(sizeof(struct loop));
}

void loop_free(struct loop *loop)
{
    free(loop);
}

void loop_run(struct loop *loop)
{
    abort(); /* nobody here asks for it: turns are taken one by one */
}

void loop_stop(struct loop *loop)
{
}

unsigned loop_cpus(const struct loop *loop)
{
    return 1;
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_ready_fn *on_ready, void *arg)
{
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        struct loop_watch *watch = &loop->watches[i];

        if (watch->on_ready)
            continue;
        *watch = (struct loop_watch){.loop = loop, .on_ready = on_ready, .arg = arg, .fd = fd};
        return watch;
    }
    abort();
}

/* Here every descriptor is told of until it has been read. */
struct loop_watch *loop_watch_new_bell(struct loop *loop, int fd, loop_ready_fn *on_ready, void *arg)
{
    return loop_watch_new(loop, fd, on_ready, arg);
}

bool loop_watch_is_edge(const struct loop_watch *watch)
{
    return false;
}

void loop_watch_pause(struct loop_watch *watch)
{
    watch->paused = true;
}

void loop_watch_resume(struct loop_watch *watch)
{
    watch->paused = false;
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch)
        watch->on_ready = NULL;
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *on_timer, void *arg)
{
    return mem_zalloc(sizeof(struct loop_timer));
}

void loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
    timer->active = true;
}

void loop_timer_stop(struct loop_timer *timer)
{
    timer->active = false;
}

bool loop_timer_active(const struct loop_timer *timer)
{
    return timer->active;
}

void loop_timer_free(struct loop_timer *timer)
{
    free(timer);
}

struct loop_deferred *loop_deferred_new(struct loop *loop, loop_timer_fn *on_turn, void *arg)
{
    for (size_t i = 0; i < DEFERRED_MAX; i++) {
        struct loop_deferred *deferred = &loop->deferred[i];

        if (deferred->on_turn)
            continue;
        *deferred = (struct loop_deferred){.loop = loop, .on_turn = on_turn, .arg = arg};
        return deferred;
    }
    abort();
}

void loop_deferred_start(struct loop_deferred *deferred)
{
    deferred->started = true;
}

void loop_deferred_free(struct loop_deferred *deferred)
{
    if (deferred)
        deferred->on_turn = NULL;
}

struct loop_file *loop_file_new(struct loop *loop, const char *path, unsigned settle_ms, loop_timer_fn *on_changed,
                                void *arg)
{
    abort(); /* nothing is watched for changes here */
}

void loop_file_free(struct loop_file *file)
{
}
