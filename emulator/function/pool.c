/* pool.c - the border of a function pool: making it, invoking, closing it. */
#include "function/pool.h"

#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"

/* ---- making ---- */

static struct function *function_new(struct function_pool *pool, struct config *config, size_t index)
{
    struct function *f = mem_zalloc(sizeof(*f));

    f->pool = pool;
    f->of = config_ref(config);
    f->config = &config->functions[index];
    f->image = renewal_take_image(pool, f->config->plugin_path);
    record_init(f);
    list_init(&f->queue);
    for (unsigned s = 0; s < ENVIRONMENT_STATES; s++)
        list_init(&f->environments[s].list);
    list_append(&pool->all, &f->link);
    return f;
}

static void function_free(struct function *f)
{
    list_remove(&f->link);
    renewal_drop_image(f->pool, f->image);
    plugin_copy_unref(f->copy);
    record_fini(f);
    config_unref(f->of);
    free(f);
}

static void on_turn_end(void *arg);

static void drop_configs(struct function_pool *pool)
{
    for (size_t a = 0; a < pool->api_count; a++) {
        free(pool->apis[a].functions);
        config_unref(pool->apis[a].config);
    }
    free(pool->apis);
}

/* One that is as this configuration has it, in any of `apis`. */
static struct function *find_same(const struct pool_api *apis, size_t count, const struct config_function *config)
{
    for (size_t a = 0; a < count; a++)
        for (size_t i = 0; i < apis[a].config->function_count; i++)
            if (apis[a].functions[i] && config_functions_equal(apis[a].functions[i]->config, config))
                return apis[a].functions[i];
    return NULL;
}

/* What the pool serves from now on. A function that it has already, unchanged, goes on as if nothing had happened. */
static void adopt_configs(struct function_pool *pool, struct config *const *configs, size_t count)
{
    struct pool_api *apis = mem_zalloc(count * sizeof(*apis));

    for (size_t a = 0; a < count; a++) {
        apis[a].config = config_ref(configs[a]);
        apis[a].functions = mem_zalloc((configs[a]->function_count + 1) * sizeof(struct function *));
        for (size_t i = 0; i < configs[a]->function_count; i++) {
            const struct config_function *wanted = &configs[a]->functions[i];
            struct function *same = find_same(pool->apis, pool->api_count, wanted);

            if (!same)
                same = find_same(apis, a + 1, wanted);
            apis[a].functions[i] = same ? same : function_new(pool, configs[a], i);
        }
    }
    drop_configs(pool);
    pool->apis = apis;
    pool->api_count = count;
}

struct function_pool *function_pool_new(struct loop *loop, struct config *const *configs, size_t count,
                                        const char *host_path)
{
    struct function_pool *pool = mem_zalloc(sizeof(*pool));

    pool->loop = loop;
    pool->host_path = mem_strdup(host_path);
    list_init(&pool->failed);
    pool->turn_end = loop_deferred_new(loop, on_turn_end, pool);
    pool->tick = loop_timer_new(loop, supervisor_on_tick, pool);
    pool->keeper = loop_timer_new(loop, keeper_on_timer, pool);
    pool->keeper_due_ns = KEEPER_NEVER;
    list_init(&pool->all);
    list_init(&pool->images);
    adopt_configs(pool, configs, count);
    return pool;
}

void function_pool_set_services(struct function_pool *pool, const struct function_services *services)
{
    pool->services = *services;
}

int function_pool_set_logs(struct function_pool *pool, const char *folder, struct buf *ret_error)
{
    assert(!pool->started && !pool->logs);
    pool->logs = log_streams_open(pool->loop, folder, LOG_STREAM_BYTES_MAX, ret_error);
    return pool->logs ? 0 : -1;
}

void function_pool_start(struct function_pool *pool)
{
    pool->started = true;
    for (struct list *node = pool->all.next; node != &pool->all; node = node->next)
        keeper_provision(pool_function(node));
}

/* ---- invocations ---- */

static struct function *find_named(const struct function_pool *pool, struct span name)
{
    for (size_t a = 0; a < pool->api_count; a++) {
        const struct config *c = pool->apis[a].config;

        for (size_t i = 0; i < c->function_count; i++) {
            if (span_equal(span_of_str(c->functions[i].name), name))
                return pool->apis[a].functions[i];
        }
    }
    return NULL;
}

const struct config_function *function_find(const struct function_pool *pool, struct span name)
{
    const struct function *f = find_named(pool, name);

    return f ? f->config : NULL;
}

