/* scheduler.c - which environment runs which invocation, and what becomes of those whose environment ends.
 *
 * An idle environment goes first; else a quick one shares. What finds no room waits in the function's queue. */
#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "function/exit_reason.h"
#include "function/pool.h"

/* An invocation that so many environments died under before it began is not tried again. */
#define LOSSES_MAX 3

/* After a failed start the function makes do with the environments it has for so long. */
#define START_PAUSE_MS 1000

static const struct environment_owner_ops environment_ops;

/* ---- choosing ---- */

size_t scheduler_alive(const struct function *f)
{
    size_t count = 0;

    for (unsigned s = 0; s < ENVIRONMENT_STATES; s++)
        if (s != ENVIRONMENT_ENDING)
            count += f->environments[s].count;
    return count;
}

/* Of the environments in one state, the one with room that was handed least. */
static struct environment *least_handed(const struct environment_shelf *shelf)
{
    struct environment *best = NULL;

    for (struct list *node = shelf->list.next; node != &shelf->list; node = node->next) {
        struct environment *env = LIST_ENTRY(node, struct environment, link);
        if (!environment_has_room(env) || (best && best->handed_count <= env->handed_count))
            continue;
        best = env;
        if (best->handed_count <= 1)
            break;
    }
    return best;
}

struct environment *scheduler_choose(const struct function *f)
{
    struct environment *env = least_handed(&f->environments[ENVIRONMENT_IDLE]);
    return env ? env : least_handed(&f->environments[ENVIRONMENT_BUSY]);
}

/* ---- the queue ---- */

static struct invocation *queue_first(const struct function *f)
{
    struct list *first = list_first(&f->queue);
    return first ? LIST_ENTRY(first, struct invocation, link) : NULL;
}

static void queue_remove(struct function *f, struct invocation *inv)
{
    list_remove(&inv->link);
    f->queue_count--;
}

static bool queue_is_full(const struct function *f, const struct invocation *inv)
{
    return f->queue_count >= FUNCTION_QUEUE_MAX || f->bytes + invocation_frame(inv).len > FUNCTION_QUEUE_BYTES_MAX;
}

/* One line when it begins; the next only after the queue has emptied to a half. */
static void throttle(struct function *f, struct invocation *inv)
{
    if (!f->throttling)
        log_function(LOG_WARN, f->config->name, invocation_request_id(inv),
                     "throttled, %zu invocations wait for %zu environments (of at most %u); more are refused",
                     f->queue_count, scheduler_alive(f), f->config->concurrency);
    f->throttling = true;
    pool_fail(f->pool, inv, INVOCATION_THROTTLED, SPAN("TooManyRequestsException"), SPAN("Rate Exceeded."));
}

void scheduler_submit(struct function *f, struct invocation *inv)
{
    bool full = queue_is_full(f, inv);

    inv->arrival = ++f->arrivals;
    f->bytes += invocation_frame(inv).len;
    if (f->pool->closing) {
        pool_stop(f->pool, inv);
        return;
    }
    if (full) {
        throttle(f, inv);
        return;
    }
    if (f->queue_count < FUNCTION_QUEUE_MAX / 2 && f->bytes < FUNCTION_QUEUE_BYTES_MAX / 2)
        f->throttling = false;
    list_append(&f->queue, &inv->link);
    f->queue_count++;
    scheduler_dispatch(f);
}

void scheduler_requeue(struct function *f, struct list *invocations)
{
    struct list *place = f->queue.next;
    struct list *node;

    while ((node = list_first(invocations))) {
        const struct invocation *inv = LIST_ENTRY(node, struct invocation, link);
        while (place != &f->queue && LIST_ENTRY(place, struct invocation, link)->arrival < inv->arrival)
            place = place->next;
        list_remove(node);
        list_insert_before(place, node);
        f->queue_count++;
    }
}

void scheduler_dispatch(struct function *f)
{
    struct invocation *inv;
    struct environment *env;

    while ((inv = queue_first(f)) && (env = scheduler_choose(f))) {
        queue_remove(f, inv);
        environment_hand(env, inv);
    }
    if (inv && scheduler_alive(f) == 0)
        scheduler_start_environment(f);
    supervisor_wake(f->pool);
}

/* ---- starting ---- */

static void fail_waiting(struct function *f, uint64_t last_arrival, struct span error_type, struct span message)
{
    struct invocation *inv;

    while ((inv = queue_first(f)) && inv->arrival <= last_arrival) {
        queue_remove(f, inv);
        pool_fail(f->pool, inv, INVOCATION_NOT_STARTED, error_type, message);
    }
}

/* With others alive the function goes on with them. Without, what waited for this start has waited in vain; what came
 * later gets a start of its own. */
static void start_failed(struct function *f, uint64_t last_arrival, struct span error_type, struct span message)
{
    size_t alive = scheduler_alive(f);

    f->grow_after_ns = clock_mono_ns() + START_PAUSE_MS * 1000000u;
    if (alive > 0) {
        log_function(LOG_WARN, f->config->name, NO_REQUEST,
                     "an environment did not start, going on with %zu: " SPAN_FMT ": " SPAN_FMT, alive,
                     SPAN_ARG(error_type), SPAN_ARG(message));
        return;
    }
    log_function(LOG_ERROR, f->config->name, NO_REQUEST, "no environment could be started: " SPAN_FMT ": " SPAN_FMT,
                 SPAN_ARG(error_type), SPAN_ARG(message));
    fail_waiting(f, last_arrival, error_type, message);
}

