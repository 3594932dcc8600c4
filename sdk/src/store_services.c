/* store_services.c - hands each call to the store, between store_enter and store_leave. */
#include "src/store_services.h"

static int leave(struct apigw_context *context, int result)
{
    store_leave(context);
    return result;
}

static int set(struct apigw_context *context, const struct apigw_document *doc, struct apigw_span content)
{
    struct store_access a;
    const int r = store_enter(context, &a);

    return r < 0 ? r : leave(context, a.module->set(a.store, context, doc, content));
}

static int get(struct apigw_context *context, const struct apigw_document *doc, struct apigw_json *ret)
{
    struct store_access a;
    const int r = store_enter(context, &a);

    return r < 0 ? r : leave(context, a.module->get(a.store, context, doc, ret));
}

static int remove_document(struct apigw_context *context, const struct apigw_document *doc)
{
    struct store_access a;
    const int r = store_enter(context, &a);

    return r < 0 ? r : leave(context, a.module->remove(a.store, context, doc));
}

static int fetch(struct apigw_context *context, const struct apigw_query *query, struct apigw_page *ret)
{
    struct store_access a;
    const int r = store_enter(context, &a);

    return r < 0 ? r : leave(context, a.module->fetch(a.store, context, query, ret));
}

static int kv_set(struct apigw_context *context, const struct apigw_document *key, struct apigw_span value)
{
    struct store_access a;
    const int r = store_enter(context, &a);

    return r < 0 ? r : leave(context, a.module->kv_set(a.store, context, key, value));
}

static int kv_get(struct apigw_context *context, const struct apigw_document *key, struct apigw_json *ret)
{
    struct store_access a;
    const int r = store_enter(context, &a);

    return r < 0 ? r : leave(context, a.module->kv_get(a.store, context, key, ret));
}

static int kv_remove(struct apigw_context *context, const struct apigw_document *key)
{
    struct store_access a;
    const int r = store_enter(context, &a);

    return r < 0 ? r : leave(context, a.module->kv_remove(a.store, context, key));
}

static int kv_keys(struct apigw_context *context, const struct apigw_collection *store, struct apigw_span prefix,
                   struct apigw_span after, const struct apigw_span **ret, size_t *ret_count)
{
    struct store_access a;
    const int r = store_enter(context, &a);

    return r < 0 ? r : leave(context, a.module->kv_keys(a.store, context, store, prefix, after, ret, ret_count));
}

const struct apigw_store_services *store_services(void)
{
    static const struct apigw_store_services services = {
        .abi = APIGW_ABI(struct apigw_store_services),
        .set = set,
        .get = get,
        .remove = remove_document,
        .fetch = fetch,
        .kv_set = kv_set,
        .kv_get = kv_get,
        .kv_remove = kv_remove,
        .kv_keys = kv_keys,
    };
    return &services;
}
