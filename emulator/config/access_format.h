/* access_format.h - the format of an access log's lines, such as `$context.requestId $context.status`: text in which
 * variables stand (API Gateway developer guide, "Configure logging for WebSocket APIs").
 *
 * A format is one line. Line breaks in it, which AWS prints in its samples as a visual aid, are left out together with
 * the backslash in front of them. A variable that WebSocket APIs do not have is printed as `-`, as AWS does.
 *
 * Owner: the caller; access_format_free. Pure. */
#ifndef CONFIG_ACCESS_FORMAT_H
#define CONFIG_ACCESS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/* AWS: "Quotas for configuring and running a WebSocket API", size of an access log template. */
#define ACCESS_FORMAT_BYTES_MAX 3072

/* The one that AWS's console offers for WebSocket APIs. */
#define ACCESS_FORMAT_DEFAULT                                                          \
    "{ \"requestId\":\"$context.requestId\", \"ip\": \"$context.identity.sourceIp\", " \
    "\"caller\":\"$context.identity.caller\", \"user\":\"$context.identity.user\","    \
    "\"requestTime\":\"$context.requestTime\", \"eventType\":\"$context.eventType\","  \
    "\"routeKey\":\"$context.routeKey\", \"status\":\"$context.status\",\"connectionId\":\"$context.connectionId\"}"

/* Every variable, with its name behind `$context.`. Equivalent names have a line each. */
/* clang-format off */
#define ACCESS_VARIABLES(X)                                                          \
    X(API_ID,                         "apiId")                                       \
    X(AUTHENTICATE_ERROR,             "authenticate.error")                          \
    X(AUTHENTICATE_LATENCY,           "authenticate.latency")                        \
    X(AUTHENTICATE_STATUS,            "authenticate.status")                         \
    X(AUTHORIZE_ERROR,                "authorize.error")                             \
    X(AUTHORIZE_LATENCY,              "authorize.latency")                           \
    X(AUTHORIZE_STATUS,               "authorize.status")                            \
    X(AUTHORIZER_ERROR,               "authorizer.error")                            \
    X(AUTHORIZER_INTEGRATION_LATENCY, "authorizer.integrationLatency")               \
    X(AUTHORIZER_INTEGRATION_STATUS,  "authorizer.integrationStatus")                \
    X(AUTHORIZER_LATENCY,             "authorizer.latency")                          \
    X(AUTHORIZER_REQUEST_ID,          "authorizer.requestId")                        \
    X(AUTHORIZER_STATUS,              "authorizer.status")                           \
    X(AWS_ENDPOINT_REQUEST_ID,        "awsEndpointRequestId")                        \
    X(CONNECTED_AT,                   "connectedAt")                                 \
    X(CONNECTION_ID,                  "connectionId")                                \
    X(DOMAIN_NAME,                    "domainName")                                  \
    X(DOMAIN_PREFIX,                  "domainPrefix")                                \
    X(ERROR_MESSAGE,                  "error.message")                               \
    X(ERROR_MESSAGE_STRING,           "error.messageString")                         \
    X(ERROR_RESPONSE_TYPE,            "error.responseType")                          \
    X(ERROR_VALIDATION_ERROR_STRING,  "error.validationErrorString")                 \
    X(EVENT_TYPE,                     "eventType")                                   \
    X(EXTENDED_REQUEST_ID,            "extendedRequestId")                           \
    X(IDENTITY_ACCOUNT_ID,            "identity.accountId")                          \
    X(IDENTITY_API_KEY,               "identity.apiKey")                             \
    X(IDENTITY_API_KEY_ID,            "identity.apiKeyId")                           \
    X(IDENTITY_CALLER,                "identity.caller")                             \
    X(IDENTITY_COGNITO_PROVIDER,      "identity.cognitoAuthenticationProvider")      \
    X(IDENTITY_COGNITO_TYPE,          "identity.cognitoAuthenticationType")          \
    X(IDENTITY_COGNITO_ID,            "identity.cognitoIdentityId")                  \
    X(IDENTITY_COGNITO_POOL_ID,       "identity.cognitoIdentityPoolId")              \
    X(IDENTITY_PRINCIPAL_ORG_ID,      "identity.principalOrgId")                     \
    X(IDENTITY_SOURCE_IP,             "identity.sourceIp")                           \
    X(IDENTITY_USER,                  "identity.user")                               \
    X(IDENTITY_USER_AGENT,            "identity.userAgent")                          \
    X(IDENTITY_USER_ARN,              "identity.userArn")                            \
    X(INTEGRATION_ERROR,              "integration.error")                           \
    X(INTEGRATION_INTEGRATION_STATUS, "integration.integrationStatus")               \
    X(INTEGRATION_LATENCY,            "integration.latency")                         \
    X(INTEGRATION_REQUEST_ID,         "integration.requestId")                       \
    X(INTEGRATION_STATUS,             "integration.status")                          \
    X(INTEGRATION_LATENCY_ALONE,      "integrationLatency")                          \
    X(INTEGRATION_STATUS_ALONE,       "integrationStatus")                           \
    X(MESSAGE_ID,                     "messageId")                                   \
    X(REQUEST_ID,                     "requestId")                                   \
    X(REQUEST_TIME,                   "requestTime")                                 \
    X(REQUEST_TIME_EPOCH,             "requestTimeEpoch")                            \
    X(ROUTE_KEY,                      "routeKey")                                    \
    X(STAGE,                          "stage")                                       \
    X(STATUS,                         "status")                                      \
    X(WAF_ERROR,                      "waf.error")                                   \
    X(WAF_LATENCY,                    "waf.latency")                                 \
    X(WAF_STATUS,                     "waf.status")
/* clang-format on */

#define ACCESS_ENUMERATOR_(id, name) ACCESS_##id,
enum access_variable {
    ACCESS_VARIABLES(ACCESS_ENUMERATOR_)
        ACCESS_AUTHORIZER_PROPERTY, /* authorizer.NAME, principalId too: what the authorizer has said of the caller */
    ACCESS_UNKNOWN,                 /* $context.SOMETHING that WebSocket APIs do not have */
    ACCESS_TEXT,                    /* no variable */
    ACCESS_VARIABLE_COUNT
};

struct access_token {
    enum access_variable variable;
    struct span text; /* of TEXT itself, of AUTHORIZER_PROPERTY the name, of UNKNOWN what is behind `$context.` */
    size_t offset;    /* into the format's text, of the variable's dollar */
    size_t len;       /* of the variable there */
};

struct access_format {
    struct access_token *tokens;
    size_t count;
    size_t breaks; /* line breaks that were left out; the one at the very end does not count */
    struct buf text;
};

struct access_format *access_format_compile(struct span text);
void access_format_free(struct access_format *format); /* NULL is fine */

/* Has it a variable that tells one request from another? AWS takes no format without. */
bool access_format_has_request_id(const struct access_format *format);

/* The known name that is nearest to an unknown one, or NULL. */
const char *access_format_nearest(struct span name);

#endif
