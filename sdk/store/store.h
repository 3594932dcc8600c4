/* store.h - documents and keys on SQLite: what is behind apigw/collections.h.
 *
 * One file, shared by all processes that have it open. Each call is one transaction, and what it has acknowledged is
 * kept when the process is killed right after. A power cut or a crash of the kernel may take the last transactions
 * with it, and never leaves half of one: the log is written to the disk when it is checkpointed, not at each commit.
 *
 * Owner    whoever opened it.
 * Threads  one, and not to be carried over a fork.
 * Memory   what is given back is valid until the next call on the same store.
 * Errors   0 or a negative enum apigw_result; store_error then has one sentence for the log, without a full stop. */
#ifndef STORE_H
#define STORE_H

#include <apigw/collections.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"

#define STORE_NAME_MAX 128                  /* bytes of a collection's or key/value store's name */
#define STORE_ID_MAX 1024                   /* bytes of a document's id, or of a key */
#define STORE_CONTENT_MAX (400u * 1024u)    /* bytes of a document or value, as in DynamoDB */
#define STORE_FIELD_MAX 1024                /* bytes of a condition's field */
#define STORE_BYTES_MAX ((uint64_t)1 << 30) /* of the file; what would make it larger fails */
#define STORE_WAIT_MS 10000                 /* for other processes that write */

struct store;

/* Opens the file, made with its folder if there is none (and one `.gitignore` in a folder that was made); ":memory:" is
 * a store of its own that is gone when it is closed. 0 and *ret; or APIGW_FAILED and a sentence in `ret_error`. */
int store_open(const char *path, struct store **ret, struct buf *ret_error);
void store_close(struct store *s); /* NULL is fine */

/* False once another file, or none, is where the store was opened: somebody has removed it. */
bool store_is_current(const struct store *s);

/* What the last call failed with. Valid until the next call. */
struct span store_error(const struct store *s);

/* Puts a sentence there, for callers that check more than the store does. Returns `result`. */
int store_refuse(struct store *s, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* From here on the file may have that many bytes; for tests. */
void store_limit_bytes(struct store *s, uint64_t bytes);

/* ---- documents ---- */

/* The documents of a collection; of the collection `sub` under one document of it; or under any of them. */
struct store_place {
    struct span collection;
    struct span sub;    /* empty: the collection itself */
    struct span parent; /* id of the document that `sub` is under */
    bool any_parent;    /* for store_fetch alone */
};

int store_set(struct store *s, const struct store_place *in, struct span id, struct span content);

/* *ret is the document; its raw.ptr is NULL if there is none, which is no error. */
int store_get(struct store *s, const struct store_place *in, struct span id, struct json_value *ret);

/* Also what is under it. That it was not there is no error. */
int store_remove(struct store *s, const struct store_place *in, struct span id);

struct store_condition {
    struct span field; /* a member's name, or names with dots between them where there is no such member */
    uint32_t op;       /* enum apigw_operator */
    struct span value; /* JSON: a string, number or boolean */
};

struct store_query {
    struct store_place in;
    const struct store_condition *where; /* all must hold */
    size_t where_count;
    uint64_t limit;   /* 0: all */
    struct span from; /* what an earlier store_fetch of the same query gave; empty: the beginning */
};

struct store_row {
    struct span parent; /* empty in a collection itself */
    struct span id;
    struct json_value content;
};

/* 0, or a negative enum apigw_result that ends the walk and is what store_fetch returns. The row is valid until it
 * returns, and it may not call the store. */
typedef int store_row_fn(void *arg, const struct store_row *row);

/* Calls `each` for what matches, in the order of (parent, id) by their bytes. *ret_next is a text for `from`, or empty
 * if nothing more matches at the moment. */
int store_fetch(struct store *s, const struct store_query *q, store_row_fn *each, void *arg, struct span *ret_next);

/* ---- keys and values ---- */

int store_kv_set(struct store *s, struct span name, struct span key, struct span value);
int store_kv_get(struct store *s, struct span name, struct span key, struct json_value *ret);
int store_kv_remove(struct store *s, struct span name, struct span key);

typedef int store_key_fn(void *arg, struct span key);

/* Calls `each` for at most `max` keys that begin with `prefix` and are behind `after`, in the order of their bytes. */
int store_kv_keys(struct store *s, struct span name, struct span prefix, struct span after, size_t max,
                  store_key_fn *each, void *arg);

/* ---- what there is ---- */

struct store_listing {
    bool is_kv;
    struct span name;
    struct span sub; /* of a collection under documents; else empty */
    uint64_t count;
};

typedef int store_listing_fn(void *arg, const struct store_listing *listing);

/* Calls `each` for every collection, every name of collections under its documents, and every key/value store, sorted.
 */
int store_list(struct store *s, store_listing_fn *each, void *arg);

#endif
