/* store_services.h - the functions of struct apigw_store_services, for apigw-host and the fake host. Each acts for the
 * caller_of its context, on the store that the program has for it. */
#ifndef SDK_STORE_SERVICES_H
#define SDK_STORE_SERVICES_H

#include <apigw/collections.h>

#include "store/services.h"

const struct apigw_store_services *store_services(void);

/* ---- what the program defines ---- */

struct store_access {
    const struct store_module *module;
    struct store *store;
};

/* The store, opened if need be: APIGW_OK and *ret, and store_leave follows. Or APIGW_FAILED: it may not be used now, or
 * there is a line in the log that says why it cannot be. */
int store_enter(struct apigw_context *context, struct store_access *ret);
void store_leave(struct apigw_context *context);

#endif