const struct config *function_pool_config(const struct function_pool *pool, size_t index)
{
    return index < pool->api_count ? pool->apis[index].config : NULL;
}

/* Who began before the configuration was changed asks for a function as that one had it. NULL: there is none of its
 * name any more. */
static struct function *function_of(const struct function_pool *pool, const struct config_function *config)
{
    for (size_t a = 0; a < pool->api_count; a++) {
        const struct config *now = pool->apis[a].config;

        if (config->index < now->function_count && config == &now->functions[config->index])
            return pool->apis[a].functions[config->index];
    }
    return find_named(pool, span_of_str(config->name));
}

/* It is not the function's any more. */
static void leave_function(struct invocation *inv)
{
    struct function *f = inv->function;

    if (!f)
        return;
    f->running--;
    f->bytes -= invocation_frame(inv).len;
    if (f->retired)
        loop_deferred_start(f->pool->turn_end); /* it may have been the last */
}

static void count_done(struct function_pool *pool, struct invocation *inv, enum invocation_outcome outcome)
{
    pool->busy--;
    if (inv->function)
        record_invocation(inv->function, inv, outcome);
    leave_function(inv);
}

void pool_fail(struct function_pool *pool, struct invocation *inv, enum invocation_outcome outcome,
               struct span error_type, struct span message)
{
    invocation_fail(inv, outcome, error_type, message);
    list_append(&pool->failed, &inv->link);
    loop_deferred_start(pool->turn_end);
}

void pool_stop(struct function_pool *pool, struct invocation *inv)
{
    pool_fail(pool, inv, INVOCATION_STOPPED, SPAN("ServiceException"), SPAN("the emulator is stopping"));
}

void pool_answer(struct function_pool *pool, struct invocation *inv, const struct invocation_result *result)
{
    count_done(pool, inv, result->outcome);
    invocation_answer(inv, result);
}

/* An event over the limit still is an invocation, of an empty event, and ends as one. */
static void refuse_too_large(struct function *f, invocation_done_fn *on_done, void *arg)
{
    const struct invocation_request empty = {0};
    struct invocation *inv = invocation_new(f->config, &empty, on_done, arg);

    inv->function = f;
    f->running++;
    f->bytes += invocation_frame(inv).len;
    pool_fail(f->pool, inv, INVOCATION_NOT_STARTED, SPAN("RequestEntityTooLargeException"),
              SPAN("the event is over Lambda's limit of 6 MB"));
}

static void fail_without_function(struct function_pool *pool, struct invocation *inv)
{
    pool_fail(pool, inv, INVOCATION_NOT_STARTED, SPAN("ResourceNotFoundException"),
              SPAN("the configuration has no such function any more"));
}

void pool_move_waiting(struct list *invocations, struct function_pool *pool, struct function *to)
{
    struct list *node;

    while ((node = list_first(invocations))) {
        struct invocation *inv = LIST_ENTRY(node, struct invocation, link);

        list_remove(node);
        leave_function(inv);
        inv->function = to;
        if (to) {
            invocation_set_config(inv, to->config);
            scheduler_submit(to, inv);
        } else {
            fail_without_function(pool, inv);
        }
    }
}

void function_invoke(struct function_pool *pool, const struct config_function *function,
                     const struct invocation_request *request, invocation_done_fn *on_done, void *arg)
{
    static const struct invocation_request empty = {0};
    struct function *f = function_of(pool, function);
    struct invocation *inv = invocation_new(f ? f->config : function, f ? request : &empty, on_done, arg);

    pool->busy++;
    if (!f) {
        fail_without_function(pool, inv);
        return;
    }
    if (!inv) {
        refuse_too_large(f, on_done, arg);
        return;
    }
    inv->function = f;
    scheduler_submit(f, inv);
}

size_t function_pool_busy(const struct function_pool *pool)
{
    return pool->busy;
}

/* ---- another configuration ---- */

static bool is_current(const struct function_pool *pool, const struct function *f)
{
    for (size_t a = 0; a < pool->api_count; a++)
        for (size_t i = 0; i < pool->apis[a].config->function_count; i++)
            if (pool->apis[a].functions[i] == f)
                return true;
    return false;
}

void function_pool_reconfigure(struct function_pool *pool, struct config *const *configs, size_t count)
{
    assert(!pool->closing);
    adopt_configs(pool, configs, count);
    for (struct list *node = pool->all.next; node != &pool->all; node = node->next)
        if (!pool_function(node)->retired && !is_current(pool, pool_function(node)))
            renewal_retire(pool_function(node), function_of(pool, pool_function(node)->config));
    loop_deferred_start(pool->turn_end);
    if (pool->started)
        function_pool_start(pool);
}

