/* websocket_c99.c - APIGW_WEBSOCKET as strict C99. */
#include <apigw/websocket.h>

static int on_message(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_send(context, event->connection_id, event->body);
}

APIGW_WEBSOCKET("socket", NULL, NULL, on_message);
