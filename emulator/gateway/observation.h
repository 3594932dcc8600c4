/* observation.h - tells the metrics and the access log of a stage what has happened to a request.
 *
 * The gateway calls one of these when a request has ended: a handshake with its answer, a message and a $disconnect
 * with what their integration has answered, or at once where none is asked. Metrics cost a few additions; what a line
 * needs is kept only where the stage has an access log.
 *
 * Threads  loop thread only. */
#ifndef GATEWAY_OBSERVATION_H
#define GATEWAY_OBSERVATION_H

#include "gateway/access_record.h"
#include "gateway/attempt.h"
#include "gateway/gateway_private.h"

/* ---- handshakes: in attempt->trace, the steps note what they find out ---- */

void observe_acceptance(const struct attempt *a);

/* Before the attempt's connection is forgotten. */
void observe_refusal(const struct attempt *a, const struct attempt_refusal *refusal, unsigned http_status);

/* $connect is handed to its integration; and that has answered, with a result that `failure` was made of (NULL: none).
 */
void observe_connect_call(const struct attempt *a);
void observe_connect_result(struct attempt *a, const struct integration_result *result, const struct rule *failure);

/* ---- messages, and $disconnect ---- */

/* What a call keeps for its line; NULL: its stage has no access log, or it is a handshake's, whose attempt knows. */
struct observation *observation_new(const struct connection *connection, const struct event_request *request,
                                    const struct invocation_request *invocation);
void observation_free(struct observation *observation); /* NULL is fine */

/* The call of a message or a $disconnect has its result. `refused` is a rule that the reply breaks; NULL: none. */
void observe_result(const struct call *call, const struct integration_result *result, const struct rule *refused);

/* One that ends without a call. */
struct observed {
    struct span event_type;  /* of the three of $context.eventType */
    struct span request_id;  /* empty: it has none yet */
    struct span route_key;   /* empty: no route was found */
    const struct rule *rule; /* that refuses it; NULL: there is nothing to do for it */
};
void observe_uncalled(const struct connection *connection, const struct observed *observed);

#endif
