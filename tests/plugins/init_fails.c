/* init_fails.c - init returns 7, or fails with the text of INIT_MESSAGE where that is set. Handler "init_fails". */
#include <apigw/plugin.h>
#include <stdio.h>
#include <stdlib.h>

static int init(struct apigw_context *context)
{
    const char *message = getenv("INIT_MESSAGE");

    printf("init_fails: about to fail\n");
    if (message)
        return apigw_fail(context, APIGW_SPAN("InitFails"), apigw_span_of_str(message));
    return 7;
}

static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN_WITH_INIT("init_fails", "1.0.0", init, NULL, APIGW_HANDLER("init_fails", answer));
