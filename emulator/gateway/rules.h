/* rules.h - what API Gateway enforces, as data.
 *
 * Every limit, status, close code and text of AWS's that the gateway acts on stands in this table, with where it was
 * learnt. Code that refuses something names the rule. */
#ifndef GATEWAY_RULES_H
#define GATEWAY_RULES_H

#include <stddef.h>
#include <stdint.h>

enum rule_id {
    RULE_FRAME_TOO_LARGE,
    RULE_MESSAGE_TOO_LARGE,
    RULE_BINARY_FRAME,
    RULE_IDLE_TIMEOUT,
    RULE_CONNECTION_LIFETIME,
    RULE_SEND_QUEUE_FULL,
    RULE_CONNECTION_LOST,
    RULE_CLOSED_BY_BACKEND,
    RULE_CLOSE_WITHOUT_CODE,
    RULE_GOING_AWAY,
    RULE_ROUTE_NOT_FOUND,
    RULE_INTEGRATION_FAILED,
    RULE_RESULT_MALFORMED,
    RULE_INTEGRATION_TIMEOUT,
    RULE_FUNCTION_THROTTLED,
    RULE_CONNECT_REFUSED,
    RULE_STAGE_UNKNOWN,
    RULE_UPGRADE_REQUIRED,
    RULE_HANDSHAKE_INVALID,
    RULE_HEAD_TOO_LARGE,
    RULE_HEAD_TIMEOUT,
    RULE_URL_TOO_LONG,
    RULE_CONNECTION_GONE,
    RULE_CONNECTION_ID_INVALID,
    RULE_PAYLOAD_TOO_LARGE,
    RULE_MANAGEMENT_FORBIDDEN,
    RULE_MANAGEMENT_PATH,
    RULE_DESCRIPTORS_EXHAUSTED,
    RULE_PROTOCOL_ERROR,
    RULE_TEXT_NOT_UTF8,
    RULE_COUNT
};

enum rule_tag { RULE_DOCUMENTED, RULE_OBSERVED, RULE_INFERRED, RULE_UNSETTLED, RULE_OURS };

/* Members that a rule has no use for are 0 or NULL. */
struct rule {
    const char *id;         /* "frame-too-large" */
    const char *what;       /* one sentence, for people */
    uint64_t limit;         /* bytes or milliseconds; the largest value that passes */
    const char *limit_unit; /* "bytes", "ms" */
    unsigned close_code;    /* WebSocket close code sent or reported */
    const char *close_reason;
    unsigned http_status;
    const char *error_type; /* x-amzn-ErrorType */
    const char *message;    /* in error frames and bodies, each {} to be filled in; NULL: the body is empty */
    enum rule_tag tag;
    const char *source; /* AWS page, or what was observed */
    const char *remedy; /* what to do about it, for people, without a full stop; NULL: nothing */
};

const struct rule *rule_get(enum rule_id id);

const char *rule_tag_name(enum rule_tag tag);

#endif
