/* store.c - documents, keys and values. What is read is checked as what is written is: the file may come from
 * anywhere. */
#include "base/utf8.h"
#include "store/store_private.h"

/* ---- checking ---- */

static bool is_text(struct span s, size_t max)
{
    return s.len >= 1 && s.len <= max && utf8_valid_prefix(s) == s.len;
}

int store_check_name(struct store *s, const char *what, struct span name)
{
    if (is_text(name, STORE_NAME_MAX))
        return APIGW_OK;
    return store_refuse(s, APIGW_BAD_REQUEST, "the name of a %s has 1 to %d bytes of UTF-8", what, STORE_NAME_MAX);
}

static int check_id(struct store *s, const char *what, struct span name, struct span id)
{
    if (is_text(id, STORE_ID_MAX))
        return APIGW_OK;
    return store_refuse(s, APIGW_BAD_REQUEST, "%s of \"" SPAN_FMT "\" has 1 to %d bytes of UTF-8", what, SPAN_ARG(name),
                        STORE_ID_MAX);
}

/* NULL bytes are no part of a name: it comes from a C string, so there are none. */
int store_check_place(struct store *s, const struct store_place *in)
{
    int r = store_check_name(s, "collection", in->collection);

    if (r == APIGW_OK && in->sub.len)
        r = store_check_name(s, "collection", in->sub);
    if (r == APIGW_OK && in->sub.len && !in->any_parent)
        r = check_id(s, "the id of a document", in->collection, in->parent);
    return r;
}

static int check_document(struct store *s, const struct store_place *in, struct span id)
{
    int r = store_check_place(s, in);

    if (r == APIGW_OK && in->any_parent)
        r = store_refuse(s, APIGW_BAD_REQUEST,
                         "the collections \"" SPAN_FMT "\" of all of \"" SPAN_FMT "\" together are for queries alone",
                         SPAN_ARG(in->sub), SPAN_ARG(in->collection));
    return r == APIGW_OK ? check_id(s, "the id of a document", in->collection, id) : r;
}

static int check_content(struct store *s, const char *what, struct span name, struct span content,
                         struct json_value *ret)
{
    if (content.len > STORE_CONTENT_MAX)
        return store_refuse(s, APIGW_TOO_LARGE, "%s of \"" SPAN_FMT "\" has at most %u bytes, not %zu", what,
                            SPAN_ARG(name), STORE_CONTENT_MAX, content.len);
    if (json_parse(content, ret, NULL) < 0 || utf8_valid_prefix(content) != content.len)
        return store_refuse(s, APIGW_BAD_REQUEST, "%s of \"" SPAN_FMT "\" is not JSON", what, SPAN_ARG(name));
    return APIGW_OK;
}

static int check_key(struct store *s, struct span name, struct span key)
{
    int r = store_check_name(s, "key/value store", name);

    return r == APIGW_OK ? check_id(s, "a key", name, key) : r;
}

/* What was written by us is JSON; what was not may be anything. */
int store_check_stored(struct store *s, struct span text, bool object, struct json_value *ret)
{
    if (json_parse(text, ret, NULL) == 0 && (!object || ret->type == JSON_OBJECT))
        return APIGW_OK;
    return store_refuse(s, APIGW_FAILED, "%s: it is damaged: what it holds is not JSON (move it away)", s->path);
}

/* ---- one document, one value ---- */

/* The one text that a statement finds, copied. */
static int get_text(struct store *s, enum statement which, const struct span *texts, size_t count, bool object,
                    struct json_value *ret)
{
    sqlite3_stmt *statement = database_begin(s, which, texts, count);
    bool found;
    int r;

    if (!statement)
        return APIGW_FAILED;
    buf_clear(&s->content, STORE_KEEP_BYTES);
    found = sqlite3_step(statement) == SQLITE_ROW;
    if (found)
        buf_append(&s->content, database_text(statement, 0));
    r = database_end(s, statement);
    *ret = (struct json_value){0};
    return r == APIGW_OK && found ? store_check_stored(s, buf_span(&s->content), object, ret) : r;
}

int store_set(struct store *s, const struct store_place *in, struct span id, struct span content)
{
    struct json_value value = {0};
    int r = check_document(s, in, id);

    if (r == APIGW_OK)
        r = check_content(s, "a document", in->collection, content, &value);
    if (r == APIGW_OK && value.type != JSON_OBJECT)
        r = store_refuse(s, APIGW_BAD_REQUEST, "a document of \"" SPAN_FMT "\" is a JSON object",
                         SPAN_ARG(in->collection));
    if (r < 0)
        return r;
    return database_change(s, DOCUMENT_SET, (struct span[]){in->collection, in->parent, in->sub, id, value.raw}, 5);
}

