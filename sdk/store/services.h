/* services.h - the store as handlers see it: permissions, results in the memory of the invocation, and a line in
 * the log for whatever is refused.
 *
 * What a plugin passes is checked. `context` must be one that `allocate` and `log` of its host take at the moment.
 * Results are enum apigw_result; after a negative one what `ret` points to is NONE, or empty. */
#ifndef STORE_SERVICES_H
#define STORE_SERVICES_H

#include "store/store.h"

/* Of the table below. Host and module are built together: another version is a broken installation. */
#define STORE_MODULE_VERSION 2u

/* For who looks at a store from outside, `apigw collections`: as in store.h. */
struct store_reader {
    int (*open)(const char *path, struct store **ret, struct buf *ret_error);
    void (*close)(struct store *s);
    struct span (*error)(const struct store *s);
    int (*list)(struct store *s, store_listing_fn *each, void *arg);
    int (*fetch)(struct store *s, const struct store_query *q, store_row_fn *each, void *arg, struct span *ret_next);
    int (*get)(struct store *s, const struct store_place *in, struct span id, struct json_value *ret);
    int (*kv_get)(struct store *s, struct span name, struct span key, struct json_value *ret);
    int (*kv_keys)(struct store *s, struct span name, struct span prefix, struct span after, size_t max,
                   store_key_fn *each, void *arg);
};

/* What of apigw/collections.h's services is the store's, in its order, each with the store in front. */
struct store_module {
    uint32_t version;
    int (*open)(const char *path, struct store **ret, struct buf *ret_error);
    void (*close)(struct store *s);
    bool (*is_current)(const struct store *s);
    int (*set)(struct store *s, struct apigw_context *context, const struct apigw_document *doc,
               struct apigw_span content);
    int (*get)(struct store *s, struct apigw_context *context, const struct apigw_document *doc,
               struct apigw_json *ret);
    int (*remove)(struct store *s, struct apigw_context *context, const struct apigw_document *doc);
    int (*fetch)(struct store *s, struct apigw_context *context, const struct apigw_query *query,
                 struct apigw_page *ret);
    int (*kv_set)(struct store *s, struct apigw_context *context, const struct apigw_document *key,
                  struct apigw_span value);
    int (*kv_get)(struct store *s, struct apigw_context *context, const struct apigw_document *key,
                  struct apigw_json *ret);
    int (*kv_remove)(struct store *s, struct apigw_context *context, const struct apigw_document *key);
    int (*kv_keys)(struct store *s, struct apigw_context *context, const struct apigw_collection *store,
                   struct apigw_span prefix, struct apigw_span after, const struct apigw_span **ret, size_t *ret_count);
    const struct store_reader *reader;
};

extern const struct store_module store_module;

/* The name that the module apigw-store.so has the table under: `const struct store_module *const`. */
#define STORE_MODULE_SYMBOL "apigw_store_module"

#endif
