/* newer_abi.c - built for a newer minor ABI than the emulator's; must be refused before its code runs. */
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

static const struct apigw_handler handlers[] = {APIGW_HANDLER("newer_abi", answer)};

const struct apigw_plugin apigw_plugin = {
    .abi = {APIGW_PLUGIN_MAGIC, APIGW_ABI_MAJOR, APIGW_ABI_MINOR + 1, sizeof(struct apigw_plugin)},
    .name = "newer_abi",
    .version = "1.0.0",
    .handlers = handlers,
    .handler_count = 1,
    .handler_size = sizeof(struct apigw_handler),
};
