/* echo.c - answers every message with itself. The route must be two-way ("routeResponse": true). */
#include <apigw/plugin.h>

static int echo(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN("echo", "1.0.0", APIGW_HANDLER("echo", echo));
