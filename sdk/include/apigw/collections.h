/**
 * @file collections.h
 * Documents and keys that outlive an environment: who is connected, to which room, with what name.
 *
 *     static const struct apigw_collection connections =
 *         APIGW_COLLECTION("connections", APIGW_READING | APIGW_WRITING | APIGW_DELETING);
 *
 *     apigw_doc_set(context, apigw_doc(&connections, event->connection_id), APIGW_SPAN("{}"));
 *
 * There is nothing to set up. A collection is there when something is put into it; all environments of all functions
 * see the same. Documents are JSON objects, found by an id, and by the values of their members (a query). They are kept
 * in .apigw/ beside routes.json until they are deleted; `apigw run --ephemeral` keeps them for one run only.
 *
 * Names and ids. 1 to 128 bytes of UTF-8 for a collection, 1 to 1024 for a document or a key; a document is at most
 * 400 KB, as in DynamoDB. Collections and documents are names until something is asked of them: making one costs
 * nothing and cannot fail, and the spans in it are borrowed.
 *
 * Permissions. A collection is opened for what is to be done with it; anything else is APIGW_FORBIDDEN, and a line in
 * the log names the missing word. Reading also allows queries, any permission allows listing what ids there are.
 *
 * What was acknowledged (APIGW_OK) is kept when an environment is killed right after; a power cut may take the last
 * operations with it, whole ones. Each operation is one transaction; of two that come together, one is first. All
 * collections together have 1 GB: what goes beyond is APIGW_FAILED.
 *
 * When. In handlers, and in init and fini as well. What is given back is memory of the invocation: a stream adds a page
 * of it for every APIGW_STREAM_PAGE documents, and a query without a limit takes all it finds at once. */
#ifndef APIGW_COLLECTIONS_H
#define APIGW_COLLECTIONS_H

#include <apigw/json.h>

