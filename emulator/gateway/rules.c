/* rules.c - the table of what API Gateway enforces, and what of it was tuned: see rules.h. */
#include "gateway/rules.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define KB 1024u
#define SECOND_MS 1000u
#define MINUTE_MS (60u * SECOND_MS)
#define HOUR_MS (60u * MINUTE_MS)
#define DAY_MS (24u * HOUR_MS)

#define GUIDE "API Gateway developer guide, "
#define QUOTAS GUIDE "\"Quotas for configuring and running a WebSocket API\""
#define STATUS_CODES GUIDE "\"WebSocket API status codes\""
#define AUTHORIZERS GUIDE "\"Control access to WebSocket APIs with AWS Lambda REQUEST authorizers\""
#define AUTHORIZER_REFUSALS \
    "AWS knowledge center, \"403 Forbidden\" of API Gateway, of REST APIs; for a handshake inferred"
#define AUTHORIZER_ERRORS "serverless/examples#557 and #305, auth0-samples/jwt-rsa-aws-custom-authorizer#6"
#define CONNECTIONS_MODEL "ApiGatewayManagementApi 2018-11-29, service model"
#define CORAL "AWS's other services, recorded in mhart/dynalite"

/* clang-format off */
static const struct rule rules[RULE_COUNT] = {
    [RULE_FRAME_TOO_LARGE] = {
        .id = "frame-too-large",
        .what = "a frame from a client carries at most 32 KB",
        .limit = 32u * KB, .limit_unit = "bytes", .limit_min = 128, .limit_max = KB * KB,
        .close_code = 1009, .close_reason = "Message too big",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the reason text was observed",
        .remedy = "send the message in several frames, or make it smaller: browsers send one frame per message"},
    [RULE_MESSAGE_TOO_LARGE] = {
        .id = "message-too-large",
        .what = "a message carries at most 128 KB, in however many frames",
        .limit = 128u * KB, .limit_unit = "bytes", .limit_min = 128, .limit_max = 4u * KB * KB,
        .close_code = 1009, .close_reason = "Message too big",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the reason text was observed",
        .remedy = "split it, or send a reference to the data instead of the data"},
    [RULE_BINARY_FRAME] = {
        .id = "binary-frame",
        .what = "clients send text; a binary frame closes the connection",
        .close_code = 1003, .close_reason = "Unsupported data",
        .choices = {{"close", "close the connection"}, {"allow", "take its bytes as a text message"}},
        .tag = RULE_DOCUMENTED,
        .source = GUIDE "\"Binary media types for WebSocket APIs\"; the reason text is not settled",
        .remedy = "send binary data as base64 text"},
    [RULE_PROTOCOL_ERROR] = {
        .id = "protocol-error",
        .what = "a frame that RFC 6455 forbids closes the connection",
        .close_code = 1002, .close_reason = "Protocol error",
        .tag = RULE_UNSETTLED, .source = "RFC 6455, 7.4.1; what AWS does is not known",
        .remedy = "look at the client's WebSocket library"},
    [RULE_TEXT_NOT_UTF8] = {
        .id = "text-not-utf8",
        .what = "a text message that is not UTF-8 closes the connection",
        .close_code = 1007, .close_reason = "Invalid frame payload data",
        .choices = {{"close", "close the connection"}, {"replace", "put U+FFFD in place of each wrong byte"}},
        .tag = RULE_UNSETTLED, .source = "RFC 6455, 8.1; what AWS does is not known",
        .remedy = "send UTF-8, or base64 for bytes"},
    [RULE_IDLE_TIMEOUT] = {
        .id = "idle-timeout",
        .what = "a connection without traffic for 10 minutes is closed",
        .limit = 10u * MINUTE_MS, .limit_unit = "ms", .limit_min = 1, .limit_max = DAY_MS,
        .close_code = 1001, .close_reason = "Going away",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the reason text was observed, that pings count is not settled",
        .remedy = "let the client send a message or a ping more often"},
    [RULE_CONNECTION_LIFETIME] = {
        .id = "connection-lifetime",
        .what = "a connection lives for at most 2 hours",
        .limit = 2u * HOUR_MS, .limit_unit = "ms", .limit_min = 1, .limit_max = 7u * DAY_MS,
        .close_code = 1001, .close_reason = "Going away",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the reason text is inferred from the idle timeout's",
        .remedy = "let the client connect again when it is closed with 1001"},
    [RULE_SEND_QUEUE_FULL] = {
        .id = "send-queue-full",
        .what = "at most 1 MB, and 65536 messages, wait for a client that does not read",
        .limit = KB * KB, .limit_unit = "bytes", .limit_min = KB, .limit_max = KB * KB * KB,
        .http_status = 429, .error_type = "LimitExceededException",
        .tag = RULE_OURS, .source = "the status is documented (" CONNECTIONS_MODEL "), the amount is ours, the empty body inferred",
        .remedy = "let the client read, or send less"},
    [RULE_CONNECTION_LOST] = {
        .id = "connection-lost",
        .what = "the client is gone without a close frame",
        .close_code = 1006, .close_reason = "Connection closed abnormally",
        .tag = RULE_DOCUMENTED, .source = STATUS_CODES "; the reason text is not settled"},
    [RULE_CLOSED_BY_BACKEND] = {
        .id = "closed-by-backend",
        .what = "DELETE @connections closes with 1000, whatever the backend would prefer",
        .close_code = 1000, .close_reason = "Connection Closed Normally",
        .tag = RULE_OBSERVED, .source = "disconnectReason in events recorded by boto3 and chalice users"},
    [RULE_CLOSE_WITHOUT_CODE] = {
        .id = "close-without-code",
        .what = "the client's close frame had no code",
        .close_code = 1005, .close_reason = "Client-side close frame status not set",
        .tag = RULE_OBSERVED, .source = "disconnectReason in many recorded events"},
    [RULE_GOING_AWAY] = {
        .id = "going-away",
        .what = "the API is being shut down",
        .close_code = 1001, .close_reason = "Going away",
        .http_status = 503, .error_type = "ServiceUnavailableException", .message = "Service Unavailable",
        .tag = RULE_UNSETTLED, .source = "RFC 6455, 7.4.1; what AWS does with open connections of a deleted stage is not known"},
    [RULE_ROUTE_NOT_FOUND] = {
        .id = "route-not-found",
        .what = "no route has the selected key and there is no $default",
        .http_status = 403, .message = "Forbidden",
        .tag = RULE_OBSERVED, .source = "frames recorded by many users, 2019 to 2026",
        .remedy = "send a key that has a route, or add the route or a $default"},
    [RULE_INTEGRATION_FAILED] = {
        .id = "integration-failed",
        .what = "the function failed",
        .http_status = 502, .error_type = "InternalServerErrorException", .message = "Internal server error",
        .tag = RULE_OBSERVED, .source = "wscat transcripts; the error type is inferred from REST APIs",
        .remedy = "the function's own lines in this log say why"},
    [RULE_RESULT_MALFORMED] = {
        .id = "result-malformed",
        .what = "the function's answer is no proxy result",
        .http_status = 502, .error_type = "InternalServerErrorException", .message = "Internal server error",
        .tag = RULE_OBSERVED, .source = "Lambda proxy results judged by AWS; the handshake's status is inferred from REST APIs",
        .remedy = "answer with statusCode, headers, multiValueHeaders, body (a string) and isBase64Encoded only"},
    [RULE_INTEGRATION_TIMEOUT] = {
        .id = "integration-timeout",
        .what = "an integration has 29 seconds to answer",
        .limit = 29u * SECOND_MS, .limit_unit = "ms", .limit_min = 1, .limit_max = 15u * MINUTE_MS,
        .http_status = 504, .error_type = "InternalServerErrorException", .message = "Endpoint request timed out",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the frame's text was observed, the handshake's status is inferred",
        .remedy = "answer sooner and push the outcome through @connections"},
    [RULE_FUNCTION_THROTTLED] = {
        .id = "function-throttled",
        .what = "the function has no room for another invocation",
        .http_status = 500, .error_type = "InternalServerErrorException", .message = "Internal server error",
        .tag = RULE_INFERRED, .source = "Lambda's 429 as REST APIs pass it on",
        .remedy = "raise the function's concurrency, or make it quicker"},
    [RULE_CONNECT_REFUSED] = {
        .id = "connect-refused",
        .what = "the $connect function answered with another status than 2xx",
        .tag = RULE_OBSERVED, .source = "wscat transcripts; the body is not forwarded",
        .remedy = "a status from 200 to 299 accepts"},
    [RULE_REFUSAL_BODY] = {
        .id = "refusal-body",
        .what = "when a $connect function fails, the body names the connection and the request as an error frame does",
        .choices = {{"ids", "message, connectionId and requestId"}, {"message", "the message alone"}},
        .tag = RULE_UNSETTLED, .source = "a troubleshooting note quotes such a body; no capture of a handshake is known"},
    [RULE_STAGE_UNKNOWN] = {
        .id = "stage-unknown",
        .what = "the path begins with the name of the stage, and a client's ends there",
        .http_status = 403, .error_type = "ForbiddenException", .message = "Forbidden",
        .tag = RULE_OBSERVED, .source = "responses of execute-api hosts; for an upgrade with more path after the stage inferred"},
    [RULE_UPGRADE_REQUIRED] = {
        .id = "upgrade-required",
        .what = "the WebSocket URL answers WebSocket handshakes only",
        .http_status = 426, .message = "Upgrade Required",
        .tag = RULE_OBSERVED, .source = "the status in an end-to-end suite written against AWS; the body is not settled",
        .remedy = "connect with a WebSocket client (ws://)"},
    [RULE_HANDSHAKE_INVALID] = {
        .id = "handshake-invalid",
        .what = "an upgrade request must be one of RFC 6455, version 13",
        .http_status = 400, .error_type = "BadRequestException", .message = "Bad Request",
        .tag = RULE_UNSETTLED, .source = "RFC 6455, 4.2; what AWS answers is not known",
        .remedy = "look at the client's WebSocket library"},
    [RULE_HEAD_TOO_LARGE] = {
        .id = "head-too-large",
        .what = "a request's head has at most 16 KB",
        .limit = 16u * KB, .limit_unit = "bytes", .limit_min = KB, .limit_max = 64u * KB,
        .http_status = 431, .error_type = "BadRequestException", .message = "Request Header Fields Too Large",
        .tag = RULE_OURS, .source = "RFC 6585, 5; what AWS answers is not known",
        .remedy = "send fewer or shorter headers"},
    [RULE_HEAD_TIMEOUT] = {
        .id = "head-timeout",
        .what = "a request's head must be complete within 10 seconds",
        .limit = 10u * SECOND_MS, .limit_unit = "ms", .limit_min = 1, .limit_max = HOUR_MS,
        .http_status = 408, .error_type = "RequestTimeoutException", .message = "Request Timeout",
        .tag = RULE_OURS, .source = "RFC 9110, 15.5.9; what AWS does is not known"},
    [RULE_TLS_VERSION] = {
        .id = "tls-version",
        .what = "TLS 1.2 and 1.3 are spoken, and nothing older",
        .tag = RULE_DOCUMENTED, .source = GUIDE "\"Choose a security policy for your custom domain in API Gateway\"",
        .remedy = "let the client speak TLS 1.2 or 1.3"},
    [RULE_TLS_FAILED] = {
        .id = "tls-failed",
        .what = "a TLS handshake that fails, or what is not TLS behind it, closes the connection",
        .tag = RULE_DOCUMENTED, .source = "RFC 8446, 6.2",
        .remedy = "if the client does not trust the certificate: `apigw ca` says how it will"},
    [RULE_URL_TOO_LONG] = {
        .id = "url-too-long",
        .what = "a URL has at most 4096 characters",
        .limit = 4096, .limit_unit = "characters", .limit_min = 16, .limit_max = 64u * KB,
        .http_status = 414, .error_type = "BadRequestException", .message = "URI Too Long",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the status is not settled",
        .remedy = "send what does not fit in the query in a header or in a first message"},
    [RULE_CONNECTION_GONE] = {
        .id = "connection-gone",
        .what = "there is no connection with this id: not yet, or not any more",
        .http_status = 410, .error_type = "GoneException",
        .tag = RULE_OBSERVED, .source = "recorded responses; the body is empty",
        .remedy = "forget the id; in $connect, wait until the function has answered"},
    [RULE_CONNECTION_ID_INVALID] = {
        .id = "connection-id-invalid",
        .what = "a connection id has 16 characters, 15 of them URL-safe base64, and '=' at the end",
        .http_status = 400, .error_type = "BadRequestException", .message = "Invalid connectionId: {}",
        .tag = RULE_OBSERVED, .source = "recorded responses; what makes an id valid is inferred",
        .remedy = "use requestContext.connectionId as it came"},
    [RULE_PAYLOAD_TOO_LARGE] = {
        .id = "payload-too-large",
        .what = "POST @connections takes at most 128 KB",
        .limit = 128u * KB, .limit_unit = "bytes", .limit_min = 128, .limit_max = 4u * KB * KB,
        .http_status = 413, .error_type = "PayloadTooLargeException",
        .tag = RULE_DOCUMENTED, .source = CONNECTIONS_MODEL "; the empty body is inferred",
        .remedy = "split it, or send a reference to the data instead of the data"},
    [RULE_CONNECTION_ELSEWHERE] = {
        .id = "connection-elsewhere",
        .what = "a connection is reached through the stage that it is connected to",
        .http_status = 403, .error_type = "ForbiddenException", .message = "Forbidden",
        .tag = RULE_OBSERVED, .source = "reports of posts to the endpoint of another stage or API",
        .remedy = "build the endpoint of domainName and stage of the connection's own events"},
    [RULE_MANAGEMENT_FORBIDDEN] = {
        .id = "management-forbidden",
        .what = "@connections takes POST, GET and DELETE, and nothing else of a stage takes requests",
        .http_status = 403, .error_type = "MissingAuthenticationTokenException",
        .message = "Missing Authentication Token",
        .tag = RULE_DOCUMENTED, .source = "AWS knowledge center, \"403 Forbidden\" of API Gateway; observed on REST APIs",
        .remedy = "use POST, GET or DELETE on /{stage}/@connections/{connectionId}"},
    [RULE_MANAGEMENT_PATH] = {
        .id = "management-path",
        .what = "the path of @connections ends in one connection id",
        .http_status = 404, .error_type = "NotFoundException",
        .message = "No method found matching route {} for http method {}.",
        .tag = RULE_OBSERVED, .source = "reports of users of SDKs; the error type is inferred",
        .remedy = "use /{stage}/@connections/{connectionId}, and behind a custom domain its key in place of the stage"},
    [RULE_DESCRIPTORS_EXHAUSTED] = {
        .id = "descriptors-exhausted",
        .what = "the process may not open more sockets: new clients wait until others leave",
        .tag = RULE_OURS, .source = "AWS has no such limit",
        .remedy = "raise the limit on open files (ulimit -n)"},
    [RULE_PING_RESETS_IDLE] = {
        .id = "ping-resets-idle",
        .what = "a ping of the client counts as traffic",
        .choices = {{"yes", "the idle timeout starts again"}, {"no", "messages alone start it again"}},
        .tag = RULE_UNSETTLED, .source = "client libraries ping every few minutes and rely on it; no measurement is known"},
    [RULE_CLIENT_VANISHED] = {
        .id = "client-vanished",
        .what = "a client whose machine does not answer for 5 minutes is taken for gone",
        .limit = 5u * MINUTE_MS, .limit_unit = "ms", .limit_min = 2u * SECOND_MS, .limit_max = DAY_MS,
        .tag = RULE_OURS, .source = "AWS notices when TCP or the idle timeout does; how long that takes is not known"},
    [RULE_RESERVED_ROUTE_KEY] = {
        .id = "reserved-route-key",
        .what = "a message that selects a key with '$' in front, such as $connect, matches no route",
        .choices = {{"no-match", "take $default"}, {"match", "take the route of that key"}},
        .tag = RULE_UNSETTLED, .source = GUIDE "\"Routes for WebSocket APIs\" reserves the keys and does not say more",
        .remedy = "send another key"},
    [RULE_NULL_SELECTION] = {
        .id = "null-selection",
        .what = "a null that the selection expression points at selects nothing, so $default",
        .choices = {{"empty", "as if nothing were there"}, {"text", "the text null, which may be a route's key"}},
        .tag = RULE_UNSETTLED, .source = GUIDE "\"WebSocket selection expressions\" does not say"},
    [RULE_TWO_WAY_NO_BODY] = {
        .id = "two-way-no-body",
        .what = "a two-way route's result without a body becomes an empty message",
        .choices = {{"empty-frame", "send an empty message"}, {"nothing", "send nothing"}},
        .tag = RULE_OBSERVED, .source = "reports of users of the Serverless Framework, and clients that look for empty messages"},
    [RULE_TWO_WAY_STATUS] = {
        .id = "two-way-status",
        .what = "a two-way route's body is sent whatever its statusCode",
        .message = "Internal server error",
        .choices = {{"ignore", "send the body"}, {"fail", "answer a status from 400 with an error frame"}},
        .tag = RULE_UNSETTLED, .source = "observed by one project; another one has seen an error frame",
        .remedy = "answer with a status below 400"},
    [RULE_DELETE_STATUS] = {
        .id = "delete-status",
        .what = "DELETE @connections answers 204",
        .choices = {{"204", "No Content"}, {"200", "OK"}},
        .tag = RULE_OBSERVED, .source = "a recorded response, and " CONNECTIONS_MODEL "; an end-to-end suite has 200"},
    [RULE_USER_AGENT_MISSING] = {
        .id = "user-agent-missing",
        .what = "GET @connections has an empty userAgent for a client that sent none",
        .choices = {{"empty", "an empty string"}, {"omit", "no such member"}},
        .tag = RULE_UNSETTLED, .source = CONNECTIONS_MODEL " requires the member; what AWS writes is not known"},
    [RULE_ACCOUNT_THROTTLE] = {
        .id = "account-throttle",
        .what = "an account has 10,000 requests per second: handshakes, messages and @connections together",
        .limit = 10000, .limit_unit = "requests/s", .limit_min = 0, .limit_max = 1000000000,
        .http_status = 429, .error_type = "TooManyRequestsException", .message = "Too Many Requests",
        .choices = {{"on", "refuse what is over the rate"}, {"off", "let everything through"}},
        .tag = RULE_DOCUMENTED, .source = GUIDE "\"Quotas\"; the handshake's status was observed, its error type is REST's",
        .remedy = "send less, or for a load test set the rule to \"off\""},
    [RULE_ACCOUNT_BURST] = {
        .id = "account-burst",
        .what = "5,000 requests may come at once before the account's rate counts",
        .limit = 5000, .limit_unit = "requests", .limit_min = 0, .limit_max = 1000000000,
        .tag = RULE_DOCUMENTED, .source = GUIDE "\"Quotas\""},
    [RULE_CONNECTIONS_PER_SECOND] = {
        .id = "connections-per-second",
        .what = "an account has 500 new connections per second",
        .limit = 500, .limit_unit = "handshakes/s", .limit_min = 0, .limit_max = 1000000000,
        .http_status = 429, .error_type = "TooManyRequestsException", .message = "Too Many Requests",
        .choices = {{"on", "refuse what is over the rate"}, {"off", "let everything through"}},
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the status was observed; that 500 may come at once is ours",
        .remedy = "connect more slowly, or for a load test set the rule to \"off\""},
    [RULE_ROUTE_THROTTLE] = {
        .id = "route-throttle",
        .what = "a route has the rate and burst of its throttling settings",
        .http_status = 429, .error_type = "TooManyRequestsException", .message = "Too Many Requests",
        .choices = {{"on", "refuse what is over the rate"}, {"off", "let everything through"}},
        .tag = RULE_DOCUMENTED, .source = GUIDE "\"Protecting your WebSocket API\"; a limit of 0 was observed to refuse everything",
        .remedy = "raise throttlingRateLimit and throttlingBurstLimit in routeSettings, or send less"},
    [RULE_THROTTLED_MESSAGE] = {
        .id = "throttled-message",
        .what = "a message over a rate is answered with an error frame, and the connection stays open",
        .close_code = 1008, .close_reason = "Policy violation",
        .choices = {{"frame", "send an error frame"}, {"close", "close the connection with 1008"}},
        .tag = RULE_UNSETTLED, .source = STATUS_CODES " has 1008 for too many requests; what is sent for one too many is not known",
        .remedy = "send less"},
    [RULE_CALLBACK_THROTTLED] = {
        .id = "callback-throttled",
        .what = "@connections shares the account's rate",
        .http_status = 429, .error_type = "LimitExceededException",
        .tag = RULE_DOCUMENTED, .source = CONNECTIONS_MODEL "; the empty body is inferred",
        .remedy = "send less, or for a load test set the rule account-throttle to \"off\""},
    [RULE_SIGNATURE_MISSING] = {
        .id = "signature-missing",
        .what = "what wants IAM authorization must be signed with AWS Signature Version 4",
        .http_status = 403, .error_type = "MissingAuthenticationTokenException",
        .message = "Missing Authentication Token",
        .tag = RULE_DOCUMENTED, .source = "AWS knowledge center, \"403 Forbidden\" of API Gateway; for a handshake inferred",
        .remedy = "sign the request for the service execute-api, in an Authorization header or in the query"},
    [RULE_SIGNATURE_TWICE] = {
        .id = "signature-twice",
        .what = "a signature is in the Authorization header or in the query, not in both",
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
        .tag = RULE_INFERRED, .source = CORAL,
        .remedy = "leave one of them out"},
    [RULE_AUTHORIZATION_PAIR] = {
        .id = "authorization-pair",
        .what = "behind the algorithm, an Authorization header has key=value pairs",
        .http_status = 403, .error_type = "IncompleteSignatureException",
        .message = "'{}' not a valid key=value pair (missing equal-sign) in Authorization header: '{}'.",
        .tag = RULE_OBSERVED, .source = "serverless/serverless#3205; the error type is inferred",
        .remedy = "send AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…"},
    [RULE_AUTHORIZATION_INCOMPLETE] = {
        .id = "authorization-incomplete",
        .what = "an Authorization header has Credential, Signature and SignedHeaders, and a date comes with it",
        .http_status = 403, .error_type = "IncompleteSignatureException",
        .message = "{}Authorization={}",
        .tag = RULE_OBSERVED, .source = "serverless/serverless#3205; the error type is inferred",
        .remedy = "send AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…, and X-Amz-Date"},
    [RULE_AUTHORIZATION_PARAMETER] = {
        .id = "authorization-parameter",
        .what = "authorization-incomplete names each parameter that is missing",
        .message = "Authorization header requires '{}' parameter. ",
        .tag = RULE_OBSERVED, .source = "serverless/serverless#3205"},
    [RULE_AUTHORIZATION_DATE] = {
        .id = "authorization-date",
        .what = "authorization-incomplete says that there is no date",
        .message = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        .tag = RULE_OBSERVED, .source = "serverless/serverless#3205"},
    [RULE_PRESIGN_INCOMPLETE] = {
        .id = "presign-incomplete",
        .what = "a presigned URL has X-Amz-Algorithm, -Credential, -Signature, -SignedHeaders and -Date",
        .http_status = 403, .error_type = "IncompleteSignatureException",
        .message = "{}Re-examine the query-string parameters.",
        .tag = RULE_INFERRED, .source = CORAL,
        .remedy = "use the URL exactly as the signer made it"},
    [RULE_PRESIGN_PARAMETER] = {
        .id = "presign-parameter",
        .what = "presign-incomplete names each parameter that is missing",
        .message = "AWS query-string parameters must include '{}'. ",
        .tag = RULE_INFERRED, .source = CORAL},
    [RULE_PRESIGN_EXPIRES] = {
        .id = "presign-expires",
        .what = "X-Amz-Expires is a number of seconds",
        .http_status = 403, .error_type = "IncompleteSignatureException",
        .message = "X-Amz-Expires should be a number",
        .tag = RULE_UNSETTLED, .source = "the text is Amazon S3's; more than 604800 is not refused"},
    [RULE_PRESIGN_EXPIRED] = {
        .id = "presign-expired",
        .what = "a presigned URL is good for as many seconds as its X-Amz-Expires says",
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "Signature expired: {} is now earlier than {} ({} - {}.)",
        .tag = RULE_INFERRED, .source = "the text of signature-expired",
        .remedy = "sign the URL right before connecting"},
    [RULE_SIGNATURE_DATE] = {
        .id = "signature-date",
        .what = "a signature's date is written as 20261124T062300Z",
        .http_status = 403, .error_type = "IncompleteSignatureException",
        .message = "Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601",
        .tag = RULE_INFERRED, .source = CORAL "; that a Date header may also have HTTP's format is documented for SigV4"},
    [RULE_SIGNATURE_EXPIRED] = {
        .id = "signature-expired",
        .what = "a request is signed at most 5 minutes before it arrives",
        .limit = 5u * MINUTE_MS, .limit_unit = "ms", .limit_min = 0, .limit_max = 7u * DAY_MS,
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "Signature expired: {} is now earlier than {} ({} - {}.)",
        .tag = RULE_OBSERVED, .source = "answers of @connections in cognitect-labs/aws-api#255; that it holds for a presigned URL "
                                        "without X-Amz-Expires is inferred",
        .remedy = "set the client's clock, or sign each request anew"},
    [RULE_SIGNATURE_NOT_YET] = {
        .id = "signature-not-yet",
        .what = "a request is signed at most 5 minutes ahead of our clock",
        .limit = 5u * MINUTE_MS, .limit_unit = "ms", .limit_min = 0, .limit_max = 7u * DAY_MS,
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "Signature not yet current: {} is still later than {} ({} + {}.)",
        .tag = RULE_OBSERVED, .source = "answers of an execute-api host in NickWaterton/Roomba980-Python#118; the error type is that "
                                        "of signature-expired",
        .remedy = "set the client's clock"},
    [RULE_SIGNATURE_HOST] = {
        .id = "signature-host",
        .what = "Host is among the signed headers",
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        .tag = RULE_INFERRED, .source = CORAL,
        .remedy = "sign the Host header, too"},
    [RULE_SIGNATURE_ALGORITHM] = {
        .id = "signature-algorithm",
        .what = "the algorithm is AWS4-HMAC-SHA256",
        .http_status = 403, .error_type = "IncompleteSignatureException",
        .message = "Unsupported AWS 'algorithm': '{}' (only AWS4-HMAC-SHA256 for now). ",
        .tag = RULE_INFERRED, .source = CORAL,
        .remedy = "use Signature Version 4 with one region"},
    [RULE_CREDENTIAL_MALFORMED] = {
        .id = "credential-malformed",
        .what = "a Credential is the access key's id and its scope, five parts with slashes between",
        .http_status = 403, .error_type = "IncompleteSignatureException",
        .message = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'",
        .tag = RULE_OBSERVED, .source = "mhart/aws4#97, of another service; the error type is that of " CORAL,
        .remedy = "look for a secret key where the access key's id should be"},
    [RULE_SCOPE_REGION] = {
        .id = "scope-region",
        .what = "a request is signed for the region of the API",
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "Credential should be scoped to a valid region, not '{}'. ",
        .tag = RULE_OBSERVED, .source = "clients of other services; for execute-api inferred",
        .remedy = "set the client's region to us-east-1, which is that of the API"},
    [RULE_SCOPE_SERVICE] = {
        .id = "scope-service",
        .what = "a request is signed for the service execute-api",
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "Credential should be scoped to correct service: 'execute-api'. ",
        .tag = RULE_OBSERVED, .source = "clients of services behind API Gateway",
        .remedy = "set the signer's service (signing name) to execute-api"},
    [RULE_SCOPE_TERMINATOR] = {
        .id = "scope-terminator",
        .what = "a credential scope ends in aws4_request",
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "Credential should be scoped with a valid terminator: 'aws4_request', not '{}'. ",
        .tag = RULE_INFERRED, .source = CORAL},
    [RULE_SCOPE_DATE] = {
        .id = "scope-date",
        .what = "a credential scope has the day of the signature's date",
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', "
                   "from '{}'.",
        .tag = RULE_INFERRED, .source = CORAL},
    [RULE_ACCESS_KEY_UNKNOWN] = {
        .id = "access-key-unknown",
        .what = "the access key must be one of the credentials in routes.json",
        .http_status = 403, .error_type = "UnrecognizedClientException",
        .message = "The security token included in the request is invalid.",
        .tag = RULE_DOCUMENTED, .source = "AWS knowledge center, \"403 Forbidden\" of API Gateway; the error type is inferred",
        .remedy = "add it to credentials, or set the client's AWS_ACCESS_KEY_ID"},
    [RULE_SIGNATURE_MISMATCH] = {
        .id = "signature-mismatch",
        .what = "the signature is that of the request that arrived",
        .http_status = 403, .error_type = "InvalidSignatureException",
        .message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
                   "Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this "
                   "request should have been\n'{}'\n\nThe String-to-Sign should have been\n'{}'\n",
        .tag = RULE_OBSERVED, .source = "okigan/awscurl#61 and mhart/aws4#133; other recordings end behind \"details.\""},
    [RULE_SECURITY_TOKEN_INVALID] = {
        .id = "security-token-invalid",
        .what = "X-Amz-Security-Token is the credential's session token: none for a long-term key",
        .http_status = 403, .error_type = "UnrecognizedClientException",
        .message = "The security token included in the request is invalid",
        .tag = RULE_INFERRED, .source = CORAL,
        .remedy = "set or unset the client's AWS_SESSION_TOKEN"},
    [RULE_IAM_DENIED] = {
        .id = "iam-denied",
        .what = "the caller's policy must allow it",
        .http_status = 403, .error_type = "AccessDeniedException", .message_key = "Message",
        .message = "User: {} is not authorized to perform: {} on resource: {}",
        .tag = RULE_OBSERVED, .source = "aws-solutions/innovation-sandbox-on-aws#59 and aws/aws-cdk#18410; for a handshake inferred",
        .remedy = "allow the action on the resource in the credential's policy"},
    [RULE_IAM_DENIED_EXPLICITLY] = {
        .id = "iam-denied-explicitly",
        .what = "the caller's policy must not deny it",
        .http_status = 403, .error_type = "AccessDeniedException", .message_key = "Message",
        .message = "User: {} is not authorized to perform: {} on resource: {} with an explicit deny",
        .tag = RULE_OBSERVED, .source = "aws-solutions/innovation-sandbox-on-aws#59 and aws/aws-cdk#18410; for a handshake inferred",
        .remedy = "a Deny wins over every Allow: narrow it"},
    [RULE_API_KEY_INVALID] = {
        .id = "api-key-invalid",
        .what = "a $connect that requires an API key needs one that is enabled and in a usage plan",
        .http_status = 403, .error_type = "ForbiddenException", .message = "Forbidden",
        .tag = RULE_INFERRED, .source = GUIDE "\"Gateway response types\" (INVALID_API_KEY), of REST APIs",
        .remedy = "send the key's value in the header x-api-key, or as the authorizer's usageIdentifierKey"},
    [RULE_USAGE_PLAN_THROTTLE] = {
        .id = "usage-plan-throttle",
        .what = "an API key has the rate and burst of its usage plan",
        .http_status = 429, .error_type = "TooManyRequestsException", .message = "Too Many Requests",
        .tag = RULE_INFERRED, .source = GUIDE "\"Gateway response types\" (THROTTLED), of REST APIs",
        .remedy = "connect more slowly, or raise the usage plan's throttle"},
    [RULE_USAGE_PLAN_QUOTA] = {
        .id = "usage-plan-quota",
        .what = "an API key has as many requests a day, week or month as its usage plan says",
        .http_status = 429, .error_type = "LimitExceededException", .message = "Limit Exceeded",
        .tag = RULE_INFERRED, .source = GUIDE "\"Gateway response types\" (QUOTA_EXCEEDED), of REST APIs; periods begin at midnight "
                                        "UTC, that a week begins on Sunday is ours",
        .remedy = "wait for the next period, or raise the usage plan's quota"},
    [RULE_IDENTITY_SOURCE_MISSING] = {
        .id = "identity-source-missing",
        .what = "each identity source of an authorizer must be there and not empty, or the authorizer is not asked",
        .http_status = 401, .error_type = "UnauthorizedException", .message = "Unauthorized",
        .tag = RULE_DOCUMENTED, .source = AUTHORIZERS,
        .remedy = "send it, or take it from the authorizer's identitySource"},
    [RULE_AUTHORIZER_UNAUTHORIZED] = {
        .id = "authorizer-unauthorized",
        .what = "an authorizer that fails with the message Unauthorized refuses the client",
        .http_status = 401, .error_type = "UnauthorizedException", .message = "Unauthorized",
        .tag = RULE_DOCUMENTED, .source = AUTHORIZERS "; the status was observed"},
    [RULE_AUTHORIZER_DENIED] = {
        .id = "authorizer-denied",
        .what = "the authorizer's policy must allow execute-api:Invoke on the method ARN",
        .http_status = 403, .error_type = "AccessDeniedException", .message_key = "Message",
        .message = "User is not authorized to access this resource",
        .tag = RULE_OBSERVED, .source = AUTHORIZER_REFUSALS,
        .remedy = "let a statement's Resource cover the event's methodArn, which ends in {stage}/$connect: {stage}/* does, "
                  "{stage}/*/* does not"},
    [RULE_AUTHORIZER_DENIED_EXPLICITLY] = {
        .id = "authorizer-denied-explicitly",
        .what = "a Deny of the authorizer's policy wins over every Allow",
        .http_status = 403, .error_type = "AccessDeniedException", .message_key = "Message",
        .message = "User is not authorized to access this resource with an explicit deny",
        .tag = RULE_OBSERVED, .source = AUTHORIZER_REFUSALS "; newer recordings add \" in an identity-based policy\""},
    [RULE_AUTHORIZER_FAILED] = {
        .id = "authorizer-failed",
        .what = "the authorizer's function failed",
        .http_status = 500, .error_type = "AuthorizerConfigurationException", .message_key = "message",
        .tag = RULE_OBSERVED, .source = AUTHORIZER_ERRORS,
        .remedy = "the function's own lines in this log say why; to refuse a client, fail with the message Unauthorized"},
    [RULE_AUTHORIZER_TIMEOUT] = {
        .id = "authorizer-timeout",
        .what = "an authorizer has 10 seconds to answer",
        .limit = 10u * SECOND_MS, .limit_unit = "ms", .limit_min = 1, .limit_max = 15u * MINUTE_MS,
        .http_status = 500, .error_type = "AuthorizerConfigurationException", .message_key = "message",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the answer was observed for other failures of an authorizer"},
    [RULE_AUTHORIZER_UNAVAILABLE] = {
        .id = "authorizer-unavailable",
        .what = "the authorizer's function could not be invoked",
        .http_status = 500, .error_type = "AuthorizerConfigurationException", .message = "Internal server error",
        .tag = RULE_OBSERVED, .source = AUTHORIZER_ERRORS,
        .remedy = "the function's own lines in this log say why; if it is too busy, raise its concurrency"},
    [RULE_AUTHORIZER_RESULT_MALFORMED] = {
        .id = "authorizer-result-malformed",
        .what = "the authorizer's answer is no authorizer result",
        .http_status = 500, .error_type = "AuthorizerConfigurationException", .message_key = "message",
        .tag = RULE_OBSERVED, .source = AUTHORIZER_ERRORS,
        .remedy = "answer with principalId and policyDocument; context has strings, numbers and booleans only"},
    [RULE_AUTHORIZER_RESULT_TOO_LARGE] = {
        .id = "authorizer-result-too-large",
        .what = "an authorizer's answer has at most 8 KB",
        .limit = 8u * KB, .limit_unit = "bytes", .limit_min = 128, .limit_max = 8u * KB,
        .http_status = 500, .error_type = "AuthorizerConfigurationException", .message_key = "message",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the answer to more is inferred",
        .remedy = "keep the context small: a handler can look up the rest by principalId"},
    [RULE_AUTHORIZER_RESOURCE_TOO_LONG] = {
        .id = "authorizer-resource-too-long",
        .what = "a Resource in an authorizer's policy has at most 512 characters",
        .limit = 512, .limit_unit = "characters", .limit_min = 16, .limit_max = 64u * KB,
        .http_status = 500, .error_type = "AuthorizerConfigurationException", .message_key = "message",
        .tag = RULE_DOCUMENTED, .source = GUIDE "\"Use API Gateway Lambda authorizers\"; the answer to more is inferred",
        .remedy = "use a wildcard"},
    [RULE_AUTHORIZER_CONTEXT] = {
        .id = "authorizer-context",
        .what = "numbers and booleans of an authorizer's context are strings in requestContext.authorizer",
        .choices = {{"text", "strings, as in $context.authorizer"}, {"as-returned", "what they were"}},
        .tag = RULE_UNSETTLED, .source = GUIDE "\"Output from an API Gateway Lambda authorizer\" says it of $context only"},
};

static const char *const tag_names[] = {
    [RULE_DOCUMENTED] = "documented",
    [RULE_OBSERVED] = "observed",
    [RULE_INFERRED] = "inferred",
    [RULE_UNSETTLED] = "unsettled",
    [RULE_OURS] = "ours",
};
/* clang-format on */

/* The rules that were tuned; the others are read where they stand. */
static struct rule tuned[RULE_COUNT];
static bool is_tuned[RULE_COUNT];

const struct rule *rule_default(enum rule_id id)
{
    assert(id < RULE_COUNT && rules[id].id);
    return &rules[id];
}

const struct rule *rule_get(enum rule_id id)
{
    assert(id < RULE_COUNT && rules[id].id);
    return is_tuned[id] ? &tuned[id] : &rules[id];
}

bool rule_has_other_limit(const struct rule *rule)
{
    return rule >= tuned && rule < tuned + RULE_COUNT && rule->limit != rules[rule - tuned].limit;
}

unsigned rule_choice(enum rule_id id)
{
    return rule_get(id)->choice;
}

const char *rule_tag_name(enum rule_tag tag)
{
    assert(tag <= RULE_OURS);
    return tag_names[tag];
}

/* ---- tuning ---- */

static bool has_choice(const struct rule *rule)
{
    return rule->choices[0].name != NULL;
}

static bool has_tunable_limit(const struct rule *rule)
{
    return rule->limit_max > 0;
}

/* RULE_COUNT if there is none. */
static enum rule_id find_rule(const char *id)
{
    enum rule_id i = 0;

    while (i < RULE_COUNT && strcmp(rules[i].id, id) != 0)
        i++;
    return i;
}

/* The index of a choice; -1 if there is none of that name. */
static int find_choice(const struct rule *rule, const char *name)
{
    for (int i = 0; i < RULE_CHOICES_MAX && rule->choices[i].name; i++)
        if (strcmp(rule->choices[i].name, name) == 0)
            return i;
    return -1;
}

static void explain_unknown_rule(const char *id, struct buf *out)
{
    const char *names[RULE_COUNT];
    const char *nearest;

    for (enum rule_id i = 0; i < RULE_COUNT; i++)
        names[i] = rules[i].id;
    nearest = config_nearest(span_of_str(id), names, RULE_COUNT);
    buf_printf(out, "there is no rule \"%s\"", id);
    if (nearest)
        buf_printf(out, "; did you mean \"%s\"?", nearest);
    else
        buf_append_str(out, "; 'apigw rules' lists them");
}

/* "takes "close" or "allow"", "takes a number from 1 to 5 (ms)", or both. */
static void explain_what_fits(const struct rule *rule, struct buf *out)
{
    buf_printf(out, "the rule \"%s\" takes ", rule->id);
    for (size_t i = 0; i < RULE_CHOICES_MAX && rule->choices[i].name; i++)
        buf_printf(out, "%s\"%s\"", i ? " or " : "", rule->choices[i].name);
    if (has_tunable_limit(rule))
        buf_printf(out, "%sa whole number from %" PRIu64 " to %" PRIu64 " (%s)", has_choice(rule) ? ", or " : "",
                   rule->limit_min, rule->limit_max, rule->limit_unit);
}

static bool fits(const struct rule *rule, const char *choice, uint64_t limit)
{
    return choice ? find_choice(rule, choice) >= 0
                  : has_tunable_limit(rule) && limit >= rule->limit_min && limit <= rule->limit_max;
}

enum config_rule_check rule_check_setting(const char *id, const char *choice, uint64_t limit, struct buf *ret_error)
{
    enum rule_id found = find_rule(id);
    const struct rule *rule = &rules[found < RULE_COUNT ? found : 0];

    if (found == RULE_COUNT) {
        explain_unknown_rule(id, ret_error);
        return CONFIG_RULE_ID_WRONG;
    }
    if (!has_choice(rule) && !has_tunable_limit(rule)) {
        buf_printf(ret_error, "the rule \"%s\" cannot be tuned", rule->id);
        return CONFIG_RULE_ID_WRONG;
    }
    if (fits(rule, choice, limit))
        return CONFIG_RULE_FITS;
    explain_what_fits(rule, ret_error);
    return CONFIG_RULE_VALUE_WRONG;
}

void rules_apply(const struct config_rule_setting *settings, size_t count)
{
    memset(is_tuned, 0, sizeof(is_tuned));
    for (size_t i = 0; i < count; i++) {
        enum rule_id id = find_rule(settings[i].id);

        assert(id < RULE_COUNT);
        tuned[id] = rules[id];
        if (settings[i].choice)
            tuned[id].choice = (unsigned)find_choice(&rules[id], settings[i].choice);
        else
            tuned[id].limit = settings[i].limit;
        assert(tuned[id].choice < RULE_CHOICES_MAX);
        is_tuned[id] = true;
    }
}

/* Whose value the default is. */
static const char *whose_default(const struct rule *rule)
{
    return rule->tag == RULE_DOCUMENTED || rule->tag == RULE_OBSERVED ? "on AWS" : "by default";
}

void rule_explain_tuning(enum rule_id id, struct buf *out)
{
    const struct rule *is = rule_get(id), *was = rule_default(id);

    if (is->choice != was->choice)
        buf_printf(out, "%s is \"%s\" here, \"%s\" %s", is->id, is->choices[is->choice].name,
                   was->choices[was->choice].name, whose_default(was));
    else if (is->limit != was->limit)
        buf_printf(out, "%s is %" PRIu64 " %s here, %" PRIu64 " %s", is->id, is->limit, is->limit_unit, was->limit,
                   whose_default(was));
}
