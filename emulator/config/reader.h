/* reader.h - objects read by tables: which keys there are, what each takes, and where it goes.
 *
 * Everything that is wrong is reported to `diagnostics`, with the place; reading goes on, so that all of it is. */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "config/config.h"
#include "config/document.h"
#include "config/plugins.h"

/* Things that others refer to by their names; checks.h says how. */
struct referable {
    const char *what;  /* "function" */
    const void *items; /* of the configuration */
    size_t size, count;
    unsigned *used;  /* how often, by index */
    bool incomplete; /* some were not read: what refers to them is not wrong */
};

struct reader {
    struct diagnostics *diagnostics;
    struct document document;
    struct config *config;
    struct plugins plugins;
    struct referable functions, authorizers, api_keys, routes, stages;
};

enum field_type {
    FIELD_STRING,
    FIELD_INTEGER,
    FIELD_NUMBER,
    FIELD_BOOLEAN,
    FIELD_OBJECT,
    FIELD_ARRAY,
    FIELD_STRINGS, /* a string or an array of them */
    FIELD_ANY
};

#define FIELD_NOWHERE ((size_t)-1)

struct field {
    const char *key;
    enum field_type type;
    bool required;
    size_t offset;     /* of char *, unsigned, double, bool; FIELD_NOWHERE: read and forgotten, or filled by `read` */
    unsigned min, max; /* STRING: characters; INTEGER, NUMBER: its value */
    unsigned scale;    /* INTEGER: what goes to `offset` is so many times the number */
    bool whole;        /* NUMBER: without a fraction */
    const char *limit; /* whose limits those are, with the unit */
    /* What more there is to check or read: of a STRING after it was stored, of what has no offset everything. `target`
     * is the whole struct that the object fills. May be NULL. */
    void (*read)(struct reader *r, const struct node *n, void *target);
};

/* For a new reader: what its referables are called. */
void reader_init(struct reader *r, struct diagnostics *d, struct config *c);
void reader_fini(struct reader *r);

/* Fills `target` from an object; anything else is reported. */
void reader_object(struct reader *r, const struct node *object, const struct field *fields, size_t count, void *target);

/* The same for what reader_is_object was asked about before, as it was for a FIELD_OBJECT. */
void reader_fields(struct reader *r, const struct node *object, const struct field *fields, size_t count, void *target);

/* Has the object an unknown key that was probably meant to be `key`? Then that it is missing need not be said. */
bool reader_is_misspelt(const struct node *object, const char *key, const struct field *fields, size_t count);

/* Is it an object? Reports that it is not, or which of its keys are given more than once. */
bool reader_is_object(struct reader *r, const struct node *n);
bool reader_is_string(struct reader *r, const struct node *n);

/* An error or a warning at `where`, with the node's JSON pointer in front. */
void reader_error(struct reader *r, const struct node *n, struct range where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void reader_warn(struct reader *r, const struct node *n, struct range where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* `; did you mean "chat"?`, or nothing. */
void reader_append_nearest(struct buf *out, const char *name, const char *const *names, size_t count);

/* Characters, not bytes. */
size_t reader_length(const char *text);

#endif