/* ---- closing ---- */

static bool has_environment(const struct function *f)
{
    return scheduler_alive(f) + f->environments[ENVIRONMENT_ENDING].count > 0;
}

static bool has_environments(const struct function_pool *pool)
{
    for (const struct list *node = pool->all.next; node != &pool->all; node = node->next)
        if (has_environment(pool_function(node)))
            return true;
    return false;
}

/* Retired functions of which nothing is left. */
static void free_retired(struct function_pool *pool)
{
    for (struct list *node = pool->all.next, *next; node != &pool->all; node = next) {
        struct function *f = pool_function(node);

        next = node->next;
        if (f->retired && f->running == 0 && !has_environment(f))
            function_free(f);
    }
}

/* Those that have failed until now: what on_done asks for anew comes in another turn. */
static void end_failed(struct function_pool *pool)
{
    struct list batch, *node;

    list_init(&batch);
    while ((node = list_first(&pool->failed))) {
        list_remove(node);
        list_append(&batch, node);
    }
    while ((node = list_first(&batch))) {
        struct invocation *inv = LIST_ENTRY(node, struct invocation, link);
        list_remove(node);
        count_done(pool, inv, inv->outcome);
        invocation_end(inv);
    }
}

static void on_turn_end(void *arg)
{
    struct function_pool *pool = arg;
    void (*on_closed)(void *) = pool->on_closed;

    end_failed(pool);
    free_retired(pool);
    if (!pool->closing || !on_closed || has_environments(pool) || !list_empty(&pool->failed))
        return;
    pool->on_closed = NULL;
    on_closed(pool->on_closed_arg); /* may free the pool */
}

void pool_check_closed(struct function_pool *pool)
{
    loop_deferred_start(pool->turn_end);
}

static void fail_list(struct function_pool *pool, struct list *invocations)
{
    struct list *node;

    while ((node = list_first(invocations))) {
        struct invocation *inv = LIST_ENTRY(node, struct invocation, link);
        list_remove(node);
        pool_stop(pool, inv);
    }
}

static void fail_handed(struct function *f, const struct environment_shelf *shelf)
{
    for (struct list *node = shelf->list.next; node != &shelf->list; node = node->next) {
        struct list taken;
        list_init(&taken);
        environment_take_all(LIST_ENTRY(node, struct environment, link), &taken);
        fail_list(f->pool, &taken);
    }
}

static void end_environments(struct function *f, enum environment_state state)
{
    struct list *head = &f->environments[state].list;
    struct list *node = head->next;

    while (node != head) {
        struct environment *env = LIST_ENTRY(node, struct environment, link);
        node = node->next; /* ending takes it off this shelf */
        if (state == ENVIRONMENT_IDLE)
            environment_shut_down(env, END_BY_ITSELF);
        else
            environment_kill(env, END_CLOSED);
    }
}

static void function_close(struct function *f)
{
    fail_list(f->pool, &f->queue);
    f->queue_count = 0;
    for (unsigned s = 0; s < ENVIRONMENT_STATES; s++) {
        fail_handed(f, &f->environments[s]);
        if (s != ENVIRONMENT_ENDING)
            end_environments(f, s);
    }
}

void function_pool_close(struct function_pool *pool, void (*on_closed)(void *arg), void *arg)
{
    assert(!pool->closing);
    pool->closing = true;
    pool->close_deadline_ns = clock_mono_ns() + FUNCTION_FINI_MS_MAX * UINT64_C(1000000);
    pool->on_closed = on_closed;
    pool->on_closed_arg = arg;
    for (struct list *node = pool->all.next; node != &pool->all; node = node->next)
        function_close(pool_function(node));
    supervisor_wake(pool);
    pool_check_closed(pool);
}

void function_pool_hurry(struct function_pool *pool)
{
    assert(pool->closing);
    pool->hurried = true;
}

void function_pool_free(struct function_pool *pool)
{
    struct list *node;

    if (!pool)
        return;
    assert(pool->busy == 0 && !has_environments(pool));
    loop_timer_free(pool->tick);
    loop_timer_free(pool->keeper);
    log_streams_close(pool->logs);
    loop_deferred_free(pool->turn_end);
    while ((node = list_first(&pool->all)))
        function_free(pool_function(node));
    drop_configs(pool);
    free(pool->host_path);
    free(pool);
}
