/* response_type.c - see response_type.h. The types are documented for REST APIs, with their statuses; that WebSocket
 * APIs use them in the same cases is inferred, but for API_CONFIGURATION_ERROR, which was observed. */
#include "gateway/response_type.h"

#include <string.h>

/* By rule. */
/* clang-format off */
static const struct {
    enum rule_id rule;
    const char *type;
} by_rule[] = {
    {RULE_INTEGRATION_FAILED,           "INTEGRATION_FAILURE"},
    {RULE_INTEGRATION_TIMEOUT,          "INTEGRATION_TIMEOUT"},
    {RULE_FUNCTION_THROTTLED,           "INTEGRATION_FAILURE"},
    {RULE_RESULT_MALFORMED,             "API_CONFIGURATION_ERROR"},
    {RULE_TWO_WAY_STATUS,               "INTEGRATION_FAILURE"},
    {RULE_API_KEY_INVALID,              "INVALID_API_KEY"},
    {RULE_USAGE_PLAN_QUOTA,             "QUOTA_EXCEEDED"},
    {RULE_AUTHORIZER_FAILED,            "AUTHORIZER_FAILURE"},
    {RULE_AUTHORIZER_TIMEOUT,           "AUTHORIZER_FAILURE"},
    {RULE_AUTHORIZER_UNAVAILABLE,       "AUTHORIZER_FAILURE"},
    {RULE_AUTHORIZER_RESULT_MALFORMED,  "AUTHORIZER_CONFIGURATION_ERROR"},
    {RULE_AUTHORIZER_RESULT_TOO_LARGE,  "AUTHORIZER_CONFIGURATION_ERROR"},
    {RULE_AUTHORIZER_RESOURCE_TOO_LONG, "AUTHORIZER_CONFIGURATION_ERROR"},
};

/* By x-amzn-ErrorType, for what is not there. */
static const struct {
    const char *error_type, *type;
} by_error_type[] = {
    {"AccessDeniedException",                "ACCESS_DENIED"},
    {"ExpiredTokenException",                "EXPIRED_TOKEN"},
    {"IncompleteSignatureException",         "INVALID_SIGNATURE"},
    {"InvalidSignatureException",            "INVALID_SIGNATURE"},
    {"MissingAuthenticationTokenException",  "MISSING_AUTHENTICATION_TOKEN"},
    {"TooManyRequestsException",             "THROTTLED"},
    {"UnauthorizedException",                "UNAUTHORIZED"},
};
/* clang-format on */

const char *response_type_of(const struct rule *rule)
{
    for (size_t i = 0; i < sizeof(by_rule) / sizeof(by_rule[0]); i++)
        if (rule == rule_get(by_rule[i].rule))
            return by_rule[i].type;
    for (size_t i = 0; rule->error_type && i < sizeof(by_error_type) / sizeof(by_error_type[0]); i++)
        if (strcmp(rule->error_type, by_error_type[i].error_type) == 0)
            return by_error_type[i].type;
    return rule->http_status >= 500 ? "DEFAULT_5XX" : "DEFAULT_4XX";
}
