/* fini_hangs.c - answers as it should, and never ends. */
#include <apigw/plugin.h>
#include <unistd.h>

static void fini(struct apigw_context *context)
{
    (void)context;
    while (pause() < 0)
        ;
}

static int handle(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN_WITH_INIT("fini_hangs", "1.0.0", NULL, fini, APIGW_HANDLER("fini_hangs", handle));
