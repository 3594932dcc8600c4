/* other_major.c - built for another major ABI; must be refused before its code runs. */
#include <apigw/plugin.h>
#include <stdlib.h>

static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

__attribute__((constructor)) static void must_not_run(void)
{
    abort();
}

static const struct apigw_handler handlers[] = {APIGW_HANDLER("other_major", answer)};

const struct apigw_plugin apigw_plugin = {
    .abi = {APIGW_PLUGIN_MAGIC, APIGW_ABI_MAJOR + 1, APIGW_ABI_MINOR, sizeof(struct apigw_plugin)},
    .name = "other_major",
    .version = "1.0.0",
    .handlers = handlers,
    .handler_count = 1,
    .handler_size = sizeof(struct apigw_handler),
};
