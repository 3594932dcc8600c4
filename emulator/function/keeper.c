/* keeper.c - how many environments there should be when nothing happens: those that are provisioned, started ahead, and
 * of the others none that has been idle for long.
 *
 * One timer serves the whole pool, set to the next moment at which there is something to do. */
#include "base/clock.h"
#include "base/log.h"
#include "function/pool.h"

#define MS UINT64_C(1000000)

/* After environments that ended without having done anything, the next is started so much later: doubled each time. */
#define AHEAD_PAUSE_MS 1000u
#define AHEAD_PAUSE_MS_MAX 60000u

#define NEVER KEEPER_NEVER

/* ---- ahead ---- */

static bool is_missing(const struct function *f)
{
    return f->pool->started && !f->pool->closing && !f->retired && f->provisioned < f->config->provisioned &&
           scheduler_alive(f) < f->config->concurrency;
}

static void note_failure(struct function *f)
{
    uint64_t pause_ms = AHEAD_PAUSE_MS;

    for (unsigned i = 0; i < f->ahead_failures && pause_ms < AHEAD_PAUSE_MS_MAX; i++)
        pause_ms *= 2;
    if (pause_ms > AHEAD_PAUSE_MS_MAX)
        pause_ms = AHEAD_PAUSE_MS_MAX;
    f->ahead_failures++;
    f->ahead_after_ns = clock_mono_ns() + pause_ms * MS;
}

static void set_timer(struct function_pool *pool, uint64_t now_ns);

void keeper_provision(struct function *f)
{
    uint64_t now_ns = clock_mono_ns();

    while (is_missing(f) && now_ns >= f->ahead_after_ns)
        if (scheduler_start_environment(f, true) < 0)
            note_failure(f);
    if (f->config->provisioned > 0)
        supervisor_wake(f->pool);
    if (is_missing(f))
        set_timer(f->pool, now_ns);
}

void keeper_on_provisioned_end(struct function *f, bool worked)
{
    f->provisioned--;
    if (f->pool->closing)
        return;
    if (worked)
        f->ahead_failures = 0;
    else
        note_failure(f);
    keeper_provision(f);
}

/* ---- idle ---- */

static uint64_t idle_until_ns(const struct function *f, const struct environment *env)
{
    return env->idle_ns + f->config->idle_timeout_ms * MS;
}

/* Those that have been idle longest stand at the end of their shelf. Returns when the next one is due. */
static uint64_t retire_idle(struct function *f, uint64_t now_ns)
{
    struct list *head = &f->environments[ENVIRONMENT_IDLE].list;
    uint64_t next_ns = NEVER;

    for (struct list *node = head->prev, *previous; node != head; node = previous) {
        struct environment *env = LIST_ENTRY(node, struct environment, link);

        previous = node->prev; /* it may leave this shelf */
        if (env->setup.provisioned)
            continue;
        if (now_ns < idle_until_ns(f, env)) {
            next_ns = idle_until_ns(f, env);
            break;
        }
        log_debug(LOG_FUNCTION, "%s: environment retired pid=%d idle_s=%.0f", f->config->name, (int)env->pid,
                  (double)(now_ns - env->idle_ns) / 1e9);
        environment_shut_down(env, END_RETIRED);
        supervisor_wake(f->pool);
    }
    return next_ns;
}

/* ---- the timer ---- */

static void start_timer(struct function_pool *pool, uint64_t at_ns, uint64_t now_ns)
{
    pool->keeper_due_ns = at_ns;
    if (at_ns != NEVER)
        loop_timer_start(pool->keeper, at_ns > now_ns ? (at_ns - now_ns + MS - 1) / MS : 0);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void set_timer(struct function_pool *pool, uint64_t now_ns)
{
    uint64_t next_ns = NEVER;

    for (struct list *node = pool->all.next; node != &pool->all; node = node->next) {
        struct function *f = pool_function(node);

        next_ns = sooner(next_ns, retire_idle(f, now_ns));
        if (is_missing(f) && f->ahead_after_ns > now_ns)
            next_ns = sooner(next_ns, f->ahead_after_ns);
    }
    start_timer(pool, next_ns, now_ns);
}

void keeper_on_timer(void *arg)
{
    struct function_pool *pool = arg;

    pool->keeper_due_ns = NEVER;
    if (pool->closing)
        return;
    for (struct list *node = pool->all.next; node != &pool->all; node = node->next)
        keeper_provision(pool_function(node));
    set_timer(pool, clock_mono_ns());
}

/* Mostly the timer stands at an earlier time, of an environment that became idle before. */
void keeper_on_idle(struct function *f, const struct environment *env)
{
    struct function_pool *pool = f->pool;
    uint64_t due_ns = idle_until_ns(f, env);

    if (pool->closing || env->setup.provisioned || due_ns >= pool->keeper_due_ns)
        return;
    start_timer(pool, due_ns, env->idle_ns);
}
