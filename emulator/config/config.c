/* config.c - from a file to a struct config, and what can be asked of it. */
#include "config/config.h"

#include <assert.h>
#include <stdint.h>

#include "base/mem.h"
#include "config/access.h"
#include "config/source.h"
#include "config/stages.h"
#include "config/tables.h"

#define API_ID_LENGTH 10 /* of those that AWS makes */

/* ---- the index of routes: open addressing, at most half full ---- */

struct config_route_index {
    size_t mask;
    size_t longest; /* key, so that a long body is not hashed for nothing */
    const struct config_route *slots[];
};

/* FNV-1a, its bits mixed once more. */
static uint64_t hash_of(struct span text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3u;
    hash ^= hash >> 29;
    hash *= 0xbf58476d1ce4e5b9u;
    return hash ^ hash >> 32;
}

/* The slot of the route with this key, or the free one where it would be. */
static size_t index_slot(const struct config_route_index *index, struct span key)
{
    size_t slot = hash_of(key) & index->mask;

    while (index->slots[slot] && !span_equal(span_of_str(index->slots[slot]->key), key))
        slot = (slot + 1) & index->mask;
    return slot;
}

static void index_routes(struct config *c)
{
    size_t slots = 2;
    struct config_route_index *index;

    while (slots < c->route_count * 2)
        slots *= 2;
    index = mem_zalloc(sizeof(*index) + slots * sizeof(index->slots[0]));
    index->mask = slots - 1;
    for (size_t i = 0; i < c->route_count; i++) {
        struct span key = span_of_str(c->routes[i].key);

        index->slots[index_slot(index, key)] = &c->routes[i];
        index->longest = key.len > index->longest ? key.len : index->longest;
    }
    c->route_index = index;
}

static const struct config_route *search_routes(const struct config *c, struct span key)
{
    for (size_t i = 0; i < c->route_count; i++)
        if (span_equal(span_of_str(c->routes[i].key), key))
            return &c->routes[i];
    return NULL;
}

const struct config_route *config_find_route(const struct config *c, struct span key)
{
    if (!c->route_index)
        return search_routes(c, key);
    if (key.len > c->route_index->longest)
        return NULL;
    return c->route_index->slots[index_slot(c->route_index, key)];
}

const struct config_stage *config_find_stage(const struct config *c, struct span name)
{
    for (size_t i = 0; i < c->stage_count; i++)
        if (span_equal(span_of_str(c->stages[i].name), name))
            return &c->stages[i];
    return NULL;
}

const struct config_function *config_stage_function(const struct config *c, const struct config_stage *stage,
                                                    const struct config_route *route)
{
    return stage->functions[route - c->routes];
}

/* ---- loading ---- */

/* Always the same for one name, so that what a client remembers of the API survives a restart. */
static char *api_id_of(const char *name)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t hash = hash_of(span_of_str(name));
    char id[API_ID_LENGTH + 1];

    for (size_t i = 0; i < API_ID_LENGTH; i++, hash /= 36)
        id[i] = digits[hash % 36];
    id[API_ID_LENGTH] = '\0';
    return mem_strdup(id);
}

static struct config *config_new(const char *path)
{
    struct config *c = mem_zalloc(sizeof(*c));

    c->refs = 1;
    c->path = mem_strdup(path);
    c->region = mem_strdup("us-east-1");
    c->account_id = mem_strdup("123456789012");
    return c;
}

/* The tree and the tables, for a text that is JSON. */
static void read_text(struct config *c, const struct config_options *options, struct diagnostics *d)
{
    struct reader r;

    reader_init(&r, d, c);
    plugins_init(&r.plugins, options, c->path);
    if (document_init(&r.document, d) == 0)
        tables_read(&r);
    document_fini(&r.document);
    plugins_fini(&r.plugins);
    reader_fini(&r);
}

static void read_file(struct config *c, const struct config_options *options, struct buf *text, struct diagnostics *d)
{
    CLEANUP(buf_fini) struct buf error = {0};

    if (source_read(c->path, text, &error) < 0) {
        diagnostics_error(d, RANGE_FILE, SPAN_FMT, SPAN_ARG(buf_span(&error)));
        return;
    }
    d->text = buf_span(text);
    if (source_check(d) == 0)
        read_text(c, options, d);
}

int config_load(const char *path, const struct config_options *options, struct buf *diagnostics, struct config **ret)
{
    static const struct config_options no_options;
    CLEANUP(buf_fini) struct buf text = {0};
    struct diagnostics d = {.path = path};
    struct config *c = config_new(path);
    bool ok;

    read_file(c, options ? options : &no_options, &text, &d);
    ok = d.errors == 0;
    diagnostics_render(&d, diagnostics);
    diagnostics_fini(&d);
    if (!ok) {
        config_unref(c);
        return -1;
    }
    if (!c->api_id)
        c->api_id = api_id_of(c->name);
    stages_complete(c);
    index_routes(c);
    *ret = c;
    return 0;
}

/* ---- lifetime ---- */

