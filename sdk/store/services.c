/* services.c - see services.h. */
#include "store/services.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

#define KEYS_PAGE 256u
#define MEMORY_MB_DEFAULT 128u /* of a function, where it is not told */

/* ---- refusing ---- */

/* One line for each call that fails. */
static int answer(struct store *s, struct apigw_context *context, int result)
{
    const struct span error = store_error(s);

    if (result < 0)
        apigw_log(context, result == APIGW_FAILED ? APIGW_LOG_ERROR : APIGW_LOG_WARN,
                  apigw_span_of(error.ptr, error.len));
    return result;
}

static bool span_is_sane(struct apigw_span span)
{
    return span.ptr || span.len == 0;
}

static struct span span_in(struct apigw_span span)
{
    return span_of(span.ptr, span.len);
}

static struct span name_in(const char *name)
{
    return span_of(name, name ? strnlen(name, STORE_NAME_MAX + 1) : 0);
}

static int no_room(struct store *s)
{
    return store_refuse(s, APIGW_FAILED,
                        "what was found does not fit into the function's memory (ask for less at a "
                        "time: apigw_query_limit, apigw_query_stream)");
}

/* ---- permissions ---- */

static const struct {
    uint32_t permission;
    const char *word;
} words[] = {
    {APIGW_READING, "APIGW_READING"},
    {APIGW_WRITING, "APIGW_WRITING"},
    {APIGW_DELETING, "APIGW_DELETING"},
    {APIGW_READING | APIGW_WRITING | APIGW_DELETING, "any permission"},
};

/* One of the bits of `needed`, which is one of the table. */
static int check_permission(struct store *s, const char *kind, const struct apigw_collection *c, uint32_t needed)
{
    size_t i = 0;

    if (c->permissions & needed)
        return APIGW_OK;
    while (words[i].permission != needed)
        i++;
    return store_refuse(s, APIGW_FORBIDDEN, "%s \"%.*s\" was opened without %s", kind, STORE_NAME_MAX, c->name,
                        words[i].word);
}

static int open_collection(struct store *s, const struct apigw_collection *c, uint32_t needed, struct store_place *ret)
{
    if (!c || !c->name || !span_is_sane(c->parent_id))
        return store_refuse(s, APIGW_BAD_REQUEST, "no collection is given");
    if (c->permissions & APIGW_TOO_DEEP_)
        return store_refuse(s, APIGW_BAD_REQUEST,
                            "collection \"%.*s\": the documents of a sub-collection have no collections",
                            STORE_NAME_MAX, c->name);
    *ret = (struct store_place){name_in(c->name), name_in(c->sub), span_in(c->parent_id), c->any_parent != 0};
    if (c->sub ? ret->sub.len == 0 : ret->any_parent || ret->parent.len)
        return store_refuse(s, APIGW_BAD_REQUEST, "collection \"%.*s\": a sub-collection needs a name", STORE_NAME_MAX,
                            c->name);
    return check_permission(s, "collection", c, needed);
}

static int open_document(struct store *s, const struct apigw_document *doc, uint32_t needed, struct store_place *ret)
{
    if (!doc || !span_is_sane(doc->id))
        return store_refuse(s, APIGW_BAD_REQUEST, "no document is given");
    return open_collection(s, doc->collection, needed, ret);
}

static int open_kv(struct store *s, const struct apigw_collection *c, uint32_t needed)
{
    if (!c || !c->name || c->sub || c->any_parent)
        return store_refuse(s, APIGW_BAD_REQUEST, "no key/value store is given");
    return check_permission(s, "key/value store", c, needed);
}

static int open_key(struct store *s, const struct apigw_document *key, uint32_t needed)
{
    if (!key || !span_is_sane(key->id))
        return store_refuse(s, APIGW_BAD_REQUEST, "no key is given");
    return open_kv(s, key->collection, needed);
}

static int check_text(struct store *s, struct apigw_span text)
{
    return span_is_sane(text) ? APIGW_OK : store_refuse(s, APIGW_BAD_REQUEST, "what is to be kept is no span");
}

/* ---- results ---- */

static const uint32_t types[] = {
    [JSON_NULL] = APIGW_JSON_NULL,     [JSON_FALSE] = APIGW_JSON_BOOLEAN, [JSON_TRUE] = APIGW_JSON_BOOLEAN,
    [JSON_NUMBER] = APIGW_JSON_NUMBER, [JSON_STRING] = APIGW_JSON_STRING, [JSON_ARRAY] = APIGW_JSON_ARRAY,
    [JSON_OBJECT] = APIGW_JSON_OBJECT,
};

static struct apigw_json json_out(enum json_type type, const char *raw, size_t len)
{
    return (struct apigw_json){types[type], 0, {raw, len}};
}

/* Into the memory of the invocation; NONE if there is no such value. */
static int give_json(struct store *s, struct apigw_context *context, struct json_value value, struct apigw_json *ret)
{
    char *copy;

    if (!value.raw.ptr)
        return APIGW_OK;
    copy = apigw_allocate(context, value.raw.len);
    if (!copy)
        return no_room(s);
    memcpy(copy, value.raw.ptr, value.raw.len);
    *ret = json_out(value.type, copy, value.raw.len);
    return APIGW_OK;
}

