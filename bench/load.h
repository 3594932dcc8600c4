/* load.h - the options of a run and what its scenarios share. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

#define LOAD_SIZE_MIN 40 /* bytes of a message, so that a number fits */

struct load_options {
    unsigned port;
    const char *path;      /* of WebSocket connections */
    const char *post_path; /* of POSTs; {id} stands for a receiver's connection id */
    unsigned connections;
    unsigned inflight; /* messages on their way on each connection */
    unsigned size;     /* bytes of a message */
    unsigned duration_ms;
    unsigned warmup_ms;
    unsigned least;       /* things to be measured, if that takes longer than the measured time */
    unsigned limit_ms;    /* for each wait that is not the measured time */
    unsigned concurrency; /* connections being opened at once */
    unsigned clients;     /* that POST */
    unsigned receivers;   /* of POSTs and of the fan-out */
    unsigned silent;      /* connections beside those that send */
    unsigned actions;     /* routes that messages go round, r000 and so on; 0: one, echo */
    unsigned starts;      /* of the server */
    unsigned server_pid;  /* the server's: what it and its children use is looked at; 0: it is not */
    bool ask_id;          /* ask the server for connection ids */
    char **command;       /* that starts the server; NULL: none */
};

/* Each prints its report and returns the program's exit status. */
typedef int load_scenario_fn(const struct load_options *o);
load_scenario_fn load_echo;
load_scenario_fn load_burst;
load_scenario_fn load_connect;
load_scenario_fn load_open;
load_scenario_fn load_idle;
load_scenario_fn load_post;
load_scenario_fn load_fanout;
load_scenario_fn load_start;

/* The stretch of time in which a run counts. What happens before it is warm-up. It lasts until `least` things were
 * recorded, so that a run has a result however slow the server or busy the machine is. */
struct load_window {
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t least;
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

/* A JSON text of exactly `size` bytes that asks for a route of four letters: {"action":"echo","pad":"0000002axxx"},
 * with a number in it. The caller's to free. */
char *load_message(const char *action, size_t size, size_t number);

/* The number of a message of which this is the beginning; LOAD_NO_NUMBER if there is none. */
#define LOAD_NO_NUMBER SIZE_MAX
size_t load_message_number(const char *text, size_t len);

void *load_alloc(size_t count, size_t size);

/* Says why on standard error and ends the program with status 1. */
_Noreturn void load_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