#ifdef __cplusplus
extern "C" {
#endif

#define APIGW_READING 1u            /**< to get and to query */
#define APIGW_WRITING 2u            /**< to set */
#define APIGW_DELETING 4u           /**< to delete */
#define APIGW_TOO_DEEP_ 0x80000000u /**< set below; no permission */

/** Which documents: those of a collection; or of the collection `name` under one document of it; or under any of them.
 */
struct apigw_collection {
    const char *name;            /**< a C string, borrowed */
    uint32_t permissions;        /**< APIGW_READING and its kin, added up */
    uint32_t any_parent;         /**< a group: `sub` of every document; for queries only */
    const char *sub;             /**< NULL: the collection itself */
    struct apigw_span parent_id; /**< the document that `sub` belongs to */
};

/** The name of a document, whether there is one or not. */
struct apigw_document {
    const struct apigw_collection *collection; /**< borrowed: it must outlive this */
    struct apigw_span id;                      /**< 1 to 1024 bytes, borrowed */
};

/** A document as a query found it. Spans live until the handler returns. */
struct apigw_snapshot {
    struct apigw_span id;        /**< of the document */
    struct apigw_span parent_id; /**< in a sub-collection, else empty */
    struct apigw_json content;   /**< an object */
};

/** How many conditions a query can have. */
#define APIGW_WHERE_MAX 8

/** How a condition compares. */
enum apigw_operator {
    APIGW_EQUAL = 0,         /**< == */
    APIGW_NOT_EQUAL = 1,     /**< != */
    APIGW_LESS = 2,          /**< < */
    APIGW_LESS_EQUAL = 3,    /**< <= */
    APIGW_GREATER = 4,       /**< > */
    APIGW_GREATER_EQUAL = 5, /**< >= */
    APIGW_STARTS_WITH = 6    /**< strings only */
};

/** A condition: the member `field` of a document, compared with a JSON string, number or boolean. A document that lacks
 * the member, or has another type there, does not match, whatever the operator. Strings compare by their bytes, and
 * false is less than true. If there is no member of that very name, "address.city" is the member `city` of `address`.
 */
struct apigw_where {
    const char *field;       /**< the name of a member, a C string, borrowed */
    uint32_t op;             /**< enum apigw_operator */
    uint32_t reserved;       /**< 0 */
    struct apigw_json value; /**< what it is compared with */
};

/** A question for documents. apigw_query_of makes one; it is a value, and may be copied. */
struct apigw_query {
    struct apigw_context *context;             /**< of the invocation that asks */
    const struct apigw_collection *collection; /**< borrowed */
    struct apigw_where where[APIGW_WHERE_MAX]; /**< all of them must hold */
    size_t where_count;                        /**< how many there are */
    uint64_t limit;                            /**< 0: all */
    struct apigw_span from;                    /**< a paging token; empty: from the beginning */
    int error;                                 /**< of a call that made it, told when it is run */
};

/** One page of a query. */
struct apigw_page {
    const struct apigw_snapshot *documents; /**< in the order of their ids; valid until the handler returns */
    size_t count;                           /**< how many */
    struct apigw_span next;                 /**< the paging token for what follows; empty: this was all */
};

/** A walk through all that a query finds, in the order of their ids. It never holds the others up: what is inserted or
 * deleted while it runs is seen or not, but nothing is seen twice, and nothing that stays is missed. */
struct apigw_stream {
    struct apigw_query query; /**< what it walks through */
    struct apigw_page page;   /**< what it has at hand */
    size_t at;                /**< the next document of the page */
    uint64_t given;           /**< documents so far */
    int ended;                /**< there is no other page */
};

/** What the emulator does for the functions below; since ABI 1.1. */
struct apigw_store_services {
    struct apigw_abi abi; /**< how much of this struct there is */
    /** Behind apigw_doc_set. */
    int (*set)(struct apigw_context *context, const struct apigw_document *doc, struct apigw_span content);
    /** Behind apigw_doc_get. */
    int (*get)(struct apigw_context *context, const struct apigw_document *doc, struct apigw_json *ret);
    /** Behind apigw_doc_delete. */
    int (*remove)(struct apigw_context *context, const struct apigw_document *doc);
    /** Behind apigw_query_fetch and apigw_stream_next. */
    int (*fetch)(struct apigw_context *context, const struct apigw_query *query, struct apigw_page *ret);
    /** Behind apigw_kv_set. Keys and values are a kind of collection of their own, so that names do not meet. */
    int (*kv_set)(struct apigw_context *context, const struct apigw_document *key, struct apigw_span value);
    /** Behind apigw_kv_get. */
    int (*kv_get)(struct apigw_context *context, const struct apigw_document *key, struct apigw_json *ret);
    /** Behind apigw_kv_delete. */
    int (*kv_remove)(struct apigw_context *context, const struct apigw_document *key);
    /** Behind apigw_keys_next. */
    int (*kv_keys)(struct apigw_context *context, const struct apigw_collection *store, struct apigw_span prefix,
                   struct apigw_span after, const struct apigw_span **ret, size_t *ret_count);
};

/* ---- documents ---- */

/** For a variable at file scope; `name` is a string that stays. */
#define APIGW_COLLECTION(name, permissions) \
    {                                       \
        name, permissions, 0, NULL,         \
        {                                   \
            NULL, 0                         \
        }                                   \
    }

/** A collection whose name is not known before the program runs. `name` is borrowed as long as the collection is used.
 * There is nothing to close. */
static inline struct apigw_collection apigw_collection_open(const char *name, uint32_t permissions)
{
    struct apigw_collection c = APIGW_COLLECTION(NULL, 0);
    c.name = name;
    c.permissions = permissions;
    return c;
}

/** A document of a collection, by its id; both are borrowed. Nothing is looked up. */
static inline struct apigw_document apigw_doc(const struct apigw_collection *collection, struct apigw_span id)
{
    struct apigw_document d;
    d.collection = collection;
    d.id = id;
    return d;
}

/** The collection `name` under one document; one level deep: of a document in there it is APIGW_BAD_REQUEST to use. */
static inline struct apigw_collection apigw_doc_collection(struct apigw_document doc, const char *name)
{
    struct apigw_collection c = *doc.collection;
    c.permissions |= c.sub ? APIGW_TOO_DEEP_ : 0;
    c.sub = name;
    c.parent_id = doc.id;
    return c;
}

/** The collections `name` under all documents together, for queries. */
static inline struct apigw_collection apigw_collection_group(const struct apigw_collection *collection,
                                                             const char *name)
{
    struct apigw_collection c = *collection;
    c.permissions |= c.sub ? APIGW_TOO_DEEP_ : 0;
    c.sub = name;
    c.any_parent = 1;
    return c;
}

/** Creates the document or replaces it as a whole. `content` is a JSON object. APIGW_OK; APIGW_BAD_REQUEST if it is not
 * one, or the id is none; APIGW_TOO_LARGE; APIGW_FORBIDDEN; APIGW_FAILED. */
static inline int apigw_doc_set(struct apigw_context *context, struct apigw_document doc, struct apigw_span content)
{
    return context->host->store->set(context, &doc, content);
}

/** The content of a document: APIGW_OK and `ret`, which is NONE if there is no such document, and lives until the
 * handler returns. APIGW_BAD_REQUEST if the id is none; APIGW_FORBIDDEN without APIGW_READING; APIGW_FAILED. */
static inline int apigw_doc_get(struct apigw_context *context, struct apigw_document doc, struct apigw_json *ret)
{
    return context->host->store->get(context, &doc, ret);
}

/** Deletes the document and the collections under it. That it was not there is APIGW_OK as well.
 * APIGW_BAD_REQUEST if the id is none; APIGW_FORBIDDEN without APIGW_DELETING; APIGW_FAILED. */
static inline int apigw_doc_delete(struct apigw_context *context, struct apigw_document doc)
{
    return context->host->store->remove(context, &doc);
}

/* ---- queries ---- */

/** All documents of a collection, until conditions are added. It is good for this invocation alone. */
static inline struct apigw_query apigw_query_of(struct apigw_context *context,
                                                const struct apigw_collection *collection)
{
    struct apigw_query q;
    size_t i;
    q.context = context;
    q.collection = collection;
    q.where_count = 0;
    q.limit = 0;
    q.from = apigw_span_of(NULL, 0);
    q.error = APIGW_OK;
    for (i = 0; i < APIGW_WHERE_MAX; i++) {
        q.where[i].field = NULL;
        q.where[i].op = 0;
        q.where[i].reserved = 0;
        q.where[i].value.type = APIGW_JSON_NONE;
        q.where[i].value.reserved = 0;
        q.where[i].value.raw = apigw_span_of(NULL, 0);
    }
    return q;
}

/** Adds a condition; all of them must hold. `op` is "==", "!=", "<", "<=", ">", ">=" or "startsWith"; another one, or
 * more than APIGW_WHERE_MAX conditions, makes the query fail with APIGW_BAD_REQUEST. */
static inline void apigw_where_json(struct apigw_query *query, const char *field, const char *op,
                                    struct apigw_json value)
{
    static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">=", "startsWith"};
    uint32_t i = 0;
    while (i < 7 && !apigw_span_equal(apigw_span_of_str(ops[i]), apigw_span_of_str(op)))
        i++;
    if (i == 7 || query->where_count == APIGW_WHERE_MAX) {
        query->error = APIGW_BAD_REQUEST;
        return;
    }
    query->where[query->where_count].field = field;
    query->where[query->where_count].op = i;
    query->where[query->where_count].value = value;
    query->where_count++;
}

