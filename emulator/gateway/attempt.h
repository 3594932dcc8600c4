/* attempt.h - one handshake on its way to an answer.
 *
 * It goes through a table of steps (handshake.c), each of which goes on, refuses, or waits for somebody and goes on or
 * refuses then. What a step finds out about the caller stays here for the steps behind it. A new step is a function
 * with this signature, and a line in the table.
 *
 * Owner    gw->attempts. An attempt ends, exactly once, with attempt_refuse or attempt_accept, which answer and free
 * it. Threads  loop thread only. */
#ifndef GATEWAY_ATTEMPT_H
#define GATEWAY_ATTEMPT_H

#include "authorization/api_keys.h"
#include "authorization/denial.h"
#include "base/buf.h"
#include "base/list.h"
#include "gateway/access_record.h"
#include "gateway/gateway.h"

enum attempt_progress {
    ATTEMPT_GOES_ON,
    ATTEMPT_WAITS, /* attempt_continue, attempt_refuse or attempt_accept comes later, not within the step */
    ATTEMPT_ENDED  /* it was refused or accepted, and is gone */
};

/* What the access log tells of the way. Spans are the rules', or as long as the step that calls observation.h. */
struct attempt_trace {
    struct access_phase authenticate; /* of IAM: the signature */
    struct access_phase authorize;    /* and the policy */
    struct access_phase authorizer;
    struct access_phase integration;
    char authorizer_request_id[UUID_SIZE];
};

struct attempt {
    struct list link; /* in gw->attempts */
    struct gateway *gw;
    struct stage *stage;                    /* from check_stage on, as are the three that follow */
    struct config *config;                  /* referenced: what counted when it began */
    const struct config_route *route;       /* $connect; NULL: the API has none */
    const struct config_function *function; /* of the route in the stage; NULL: none */
    struct handshake_request request;       /* a copy of its own */
    void *request_memory;                   /* that it points into; owned */
    handshake_answered_fn *on_answered;
    void *arg;
    size_t step; /* the next one */
    char request_id[ID_SIZE];
    char trace_id[TRACE_ID_SIZE];

    /* From the step that registers it: */
    struct connection *connection; /* the registry's, connecting; NULL before */
    uint64_t time_ms;              /* of the request, wall clock */

    /* What authorization found out. Spans of `identity` point into the config and into the two that follow. */
    struct event_identity identity;
    struct buf identity_text;
    char api_key_id[API_KEY_ID_SIZE];
    struct buf authorizer; /* members of requestContext.authorizer, see event_peer; empty: no authorizer ran */
    uint64_t authorizer_began_ms;
    uint64_t authorizer_ms;          /* how long it took */
    struct buf usage_identifier_key; /* that the authorizer gave; empty: none */
    struct attempt_trace trace;
};

typedef enum attempt_progress attempt_step_fn(struct attempt *a);

/* Begins one, with a copy of `request`. */
struct attempt *attempt_new(struct gateway *gw, const struct handshake_request *request,
                            handshake_answered_fn *on_answered, void *arg);

/* Makes the names of its headers lower case. */
void attempt_lower_header_names(struct attempt *a);

/* Frees it without an answer, for when the gateway goes. */
void attempt_free(struct attempt *a);

/* Runs the steps that are left, up to one that waits or ends it. */
void attempt_continue(struct attempt *a);

struct attempt_refusal {
    const struct rule *rule;
    struct span message;  /* the rule's, filled in; NULL ptr: the rule's as it stands */
    unsigned http_status; /* 0: the rule's */
    bool names_ids;       /* the body names the connection and the request */
    bool decided;         /* a function has decided so: nothing to warn of */
    struct span detail;   /* for the log: a sentence without a full stop; empty: the rule's own */
    uint64_t value;       /* what was over the rule's limit */
};

/* Answers with a refusal, says why in the log, and frees the attempt. Within a step: `return attempt_refuse(…)`. */
enum attempt_progress attempt_refuse(struct attempt *a, const struct attempt_refusal *refusal);

/* The same for what authorization/ denied. */
enum attempt_progress attempt_deny(struct attempt *a, const struct denial *denial);

/* Answers that the connection may open, and frees the attempt. */
enum attempt_progress attempt_accept(struct attempt *a, struct span subprotocol);

/* What the events of a handshake have in common; `port` is where the text of forwarded_port is put. */
#define ATTEMPT_PORT_SIZE sizeof("65535")
void attempt_describe(const struct attempt *a, char port[ATTEMPT_PORT_SIZE], struct event_connect *ret);

/* A connection's events as far as they are known: the caller's reference. */
struct event_source *attempt_make_source(const struct attempt *a);

/* ---- steps with files of their own ---- */

attempt_step_fn attempt_check_signature; /* IAM: caller_steps.c */
attempt_step_fn attempt_ask_authorizer;  /* the route's Lambda authorizer: authorizer_step.c */
attempt_step_fn attempt_check_api_key;   /* caller_steps.c */

#endif
