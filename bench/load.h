/* load.h - the options of a run and what its scenarios share. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

struct load_options {
    unsigned port;
    const char *path;      /* of WebSocket connections */
    const char *post_path; /* of POSTs; {id} stands for a receiver's connection id */
    unsigned connections;
    unsigned inflight; /* messages on their way on each connection */
    unsigned size;     /* bytes of a message */
    unsigned duration_ms;
    unsigned warmup_ms;
    unsigned limit_ms;    /* for each wait that is not the measured time */
    unsigned concurrency; /* connections being opened at once */
    unsigned clients;     /* that POST */
    unsigned receivers;   /* of POSTs and of the fan-out */
    unsigned server_pid;  /* whose memory is looked at */
    bool ask_id;          /* ask the server for connection ids */
};

/* Each prints its report and returns the program's exit status. */
typedef int load_scenario_fn(const struct load_options *o);
load_scenario_fn load_echo;
load_scenario_fn load_connect;
load_scenario_fn load_idle;
load_scenario_fn load_post;
load_scenario_fn load_fanout;

/* The stretch of time in which a run counts. What happens before it is warm-up. */
struct load_window {
    uint64_t start_ns;
    uint64_t end_ns;
    struct histogram latency;
};

void load_window_open(struct load_window *w, const struct load_options *o);
bool load_window_contains(const struct load_window *w, uint64_t now_ns);
bool load_window_is_over(const struct load_window *w);
double load_window_seconds(const struct load_window *w);

/* Counts one thing that took from `since_ns` to `now_ns`, if that falls into the window. */
void load_window_record(struct load_window *w, uint64_t since_ns, uint64_t now_ns);

/* Until when a wait may last that starts now. */
uint64_t load_deadline_ns(const struct load_options *o);

/* A JSON text of exactly `size` bytes that asks for a route: {"action":"…","pad":"xxx"}. */
char *load_message(const char *action, size_t size);

void *load_alloc(size_t count, size_t size);

/* Says why on standard error and ends the program with status 1. */
_Noreturn void load_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
