/* abi_c99.c - the public headers as strict C99, all that they define used once. */
#include "abi.h"
#include "sdk_calls.h"

static int init(struct apigw_context *context)
{
    context->user = NULL;
    return 0;
}

static void fini(struct apigw_context *context)
{
    apigw_log(context, APIGW_LOG_INFO, APIGW_SPAN("the end"));
}

static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_header header = {{NULL, 0}, {NULL, 0}};
    struct apigw_connection connection;

    if (apigw_get_connection(context, event->connection_id, &connection) == APIGW_GONE)
        return apigw_fail(context, APIGW_SPAN("Gone"), apigw_span_of_str("no such connection"));
    if (!APIGW_HAS(struct apigw_event, event, disconnect_reason) || apigw_remaining_ms(context) == 0)
        return apigw_respond_status(context, 500);
    if (apigw_span_equal(event->route_key, APIGW_SPAN("raw")))
        return apigw_respond_json(context, apigw_event_json(context));
    apigw_post_to_connection(context, event->connection_id, event->body);
    apigw_delete_connection(context, event->connection_id);
    header.name = APIGW_SPAN("Sec-WebSocket-Protocol");
    return apigw_respond_with_headers(context, 200, event->body, &header, 1);
}

static int echo(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN_WITH_INIT("abi", "1.0.0", init, fini, APIGW_HANDLER("answer", answer), APIGW_HANDLER("echo", echo),
                       APIGW_HANDLER("sdk", use_sdk), APIGW_HANDLER("websocket", use_websocket));