/* ---- documents ---- */

static int set(struct store *s, struct apigw_context *context, const struct apigw_document *doc,
               struct apigw_span content)
{
    struct store_place in;
    int r = open_document(s, doc, APIGW_WRITING, &in);

    if (r == APIGW_OK)
        r = check_text(s, content);
    if (r == APIGW_OK)
        r = store_set(s, &in, span_in(doc->id), span_in(content));
    return answer(s, context, r);
}

static int get(struct store *s, struct apigw_context *context, const struct apigw_document *doc, struct apigw_json *ret)
{
    struct store_place in;
    struct json_value found;
    int r = open_document(s, doc, APIGW_READING, &in);

    *ret = (struct apigw_json){0};
    if (r == APIGW_OK)
        r = store_get(s, &in, span_in(doc->id), &found);
    if (r == APIGW_OK)
        r = give_json(s, context, found, ret);
    return answer(s, context, r);
}

static int remove_document(struct store *s, struct apigw_context *context, const struct apigw_document *doc)
{
    struct store_place in;
    int r = open_document(s, doc, APIGW_DELETING, &in);

    if (r == APIGW_OK)
        r = store_remove(s, &in, span_in(doc->id));
    return answer(s, context, r);
}

/* ---- queries ---- */

/* Rows while they are collected: how many there will be is known at the end. */
struct collection {
    struct store *s;
    size_t bytes_max;
    struct buf bytes; /* for each row a head and its three texts */
    size_t count;
};

struct row_head {
    size_t parent_len, id_len, content_len;
    enum json_type type;
};

static int collect(void *arg, const struct store_row *row)
{
    struct collection *c = arg;
    const struct row_head head = {row->parent.len, row->id.len, row->content.raw.len, row->content.type};

    if (c->bytes.len > c->bytes_max)
        return no_room(c->s);
    buf_append(&c->bytes, span_of((const char *)&head, sizeof(head)));
    buf_append(&c->bytes, row->parent);
    buf_append(&c->bytes, row->id);
    buf_append(&c->bytes, row->content.raw);
    c->count++;
    return APIGW_OK;
}

/* Lays one row's texts out at `bytes`, from a copy of what was collected. Returns the end of the row. */
static const char *lay_out(const char *at, struct apigw_snapshot *ret)
{
    struct row_head head;

    memcpy(&head, at, sizeof(head));
    at += sizeof(head);
    ret->parent_id = apigw_span_of(head.parent_len ? at : NULL, head.parent_len);
    at += head.parent_len;
    ret->id = apigw_span_of(at, head.id_len);
    at += head.id_len;
    ret->content = json_out(head.type, at, head.content_len);
    return at + head.content_len;
}

/* One piece of memory: the snapshots, the bytes they point into, the token. */
static int give_page(const struct collection *c, struct apigw_context *context, struct span next,
                     struct apigw_page *ret)
{
    const size_t snapshots_size = c->count * sizeof(struct apigw_snapshot);
    struct apigw_snapshot *snapshots;
    const char *at;

    if (c->count == 0)
        return APIGW_OK;
    snapshots = apigw_allocate(context, snapshots_size + c->bytes.len + next.len);
    if (!snapshots)
        return no_room(c->s);
    at = memcpy((char *)snapshots + snapshots_size, c->bytes.ptr, c->bytes.len);
    for (size_t i = 0; i < c->count; i++)
        at = lay_out(at, &snapshots[i]);
    *ret = (struct apigw_page){snapshots, c->count, {NULL, 0}};
    if (next.len)
        ret->next =
            apigw_span_of(memcpy((char *)snapshots + snapshots_size + c->bytes.len, next.ptr, next.len), next.len);
    return APIGW_OK;
}

static int read_query(struct store *s, const struct apigw_query *query, struct store_condition *where,
                      struct store_query *ret)
{
    int r;

    if (query->error != APIGW_OK || query->where_count > APIGW_WHERE_MAX)
        return store_refuse(s, APIGW_BAD_REQUEST,
                            "a query has at most %d conditions, with the operators == != < <= > "
                            ">= startsWith",
                            APIGW_WHERE_MAX);
    r = open_collection(s, query->collection, APIGW_READING, &ret->in);
    if (r == APIGW_OK && !span_is_sane(query->from))
        r = store_refuse(s, APIGW_BAD_REQUEST, "the paging token is no span");
    for (size_t i = 0; i < query->where_count && r == APIGW_OK; i++) {
        const struct apigw_where *w = &query->where[i];

        where[i] = (struct store_condition){span_of(w->field, w->field ? strnlen(w->field, STORE_FIELD_MAX + 1) : 0),
                                            w->op, span_in(w->value.raw)};
        if (!span_is_sane(w->value.raw))
            r = store_refuse(s, APIGW_BAD_REQUEST, "the value of a condition is no span");
    }
    ret->where = where;
    ret->where_count = query->where_count;
    ret->limit = query->limit;
    ret->from = span_in(query->from);
    return r;
}

