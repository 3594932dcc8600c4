/* scheduler.c - which environment runs which invocation, and what becomes of those whose environment ends.
 *
 * An idle environment goes first; else a quick one shares. What finds no room waits in the function's queue. */
#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "function/core_file.h"
#include "function/exit_reason.h"
#include "function/pool.h"

/* An invocation that so many environments died under before it began is not tried again. */
#define LOSSES_MAX 3

/* After a failed start the function makes do with the environments it has for so long. */
#define START_PAUSE_MS 1000

#define THROTTLED_TOLD_MS 1000

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
static struct environment *least_handed(const struct function *f, const struct environment_shelf *shelf)
{
    struct environment *best = NULL;

    for (struct list *node = shelf->list.next; node != &shelf->list; node = node->next) {
        struct environment *env = LIST_ENTRY(node, struct environment, link);
        if (!environment_has_room(env) || renewal_is_outdated(f, env) ||
            (best && best->handed_count <= env->handed_count))
            continue;
        best = env;
        if (best->handed_count <= 1)
            break;
    }
    return best;
}

struct environment *scheduler_choose(const struct function *f)
{
    struct environment *env = least_handed(f, &f->environments[ENVIRONMENT_IDLE]);
    return env ? env : least_handed(f, &f->environments[ENVIRONMENT_BUSY]);
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

/* Has the function as many invocations under way as it may have, on Lambda's count? */
static bool reserve_is_used_up(const struct function *f)
{
    return f->config->reserved_concurrency != CONFIG_UNRESERVED && f->running >= f->config->reserved_concurrency;
}

static void throttle(struct function *f, struct invocation *inv)
{
    pool_fail(f->pool, inv, INVOCATION_THROTTLED, SPAN("TooManyRequestsException"), SPAN("Rate Exceeded."));
}

/* One line when it begins; the next only after the queue has emptied to a half. */
static void throttle_for_queue(struct function *f, struct invocation *inv)
{
    if (!f->throttling)
        log_function(LOG_WARN, f->config->name, invocation_request_id(inv),
                     "throttled, %zu invocations wait for %zu environments (of at most %u); more are refused",
                     f->queue_count, scheduler_alive(f), f->config->concurrency);
    f->throttling = true;
    throttle(f, inv);
}

/* One line a second: a function at its limit may be throttled at every message. */
static void throttle_for_reserve(struct function *f, struct invocation *inv)
{
    uint64_t now_ns = clock_mono_ns();

    f->throttled++;
    if (f->throttled_told_ns == 0 || now_ns - f->throttled_told_ns >= THROTTLED_TOLD_MS * UINT64_C(1000000)) {
        log_function(LOG_WARN, f->config->name, invocation_request_id(inv),
                     "throttled, its reserved concurrency of %u is used up (%zu refused since the last such line)",
                     f->config->reserved_concurrency, f->throttled);
        f->throttled_told_ns = now_ns;
        f->throttled = 0;
    }
    throttle(f, inv);
}

void scheduler_submit(struct function *f, struct invocation *inv)
{
    bool used_up = reserve_is_used_up(f);
    bool full = queue_is_full(f, inv);

    inv->arrival = ++f->arrivals;
    f->running++;
    f->bytes += invocation_frame(inv).len;
    if (f->pool->closing) {
        pool_stop(f->pool, inv);
        return;
    }
    if (used_up || full) {
        (used_up ? throttle_for_reserve : throttle_for_queue)(f, inv);
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
        scheduler_start_environment(f, false);
    supervisor_wake(f->pool);
}

/* ---- starting ---- */

/* Why an environment did not start. */
struct start_failure {
    struct span error_type;
    struct span message;
    struct span reason;      /* how its process ended, in Lambda's words; else without a pointer */
    struct environment *env; /* NULL: there was no process */
    uint64_t last_arrival;   /* of the invocations that waited for it */
};

/* Each has its lines in the log stream of the environment that it waited for. */
static void fail_one(struct function *f, struct invocation *inv, const struct start_failure *failure)
{
    const struct journal_end end = {
        .status = REPORT_ERROR,
        .duration_ns = clock_mono_ns() - inv->queued_ns,
        .error_type = failure->error_type,
        .message = failure->message,
        .reason = failure->reason,
    };
    CLEANUP(buf_fini) struct buf message = {0};

    if (failure->env)
        journal_end(&failure->env->journal, inv, &end);
    if (failure->reason.ptr)
        buf_printf(&message, "RequestId: " SPAN_FMT " Error: " SPAN_FMT, SPAN_ARG(invocation_request_id(inv)),
                   SPAN_ARG(failure->reason));
    else
        buf_append(&message, failure->message);
    pool_fail(f->pool, inv, INVOCATION_NOT_STARTED, failure->error_type, buf_span(&message));
}

static void fail_waiting(struct function *f, const struct start_failure *failure)
{
    struct invocation *inv;

    while ((inv = queue_first(f)) && inv->arrival <= failure->last_arrival) {
        queue_remove(f, inv);
        fail_one(f, inv, failure);
    }
}

/* With others alive the function goes on with them. Without, what waited for this start has waited in vain; what came
 * later gets a start of its own. */
static void start_failed(struct function *f, const struct start_failure *failure)
{
    size_t alive = scheduler_alive(f);

    f->grow_after_ns = clock_mono_ns() + START_PAUSE_MS * 1000000u;
    if (alive > 0) {
        log_function(LOG_WARN, f->config->name, NO_REQUEST,
                     "an environment did not start, going on with %zu: " SPAN_FMT ": " SPAN_FMT, alive,
                     SPAN_ARG(failure->error_type), SPAN_ARG(failure->message));
        return;
    }
    log_function(LOG_ERROR, f->config->name, NO_REQUEST, "no environment could be started: " SPAN_FMT ": " SPAN_FMT,
                 SPAN_ARG(failure->error_type), SPAN_ARG(failure->message));
    record_start_failure(f, failure->error_type, failure->message);
    fail_waiting(f, failure);
}

/* 0, or -1 with a sentence in `ret_error`. Takes the reference to `copy`. */
static int start_with(struct function *f, struct plugin_copy *copy, bool ahead, struct buf *ret_error)
{
    struct environment_setup setup = {
        .loop = f->pool->loop,
        .host_path = f->pool->host_path,
        .config = f->of,
        .function = f->config,
        .copy = copy,
        .services = &f->pool->services,
        .logs = f->pool->logs,
        .provisioned = ahead,
        .shelves = f->environments,
        .ops = &environment_ops,
        .owner = f,
    };
    struct environment *env;

    if (environment_start(&setup, ret_error, &env) < 0) {
        plugin_copy_unref(copy);
        return -1;
    }
    f->provisioned += ahead;
    log_debug(LOG_FUNCTION, "%s: environment started pid=%d alive=%zu", f->config->name, (int)env->pid,
              scheduler_alive(f));
    f->arrivals_at_start = f->arrivals;
    f->started_ns = env->started_ns;
    supervisor_wake(f->pool);
    return 0;
}

/* The copy that is known to work; before there is one, the newest. */
static struct plugin_copy *take_copy(struct function *f, struct buf *ret_error)
{
    return f->copy ? plugin_copy_ref(f->copy) : plugin_image_copy(f->image, ret_error);
}

int scheduler_start_environment(struct function *f, bool ahead)
{
    CLEANUP(buf_fini) struct buf error = {0};
    struct start_failure failure = {.error_type = SPAN("Runtime.StartError"), .last_arrival = f->arrivals};
    struct plugin_copy *copy = take_copy(f, &error);

    if (copy && start_with(f, copy, ahead, &error) == 0)
        return 0;
    failure.message = buf_span(&error);
    start_failed(f, &failure);
    return -1;
}

static void end_older_tries(struct function *f, uint64_t serial)
{
    struct list *head = &f->environments[ENVIRONMENT_STARTING].list;

    for (struct list *node = head->next, *next; node != head; node = next) {
        struct environment *env = LIST_ENTRY(node, struct environment, link);

        next = node->next;
        if (env->setup.copy->serial > f->copy->serial && env->setup.copy->serial < serial)
            environment_kill(env, END_CLOSED);
    }
}

void scheduler_try_copy(struct function *f, struct plugin_copy *copy)
{
    CLEANUP(buf_fini) struct buf error = {0};

    end_older_tries(f, copy->serial);
    if (start_with(f, plugin_copy_ref(copy), false, &error) < 0)
        log_function(LOG_WARN, f->config->name, NO_REQUEST, "%s has changed, but is not used: " SPAN_FMT,
                     f->config->plugin, SPAN_ARG(buf_span(&error)));
}

/* ---- what environments tell ---- */

/* It has room: for what waits, or it is idle. */
static void go_on(struct function *f, struct environment *env)
{
    if (!list_empty(&f->queue))
        scheduler_dispatch(f);
    else if (env->state == ENVIRONMENT_IDLE)
        keeper_on_idle(f, env);
}

static void on_room(void *owner, struct environment *env)
{
    struct function *f = owner;

    if (!renewal_admit(f, env))
        return;
    record_room(f);
    go_on(f, env);
}

static void on_answer(void *owner, struct environment *env, struct invocation *inv,
                      const struct invocation_result *result)
{
    struct function *f = owner;

    if (result->outcome == INVOCATION_ERROR)
        log_function(LOG_ERROR, f->config->name, invocation_request_id(inv), SPAN_FMT ": " SPAN_FMT,
                     SPAN_ARG(result->error_type), SPAN_ARG(result->error_message));
    env->ended++;
    pool_answer(f->pool, inv, result);
    on_room(f, env);
}

/* ---- ends before it was ready ---- */

static struct span init_error_type(const struct environment *env)
{
    switch (env->end) {
    case END_INIT_FAILED: return buf_span(&env->error_type);
    case END_INIT_TIMEOUT: return SPAN("Sandbox.Timedout");
    case END_OUT_OF_MEMORY: return SPAN("Runtime.OutOfMemory");
    default: return SPAN("Runtime.ExitError");
    }
}

static void write_init_failure(const struct function *f, const struct environment *env, const char *reason,
                               struct buf *out)
{
    switch (env->end) {
    case END_INIT_FAILED:
        buf_printf(out, "%s: " SPAN_FMT, f->config->plugin, SPAN_ARG(buf_span(&env->error_message)));
        return;
    case END_INIT_TIMEOUT:
        buf_printf(out, "init did not finish within %.2f seconds", FUNCTION_INIT_MS_MAX / 1000.0);
        return;
    case END_PROTOCOL: buf_append_str(out, "apigw-host broke the protocol during init"); return;
    case END_OUT_OF_MEMORY:
        buf_printf(out, "%s during init, it had more memory in use than its %u MB", reason, f->config->memory_mb);
        return;
    default: buf_printf(out, "%s during init", reason);
    }
}

static uint64_t init_duration_ns(const struct environment *env)
{
    if (env->end == END_INIT_FAILED)
        return env->init_ns;
    if (env->end == END_INIT_TIMEOUT)
        return FUNCTION_INIT_MS_MAX * UINT64_C(1000000);
    return clock_mono_ns() - env->started_ns;
}

static void on_init_ended(struct function *f, struct environment *env, const char *reason)
{
    CLEANUP(buf_fini) struct buf message = {0};
    bool by_itself = env->end == END_BY_ITSELF || env->end == END_OUT_OF_MEMORY;
    struct start_failure failure = {
        .error_type = init_error_type(env),
        .reason = by_itself ? span_of_str(reason) : span_of(NULL, 0),
        .env = env,
        .last_arrival = f->arrivals_at_start,
    };
    const struct report_init report = {
        .duration_ns = init_duration_ns(env),
        .status = env->end == END_INIT_TIMEOUT ? REPORT_TIMEOUT : REPORT_ERROR,
        .error_type = report_error_type(failure.error_type, SPAN("Runtime.Unknown")),
    };

    journal_fail_init(&env->journal, &report);
    write_init_failure(f, env, reason, &message);
    failure.message = buf_span(&message);
    if (!renewal_has_failed(f, env, failure.error_type, failure.message))
        start_failed(f, &failure);
}

/* ---- ends in the middle of its work ---- */

static uint64_t ran_ns(const struct function *f, const struct environment *env, const struct invocation *inv)
{
    if (env->end == END_TIMEOUT)
        return f->config->timeout_ms * UINT64_C(1000000);
    return clock_mono_ns() - (inv->claimed_ns ? inv->claimed_ns : inv->handed_ns);
}

static void fail_timed_out(struct function *f, struct invocation *inv)
{
    char text[64];

    snprintf(text, sizeof(text), "Task timed out after %.2f seconds", f->config->timeout_ms / 1000.0);
    pool_fail(f->pool, inv, INVOCATION_TIMED_OUT, SPAN("Sandbox.Timedout"), span_of_str(text));
}

static void log_end(const struct function *f, const struct environment *env, const struct invocation *inv,
                    const char *reason)
{
    if (env->end == END_OUT_OF_MEMORY)
        log_function(LOG_ERROR, f->config->name, invocation_request_id(inv),
                     "%s, it had more memory in use than its %u MB (raise memorySize, or look for what it keeps)",
                     reason, f->config->memory_mb);
    else if (env->end != END_PROTOCOL) /* else a line has said so */
        log_function(LOG_ERROR, f->config->name, invocation_request_id(inv), "%s", reason);
}

/* The invocation that its environment died of. */
static void fail_running(struct function *f, struct environment *env, struct invocation *inv, const char *reason)
{
    bool timed_out = env->end == END_TIMEOUT;
    const struct journal_end end = {
        .status = timed_out ? REPORT_TIMEOUT : REPORT_ERROR,
        .duration_ns = ran_ns(f, env, inv),
        .error_type = env->end == END_OUT_OF_MEMORY ? SPAN("Runtime.OutOfMemory") : SPAN("Runtime.ExitError"),
        .reason = span_of_str(reason),
    };

    journal_end(&env->journal, inv, &end);
    if (timed_out) {
        fail_timed_out(f, inv);
        return;
    }
    log_end(f, env, inv, reason);
    pool_fail(f->pool, inv, INVOCATION_ERROR, end.error_type, end.reason);
}

static bool was_running(struct environment *env, struct invocation *inv)
{
    return env->end == END_TIMEOUT || env->end == END_PROTOCOL || env->end == END_OUT_OF_MEMORY ||
           environment_has_begun(env, inv, clock_mono_ns());
}

/* It ended in the middle of its work: the one that ran fails, the others go to another environment. Did one run? */
static bool on_work_lost(struct function *f, struct environment *env, const char *reason)
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
    return running != NULL;
}

/* It was asked to end, and did. */
static bool has_ended_well(const struct function *f, const struct environment *env, const siginfo_t *exit)
{
    return (f->pool->closing || env->end == END_RETIRED) && exit->si_code == CLD_EXITED && exit->si_status == 0;
}

static void say_core_file(const struct function *f, const siginfo_t *exit)
{
    CLEANUP(buf_fini) struct buf sentence = {0};
    const char *plugin = f->config->plugin_path;

    core_file_describe_here(exit, span_of(plugin, (size_t)(strrchr(plugin, '/') - plugin)), &sentence);
    log_function(LOG_INFO, f->config->name, NO_REQUEST, SPAN_FMT, SPAN_ARG(buf_span(&sentence)));
}

static void on_end(void *owner, struct environment *env, const siginfo_t *exit)
{
    struct function *f = owner;
    bool provisioned = env->setup.provisioned, worked = env->ready && env->sequence > 0;
    char reason[EXIT_REASON_SIZE];

    exit_reason_format(exit, reason);
    if (!on_work_lost(f, env, reason) && env->ready && (env->end == END_BY_ITSELF || env->end == END_RETIRED) &&
        !has_ended_well(f, env, exit))
        log_function(LOG_WARN, f->config->name, NO_REQUEST, "%s while no handler ran", reason);
    if (!env->ready && env->end != END_CLOSED)
        on_init_ended(f, env, reason);
    if (exit->si_code == CLD_DUMPED)
        say_core_file(f, exit);
    plugin_copy_unref(env->setup.copy);
    environment_free(env);
    if (f->retired)
        pool_check_closed(f->pool);
    if (provisioned)
        keeper_on_provisioned_end(f, worked);
    if (f->pool->closing)
        pool_check_closed(f->pool);
    else
        scheduler_dispatch(f);
}

static const struct environment_owner_ops environment_ops = {
    .on_room = on_room, .on_answer = on_answer, .on_end = on_end};