/** A condition on a string: apigw_where_json with the text itself. */
static inline void apigw_where_string(struct apigw_query *query, const char *field, const char *op,
                                      struct apigw_span value)
{
    struct apigw_json_writer w = apigw_json_write(query->context);
    struct apigw_json json = {APIGW_JSON_STRING, 0, {NULL, 0}};
    apigw_json_string(&w, value);
    json.raw = apigw_json_written(&w);
    apigw_where_json(query, field, op, json);
}

/** A condition on a whole number. */
static inline void apigw_where_int(struct apigw_query *query, const char *field, const char *op, int64_t value)
{
    struct apigw_json_writer w = apigw_json_write(query->context);
    struct apigw_json json = {APIGW_JSON_NUMBER, 0, {NULL, 0}};
    apigw_json_int(&w, value);
    json.raw = apigw_json_written(&w);
    apigw_where_json(query, field, op, json);
}

/** A condition on a boolean; it can only be equal or not. */
static inline void apigw_where_bool(struct apigw_query *query, const char *field, const char *op, int value)
{
    struct apigw_json json = {APIGW_JSON_BOOLEAN, 0, {NULL, 0}};
    json.raw = value ? APIGW_SPAN("true") : APIGW_SPAN("false");
    apigw_where_json(query, field, op, json);
}

/** At most so many documents in all; 0: all there are. */
static inline void apigw_query_limit(struct apigw_query *query, uint64_t limit)
{
    query->limit = limit;
}

/** Goes on where a page ended: page.next. */
static inline void apigw_query_from(struct apigw_query *query, struct apigw_span token)
{
    query->from = token;
}

/** Runs the query: APIGW_OK and `ret`, one page of at most `limit` documents, or of all; it lives until the handler
 * returns. APIGW_BAD_REQUEST if a condition or the token makes no sense; APIGW_FORBIDDEN without APIGW_READING;
 * APIGW_FAILED. */
static inline int apigw_query_fetch(const struct apigw_query *query, struct apigw_page *ret)
{
    return query->context->host->store->fetch(query->context, query, ret);
}

/** Documents that a stream reads at once. */
#define APIGW_STREAM_PAGE 64

/** Begins a walk through all that a query finds; apigw_stream_next goes on. There is nothing to close. A paging token
 * is left out of account. */
