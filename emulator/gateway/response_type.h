/* response_type.h - what API Gateway calls the kind of an error, as access logs tell it ($context.error.responseType;
 * API Gateway developer guide, "Gateway response types"). */
#ifndef GATEWAY_RESPONSE_TYPE_H
#define GATEWAY_RESPONSE_TYPE_H

#include "gateway/rules.h"

/* Of what `rule` answers; DEFAULT_4XX or DEFAULT_5XX where there is no type for it. */
const char *response_type_of(const struct rule *rule);

#endif
