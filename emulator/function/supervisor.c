/* supervisor.c - looks after what takes long: slow handlers, timeouts, starts and ends; and grows a function that has
 * too few environments.
 *
 * One timer serves the whole pool, and only while there is something to look after: no timer per message. */
#include "base/clock.h"
#include "base/log.h"
#include "function/pool.h"

#define MS UINT64_C(1000000)

/* While environments are starting, more are started only so long after the last: what waits may be quick work for the
 * one that is coming. */
#define START_SPACING_MS 50

/* Starting a process takes some tenths of a millisecond of the loop's time. */
#define STARTS_PER_TICK 8

/* Looking at the memory of a process takes some hundredths. */
#define MEMORY_LOOKS_PER_TICK 2

/* A line says that invocations wait when they are so many, or the first has waited for so long. */
static const struct {
    size_t count;
    uint64_t ms;
} queue_alarms[] = {{500, 1000}, {2000, 10000}, {5000, 25000}};

/* What wrapped environments have over the others to end when the pool closes. */
#define CLOSE_WRAPPED_MS 10000

typedef void environment_fn(struct function *f, struct environment *env, uint64_t now_ns);

/* `visit` may move the environment to another shelf, but no other one. */
static void for_each(struct function *f, enum environment_state state, environment_fn *visit, uint64_t now_ns)
{
    struct list *head = &f->environments[state].list;
    struct list *node = head->next;

    while (node != head) {
        struct environment *env = LIST_ENTRY(node, struct environment, link);
        node = node->next;
        visit(f, env, now_ns);
    }
}

/* ---- what runs too long ---- */

/* Somebody may look at a wrapped one with a debugger, and takes the time. */
static uint64_t time_limit_ns(const struct function *f, uint64_t limit_ms)
{
    return config_function_is_wrapped(f->config) ? UINT64_MAX / 2 : limit_ms * MS;
}

/* Since when the supervisor has seen this invocation at the front. */
static uint64_t at_front_since(struct environment *env, const struct invocation *inv, uint64_t now_ns)
{
    if (env->watched_sequence != inv->head.invoke.sequence) {
        env->watched_sequence = inv->head.invoke.sequence;
        env->watched_ns = now_ns;
        env->overdue = false;
    }
    return env->watched_ns;
}

/* Its answer may be in the ring already: it is read first, and the next tick decides. */
static void end_overdue(struct function *f, struct environment *env, const struct invocation *inv,
                        enum environment_end why)
{
    if (!env->overdue) {
        env->overdue = true;
        loop_deferred_start(env->again);
        return;
    }
    if (why == END_TIMEOUT)
        log_function(LOG_ERROR, f->config->name, invocation_request_id(inv), "Task timed out after %.2f seconds",
                     f->config->timeout_ms / 1000.0);
    else
        log_function(LOG_ERROR, f->config->name, NO_REQUEST,
                     "apigw-host process %d does not take its next invocation and was killed", (int)env->pid);
    environment_kill(env, why);
}

static void check_running(struct function *f, struct environment *env, uint64_t now_ns)
{
    struct invocation *inv = environment_oldest(env);
    uint64_t since, timeout = time_limit_ns(f, f->config->timeout_ms);

    if (!inv)
        return;
    since = at_front_since(env, inv, now_ns);
    if (!environment_has_begun(env, inv, now_ns)) {
        if (now_ns - since > timeout + FUNCTION_INIT_MS_MAX * MS)
            end_overdue(f, env, inv, END_STUCK);
    } else if (now_ns - inv->claimed_ns > timeout) {
        end_overdue(f, env, inv, END_TIMEOUT);
    } else if (now_ns - inv->claimed_ns > FUNCTION_PATIENCE_MS * MS) {
        environment_mark_slow(env);
    }
}

static void check_starting(struct function *f, struct environment *env, uint64_t now_ns)
{
    if (now_ns - env->started_ns > time_limit_ns(f, FUNCTION_INIT_MS_MAX))
        environment_kill(env, END_INIT_TIMEOUT);
}

/* A wrapper may have much to say at the end, such as what has leaked; but not to whoever is in a hurry. */
static uint64_t close_deadline_ns(const struct function *f)
{
    bool longer = config_function_is_wrapped(f->config) && !f->pool->hurried;

    return f->pool->close_deadline_ns + (longer ? CLOSE_WRAPPED_MS * MS : 0);
}

static void check_ending(struct function *f, struct environment *env, uint64_t now_ns)
{
    uint64_t end_by_ns = f->pool->closing ? close_deadline_ns(f) : env->end_by_ns;

    if (end_by_ns > 0 && now_ns > end_by_ns)
        environment_kill(env, END_CLOSED);
}