int scheduler_start_environment(struct function *f)
{
    CLEANUP(buf_fini) struct buf error = {0};
    struct environment_setup setup = {
        .loop = f->pool->loop,
        .host_path = f->pool->host_path,
        .config = f->pool->config,
        .function = f->config,
        .services = &f->pool->services,
        .shelves = f->environments,
        .ops = &environment_ops,
        .owner = f,
    };
    struct environment *env;

    setup.image_fd = plugin_image_fd(f->image, &error);
    if (setup.image_fd < 0 || environment_start(&setup, &error, &env) < 0) {
        start_failed(f, f->arrivals, SPAN("Runtime.StartError"), buf_span(&error));
        return -1;
    }
    log_debug(LOG_FUNCTION, "%s: environment started pid=%d alive=%zu", f->config->name, (int)env->pid,
              scheduler_alive(f));
    f->arrivals_at_start = f->arrivals;
    f->started_ns = env->started_ns;
    return 0;
}

/* ---- what environments tell ---- */

static void on_room(void *owner, struct environment *env)
{
    struct function *f = owner;

    (void)env;
    if (!list_empty(&f->queue))
        scheduler_dispatch(f);
}

static void on_answer(void *owner, struct environment *env, struct invocation *inv,
                      const struct invocation_result *result)
{
    struct function *f = owner;

    (void)env;
    if (result->outcome == INVOCATION_ERROR)
        log_function(LOG_ERROR, f->config->name, invocation_request_id(inv), SPAN_FMT ": " SPAN_FMT,
                     SPAN_ARG(result->error_type), SPAN_ARG(result->error_message));
    pool_answer(f->pool, inv, result);
    if (!list_empty(&f->queue))
        scheduler_dispatch(f);
}

/* It ended before it was ready. */
static void on_init_ended(struct function *f, const struct environment *env, const char *reason)
{
    CLEANUP(buf_fini) struct buf failure = {0};
    char text[EXIT_REASON_SIZE + 64];

    if (env->end == END_INIT_FAILED) {
        buf_printf(&failure, "%s: " SPAN_FMT, f->config->plugin, SPAN_ARG(buf_span(&env->error_message)));
        start_failed(f, f->arrivals_at_start, buf_span(&env->error_type), buf_span(&failure));
        return;
    }
    if (env->end == END_INIT_TIMEOUT)
        snprintf(text, sizeof(text), "init did not finish within %.2f seconds", FUNCTION_INIT_MS_MAX / 1000.0);
    else if (env->end == END_PROTOCOL)
        snprintf(text, sizeof(text), "apigw-host broke the protocol during init");
    else
        snprintf(text, sizeof(text), "%s during init", reason);
    start_failed(f, f->arrivals_at_start,
                 env->end == END_INIT_TIMEOUT ? SPAN("Sandbox.Timedout") : SPAN("Runtime.ExitError"),
                 span_of_str(text));
}

/* The invocation that its environment died of. */
static void fail_running(struct function *f, const struct environment *env, struct invocation *inv, const char *reason)
{
    char text[64];

    if (env->end == END_TIMEOUT) {
        snprintf(text, sizeof(text), "Task timed out after %.2f seconds", f->config->timeout_ms / 1000.0);
        pool_fail(f->pool, inv, INVOCATION_TIMED_OUT, SPAN("Sandbox.Timedout"), span_of_str(text));
        return;
    }
    if (env->end != END_PROTOCOL) /* else a line has said so */
        log_function(LOG_ERROR, f->config->name, invocation_request_id(inv), "%s", reason);
    pool_fail(f->pool, inv, INVOCATION_ERROR, SPAN("Runtime.ExitError"), span_of_str(reason));
}

static bool was_running(struct environment *env, struct invocation *inv)
{
    return env->end == END_TIMEOUT || env->end == END_PROTOCOL || environment_has_begun(env, inv, clock_mono_ns());
}

/* It ended in the middle of its work: the one that ran fails, the others go to another environment. */
static void on_work_lost(struct function *f, struct environment *env, const char *reason)
{
    struct invocation *running = environment_oldest(env);
    struct list lost, again;
    struct list *node;

    if (running && !was_running(env, running))
        running = NULL;
    list_init(&lost);
    list_init(&again);
    environment_take_all(env, &lost);
    while ((node = list_first(&lost))) {
        struct invocation *inv = LIST_ENTRY(node, struct invocation, link);
        list_remove(node);
        if (inv == running || ++inv->losses >= LOSSES_MAX)
            fail_running(f, env, inv, reason);
        else
            list_append(&again, node);
    }
    scheduler_requeue(f, &again);
}

static void on_end(void *owner, struct environment *env, const siginfo_t *exit)
{
    struct function *f = owner;
    char reason[EXIT_REASON_SIZE];

    exit_reason_format(exit, reason);
    if (env->handed_count == 0 && env->ready && env->end == END_BY_ITSELF &&
        !(f->pool->closing && exit->si_code == CLD_EXITED && exit->si_status == 0))
        log_function(LOG_WARN, f->config->name, NO_REQUEST, "%s while no handler ran", reason);
    if (env->handed_count > 0)
        on_work_lost(f, env, reason);
    if (!env->ready && env->end != END_CLOSED)
        on_init_ended(f, env, reason);
    environment_free(env);
    if (f->pool->closing)
        pool_check_closed(f->pool);
    else
        scheduler_dispatch(f);
}

static const struct environment_owner_ops environment_ops = {
    .on_room = on_room, .on_answer = on_answer, .on_end = on_end};
