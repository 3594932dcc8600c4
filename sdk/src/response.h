/* response.h - is what a handler passed to respond a response? Pure. */
#ifndef SDK_RESPONSE_H
#define SDK_RESPONSE_H

#include <apigw/plugin.h>

/* APIGW_OK; APIGW_BAD_REQUEST: it makes no sense; APIGW_TOO_LARGE: body and headers are over Lambda's 6 MB. */
int response_check(const struct apigw_response *response);

#endif
