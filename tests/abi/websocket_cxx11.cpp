/* websocket_cxx11.cpp - APIGW_WEBSOCKET as strict C++11. */
#include <apigw/websocket.h>

static int on_message(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_send(context, event->connection_id, event->body);
}

APIGW_WEBSOCKET("socket", nullptr, nullptr, on_message);
