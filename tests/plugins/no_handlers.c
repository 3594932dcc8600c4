/* no_handlers.c - a sound plugin without a single handler. */
#include <apigw/plugin.h>

const struct apigw_plugin apigw_plugin = {
    .abi = APIGW_ABI(struct apigw_plugin),
    .name = "no_handlers",
    .version = "1.0.0",
    .handler_size = sizeof(struct apigw_handler),
};
