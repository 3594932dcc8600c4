/* sdk_calls.h - every function of the SDK's other headers called once, in words that C99 and C++11 share. */
#ifndef SDK_CALLS_H
#define SDK_CALLS_H

#include "abi.h"

static const struct apigw_collection rooms = APIGW_COLLECTION("rooms", APIGW_READING | APIGW_WRITING | APIGW_DELETING);
static const struct apigw_kv settings = APIGW_KV("settings", APIGW_READING);

static int64_t use_json(struct apigw_context *context, const struct apigw_event *event)
{
    struct apigw_json body = apigw_event_body(context, event);
    struct apigw_json value = apigw_json_get(context, body, "items[0]");
    struct apigw_json_iterator it = apigw_json_walk(body);
    struct apigw_span key;
    int64_t sum = apigw_json_boolean(body, 0) + apigw_json_exists(value);

    while (apigw_json_next(context, &it, &key, &value))
        sum += apigw_json_integer(context, value, 0) + (int64_t)apigw_json_number(context, value, 0.5);
    return sum + (int64_t)apigw_json_text(context, value).len;
}

static int use_writer(struct apigw_context *context, const struct apigw_event *event)
{
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_object(&w);
    apigw_json_key(&w, "list");
    apigw_json_begin_array(&w);
    apigw_json_string(&w, event->body);
    apigw_json_int(&w, use_json(context, event));
    apigw_json_bool(&w, 1);
    apigw_json_null(&w);
    apigw_json_raw(&w, apigw_event_document(context).raw);
    apigw_json_end_array(&w);
    apigw_json_end_object(&w);
    return apigw_post_json(context, event->connection_id, &w) + apigw_respond_written(context, 200, &w);
}

static size_t use_event(struct apigw_context *context)
{
    size_t bytes = apigw_event_get(context, "requestContext.stage").raw.len;

    bytes += apigw_event_header(context, "host").len + apigw_event_headers(context).raw.len;
    bytes += apigw_event_query(context, "room").len + apigw_event_stage_variable(context, "table").len;
    return bytes + apigw_event_authorizer(context, "principalId").len;
}

static void use_log(struct apigw_context *context, int result)
{
    struct apigw_log_field fields[1];

    fields[0].name = "result";
    fields[0].value = apigw_span_of_str(apigw_result_name(result));
    if (apigw_log_enabled(APIGW_LOG_DEBUG))
        apigw_log_text(context, APIGW_LOG_DEBUG, "%d bytes", (int)use_event(context));
    apigw_log_fields(context, APIGW_LOG_INFO, "done", fields, 1);
}

static int use_documents(struct apigw_context *context, const struct apigw_event *event)
{
    struct apigw_collection opened = apigw_collection_open("rooms", APIGW_READING);
    struct apigw_document room = apigw_doc(&rooms, APIGW_SPAN("lobby"));
    struct apigw_collection members = apigw_doc_collection(room, "members");
    struct apigw_collection all = apigw_collection_group(&opened, "members");
    struct apigw_query query = apigw_query_of(context, &all);
    struct apigw_stream stream;
    struct apigw_snapshot snapshot;
    struct apigw_page page;
    struct apigw_json content;

    apigw_where_string(&query, "name", "startsWith", event->body);
    apigw_where_int(&query, "age", ">=", 18);
    apigw_where_bool(&query, "here", "==", 1);
    apigw_where_json(&query, "name", "!=", apigw_event_body(context, event));
    apigw_query_limit(&query, 10);
    apigw_query_from(&query, APIGW_SPAN(""));
    stream = apigw_query_stream(&query);
    while (apigw_stream_next(&stream, &snapshot) == 1)
        apigw_doc_delete(context, apigw_doc(&members, snapshot.id));
    return apigw_query_fetch(&query, &page) + apigw_doc_set(context, room, APIGW_SPAN("{}")) +
           apigw_doc_get(context, room, &content);
}

static int use_keys(struct apigw_context *context)
{
    struct apigw_keys keys = apigw_kv_keys(context, &settings, APIGW_SPAN("a"));
    struct apigw_json value;
    struct apigw_span key;

    while (apigw_keys_next(&keys, &key) == 1)
        apigw_kv_delete(context, &settings, key);
    return apigw_kv_set(context, &settings, APIGW_SPAN("a"), APIGW_SPAN("1")) +
           apigw_kv_get(context, &settings, APIGW_SPAN("a"), &value);
}

static int use_sdk(const struct apigw_event *event, struct apigw_context *context)
{
    int results[1];
    size_t sent = apigw_broadcast(context, &event->connection_id, 1, event->body, results);

    if (!APIGW_HAS(struct apigw_host, context->host, store) || !apigw_allocate(context, sent))
        return apigw_respond_status(context, 500);
    use_log(context, use_writer(context, event) + use_documents(context, event) + use_keys(context));
    return apigw_respond(context, 200, apigw_url());
}

/* What APIGW_WEBSOCKET is made of; the macro itself is a plugin of its own. */
static int use_websocket(const struct apigw_event *event, struct apigw_context *context)
{
    if (apigw_send(context, event->connection_id, event->body) == APIGW_GONE)
        apigw_close(context, event->connection_id);
    return apigw_websocket_answer_(event, context, APIGW_FORBIDDEN);
}

#endif
