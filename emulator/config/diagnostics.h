/* diagnostics.h - the errors and warnings of one configuration file, collected and shown in the file's order.
 *
 *   routes.json:14:19: error: /routes/say/function: no function named "chta"; did you mean "chat"?
 *      14 |     "say": { "function": "chta" }
 *         |                          ^~~~~~
 *
 * Owner: the caller; diagnostics_fini. `path` and `text` must outlive it. */
#ifndef CONFIG_DIAGNOSTICS_H
#define CONFIG_DIAGNOSTICS_H

#include "base/buf.h"
#include "base/span.h"

/* Further ones are counted, not shown. */
#define DIAGNOSTICS_SHOWN_MAX 100

/* Bytes of the file's text. */
struct range {
    size_t offset;
    size_t len;
};

/* The file as a whole. */
#define RANGE_FILE ((struct range){(size_t)-1, 0})

struct diagnostic {
    struct range where;
    size_t order; /* of those at one place, the first found is shown first */
    bool warning;
    char *message;
};

struct diagnostics {
    const char *path;
    struct span text;
    struct diagnostic items[DIAGNOSTICS_SHOWN_MAX];
    size_t count;
    size_t errors, warnings; /* with those not shown */
};

void diagnostics_error(struct diagnostics *d, struct range where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void diagnostics_warn(struct diagnostics *d, struct range where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* True when one more would not be shown: what is expensive to find out about it can be left. */
bool diagnostics_full(const struct diagnostics *d);

void diagnostics_render(struct diagnostics *d, struct buf *out);
void diagnostics_fini(struct diagnostics *d);

/* Counted from 1. */
size_t diagnostics_line(const struct diagnostics *d, size_t offset);

/* `text`, cut where it gets long, nothing in it that a terminal would act on; and the same in double quotes. */
void diagnostics_append(struct buf *out, struct span text);
void diagnostics_quote(struct buf *out, struct span text);

#endif
