/* wrong_magic.c - exports the right name, but what is there is not an apigw plugin. Must be refused before its code
 * runs. */
#include <apigw/plugin.h>

const struct apigw_plugin apigw_plugin = {
    .abi = {0x12345678u, APIGW_ABI_MAJOR, APIGW_ABI_MINOR, sizeof(struct apigw_plugin)},
    .name = "wrong_magic",
};
