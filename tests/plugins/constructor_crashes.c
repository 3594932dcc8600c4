/* constructor_crashes.c - dies of SIGSEGV while it is being loaded. Handler "constructor_crashes". */
#include <apigw/plugin.h>
#include <signal.h>

__attribute__((constructor)) static void crash(void)
{
    raise(SIGSEGV);
}

static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN("constructor_crashes", "1.0.0", APIGW_HANDLER("constructor_crashes", answer));
