/* stream.h - non-blocking TCP connections to one port of this machine, and the loop that serves them.
 *
 * Made to be cheap, because the generator shares its CPU with what it measures: one recv for everything that has
 * come, one send for all that is due, and no copy of what goes out.
 *
 * What is sent must outlive the sending. It may be sent many times over: a send names a period of bytes that repeats
 * without end in memory as far as the sender needs, so that what did not fit is remembered as a place in the period.
 *
 * Errors   anything unexpected ends the program through load_die. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop {
    int epoll;
    char *input; /* one buffer for all: nothing stays in it */
};

struct stream;

struct stream_ops {
    void (*on_data)(struct stream *s, const char *data, size_t len);
    void (*on_end)(struct stream *s, const char *why);
};

struct stream {
    const struct stream_ops *ops;
    struct loop *loop;
    int fd;           /* -1 when closed */
    uint32_t watched; /* the epoll events asked for */
    int send_error;   /* errno of a send that failed; told when reading finds the end */
    struct {
        const char *base;
        size_t period;
        size_t offset; /* of the next byte, in the period */
        size_t bytes;  /* still to be sent */
    } out;
};

uint64_t loop_now_ns(void);
void loop_init(struct loop *loop);

/* Serves until `done` says so (true) or the time has come (false). `done` is asked once a turn. */
bool loop_run(struct loop *loop, bool (*done)(void *arg), void *arg, uint64_t deadline_ns);

/* Opens a connection to 127.0.0.1. `serial` numbers the connections of a run: it spreads them over source addresses, as
 * one address has only some 28,000 ports. */
void stream_connect(struct stream *s, struct loop *loop, const struct stream_ops *ops, unsigned port, uint64_t serial);

/* Sends `bytes` bytes of the period at `base`, from its beginning. */
void stream_send(struct stream *s, const char *base, size_t period, size_t bytes);

/* The same from a place in the period. While some wait to be sent, only what follows them there may be added; and
 * `base` goes on behind the period for as many bytes as can wait. */
void stream_send_from(struct stream *s, const char *base, size_t period, size_t offset, size_t bytes);

void stream_close(struct stream *s);

#endif
