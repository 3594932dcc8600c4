/* json_services.h - the functions of struct apigw_json_services, for apigw-host and the fake host.
 *
 * Each acts for the caller_of its context. A plugin may hand over any bytes as a value: everything is checked before it
 * is walked, so that a wrong one is NONE, or the end of a walk, and no more. */
#ifndef SDK_JSON_SERVICES_H
#define SDK_JSON_SERVICES_H

#include <apigw/json.h>

const struct apigw_json_services *json_services(void);

#endif
