/* older_abi.c - built for ABI 1.0, as plugins of the first release were; must run as it always has. */
#include <apigw/plugin.h>

static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

static const struct apigw_handler handlers[] = {APIGW_HANDLER("older_abi", answer)};

const struct apigw_plugin apigw_plugin = {
    .abi = {APIGW_PLUGIN_MAGIC, 1, 0, 64},
    .name = "older_abi",
    .version = "1.0.0",
    .handlers = handlers,
    .handler_count = 1,
    .handler_size = 16,
};