static inline struct apigw_stream apigw_query_stream(const struct apigw_query *query)
{
    struct apigw_stream s;
    s.query = *query;
    s.query.from = apigw_span_of(NULL, 0);
    s.page.documents = NULL;
    s.page.count = 0;
    s.page.next = apigw_span_of(NULL, 0);
    s.at = 0;
    s.given = 0;
    s.ended = 0;
    return s;
}

/** The next document: 1 and `ret`; 0 at the end; negative, an enum apigw_result, if it cannot be read. */
static inline int apigw_stream_next(struct apigw_stream *stream, struct apigw_snapshot *ret)
{
    if (stream->query.limit > 0 && stream->given == stream->query.limit)
        return 0;
    if (stream->at == stream->page.count) {
        struct apigw_query part = stream->query;
        int result;
        if (stream->ended)
            return 0;
        part.limit = APIGW_STREAM_PAGE;
        part.from = stream->page.next;
        result = apigw_query_fetch(&part, &stream->page);
        if (result != APIGW_OK) {
            stream->ended = 1;
            stream->at = stream->page.count = 0;
            return result < 0 ? result : APIGW_FAILED;
        }
        stream->at = 0;
        stream->ended = stream->page.next.len == 0;
        if (stream->page.count == 0)
            return 0;
    }
    *ret = stream->page.documents[stream->at++];
    stream->given++;
    return 1;
}

/* ---- keys and values ---- */

/** A store of values by their keys; its permissions are the same words. Opened like a collection: the two kinds do not
 * meet, whatever their names. */
struct apigw_kv {
    struct apigw_collection store; /**< its name and permissions */
};

/** For a variable at file scope; `name` is a string that stays. */
#define APIGW_KV(name, permissions)         \
    {                                       \
        APIGW_COLLECTION(name, permissions) \
    }

/** Gives a key a value, JSON of any kind, whatever it had before. Errors as of apigw_doc_set. */
static inline int apigw_kv_set(struct apigw_context *context, const struct apigw_kv *kv, struct apigw_span key,
                               struct apigw_span value)
{
    struct apigw_document d = apigw_doc(&kv->store, key);
    return context->host->store->kv_set(context, &d, value);
}

/** The value of a key: APIGW_OK and `ret`, which is NONE if there is no such key, and lives until the handler returns.
 * Errors as of apigw_doc_get. */
static inline int apigw_kv_get(struct apigw_context *context, const struct apigw_kv *kv, struct apigw_span key,
                               struct apigw_json *ret)
{
    struct apigw_document d = apigw_doc(&kv->store, key);
    return context->host->store->kv_get(context, &d, ret);
}

/** Deletes a key. That it was not there is APIGW_OK as well. Errors as of apigw_doc_delete. */
static inline int apigw_kv_delete(struct apigw_context *context, const struct apigw_kv *kv, struct apigw_span key)
{
    struct apigw_document d = apigw_doc(&kv->store, key);
    return context->host->store->kv_remove(context, &d);
}

/** A walk through the keys that begin with a prefix, in the order of their bytes; it survives changes as a stream does.
 */
struct apigw_keys {
    struct apigw_context *context; /**< of the invocation that asks */
    const struct apigw_kv *kv;     /**< borrowed */
    struct apigw_span prefix;      /**< what keys begin with */
    const struct apigw_span *keys; /**< what it has at hand */
    size_t count;                  /**< how many */
    size_t at;                     /**< the next of them */
    struct apigw_span last;        /**< the key that was given last */
};

/** Begins a walk through the keys that begin with `prefix`; empty: all. apigw_keys_next goes on. There is nothing to
 * close. */
static inline struct apigw_keys apigw_kv_keys(struct apigw_context *context, const struct apigw_kv *kv,
                                              struct apigw_span prefix)
{
    struct apigw_keys k;
    k.context = context;
    k.kv = kv;
    k.prefix = prefix;
    k.keys = NULL;
    k.count = k.at = 0;
    k.last = apigw_span_of(NULL, 0);
    return k;
}

/** The next key: 1 and `ret`, which lives until the handler returns; 0 at the end; negative, an enum apigw_result, if
 * they cannot be read. */
static inline int apigw_keys_next(struct apigw_keys *keys, struct apigw_span *ret)
{
    if (keys->at == keys->count) {
        const int result = keys->context->host->store->kv_keys(keys->context, &keys->kv->store, keys->prefix,
                                                               keys->last, &keys->keys, &keys->count);
        keys->at = 0;
        if (result != APIGW_OK) {
            keys->count = 0;
            return result < 0 ? result : APIGW_FAILED;
        }
        if (keys->count == 0)
            return 0;
    }
    *ret = keys->last = keys->keys[keys->at++];
    return 1;
}

#ifdef __cplusplus
}
#endif

#endif
