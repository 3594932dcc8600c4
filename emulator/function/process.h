/* process.h - starts apigw-host as a child, in a process group of its own, and ends it.
 *
 * A group of its own, so that Ctrl-C in a terminal reaches the emulator alone, and so that what a handler started goes
 * with its environment. Its timers are as punctual as they were when the emulator was started. There is no SIGCHLD
 * handler: the child's death makes its pidfd readable.
 *
 * Owner: the caller's struct process, until process_close. */
#ifndef FUNCTION_PROCESS_H
#define FUNCTION_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Most descriptors a child is given. */
#define PROCESS_FDS_MAX 6

struct process {
    pid_t pid; /* 0: there is none */
    int pidfd; /* -1: none */
};

struct process_start {
    const char *program; /* a path */
    char *const *arguments;
    char *const *variables;
    /* fds[n] of the caller's becomes descriptor n of the child; -1 at 0 is /dev/null. All others are closed there. */
    int fds[PROCESS_FDS_MAX];
    unsigned fd_count;
};

/* 0 and *ret, or -errno. */
int process_spawn(const struct process_start *start, struct process *ret);

/* SIGKILL to the whole group. */
void process_kill(const struct process *p);

/* If it has ended, reaps it, ends what is left of its group, fills *ret and returns true. Does not wait. */
bool process_reap(struct process *p, siginfo_t *ret);

/* Kills and reaps it if that has not been done. */
void process_close(struct process *p);

#endif
