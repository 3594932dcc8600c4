/* null_handler.c - its handler "null_handler" has a name, but no function. */
#include <apigw/plugin.h>

APIGW_PLUGIN("null_handler", "1.0.0", APIGW_HANDLER("null_handler", NULL));
