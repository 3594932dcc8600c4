/* @NAME@.c - sends each message to all other clients.
 *
 * Who is connected is kept in a collection. Variables would not do: there may be several environments, each with
 * variables of its own. */
#include <apigw/websocket.h>

static const struct apigw_collection connections =
    APIGW_COLLECTION("connections", APIGW_READING | APIGW_WRITING | APIGW_DELETING);

static int on_connect(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_doc_set(context, apigw_doc(&connections, event->connection_id), APIGW_SPAN("{}"));
}

static int on_disconnect(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_doc_delete(context, apigw_doc(&connections, event->connection_id));
}

/* A client may be gone before its disconnect is here: that is no reason to leave the others without the message. */
static int on_message(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_query all = apigw_query_of(context, &connections);
    struct apigw_stream stream = apigw_query_stream(&all);
    struct apigw_snapshot client;
    int result;

    while ((result = apigw_stream_next(&stream, &client)) == 1) {
        if (apigw_span_equal(client.id, event->connection_id))
            continue;
        if (apigw_send(context, client.id, event->body) == APIGW_GONE)
            apigw_doc_delete(context, apigw_doc(&connections, client.id));
    }
    return result;
}

APIGW_WEBSOCKET("@NAME@", on_connect, on_disconnect, on_message);