/* ---- what takes too much memory ---- */

/* What is quick is judged by what its host tells with its answers. Of what is slow, and of what starts, a few are asked
 * the kernel for at every tick, each in its turn. */
static void check_memory(struct function *f, struct environment *env, uint64_t now_ns)
{
    const uint64_t system_ns = now_ns - clock_offset_ns(); /* or a clock that is moved would ask at every step */
    size_t many = f->environments[ENVIRONMENT_SLOW].count + f->environments[ENVIRONMENT_STARTING].count;

    if (system_ns - env->memory_seen_ns >= (many / MEMORY_LOOKS_PER_TICK + 1) * FUNCTION_PATIENCE_MS * MS)
        environment_check_memory(env, system_ns);
}

/* ---- what waits too long ---- */

static bool may_grow(const struct function *f, uint64_t now_ns)
{
    return now_ns >= f->grow_after_ns && scheduler_alive(f) < f->config->concurrency;
}

/* What was handed to an environment that turned out slow goes elsewhere, if there is an elsewhere. */
static void take_back(struct function *f, struct environment *env, uint64_t now_ns)
{
    struct list taken;

    if (env->handed_count < 2 || !(scheduler_choose(f) || may_grow(f, now_ns)))
        return;
    list_init(&taken);
    environment_take_unbegun(env, &taken);
    scheduler_requeue(f, &taken);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How long of the time since `since_ns` it was in its handler. One that does not take what it was handed is as good as
 * busy. */
static uint64_t take_worked_ns(struct environment *env, uint64_t since_ns, uint64_t now_ns)
{
    struct invocation *inv = environment_oldest(env);
    uint64_t worked = env->worked_ns, began_ns;

    env->worked_ns = 0;
    if (!inv)
        return worked;
    began_ns = environment_has_begun(env, inv, now_ns) ? inv->claimed_ns : at_front_since(env, inv, now_ns);
    return worked + (now_ns - (began_ns > since_ns ? began_ns : since_ns));
}

/* Is it their handlers that keep the quick environments from taking more? If not, the emulator does not keep up, or the
 * machine, and more processes would make that worse. */
static bool measure_load(struct function *f, uint64_t now_ns)
{
    const struct environment_shelf *busy = &f->environments[ENVIRONMENT_BUSY];
    const struct list *idle = &f->environments[ENVIRONMENT_IDLE].list;
    uint64_t since_ns = f->pool->woken_ns > f->looked_ns ? f->pool->woken_ns : f->looked_ns, worked_ns = 0;

    for (struct list *node = busy->list.next; node != &busy->list; node = node->next)
        worked_ns += take_worked_ns(LIST_ENTRY(node, struct environment, link), since_ns, now_ns);
    for (struct list *node = idle->next; node != idle; node = node->next)
        LIST_ENTRY(node, struct environment, link)->worked_ns = 0;
    f->looked_ns = now_ns;
    return worked_ns >= busy->count * (now_ns - since_ns) / 2;
}

/* At most twice as many environments as there are, and no more than invocations wait. */
static void grow(struct function *f, uint64_t now_ns)
{
    struct list *first = list_first(&f->queue);
    size_t alive = scheduler_alive(f);
    size_t starting = f->environments[ENVIRONMENT_STARTING].count;
    size_t more;

    if (!first || !may_grow(f, now_ns) || f->queue_count <= starting)
        return;
    if (now_ns - LIST_ENTRY(first, struct invocation, link)->queued_ns < FUNCTION_PATIENCE_MS * MS)
        return;
    if (starting > 0 && now_ns - f->started_ns < START_SPACING_MS * MS)
        return;
    more = smaller(smaller(alive, f->config->concurrency - alive), f->queue_count - starting);
    more = smaller(more, STARTS_PER_TICK);
    while (more-- > 0 && scheduler_start_environment(f, false) == 0)
        ;
}

/* ---- what is told of those that wait ---- */

struct waiting {
    size_t count;
    uint64_t first_ns; /* since when the oldest waits */
};

static void count_waiting(struct waiting *w, const struct invocation *first, size_t count)
{
    w->count += count;
    if (first->queued_ns < w->first_ns)
        w->first_ns = first->queued_ns;
}

/* In the queue, and behind what is slow. */
static struct waiting waiting_of(const struct function *f, uint64_t now_ns)
{
    const struct list *slow = &f->environments[ENVIRONMENT_SLOW].list;
    struct waiting w = {.first_ns = now_ns};

    if (!list_empty(&f->queue))
        count_waiting(&w, LIST_ENTRY(f->queue.next, const struct invocation, link), f->queue_count);
    for (const struct list *node = slow->next; node != slow; node = node->next) {
        const struct environment *env = LIST_ENTRY(node, const struct environment, link);
        if (env->handed_count > 1)
            count_waiting(&w, LIST_ENTRY(env->handed.next->next, const struct invocation, link), env->handed_count - 1);
    }
    return w;
}

static bool is_alarming(const struct waiting *w, unsigned alarm, uint64_t now_ns)
{
    return w->count >= queue_alarms[alarm].count || now_ns - w->first_ns >= queue_alarms[alarm].ms * MS;
}

/* Each line once, until nothing waits. */
static void tell_of_waiting(struct function *f, uint64_t now_ns)
{
    const unsigned alarms = sizeof(queue_alarms) / sizeof(queue_alarms[0]), before = f->queue_alarm;
    struct waiting w = waiting_of(f, now_ns);

    if (w.count == 0)
        f->queue_alarm = 0;
    while (w.count > 0 && f->queue_alarm < alarms && is_alarming(&w, f->queue_alarm, now_ns))
        f->queue_alarm++;
    if (f->queue_alarm > before)
        log_function(LOG_WARN, f->config->name, NO_REQUEST,
                     "%zu invocations wait, the first for %.1f seconds; %zu of at most %u environments are at work "
                     "(raise concurrency, or make the handler quicker)",
                     w.count, (double)(now_ns - w.first_ns) / 1e9, scheduler_alive(f), f->config->concurrency);
}

/* ---- when the clock is moved ---- */

/* A claim is stamped by the system's clock, and read with what ours is ahead of that: now, not later. */
void function_pool_sample(struct function_pool *pool)
{
    for (struct list *node = pool->all.next; node != &pool->all; node = node->next) {
        for_each(pool_function(node), ENVIRONMENT_BUSY, check_running, clock_mono_ns());
        for_each(pool_function(node), ENVIRONMENT_SLOW, check_running, clock_mono_ns());
    }
}

static bool is_ending(const struct list *environments)
{
    for (const struct list *node = environments->next; node != environments; node = node->next)
        if (LIST_ENTRY(node, struct environment, link)->end != END_BY_ITSELF)
            return true;
    return false;
}

bool function_pool_is_ending(const struct function_pool *pool)
{
    for (const struct list *node = pool->all.next; node != &pool->all; node = node->next)
        for (unsigned s = 0; s < ENVIRONMENT_STATES; s++)
            if (is_ending(&pool_function(node)->environments[s].list))
                return true;
    return false;
}

/* ---- the tick ---- */

static bool needs_looking_after(const struct function *f)
{
    for (unsigned s = 0; s < ENVIRONMENT_STATES; s++)
        if (s != ENVIRONMENT_IDLE && f->environments[s].count > 0)
            return true;
    return !list_empty(&f->queue);
}

static void look_after(struct function *f, uint64_t now_ns)
{
    const bool handlers_are_busy = measure_load(f, now_ns);

    for_each(f, ENVIRONMENT_BUSY, check_running, now_ns);
    for_each(f, ENVIRONMENT_SLOW, check_running, now_ns);
    for_each(f, ENVIRONMENT_STARTING, check_starting, now_ns);
    for_each(f, ENVIRONMENT_ENDING, check_ending, now_ns);
    for_each(f, ENVIRONMENT_STARTING, check_memory, now_ns);
    for_each(f, ENVIRONMENT_SLOW, check_memory, now_ns);
    for_each(f, ENVIRONMENT_SLOW, take_back, now_ns);
    tell_of_waiting(f, now_ns);
    if (list_empty(&f->queue))
        return;
    scheduler_dispatch(f);
    if (handlers_are_busy)
        grow(f, now_ns);
}

void supervisor_on_tick(void *pool)
{
    struct function_pool *p = pool;
    uint64_t now_ns = clock_mono_ns();
    bool more = false;

    for (struct list *node = p->all.next; node != &p->all; node = node->next) {
        if (!needs_looking_after(pool_function(node)))
            continue;
        look_after(pool_function(node), now_ns);
        more = true;
    }
    if (more)
        loop_timer_start(p->tick, FUNCTION_PATIENCE_MS);
}

void supervisor_wake(struct function_pool *pool)
{
    if (loop_timer_active(pool->tick))
        return;
    pool->woken_ns = clock_mono_ns();
    loop_timer_start(pool->tick, FUNCTION_PATIENCE_MS);
}
