/* gateway.h - the WebSocket APIs: their connections, and what happens to a handshake, a message, a close and a push.
 *
 * The way of a message: net/websocket calls gateway_on_message → route_select → event_write_message_head →
 * integration_invoke → function_invoke … gateway's on_message_done → connection_send → wire_ops.send.
 *
 * Owner    gateway_new to gateway_free. Connections belong to the registry; others keep the id and look it up.
 * Threads  loop thread only. No I/O library is known here. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdint.h>

#include "base/span.h"
#include "config/config.h"
#include "event/event.h"
#include "function/function.h"
#include "gateway/directory.h"
#include "gateway/rules.h"
#include "gateway/wire.h"
#include "net/loop.h"

struct gateway;
struct connection;

/* Serves each of `configs` (referenced), which fit together (config_check_together). */
struct gateway *gateway_new(struct loop *loop, struct config *const *configs, size_t count, struct function_pool *pool,
                            const struct wire_ops *wire);
void gateway_free(struct gateway *gw); /* NULL is fine; what is under way is forgotten, without a $disconnect */

/* From the next handshake and message on, `config` (referenced) counts in place of `old`; it has the same API id and
 * stages of the same names. What is under way goes on with the one it began with; open connections keep the stage
 * variables they were told of. The rates of routes, and quotas, begin anew. The pool must know its functions already.
 */
void gateway_reconfigure(struct gateway *gw, const struct config *old, struct config *config);

/* Opens the access logs of all stages, before anything is served. 0, or -1 with one sentence in `ret_error`. */
int gateway_open_logs(struct gateway *gw, struct buf *ret_error);

/* ---- handshakes ---- */

/* An upgrade request whose form is right. Spans are borrowed during gateway_on_handshake. */
struct handshake_request {
    struct span path;  /* as sent, before '?' */
    struct span query; /* after '?'; NULL ptr: none */
    const struct event_header *headers;
    size_t header_count;
    struct span host;
    struct span user_agent;
    struct span source_ip;
    uint16_t source_port; /* 0: not known */
    uint16_t local_port;
    bool secure; /* over TLS */
};

/* What became of it; spans are borrowed during the call. */
struct handshake_answer {
    bool accepted;
    struct connection *connection; /* accepted: bind a link to it with gateway_on_open */
    struct span subprotocol;       /* accepted: value for Sec-WebSocket-Protocol; empty: no header */
    const struct rule *rule;       /* refused: why */
    unsigned http_status;          /* refused */
    struct span error_type;        /* refused: x-amzn-ErrorType; empty: no header */
    struct span body;              /* refused */
};

typedef void handshake_answered_fn(void *arg, const struct handshake_answer *answer);

/* Decides on a handshake; `on_answered` is called exactly once, possibly before this returns. */
void gateway_on_handshake(struct gateway *gw, const struct handshake_request *request,
                          handshake_answered_fn *on_answered, void *arg);

/* The accepted connection is open on `link`. Call before the client's first message is delivered. If the socket died in
 * between, `link` is NULL: call gateway_on_closed right after. */
void gateway_on_open(struct gateway *gw, struct connection *connection, struct wire_link *link);

/* ---- an open connection ---- */

/* One whole text message from the client. Borrowed during the call. */
void gateway_on_message(struct gateway *gw, struct connection *connection, struct span body);

/* A ping or pong came: it counts as traffic. */
void gateway_on_ping(struct gateway *gw, struct connection *connection);

/* Takes note of the pings that came until now: before the clock is moved, so that they are not taken for later ones. */
void gateway_sample_pings(struct gateway *gw);

/* The client broke a rule: closes with the rule's code and reason, and runs $disconnect. `value` is what was over the
 * limit, 0 if there is no number. */
void gateway_on_violation(struct gateway *gw, struct connection *connection, enum rule_id rule, uint64_t value);

/* The client closed, or is gone. `code` is that of its close frame, 1005 for a frame without one, 1006 for none. The
 * link is not used any more. */
void gateway_on_closed(struct gateway *gw, struct connection *connection, unsigned code, struct span reason);

/* ---- shutdown ---- */

/* Closes every connection with 1001 and runs its $disconnect. New handshakes are refused. */
void gateway_close_all(struct gateway *gw);

size_t gateway_connection_count(const struct gateway *gw);

/* Invocations under way. */
size_t gateway_busy(const struct gateway *gw);

/* How many invocations have been begun; and is one of those still under way that came after the first `after` of them
 * and is among the first `up_to`? */
uint64_t gateway_invocations(const struct gateway *gw);
bool gateway_is_busy_with(const struct gateway *gw, uint64_t after, uint64_t up_to);

/* ---- @connections (used by management/) ---- */

struct connection_info {
    uint64_t connected_at_ms;
    uint64_t last_active_at_ms;
    struct span source_ip; /* borrowed until the connection goes */
    struct span user_agent;
};

enum connection_result {
    CONNECTION_OK,
    CONNECTION_GONE,
    CONNECTION_ELSEWHERE, /* it is there, but of another stage or API */
    CONNECTION_QUEUE_FULL
};

/* Counts one request against the account's rate: NULL, or the rule that refuses it. Before any of the three below. */
const struct rule *gateway_admit_callback(struct gateway *gw);

/* `stage` is the one that the request was sent to; NULL: any will do. */
enum connection_result gateway_post(struct gateway *gw, const struct stage *stage, struct span connection_id,
                                    struct span text);
enum connection_result gateway_get(struct gateway *gw, const struct stage *stage, struct span connection_id,
                                   struct connection_info *ret);
enum connection_result gateway_delete(struct gateway *gw, const struct stage *stage, struct span connection_id);

/* The stage that an open connection is of; NULL: there is no such connection. */
const struct stage *gateway_stage_of(const struct gateway *gw, struct span connection_id);

/* ---- which API ---- */

/* What an HTTP request is for, and why it is for nothing. */
struct directory_place gateway_find_place(const struct gateway *gw, struct span host, struct span path);
void gateway_explain_place(const struct gateway *gw, enum directory_result result, struct span host, struct span path,
                           struct buf *out);

/* Does @connections of any API want signatures? */
bool gateway_wants_signatures(const struct gateway *gw);

const struct api *gateway_apis(const struct gateway *gw, size_t *ret_count);

#endif
