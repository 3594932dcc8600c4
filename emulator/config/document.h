/* document.h - the tree of a configuration file whose nodes know their place in the text.
 *
 * cJSON keeps no positions. A node therefore remembers its way from the root as member indices, and its place is found
 * by walking the text along them again: only an error needs it.
 *
 * Owner: the caller; document_fini. The text must outlive it. */
#ifndef CONFIG_DOCUMENT_H
#define CONFIG_DOCUMENT_H

#include <cjson/cJSON.h>

#include "base/json.h"
#include "config/diagnostics.h"

/* Levels that a node may be below the root. */
#define DOCUMENT_DEPTH_MAX 10

struct document {
    const struct diagnostics *diagnostics; /* when that is full, nothing is located any more */
    struct span text;
    struct json_value root;
    cJSON *tree;
};

/* One value of the tree; lives on the stack of who looks at it, as the node it is in does. */
struct node {
    const struct node *up; /* NULL: the root */
    const cJSON *item;
    size_t index; /* among the members of `up` */
};

/* Reads d->text, which source_check accepted. Reports what JSON allows and we do not: \u0000, half a surrogate pair,
 * endless numbers. The tree can be looked at either way. -1 if there is none. */
int document_init(struct document *doc, struct diagnostics *d);
void document_fini(struct document *doc);

struct node document_root(const struct document *doc);

/* Goes through the members of an object or the elements of an array: `for (struct node n = node_first(&o); n.item; n =
 * node_next(&n))`. */
struct node node_first(const struct node *object);
struct node node_next(const struct node *n);

/* The member with this key; its item is NULL if there is none. */
struct node node_member(const struct node *object, const char *key);

/* A value, of a container its opening bracket. */
struct range document_value(const struct document *doc, const struct node *n);
/* The key in front of it, with its quotes; of the root and of an array's element its value. */
struct range document_key(const struct document *doc, const struct node *n);
/* A part of a string: `offset` and `len` count the bytes of its text, escapes undone. */
struct range document_inside(const struct document *doc, const struct node *n, size_t offset, size_t len);
/* The same in its key. */
struct range document_inside_key(const struct document *doc, const struct node *n, size_t offset, size_t len);
/* The exact text of a value; for a report, so nothing once no more of them are shown. */
struct span document_raw(const struct document *doc, const struct node *n);
/* The same, always. */
struct span document_text(const struct document *doc, const struct node *n);

/* "/routes/say/function: ", RFC 6901; nothing for the root. */
void node_append_pointer(const struct node *n, struct buf *out);

#endif
