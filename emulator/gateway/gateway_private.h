/* gateway_private.h - what the files of the gateway share: its state, and one invocation of a function.
 *
 * gateway.c holds the state and sends, handshake.c and attempt.c open, message.c routes, closing.c closes. */
#ifndef GATEWAY_GATEWAY_PRIVATE_H
#define GATEWAY_GATEWAY_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "gateway/connection.h"
#include "gateway/deadlines.h"
#include "gateway/gateway.h"
#include "gateway/registry.h"
#include "gateway/stage.h"
#include "gateway/throttle.h"
#include "integration/authorizer.h"
#include "integration/integration.h"

/* How much the scratch buffers keep between two messages. */
#define GATEWAY_SCRATCH_KEEP_BYTES (64u * 1024u)

struct gateway {
    struct loop *loop;
    struct api *apis;
    size_t api_count;
    const struct wire_ops *wire;
    struct integration_runner *runner;
    struct authorizer_runner *authorizers;
    struct registry *registry;
    struct deadlines deadlines;
    struct throttle throttle;
    struct access_logs *access_logs; /* NULL: no stage has one */
    struct list attempts;            /* handshakes under way */
    struct list calls;               /* invocations under way */
    size_t busy;                     /* how many they are */
    uint64_t invocations;            /* how many there were */
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
    struct list link; /* in gw->calls, in the order of their numbers */
    uint64_t number;
    struct gateway *gw;
    struct stage *stage;
    struct config *config; /* referenced: the two that follow are of it */
    const struct config_route *route;
    const struct config_function *function; /* of the route in the stage; NULL: an authorizer is asked */
    struct attempt *attempt;                /* of a handshake */
    char connection_id[ID_SIZE];
    char request_id[ID_SIZE];
    struct observation *observation; /* for its line in the access log; NULL: it has none */
};

/* Empties gw->event_head and event_tail for the next event. */
void gateway_clear_event(struct gateway *gw);

/* Notes an invocation that begins now, and fills in what of `invocation` is the same for all events: the rest is the
 * caller's, as is invoking. */
struct call *gateway_begin_call(struct gateway *gw, const struct connection *connection,
                                const struct config_route *route, const struct event_request *request,
                                struct invocation_request *invocation);

/* Begins a call and invokes `function`, which stands behind `route`, with the event in gw->event_head and event_tail.
 * Whoever gets `on_done` ends the call given there. What `request` lacks of what is the same for all events is filled
 * in. */
struct call *gateway_invoke(struct gateway *gw, const struct connection *connection, const struct config_route *route,
                            const struct config_function *function, const struct event_request *request,
                            struct invocation_request *invocation, integration_done_fn *on_done);
void gateway_end_call(struct call *call);

/* The route of that key, if the API has one and it has a function. */
const struct config_route *gateway_special_route(const struct api *api, struct span key);

/* The connection of that id, if it is open. */
struct connection *gateway_find_open(const struct gateway *gw, struct span connection_id);

/* Hands `text`, repaired if need be, to the wire; what was sent counts as traffic, and in the metrics of a route. */
enum wire_sent gateway_push(struct gateway *gw, struct connection *connection, struct metrics_route *metrics,
                            struct span text);

/* The same for an answer to request `request_id`, which nobody waits for: if it must be dropped, one line says so. */
void gateway_reply(struct gateway *gw, struct connection *connection, struct metrics_route *metrics,
                   struct span request_id, struct span text);

/* Closes an open connection for `rule`, and runs its $disconnect. */
void gateway_close(struct gateway *gw, struct connection *connection, enum rule_id rule, uint64_t value);

/* The same for one that has sent more than its rate allows, where such messages close (RULE_THROTTLED_MESSAGE). */
void gateway_close_over_rate(struct gateway *gw, struct connection *connection, struct span detail);

#endif
