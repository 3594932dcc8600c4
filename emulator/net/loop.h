/* loop.h - the one event loop, without its library's types.
 *
 * libuv underneath. Callbacks run on the loop thread, never from within the call that registered them. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *loop); /* when loop_run has returned and everything was closed */

/* Runs until loop_stop was called or nothing is left to wait for. Timers are some milliseconds late meanwhile, those of
 * all that the thread starts, too, unless whoever starts it sees to that (function/process.h). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* How many CPUs the process may use. */
unsigned loop_cpus(const struct loop *loop);

/* Turns without waiting until everything that was closed is let go of, also what its closing closes in turn. */
void loop_settle(struct loop *loop);

/* A watched descriptor. The descriptor stays the caller's; stop watching before closing it. */
struct loop_watch;
typedef void loop_ready_fn(void *arg, bool readable, bool hung_up);
/* NULL with errno set if the descriptor cannot be watched. */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_ready_fn *on_ready, void *arg);
/* For an eventfd that is written to and never to be paused. Once it is an edge, which is from the first callback on
 * unless the system forbids it, each write calls back, and nothing has to be read away. */
struct loop_watch *loop_watch_new_bell(struct loop *loop, int fd, loop_ready_fn *on_ready, void *arg);
bool loop_watch_is_edge(const struct loop_watch *watch);
void loop_watch_pause(struct loop_watch *watch); /* no callbacks until resumed */
void loop_watch_resume(struct loop_watch *watch);
/* What to call back for, of these, in place of reading and hanging up; 0: nothing. That there is room for writing is
 * told as neither readable nor hung up. Who has been told of a hang-up is told again unless it no longer wants to be.
 */
enum { LOOP_READABLE = 1, LOOP_WRITABLE = 2, LOOP_HANGUP = 4 };
void loop_watch_want(struct loop_watch *watch, unsigned wanted);
void loop_watch_free(struct loop_watch *watch); /* NULL is fine; no callback after this */

/* A timer that fires once per start; may be started again from its callback. Made stopped. */
struct loop_timer;
typedef void loop_timer_fn(void *arg);
struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *on_timer, void *arg);
void loop_timer_start(struct loop_timer *timer, uint64_t after_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_active(const struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL is fine; no callback after this */

/* Moves base/clock forward to the next deadline, by `ms` at most, and fires the timers that are due then. Returns how
 * much of `ms` is left. Not from within a timer's callback. */
uint64_t loop_advance_step(struct loop *loop, uint64_t ms);

/* The whole way, timers in the order of their deadlines, each at its own moment. */
void loop_advance(struct loop *loop, uint64_t ms);

/* Calls back once, at the end of this turn, before the loop sleeps: what a turn has gathered can go out together. May
 * be started again from within. */
struct loop_deferred;
struct loop_deferred *loop_deferred_new(struct loop *loop, loop_timer_fn *on_turn, void *arg);
void loop_deferred_start(struct loop_deferred *deferred);
void loop_deferred_free(struct loop_deferred *deferred);

/* Calls back whenever the loop goes on to something else: after a descriptor's callback, and before it sleeps, behind
 * what was deferred. What a callback has gathered can go out together, and no later than that. There is one at most;
 * NULL takes it away. */
void loop_set_pause(struct loop *loop, loop_timer_fn *on_pause, void *arg);

/* A watched file, which need not be there: `on_changed` comes when it was created, written or replaced and has then
 * been left alone for `settle_ms`. NULL with errno set if its folder cannot be watched (file_watch.c). */
struct loop_file;
struct loop_file *loop_file_new(struct loop *loop, const char *path, unsigned settle_ms, loop_timer_fn *on_changed,
                                void *arg);
void loop_file_free(struct loop_file *file); /* NULL is fine; no callback after this */

/* Signals, delivered on the loop; for as long as the loop lives. */
typedef void loop_signal_fn(void *arg, int signum);
void loop_on_signal(struct loop *loop, int signum, loop_signal_fn *on_signal, void *arg);

/* The libuv loop underneath, for the files of net/ alone. */
void *loop_uv(struct loop *loop);

#endif
