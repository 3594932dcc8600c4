/* nitric_chat.c - a chat in the shape of Nitric's tutorial: a socket, a collection of who is connected, three handlers.
 *
 * Whatever a client sends, all the others get. */
#include <apigw/websocket.h>

static const struct apigw_collection connections =
    APIGW_COLLECTION("connections", APIGW_READING | APIGW_WRITING | APIGW_DELETING);

/* Its id is all that is to be known of a client: the document is empty. */
static int connect(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_doc_set(context, apigw_doc(&connections, event->connection_id), APIGW_SPAN("{}"));
}

static int disconnect(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_doc_delete(context, apigw_doc(&connections, event->connection_id));
}

/* Somebody may leave while we go through the list, and somebody whom it has already may not be let in yet: that a
 * message does not reach one client is no failure, and keeps nobody else from it. */
static int message(const struct apigw_event *event, struct apigw_context *context)
{
    const struct apigw_query everybody = apigw_query_of(context, &connections);
    struct apigw_stream stream = apigw_query_stream(&everybody);
    struct apigw_snapshot client;
    int found;

    while ((found = apigw_stream_next(&stream, &client)) == 1)
        if (!apigw_span_equal(client.id, event->connection_id))
            apigw_send(context, client.id, event->body);
    return found;
}

APIGW_WEBSOCKET("socket", connect, disconnect, message);