int store_get(struct store *s, const struct store_place *in, struct span id, struct json_value *ret)
{
    int r = check_document(s, in, id);

    if (r < 0)
        return r;
    return get_text(s, DOCUMENT_GET, (struct span[]){in->collection, in->parent, in->sub, id}, 4, true, ret);
}

/* The document and what is under it go together. */
static int remove_tree(struct store *s, const struct store_place *in, struct span id)
{
    int r = database_execute(s, "BEGIN IMMEDIATE");

    if (r == APIGW_OK)
        r = database_change(s, DOCUMENT_REMOVE, (struct span[]){in->collection, in->parent, in->sub, id}, 4);
    if (r == APIGW_OK)
        r = database_change(s, DOCUMENT_REMOVE_UNDER, (struct span[]){in->collection, id}, 2);
    if (r == APIGW_OK)
        r = database_execute(s, "COMMIT");
    if (r < 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

int store_remove(struct store *s, const struct store_place *in, struct span id)
{
    int r = check_document(s, in, id);

    if (r < 0)
        return r;
    if (!in->sub.len)
        return remove_tree(s, in, id);
    return database_change(s, DOCUMENT_REMOVE, (struct span[]){in->collection, in->parent, in->sub, id}, 4);
}

int store_kv_set(struct store *s, struct span name, struct span key, struct span value)
{
    struct json_value json;
    int r = check_key(s, name, key);

    if (r == APIGW_OK)
        r = check_content(s, "a value", name, value, &json);
    return r == APIGW_OK ? database_change(s, KV_SET, (struct span[]){name, key, json.raw}, 3) : r;
}

int store_kv_get(struct store *s, struct span name, struct span key, struct json_value *ret)
{
    int r = check_key(s, name, key);

    return r == APIGW_OK ? get_text(s, KV_GET, (struct span[]){name, key}, 2, false, ret) : r;
}

int store_kv_remove(struct store *s, struct span name, struct span key)
{
    int r = check_key(s, name, key);

    return r == APIGW_OK ? database_change(s, KV_REMOVE, (struct span[]){name, key}, 2) : r;
}

/* ---- keys ---- */

static bool is_less(struct span a, struct span b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len ? memcmp(a.ptr, b.ptr, len) : 0;

    return order ? order < 0 : a.len < b.len;
}

/* 1: go on. */
static int visit_key(struct span key, struct span prefix, struct span after, store_key_fn *each, void *arg,
                     size_t *left)
{
    int r;

    if (!span_starts_with(key, prefix))
        return 0;
    if (span_equal(key, after))
        return 1;
    r = each(arg, key);
    return r < 0 ? r : --*left > 0;
}

int store_kv_keys(struct store *s, struct span name, struct span prefix, struct span after, size_t max,
                  store_key_fn *each, void *arg)
{
    sqlite3_stmt *statement;
    int ended, visited = 1, r = store_check_name(s, "key/value store", name);

    if (r == APIGW_OK && (prefix.len > STORE_ID_MAX || after.len > STORE_ID_MAX))
        r = store_refuse(s, APIGW_BAD_REQUEST, "a key of \"" SPAN_FMT "\" has at most %d bytes", SPAN_ARG(name),
                         STORE_ID_MAX);
    if (r < 0)
        return r;
    statement = database_begin(s, KV_KEYS, (struct span[]){name, is_less(after, prefix) ? prefix : after}, 2);
    if (!statement)
        return APIGW_FAILED;
    while (visited == 1 && max > 0 && sqlite3_step(statement) == SQLITE_ROW)
        visited = visit_key(database_text(statement, 0), prefix, after, each, arg, &max);
    ended = database_end(s, statement);
    return visited < 0 ? visited : ended;
}

/* ---- what there is ---- */

int store_list(struct store *s, store_listing_fn *each, void *arg)
{
    sqlite3_stmt *statement = database_begin(s, LIST, NULL, 0);
    int ended, r = APIGW_OK;

    if (!statement)
        return APIGW_FAILED;
    while (r == APIGW_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const struct store_listing listing = {
            .is_kv = sqlite3_column_int(statement, 0) != 0,
            .name = database_text(statement, 1),
            .sub = database_text(statement, 2),
            .count = (uint64_t)sqlite3_column_int64(statement, 3),
        };
        r = each(arg, &listing);
    }
    ended = database_end(s, statement);
    return r < 0 ? r : ended;
}
