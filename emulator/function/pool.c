/* pool.c - the border of a function pool: making it, invoking, closing it. */
#include "function/pool.h"

#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"

/* How long environments may take over their fini when the pool closes. */
#define CLOSE_MS_MAX 1000

/* ---- making ---- */

/* One image per plugin file, however many functions use it. */
static struct plugin_image *image_for(struct function_pool *pool, const char *path)
{
    struct plugin_image *image;

    for (size_t i = 0; i < pool->image_count; i++)
        if (strcmp(plugin_image_path(pool->images[i]), path) == 0)
            return pool->images[i];
    image = plugin_image_new(path);
    pool->images[pool->image_count++] = image;
    return image;
}

static void function_init(struct function *f, struct function_pool *pool, const struct config_function *config)
{
    f->pool = pool;
    f->config = config;
    f->image = image_for(pool, config->plugin_path);
    list_init(&f->queue);
    for (unsigned s = 0; s < ENVIRONMENT_STATES; s++)
        list_init(&f->environments[s].list);
}

static void on_turn_end(void *arg);

struct function_pool *function_pool_new(struct loop *loop, struct config *config, const char *host_path)
{
    struct function_pool *pool = mem_zalloc(sizeof(*pool));

    pool->loop = loop;
    pool->config = config_ref(config);
    pool->host_path = mem_strdup(host_path);
    list_init(&pool->failed);
    pool->turn_end = loop_deferred_new(loop, on_turn_end, pool);
    pool->tick = loop_timer_new(loop, supervisor_on_tick, pool);
    pool->functions = mem_zalloc((config->function_count + 1) * sizeof(*pool->functions));
    pool->images = mem_zalloc((config->function_count + 1) * sizeof(struct plugin_image *));
    for (size_t i = 0; i < config->function_count; i++)
        function_init(&pool->functions[i], pool, &config->functions[i]);
    return pool;
}

void function_pool_set_services(struct function_pool *pool, const struct function_services *services)
{
    pool->services = *services;
}

/* ---- invocations ---- */

static struct function *function_of(const struct function_pool *pool, const struct config_function *config)
{
    assert(config->index < pool->config->function_count && config == &pool->config->functions[config->index]);
    return &pool->functions[config->index];
}

static void count_done(struct function_pool *pool, const struct invocation *inv)
{
    pool->busy--;
    function_of(pool, inv->config)->bytes -= invocation_frame(inv).len;
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
    count_done(pool, inv);
    invocation_answer(inv, result);
}

/* An event over the limit still is an invocation, of an empty event, and ends as one. */
static void refuse_too_large(struct function *f, invocation_done_fn *on_done, void *arg)
{
    const struct invocation_request empty = {0};
    struct invocation *inv = invocation_new(f->config, &empty, on_done, arg);

    f->bytes += invocation_frame(inv).len;
    pool_fail(f->pool, inv, INVOCATION_NOT_STARTED, SPAN("RequestEntityTooLargeException"),
              SPAN("the event is over Lambda's limit of 6 MB"));
}

void function_invoke(struct function_pool *pool, const struct config_function *function,
                     const struct invocation_request *request, invocation_done_fn *on_done, void *arg)
{
    struct function *f = function_of(pool, function);
    struct invocation *inv = invocation_new(function, request, on_done, arg);

    pool->busy++;
    if (inv)
        scheduler_submit(f, inv);
    else
        refuse_too_large(f, on_done, arg);
}

size_t function_pool_busy(const struct function_pool *pool)
{
    return pool->busy;
}

/* ---- closing ---- */

static bool has_environments(const struct function_pool *pool)
{
    for (size_t i = 0; i < pool->config->function_count; i++)
        if (scheduler_alive(&pool->functions[i]) + pool->functions[i].environments[ENVIRONMENT_ENDING].count > 0)
            return true;
    return false;
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
        count_done(pool, inv);
        invocation_end(inv);
    }
}

static void on_turn_end(void *arg)
{
    struct function_pool *pool = arg;
    void (*on_closed)(void *) = pool->on_closed;

    end_failed(pool);
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
            environment_shut_down(env);
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
    pool->close_deadline_ns = clock_mono_ns() + CLOSE_MS_MAX * UINT64_C(1000000);
    pool->on_closed = on_closed;
    pool->on_closed_arg = arg;
    for (size_t i = 0; i < pool->config->function_count; i++)
        function_close(&pool->functions[i]);
    supervisor_wake(pool);
    pool_check_closed(pool);
}

void function_pool_free(struct function_pool *pool)
{
    if (!pool)
        return;
    assert(pool->busy == 0 && !has_environments(pool));
    loop_timer_free(pool->tick);
    loop_deferred_free(pool->turn_end);
    for (size_t i = 0; i < pool->image_count; i++)
        plugin_image_free(pool->images[i]);
    free(pool->images);
    free(pool->functions);
    free(pool->host_path);
    config_unref(pool->config);
    free(pool);
}
