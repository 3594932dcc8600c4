/* renewal.c - what happens when a plugin file or the configuration has changed while invocations run.
 *
 * A new copy of a plugin is first loaded by an environment of its own, beside those that serve. When that one is ready
 * it serves, with those that follow; the others finish what they run and end. If it does not come up, they go on. */
#include "base/log.h"
#include "base/mem.h"
#include "function/pool.h"

struct pool_image {
    struct list link; /* in pool->images */
    struct function_pool *pool;
    struct plugin_image *image;
    unsigned functions;
};

/* ---- files that change ---- */

/* A function that no environment has come up for yet takes the newest copy anyhow. */
static void try_copy(struct function *f)
{
    CLEANUP(buf_fini) struct buf error = {0};
    struct plugin_copy *copy;

    if (f->retired)
        return;
    record_plugin_changed(f);
    if (!f->copy)
        return;
    copy = plugin_image_copy(f->image, &error);
    if (!copy)
        return; /* it is gone; the build goes on, or whoever took it away knows */
    if (copy->serial > f->copy->serial)
        scheduler_try_copy(f, copy);
    plugin_copy_unref(copy);
}

static void on_file_changed(void *arg)
{
    struct pool_image *shared = arg;
    struct list *all = &shared->pool->all;

    if (shared->pool->closing)
        return;
    for (struct list *node = all->next; node != all; node = node->next)
        if (pool_function(node)->image == shared->image)
            try_copy(pool_function(node));
}

static struct pool_image *find_image(struct function_pool *pool, const char *path)
{
    for (struct list *node = pool->images.next; node != &pool->images; node = node->next) {
        struct pool_image *shared = LIST_ENTRY(node, struct pool_image, link);
        if (strcmp(plugin_image_path(shared->image), path) == 0)
            return shared;
    }
    return NULL;
}

struct plugin_image *renewal_take_image(struct function_pool *pool, const char *path)
{
    struct pool_image *shared = find_image(pool, path);

    if (!shared) {
        shared = mem_zalloc(sizeof(*shared));
        shared->pool = pool;
        shared->image = plugin_image_new(path);
        list_append(&pool->images, &shared->link);
        if (pool->watches)
            plugin_image_watch(shared->image, pool->loop, on_file_changed, shared);
    }
    shared->functions++;
    return shared->image;
}

void function_pool_watch(struct function_pool *pool)
{
    pool->watches = true;
    for (struct list *node = pool->images.next; node != &pool->images; node = node->next) {
        struct pool_image *shared = LIST_ENTRY(node, struct pool_image, link);

        plugin_image_watch(shared->image, pool->loop, on_file_changed, shared);
    }
}

void renewal_drop_image(struct function_pool *pool, struct plugin_image *image)
{
    struct pool_image *shared = find_image(pool, plugin_image_path(image));

    if (--shared->functions > 0)
        return;
    list_remove(&shared->link);
    plugin_image_free(shared->image);
    free(shared);
}

/* ---- environments that are not to be used any more ---- */

bool renewal_is_outdated(const struct function *f, const struct environment *env)
{
    return f->retired || (f->copy && env->setup.copy->serial < f->copy->serial);
}

static void end_if_free(struct function *f, struct environment *env)
{
    if (env->state == ENVIRONMENT_STARTING)
        environment_kill(env, END_CLOSED);
    else if (env->state != ENVIRONMENT_ENDING && env->handed_count == 0)
        environment_shut_down(env, END_RETIRED);
    supervisor_wake(f->pool);
}

/* What it was handed and has not begun is taken back; what it runs, it finishes. */
static void outdate(struct function *f, struct environment *env, struct list *ret_taken)
{
    if (env->state == ENVIRONMENT_BUSY || env->state == ENVIRONMENT_SLOW)
        environment_take_unbegun(env, ret_taken);
    end_if_free(f, env);
}

static void outdate_all(struct function *f, struct list *ret_taken)
{
    for (unsigned s = 0; s < ENVIRONMENT_ENDING; s++) {
        struct list *head = &f->environments[s].list;

        for (struct list *node = head->next, *next; node != head; node = next) {
            struct environment *env = LIST_ENTRY(node, struct environment, link);

            next = node->next; /* it leaves this shelf */
            if (renewal_is_outdated(f, env))
                outdate(f, env, ret_taken);
        }
    }
}

/* ---- new copies ---- */

static void adopt_copy(struct function *f, struct plugin_copy *copy)
{
    struct list taken;
    bool first = !f->copy;

    plugin_copy_unref(f->copy);
    f->copy = plugin_copy_ref(copy);
    record_renewed(f);
    if (first)
        return;
    log_function(LOG_INFO, f->config->name, NO_REQUEST, "%s has changed, and is used from now on", f->config->plugin);
    list_init(&taken);
    outdate_all(f, &taken);
    scheduler_requeue(f, &taken);
}

bool renewal_admit(struct function *f, struct environment *env)
{
    if (renewal_is_outdated(f, env)) {
        end_if_free(f, env);
        return false;
    }
    if (!f->copy || env->setup.copy->serial > f->copy->serial)
        adopt_copy(f, env->setup.copy);
    return true;
}

bool renewal_has_failed(struct function *f, const struct environment *env, struct span error_type, struct span message)
{
    if (!f->copy || env->setup.copy->serial <= f->copy->serial)
        return false;
    log_function(LOG_WARN, f->config->name, NO_REQUEST,
                 "%s has changed, but does not work, so the last one that did is used on: " SPAN_FMT ": " SPAN_FMT,
                 f->config->plugin, SPAN_ARG(error_type), SPAN_ARG(message));
    record_renewal_failure(f, error_type, message);
    return true;
}

/* ---- another configuration ---- */

void renewal_retire(struct function *f, struct function *successor)
{
    struct list waiting, *node;

    f->retired = true;
    list_init(&waiting);
    while ((node = list_first(&f->queue))) {
        list_remove(node);
        list_append(&waiting, node);
    }
    f->queue_count = 0;
    outdate_all(f, &waiting);
    pool_move_waiting(&waiting, f->pool, successor);
}
