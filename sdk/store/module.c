/* module.c - apigw-store.so, what apigw-host loads when a handler first asks for a collection, and `apigw collections`
 * to show them. */
#include "store/services.h"

extern APIGW_EXPORT const struct store_module *const apigw_store_module;

const struct store_module *const apigw_store_module = &store_module;
