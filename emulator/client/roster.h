/* roster.h - the connections of a running emulator, as GET /_apigw/connections has them, page after page. */
#ifndef CLIENT_ROSTER_H
#define CLIENT_ROSTER_H

#include "base/json.h"
#include "client/transfer.h"

#define ROSTER_PAGES_MAX 1000u

struct roster_wish {
    const char *origin; /* http://HOST:PORT */
    const char *api;    /* NULL: all */
    const char *stage;
    unsigned pages_max;
};

/* Called with one connection; false ends the walk. */
typedef bool roster_fn(void *arg, struct json_value connection);

/* 0, or -1 with a sentence, and a newline and a hint behind it. */
int roster_walk(const struct roster_wish *wish, const struct transfer_options *options, roster_fn *on_connection,
                void *arg, struct buf *ret_error);

/* Appends a member of text; false: there is none. */
bool roster_text(struct json_value connection, const char *name, struct buf *out);

/* A whole number, of "name" or "name.member"; false: there is none. */
bool roster_number(struct json_value connection, const char *name, int64_t *ret);

#endif
