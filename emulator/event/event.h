/* event.h - the JSON documents that handlers receive (Lambda proxy events of a WebSocket API).
 *
 * Fields, their order, formats and presence are AWS's: see docs/fidelity.md, "Events". What does not change during a
 * connection is rendered once, so that a message costs a few copies.
 *
 * Owner: an event_source belongs to its connection, and to whoever has a reference. Buffers are the caller's. */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "event/id.h"

/* A client's header as it was sent: name's case and order kept. */
struct event_header {
    struct span name;
    struct span value;
};

struct event_variable {
    struct span name;
    struct span value;
};

/* What one API and one stage look like to a handler. Spans are borrowed while the event_source is made. */
struct event_api {
    struct span api_id;
    struct span stage;
    const struct event_variable *stage_variables;
    size_t stage_variable_count;
};

/* What one connection looks like, rendered once. */
struct event_source;

/* Who the client is, where that is known: of an IAM caller, and of an API key. What is empty is left out. */
struct event_identity {
    struct span api_key;
    struct span api_key_id;
    struct span user_arn;
    struct span account_id;
    struct span caller;
    struct span access_key;
    struct span user;
};

struct event_peer {
    struct span connection_id;
    struct span domain_name; /* the Host the client asked for */
    struct span source_ip;
    struct span user_agent; /* empty: the client sent none */
    uint64_t connected_at_ms;
    struct event_identity identity;
    struct span authorizer; /* the members of requestContext.authorizer, as JSON; empty: there was none */
};

struct event_source *event_source_new(const struct event_api *api, const struct event_peer *peer); /* one reference */
struct event_source *event_source_ref(struct event_source *s);
void event_source_unref(struct event_source *s); /* NULL is fine */

/* The strings handed in above, as the source keeps them. They live as long as it does. */
struct span event_source_domain(const struct event_source *s);
struct span event_source_ip(const struct event_source *s);
struct span event_source_user_agent(const struct event_source *s);

/* principalId of requestContext.authorizer, as JSON, in `scratch`, which is emptied first. Empty: there was no
 * authorizer. */
struct span event_source_principal(const struct event_source *s, struct buf *scratch);

/* The members of requestContext.identity, and of requestContext.authorizer (empty: there was none), as JSON without the
 * braces. */
struct span event_source_identity(const struct event_source *s);
struct span event_source_authorizer(const struct event_source *s);

/* Each request has its own id and time. */
struct event_request {
    struct span request_id;
    uint64_t time_ms;
};

/* The document of a $connect: `headers` as the client sent them (hop-by-hop ones are left out here), `query` the raw
 * text after '?', or a span with NULL ptr when there was no '?'. `port` and `proto` are what X-Forwarded-* says. */
struct event_connect {
    const struct event_header *headers;
    size_t header_count;
    struct span query;
    struct span trace_id;
    struct span forwarded_port;
    struct span forwarded_proto;
    uint64_t authorizer_ms; /* how long the authorizer took; told only if there was one */
};
void event_write_connect(const struct event_source *s, const struct event_request *request,
                         const struct event_connect *connect, struct buf *out);

/* The document that a REQUEST authorizer is given: `connect` with the headers that a $connect does not show. */
void event_write_authorizer(const struct event_source *s, const struct event_request *request,
                            const struct event_connect *connect, struct span method_arn, struct buf *out);

/* The document of a message, but for the text of its body: it is  head + json_escape(body) + tail,  where head ends in
 * the opening quote of "body" and tail begins with the closing one. The body is left out so that it is escaped only for
 * a handler that reads the document. */
void event_write_message_head(const struct event_source *s, const struct event_request *request, struct span route_key,
                              struct span message_id, struct buf *out);
void event_write_message_tail(const struct event_source *s, struct buf *out);

void event_write_disconnect(const struct event_source *s, const struct event_request *request, unsigned status_code,
                            struct span reason, struct buf *out);

#endif
