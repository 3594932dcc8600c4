/**
 * @file event.h
 * Everything that an event holds, by its name in AWS's documentation.
 *
 * What most handlers want is in struct apigw_event (plugin.h). The rest is looked up in the event's JSON (API Gateway
 * developer guide, "Set up a WebSocket API integration request"), which is made for you when you first ask. Headers and
 * the query come with $connect and with an authorizer's event, and never again: keep what you need.
 *
 * What is absent is the empty span with a NULL pointer. Spans live until the handler returns. */
#ifndef APIGW_EVENT_H
#define APIGW_EVENT_H

#include <apigw/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The whole event. */
static inline struct apigw_json apigw_event_document(struct apigw_context *context)
{
    struct apigw_json document = {APIGW_JSON_NONE, 0, {NULL, 0}};
    apigw_json_parse(context, apigw_event_json(context), &document);
    return document;
}

/** Any value of it: apigw_event_get(context, "requestContext.identity.sourceIp"). */
static inline struct apigw_json apigw_event_get(struct apigw_context *context, const char *path)
{
    return apigw_json_get(context, apigw_event_document(context), path);
}

/** The text of the member `name` of `object`; names compare without regard to ASCII case if `any_case`. */
static inline struct apigw_span apigw_event_member_(struct apigw_context *context, struct apigw_json object,
                                                    struct apigw_span name, int any_case)
{
    struct apigw_json_iterator it = apigw_json_walk(object);
    struct apigw_span key, found = {NULL, 0};
    struct apigw_json value;
    while (apigw_json_next(context, &it, &key, &value)) {
        size_t i = 0;
        if (key.len != name.len)
            continue;
        while (i < key.len) {
            char a = key.ptr[i], b = name.ptr[i];
            if (any_case && a >= 'A' && a <= 'Z')
                a = (char)(a + 32);
            if (any_case && b >= 'A' && b <= 'Z')
                b = (char)(b + 32);
            if (a != b)
                break;
            i++;
        }
        if (i == key.len)
            found = apigw_json_text(context, value);
    }
    return found;
}

/** A header of the handshake, in any case; of several with one name the last, as AWS's `headers` has it. */
static inline struct apigw_span apigw_event_header(struct apigw_context *context, const char *name)
{
    return apigw_event_member_(context, apigw_event_get(context, "headers"), apigw_span_of_str(name), 1);
}

/** All values of a header: an array of strings, or NONE. The name is as the client wrote it. */
static inline struct apigw_json apigw_event_headers(struct apigw_context *context)
{
    return apigw_event_get(context, "multiValueHeaders");
}

/** A parameter of the handshake's query, decoded; of several with one name the last. */
static inline struct apigw_span apigw_event_query(struct apigw_context *context, const char *name)
{
    return apigw_event_member_(context, apigw_event_get(context, "queryStringParameters"), apigw_span_of_str(name), 0);
}

/** A variable of the stage. */
static inline struct apigw_span apigw_event_stage_variable(struct apigw_context *context, const char *name)
{
    return apigw_event_member_(context, apigw_event_get(context, "stageVariables"), apigw_span_of_str(name), 0);
}

/** What the authorizer said of this client: "principalId", or a member of its context. */
static inline struct apigw_span apigw_event_authorizer(struct apigw_context *context, const char *name)
{
    return apigw_event_member_(context, apigw_event_get(context, "requestContext.authorizer"), apigw_span_of_str(name),
                               0);
}

/** A message's body as JSON; NONE if it is not JSON. */
static inline struct apigw_json apigw_event_body(struct apigw_context *context, const struct apigw_event *event)
{
    struct apigw_json body = {APIGW_JSON_NONE, 0, {NULL, 0}};
    apigw_json_parse(context, event->body, &body);
    return body;
}

#ifdef __cplusplus
}
#endif

#endif