static void variables_fini(struct config_variables *v)
{
    for (size_t i = 0; i < v->count; i++) {
        free(v->items[i].name);
        free(v->items[i].value);
    }
    free(v->items);
}

static void function_fini(struct config_function *f)
{
    free(f->name);
    free(f->plugin);
    free(f->plugin_path);
    free(f->handler);
    variables_fini(&f->environment);
    words_fini(&f->wrap);
}

static void authorizer_fini(struct config_authorizer *a)
{
    for (size_t i = 0; i < a->identity_source_count; i++)
        free(a->identity_sources[i].name);
    free(a->identity_sources);
    free(a->name);
}

static void authorizers_free(struct config *c)
{
    for (size_t i = 0; i < c->authorizer_count; i++)
        authorizer_fini(&c->authorizers[i]);
    free(c->authorizers);
}

static void api_keys_free(struct config *c)
{
    for (size_t i = 0; i < c->api_key_count; i++) {
        free(c->api_keys[i].name);
        free(c->api_keys[i].value);
    }
    free(c->api_keys);
    for (size_t i = 0; i < c->usage_plan_count; i++) {
        free(c->usage_plans[i].name);
        free(c->usage_plans[i].api_keys);
    }
    free(c->usage_plans);
}

static void credential_fini(struct config_credential *credential)
{
    free(credential->name);
    free(credential->access_key_id);
    free(credential->secret_access_key);
    free(credential->session_token);
    free(credential->user_arn);
    free(credential->policy);
}

static void credentials_free(struct config *c)
{
    for (size_t i = 0; i < c->credential_count; i++)
        credential_fini(&c->credentials[i]);
    free(c->credentials);
}

static void rules_free(struct config *c)
{
    for (size_t i = 0; i < c->rule_count; i++) {
        free(c->rules[i].id);
        free(c->rules[i].choice);
    }
    free(c->rules);
}

static void stages_free(struct config *c)
{
    for (size_t i = 0; i < c->stage_count; i++) {
        free(c->stages[i].name);
        free(c->stages[i].throttles);
        free(c->stages[i].functions);
        variables_fini(&c->stages[i].variables);
        access_fini(&c->stages[i].access_log);
    }
    free(c->stages);
    for (size_t i = 0; i < c->mapping_count; i++) {
        free(c->mappings[i].domain);
        free(c->mappings[i].key);
    }
    free(c->mappings);
}

static void route_fini(struct config_route *route)
{
    free(route->key);
    free(route->function);
}

static void config_free(struct config *c)
{
    for (size_t i = 0; i < c->function_count; i++)
        function_fini(&c->functions[i]);
    for (size_t i = 0; i < c->route_count; i++)
        route_fini(&c->routes[i]);
    stages_free(c);
    authorizers_free(c);
    api_keys_free(c);
    credentials_free(c);
    rules_free(c);
    expression_free(c->selection);
    free(c->functions);
    free(c->routes);
    free(c->route_index);
    free(c->route_selection_expression);
    free(c->path);
    free(c->name);
    free(c->api_id);
    free(c->region);
    free(c->account_id);
    free(c);
}

struct config *config_ref(struct config *c)
{
    c->refs++;
    return c;
}

void config_unref(struct config *c)
{
    if (!c)
        return;
    assert(c->refs > 0);
    if (--c->refs == 0)
        config_free(c);
}

static bool variables_equal(const struct config_variables *a, const struct config_variables *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i].name, b->items[i].name) != 0 || strcmp(a->items[i].value, b->items[i].value) != 0)
            return false;
    return true;
}

bool config_functions_equal(const struct config_function *a, const struct config_function *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->plugin_path, b->plugin_path) == 0 &&
           strcmp(a->plugin, b->plugin) == 0 && strcmp(a->handler, b->handler) == 0 && a->timeout_ms == b->timeout_ms &&
           a->memory_mb == b->memory_mb && a->concurrency == b->concurrency &&
           a->reserved_concurrency == b->reserved_concurrency && a->provisioned == b->provisioned &&
           a->idle_timeout_ms == b->idle_timeout_ms && words_equal(&a->wrap, &b->wrap) &&
           variables_equal(&a->environment, &b->environment);
}

bool config_rule_settings_equal(const struct config_rule_setting *a, const struct config_rule_setting *b)
{
    if (strcmp(a->id, b->id) != 0 || !a->choice != !b->choice)
        return false;
    return a->choice ? strcmp(a->choice, b->choice) == 0 : a->limit == b->limit;
}

const struct config_rule_setting *config_find_rule_setting(const struct config *c, const char *id)
{
    for (size_t i = 0; i < c->rule_count; i++)
        if (strcmp(c->rules[i].id, id) == 0)
            return &c->rules[i];
    return NULL;
}

bool config_rules_equal(const struct config *a, const struct config *b)
{
    if (a->rule_count != b->rule_count)
        return false;
    for (size_t i = 0; i < a->rule_count; i++) {
        const struct config_rule_setting *other = config_find_rule_setting(b, a->rules[i].id);

        if (!other || !config_rule_settings_equal(&a->rules[i], other))
            return false;
    }
    return true;
}
