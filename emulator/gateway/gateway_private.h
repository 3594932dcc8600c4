/* gateway_private.h - what the files of the gateway share: its state, and one invocation of a function.
 *
 * gateway.c holds the state and sends, handshake.c opens, message.c routes, closing.c closes. */
#ifndef GATEWAY_GATEWAY_PRIVATE_H
#define GATEWAY_GATEWAY_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "gateway/connection.h"
#include "gateway/deadlines.h"
#include "gateway/gateway.h"
#include "gateway/registry.h"
#include "integration/integration.h"

/* How much the scratch buffers keep between two messages. */
#define GATEWAY_SCRATCH_KEEP_BYTES (64u * 1024u)

struct gateway {
    struct loop *loop;
    struct config *config; /* referenced */
    const struct wire_ops *wire;
    struct integration_runner *runner;
    struct registry *registry;
    struct deadlines deadlines;
    struct event_api api; /* of the config, as events show it */
    struct event_variable *stage_variables;
    struct list calls; /* invocations under way */
    size_t busy;       /* how many they are */
    bool closing;
    /* Scratch of one call into the gateway; nothing in them outlives it. */
    struct buf selected_key;
    struct buf event_head;
    struct buf event_tail;
    struct buf frame;
    struct buf repaired;
};

/* What must be known when an invocation is done. The connection may be gone by then: it is looked up by its id. */
struct call {
    struct list link; /* in gw->calls */
    struct gateway *gw;
    const struct config_route *route;
    handshake_answered_fn *on_answered; /* of a $connect */
    void *arg;
    char connection_id[ID_SIZE];
    char request_id[ID_SIZE];
};

/* Invokes what stands behind `route`, which has a function, with the event in gw->event_head and event_tail. Whoever
 * gets `on_done` ends the call given there. What `request` lacks of what is the same for all events is filled in. */
struct call *gateway_invoke(struct gateway *gw, const struct connection *connection, const struct config_route *route,
                            const struct event_request *request, struct invocation_request *invocation,
                            integration_done_fn *on_done);
void gateway_end_call(struct call *call);

/* The route of that key, if there is one and it has a function. */
const struct config_route *gateway_special_route(const struct gateway *gw, struct span key);

/* The connection of that id, if it is open. */
struct connection *gateway_find_open(const struct gateway *gw, struct span connection_id);

/* Hands `text`, repaired if need be, to the wire; what was sent counts as traffic. */
enum wire_sent gateway_push(struct gateway *gw, struct connection *connection, struct span text);

/* The same for an answer to request `request_id`, which nobody waits for: if it must be dropped, one line says so. */
void gateway_reply(struct gateway *gw, struct connection *connection, struct span request_id, struct span text);

/* Closes an open connection for `rule`, and runs its $disconnect. */
void gateway_close(struct gateway *gw, struct connection *connection, enum rule_id rule, uint64_t value);

#endif
