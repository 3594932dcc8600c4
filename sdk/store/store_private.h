/* store_private.h - what the files of the store have in common: the open database, and checks of what is asked. */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/store.h"

#define STORE_KEEP_BYTES (64u * 1024u) /* of a buffer, from one call to the next */

enum statement {
    DOCUMENT_SET,
    DOCUMENT_GET,
    DOCUMENT_REMOVE,
    DOCUMENT_REMOVE_UNDER,
    QUERY_COLLECTION,
    QUERY_GROUP,
    KV_SET,
    KV_GET,
    KV_REMOVE,
    KV_KEYS,
    LIST,
    STATEMENT_COUNT
};

struct store {
    sqlite3 *db;
    char *path;
    dev_t device; /* of the file, 0 in memory */
    ino_t inode;
    uint64_t bytes_max;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct buf error;
    struct buf content; /* what store_get gave */
    struct buf token;
    struct buf place; /* of a query that goes on */
};

/* ---- database.c ---- */

/* A sentence for what SQLite has just said. Returns APIGW_FAILED. */
int database_failed(struct store *s);

/* Statements without parameters and rows. */
int database_execute(struct store *s, const char *sql);

/* The statement with its parameters in their order, or NULL and an error. The texts are borrowed, and others may not
 * begin the same one, until database_end: that tells what the last step failed with. */
sqlite3_stmt *database_begin(struct store *s, enum statement which, const struct span *texts, size_t count);
int database_end(struct store *s, sqlite3_stmt *statement);

/* Runs a statement that gives no rows. */
int database_change(struct store *s, enum statement which, const struct span *texts, size_t count);

/* A column of the row; valid until the next step. */
struct span database_text(sqlite3_stmt *statement, int column);

/* ---- store.c ---- */

/* `what` has the name: "collection". */
int store_check_name(struct store *s, const char *what, struct span name);
int store_check_place(struct store *s, const struct store_place *in);

/* What was written by us is JSON, and documents are objects; what was not may be anything. */
int store_check_stored(struct store *s, struct span text, bool object, struct json_value *ret);

#endif
