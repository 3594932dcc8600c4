/* init_prints.c - init prints a line; the handler answers. */
#include <apigw/plugin.h>
#include <stdio.h>

static int init(struct apigw_context *context)
{
    (void)context;
    return puts("from init") < 0;
}

static int handle(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN_WITH_INIT("init_prints", "1.0.0", init, NULL, APIGW_HANDLER("init_prints", handle));
