/* connection.h - one WebSocket client, from the $connect to the close.
 *
 * Owner    the registry; everyone else keeps the id and looks it up.
 * Threads  loop thread only.
 * Small: a client that says nothing costs this struct and its event_source. */
#ifndef GATEWAY_CONNECTION_H
#define GATEWAY_CONNECTION_H

#include <stdint.h>
#include <uthash.h>

#include "base/list.h"
#include "base/span.h"
#include "event/event.h"
#include "event/id.h"
#include "gateway/wire.h"

struct stage;

enum connection_state {
    CONNECTION_CONNECTING, /* $connect has not answered, or the socket is not open yet: posts find nobody */
    CONNECTION_OPEN,
    CONNECTION_CLOSED, /* on its way out: only $disconnect is left to run */
    CONNECTION_STATE_COUNT
};

/* Messages of the application one way, and their bytes. */
struct connection_traffic {
    uint64_t messages;
    uint64_t bytes;
};

struct connection {
    UT_hash_handle hh; /* registry */
    char id[ID_SIZE];
    uint8_t state;        /* enum connection_state; changed by connection_set_state alone */
    bool queue_full;      /* a drop was logged and nothing has been sent since */
    bool secure;          /* by TLS */
    uint16_t source_port; /* 0: not known */
    uint64_t number;      /* the registry's: a later one has a higher one */
    struct stage *stage;
    struct connection_traffic received; /* from the client, refused ones too */
    struct connection_traffic sent;     /* or queued */
    struct event_source *source;        /* owned */
    struct wire_link *link;             /* while open */
    uint64_t connected_at_ms;           /* wall clock */
    uint64_t connected_at_mono_ms;      /* the same moment; the rest is on this clock */
    uint64_t opened_at_mono_ms;
    uint64_t last_active_mono_ms;
    struct list idle;     /* deadlines: least recently active first */
    struct list lifetime; /* deadlines: oldest first */
};

/* Takes `source`. Made in CONNECTION_CONNECTING. */
struct connection *connection_new(const char id[ID_SIZE], struct stage *stage, struct event_source *source,
                                  uint64_t connected_at_ms);
void connection_free(struct connection *connection); /* NULL is fine */

/* The one place where the state changes; a change that must not be is a bug. */
void connection_set_state(struct connection *connection, enum connection_state to);

/* connecting, open, closed */
const char *connection_state_name(const struct connection *connection);

/* When it was last active, on the wall clock. */
uint64_t connection_last_active_ms(const struct connection *connection);

static inline void connection_count(struct connection_traffic *traffic, size_t bytes)
{
    traffic->messages++;
    traffic->bytes += bytes;
}

static inline struct span connection_id(const struct connection *connection)
{
    return span_of(connection->id, ID_LEN);
}

#endif
