/* rules.c - the table of what API Gateway enforces. Nothing but data: see rules.h. */
#include "gateway/rules.h"

#include <assert.h>

#define KB 1024u
#define SECOND_MS 1000u
#define MINUTE_MS (60u * SECOND_MS)
#define HOUR_MS (60u * MINUTE_MS)

#define GUIDE "API Gateway developer guide, "
#define QUOTAS GUIDE "\"Quotas for configuring and running a WebSocket API\""
#define STATUS_CODES GUIDE "\"WebSocket API status codes\""
#define CONNECTIONS_MODEL "ApiGatewayManagementApi 2018-11-29, service model"

/* clang-format off */
static const struct rule rules[RULE_COUNT] = {
    [RULE_FRAME_TOO_LARGE] = {
        .id = "frame-too-large",
        .what = "a frame from a client carries at most 32 KB",
        .limit = 32u * KB, .limit_unit = "bytes",
        .close_code = 1009, .close_reason = "Message too big",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the reason text was observed",
        .remedy = "send the message in several frames, or make it smaller: browsers send one frame per message"},
    [RULE_MESSAGE_TOO_LARGE] = {
        .id = "message-too-large",
        .what = "a message carries at most 128 KB, in however many frames",
        .limit = 128u * KB, .limit_unit = "bytes",
        .close_code = 1009, .close_reason = "Message too big",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the reason text was observed",
        .remedy = "split it, or send a reference to the data instead of the data"},
    [RULE_BINARY_FRAME] = {
        .id = "binary-frame",
        .what = "clients send text; a binary frame closes the connection",
        .close_code = 1003, .close_reason = "Unsupported data",
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
        .tag = RULE_UNSETTLED, .source = "RFC 6455, 8.1; what AWS does is not known",
        .remedy = "send UTF-8, or base64 for bytes"},
    [RULE_IDLE_TIMEOUT] = {
        .id = "idle-timeout",
        .what = "a connection without traffic for 10 minutes is closed",
        .limit = 10u * MINUTE_MS, .limit_unit = "ms",
        .close_code = 1001, .close_reason = "Going away",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the reason text was observed, that pings count is not settled",
        .remedy = "let the client send a message or a ping more often"},
    [RULE_CONNECTION_LIFETIME] = {
        .id = "connection-lifetime",
        .what = "a connection lives for at most 2 hours",
        .limit = 2u * HOUR_MS, .limit_unit = "ms",
        .close_code = 1001, .close_reason = "Going away",
        .tag = RULE_DOCUMENTED, .source = QUOTAS "; the reason text is inferred from the idle timeout's",
        .remedy = "let the client connect again when it is closed with 1001"},
    [RULE_SEND_QUEUE_FULL] = {
        .id = "send-queue-full",
        .what = "at most 1 MB waits for a client that does not read",
        .limit = KB * KB, .limit_unit = "bytes",
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
        .message = "Forbidden",
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
        .limit = 29u * SECOND_MS, .limit_unit = "ms",
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
        .limit = 16u * KB, .limit_unit = "bytes",
        .http_status = 431, .error_type = "BadRequestException", .message = "Request Header Fields Too Large",
        .tag = RULE_OURS, .source = "RFC 6585, 5; what AWS answers is not known",
        .remedy = "send fewer or shorter headers"},
    [RULE_HEAD_TIMEOUT] = {
        .id = "head-timeout",
        .what = "a request's head must be complete within 10 seconds",
        .limit = 10u * SECOND_MS, .limit_unit = "ms",
        .http_status = 408, .error_type = "RequestTimeoutException", .message = "Request Timeout",
        .tag = RULE_OURS, .source = "RFC 9110, 15.5.9; what AWS does is not known"},
    [RULE_URL_TOO_LONG] = {
        .id = "url-too-long",
        .what = "a URL has at most 4096 characters",
        .limit = 4096, .limit_unit = "bytes",
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
        .limit = 128u * KB, .limit_unit = "bytes",
        .http_status = 413, .error_type = "PayloadTooLargeException",
        .tag = RULE_DOCUMENTED, .source = CONNECTIONS_MODEL "; the empty body is inferred",
        .remedy = "split it, or send a reference to the data instead of the data"},
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
        .remedy = "use /{stage}/@connections/{connectionId}"},
    [RULE_DESCRIPTORS_EXHAUSTED] = {
        .id = "descriptors-exhausted",
        .what = "the process may not open more sockets: new clients wait until others leave",
        .tag = RULE_OURS, .source = "AWS has no such limit",
        .remedy = "raise the limit on open files (ulimit -n)"},
};

static const char *const tag_names[] = {
    [RULE_DOCUMENTED] = "documented",
    [RULE_OBSERVED] = "observed",
    [RULE_INFERRED] = "inferred",
    [RULE_UNSETTLED] = "unsettled",
    [RULE_OURS] = "ours",
};
/* clang-format on */

const struct rule *rule_get(enum rule_id id)
{
    assert(id < RULE_COUNT && rules[id].id);
    return &rules[id];
}

const char *rule_tag_name(enum rule_tag tag)
{
    assert(tag <= RULE_OURS);
    return tag_names[tag];
}
