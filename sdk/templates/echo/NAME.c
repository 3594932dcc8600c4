/* @NAME@.c - sends each message back to who sent it. */
#include <apigw/plugin.h>

static int handle(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN("@NAME@", "1.0.0", APIGW_HANDLER("handle", handle));
