/* init_crashes.c - init dies of SIGSEGV. Handler "init_crashes". */
#include <apigw/plugin.h>
#include <signal.h>

static int init(struct apigw_context *context)
{
    (void)context;
    return raise(SIGSEGV);
}

static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN_WITH_INIT("init_crashes", "1.0.0", init, NULL, APIGW_HANDLER("init_crashes", answer));
