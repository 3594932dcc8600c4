/* inspection.h - what is known of connections, for those who look at a running gateway.
 *
 * Threads  loop thread only. Spans are borrowed until the next turn of the loop. */
#ifndef GATEWAY_INSPECTION_H
#define GATEWAY_INSPECTION_H

#include "gateway/connection.h"
#include "gateway/gateway.h"
#include "gateway/wire.h"

struct connection_details {
    struct span id;
    const struct stage *stage;
    uint64_t number; /* a later one has a higher one */
    const char *state;
    bool is_open;             /* else it is connecting: there are no deadlines and no queue yet */
    bool secure;              /* by TLS */
    uint64_t connected_at_ms; /* wall clock */
    uint64_t last_active_at_ms;
    uint64_t idle_left_ms;
    uint64_t lifetime_left_ms;
    struct span source_ip;
    uint16_t source_port; /* 0: not known */
    struct span user_agent;
    struct span domain_name;
    struct span principal_id; /* JSON; empty: no authorizer */
    struct connection_traffic received;
    struct connection_traffic sent;
    struct wire_queue queue;
};

/* Which connections are wanted; an empty span takes all. */
struct connection_filter {
    struct span api; /* a name or an id */
    struct span stage;
};

/* The first that came after number `after`, 0: of all; and the one behind it. NULL: there is none. */
struct connection *inspection_first(const struct gateway *gw, uint64_t after);
struct connection *inspection_next(const struct gateway *gw, const struct connection *connection);

bool inspection_fits(const struct connection *connection, const struct connection_filter *filter);

/* Finds out about pings, too. */
void inspection_describe(struct gateway *gw, struct connection *connection, struct buf *scratch,
                         struct connection_details *ret);

/* The connection of that id, open or connecting; NULL: there is none. */
struct connection *inspection_find(const struct gateway *gw, struct span connection_id);

#endif
