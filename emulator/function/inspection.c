/* inspection.c - see inspection.h. */
#include "function/inspection.h"

#include "base/clock.h"
#include "function/pool.h"

#define NS_PER_MS 1000000u

/* clang-format off */
static const char *const state_names[ENVIRONMENT_STATES] = {
    [ENVIRONMENT_STARTING] = "starting",
    [ENVIRONMENT_IDLE]     = "idle",
    [ENVIRONMENT_BUSY]     = "busy",
    [ENVIRONMENT_SLOW]     = "slow",
    [ENVIRONMENT_ENDING]   = "ending",
};
/* clang-format on */

/* ---- functions ---- */

const struct function *inspection_next_function(const struct function_pool *pool, const struct function *function)
{
    const struct list *node = function ? function->link.next : pool->all.next;

    return node == &pool->all ? NULL : LIST_ENTRY(node, const struct function, link);
}

static size_t handed_bytes(const struct function *f)
{
    size_t bytes = 0;

    for (const struct environment *env = inspection_next_environment(f, NULL); env;
         env = inspection_next_environment(f, env))
        bytes += env->handed_bytes;
    return bytes;
}

/* Those that have failed and are ended at the end of this turn are neither queued nor running, but counted. */
static size_t less(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

static size_t count_environments(const struct function *f)
{
    size_t count = 0;

    for (unsigned s = 0; s < ENVIRONMENT_STATES; s++)
        count += f->environments[s].count;
    return count;
}

void inspection_describe_function(const struct function *f, struct function_details *ret)
{
    *ret = (struct function_details){
        .function = f->config,
        .retired = f->retired,
        .queued = f->queue_count,
        .queued_bytes = f->queue_count > 0 ? less(f->bytes, handed_bytes(f)) : 0,
        .running = less(f->running, f->queue_count),
        .environments = count_environments(f),
        .provisioned_missing = f->provisioned_up ? 0 : less(f->config->provisioned, record_provisioned_ready(f)),
        .provisioned_fails = f->ahead_failures > 0,
        .start_failure = f->start_failure,
        .renewal_failure = f->renewal_failure,
        .counts = f->counts,
    };
}

static bool has_function(const struct pool_api *api, const struct function *f)
{
    for (size_t i = 0; i < api->config->function_count; i++)
        if (api->functions[i] == f)
            return true;
    return false;
}

const struct config *inspection_next_user(const struct function *f, size_t *index)
{
    const struct function_pool *pool = f->pool;

    while (*index < pool->api_count) {
        const struct pool_api *api = &pool->apis[(*index)++];

        if (has_function(api, f))
            return api->config;
    }
    return NULL;
}

/* ---- environments ---- */

/* The first on the shelves from `state` on. */
static struct environment *first_from(const struct function *f, unsigned state)
{
    for (; state < ENVIRONMENT_STATES; state++) {
        struct list *first = list_first(&f->environments[state].list);
        if (first)
            return LIST_ENTRY(first, struct environment, link);
    }
    return NULL;
}

struct environment *inspection_next_environment(const struct function *f, const struct environment *env)
{
    if (!env)
        return first_from(f, 0);
    if (env->link.next != &f->environments[env->state].list)
        return LIST_ENTRY(env->link.next, struct environment, link);
    return first_from(f, env->state + 1);
}

/* A moment of the monotonic clock, on the wall clock. */
static uint64_t wall_ms(uint64_t mono_ns)
{
    return clock_wall_ms() - (clock_mono_ns() - mono_ns) / NS_PER_MS;
}

static void describe_current(struct environment *env, struct environment_details *ret)
{
    struct invocation *inv = environment_oldest(env);
    const bool begun = inv && env->state != ENVIRONMENT_ENDING && environment_has_begun(env, inv, clock_mono_ns());

    ret->waiting = env->handed_count - begun;
    if (!begun)
        return;
    ret->request_id = invocation_request_id(inv);
    ret->began_at_ms = wall_ms(inv->claimed_ns);
}

void inspection_describe_environment(struct environment *env, struct environment_details *ret)
{
    *ret = (struct environment_details){
        .pid = env->pid,
        .state = state_names[env->state],
        .provisioned = env->setup.provisioned,
        .started_at_ms = wall_ms(env->started_ns),
        .invocations = env->ended,
        .memory_kb = env->memory_kb,
        .memory_max_kb = env->journal.memory_max_kb,
        .log_stream = span_of_str(env->stream_name),
    };
    describe_current(env, ret);
}
