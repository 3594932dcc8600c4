/* init_hangs.c - init never returns. Handler "init_hangs". */
#include <apigw/plugin.h>
#include <unistd.h>

static int init(struct apigw_context *context)
{
    (void)context;
    while (pause() < 0)
        ;
    return 0;
}

static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN_WITH_INIT("init_hangs", "1.0.0", init, NULL, APIGW_HANDLER("init_hangs", answer));