static size_t memory_bytes(const struct apigw_context *context)
{
    return (size_t)(context->memory_limit_mb ? context->memory_limit_mb : MEMORY_MB_DEFAULT) << 20;
}

static int fetch(struct store *s, struct apigw_context *context, const struct apigw_query *query,
                 struct apigw_page *ret)
{
    struct store_condition where[APIGW_WHERE_MAX];
    struct store_query q = {0};
    struct collection rows = {.s = s, .bytes_max = memory_bytes(context)};
    struct span next;
    int r = read_query(s, query, where, &q);

    *ret = (struct apigw_page){0};
    if (r == APIGW_OK)
        r = store_fetch(s, &q, collect, &rows, &next);
    if (r == APIGW_OK)
        r = give_page(&rows, context, next, ret);
    buf_fini(&rows.bytes);
    return answer(s, context, r);
}

/* ---- keys and values ---- */

static int kv_set(struct store *s, struct apigw_context *context, const struct apigw_document *key,
                  struct apigw_span value)
{
    int r = open_key(s, key, APIGW_WRITING);

    if (r == APIGW_OK)
        r = check_text(s, value);
    if (r == APIGW_OK)
        r = store_kv_set(s, name_in(key->collection->name), span_in(key->id), span_in(value));
    return answer(s, context, r);
}

static int kv_get(struct store *s, struct apigw_context *context, const struct apigw_document *key,
                  struct apigw_json *ret)
{
    struct json_value found;
    int r = open_key(s, key, APIGW_READING);

    *ret = (struct apigw_json){0};
    if (r == APIGW_OK)
        r = store_kv_get(s, name_in(key->collection->name), span_in(key->id), &found);
    if (r == APIGW_OK)
        r = give_json(s, context, found, ret);
    return answer(s, context, r);
}

static int kv_remove(struct store *s, struct apigw_context *context, const struct apigw_document *key)
{
    int r = open_key(s, key, APIGW_DELETING);

    if (r == APIGW_OK)
        r = store_kv_remove(s, name_in(key->collection->name), span_in(key->id));
    return answer(s, context, r);
}

/* Keys while they are collected: their bytes, and where each ends. */
struct keys {
    struct buf bytes;
    size_t ends[KEYS_PAGE];
    size_t count;
};

static int collect_key(void *arg, struct span key)
{
    struct keys *k = arg;

    buf_append(&k->bytes, key);
    k->ends[k->count++] = k->bytes.len;
    return APIGW_OK;
}

static int give_keys(struct store *s, struct apigw_context *context, const struct keys *k,
                     const struct apigw_span **ret, size_t *ret_count)
{
    struct apigw_span *spans;
    char *bytes;

    if (k->count == 0)
        return APIGW_OK;
    spans = apigw_allocate(context, k->count * sizeof(*spans) + k->bytes.len);
    if (!spans)
        return no_room(s);
    bytes = memcpy((char *)(spans + k->count), k->bytes.ptr, k->bytes.len);
    for (size_t i = 0, start = 0; i < k->count; start = k->ends[i++])
        spans[i] = apigw_span_of(bytes + start, k->ends[i] - start);
    *ret = spans;
    *ret_count = k->count;
    return APIGW_OK;
}

static int kv_keys(struct store *s, struct apigw_context *context, const struct apigw_collection *store,
                   struct apigw_span prefix, struct apigw_span after, const struct apigw_span **ret, size_t *ret_count)
{
    struct keys keys = {0};
    int r = open_kv(s, store, APIGW_READING | APIGW_WRITING | APIGW_DELETING);

    *ret = NULL;
    *ret_count = 0;
    if (r == APIGW_OK && (!span_is_sane(prefix) || !span_is_sane(after)))
        r = store_refuse(s, APIGW_BAD_REQUEST, "the prefix is no span");
    if (r == APIGW_OK)
        r = store_kv_keys(s, name_in(store->name), span_in(prefix), span_in(after), KEYS_PAGE, collect_key, &keys);
    if (r == APIGW_OK)
        r = give_keys(s, context, &keys, ret, ret_count);
    buf_fini(&keys.bytes);
    return answer(s, context, r);
}

static const struct store_reader reader = {
    .open = store_open,
    .close = store_close,
    .error = store_error,
    .list = store_list,
    .fetch = store_fetch,
    .get = store_get,
    .kv_get = store_kv_get,
    .kv_keys = store_kv_keys,
};

const struct store_module store_module = {
    .version = STORE_MODULE_VERSION,
    .open = store_open,
    .close = store_close,
    .is_current = store_is_current,
    .set = set,
    .get = get,
    .remove = remove_document,
    .fetch = fetch,
    .kv_set = kv_set,
    .kv_get = kv_get,
    .kv_remove = kv_remove,
    .kv_keys = kv_keys,
    .reader = &reader,
};
