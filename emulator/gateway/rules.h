/* rules.h - what API Gateway enforces, as data.
 *
 * Every limit, status, close code and text of AWS's that the gateway acts on stands in this table, with where it was
 * learnt. Code that refuses something names the rule.
 *
 * What AWS does is the default. Where it is not known for sure, or where a test wants something else, a rule has a
 * choice, or a limit that may be changed: "rules" in routes.json does, once, before anything is served. */
#ifndef GATEWAY_RULES_H
#define GATEWAY_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/config.h"

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
    RULE_REFUSAL_BODY,
    RULE_STAGE_UNKNOWN,
    RULE_UPGRADE_REQUIRED,
    RULE_HANDSHAKE_INVALID,
    RULE_HEAD_TOO_LARGE,
    RULE_HEAD_TIMEOUT,
    RULE_TLS_VERSION,
    RULE_TLS_FAILED,
    RULE_URL_TOO_LONG,
    RULE_CONNECTION_GONE,
    RULE_CONNECTION_ID_INVALID,
    RULE_PAYLOAD_TOO_LARGE,
    RULE_CONNECTION_ELSEWHERE,
    RULE_MANAGEMENT_FORBIDDEN,
    RULE_MANAGEMENT_PATH,
    RULE_DESCRIPTORS_EXHAUSTED,
    RULE_PROTOCOL_ERROR,
    RULE_TEXT_NOT_UTF8,
    RULE_PING_RESETS_IDLE,
    RULE_CLIENT_VANISHED,
    RULE_RESERVED_ROUTE_KEY,
    RULE_NULL_SELECTION,
    RULE_TWO_WAY_NO_BODY,
    RULE_TWO_WAY_STATUS,
    RULE_DELETE_STATUS,
    RULE_USER_AGENT_MISSING,
    RULE_ACCOUNT_THROTTLE,
    RULE_ACCOUNT_BURST,
    RULE_CONNECTIONS_PER_SECOND,
    RULE_ROUTE_THROTTLE,
    RULE_THROTTLED_MESSAGE,
    RULE_CALLBACK_THROTTLED,
    RULE_SIGNATURE_MISSING,
    RULE_SIGNATURE_TWICE,
    RULE_AUTHORIZATION_PAIR,
    RULE_AUTHORIZATION_INCOMPLETE,
    RULE_AUTHORIZATION_PARAMETER,
    RULE_AUTHORIZATION_DATE,
    RULE_PRESIGN_INCOMPLETE,
    RULE_PRESIGN_PARAMETER,
    RULE_PRESIGN_EXPIRES,
    RULE_PRESIGN_EXPIRED,
    RULE_SIGNATURE_DATE,
    RULE_SIGNATURE_EXPIRED,
    RULE_SIGNATURE_NOT_YET,
    RULE_SIGNATURE_HOST,
    RULE_SIGNATURE_ALGORITHM,
    RULE_CREDENTIAL_MALFORMED,
    RULE_SCOPE_REGION,
    RULE_SCOPE_SERVICE,
    RULE_SCOPE_TERMINATOR,
    RULE_SCOPE_DATE,
    RULE_ACCESS_KEY_UNKNOWN,
    RULE_SIGNATURE_MISMATCH,
    RULE_SECURITY_TOKEN_INVALID,
    RULE_IAM_DENIED,
    RULE_IAM_DENIED_EXPLICITLY,
    RULE_API_KEY_INVALID,
    RULE_USAGE_PLAN_THROTTLE,
    RULE_USAGE_PLAN_QUOTA,
    RULE_IDENTITY_SOURCE_MISSING,
    RULE_AUTHORIZER_UNAUTHORIZED,
    RULE_AUTHORIZER_DENIED,
    RULE_AUTHORIZER_DENIED_EXPLICITLY,
    RULE_AUTHORIZER_FAILED,
    RULE_AUTHORIZER_TIMEOUT,
    RULE_AUTHORIZER_UNAVAILABLE,
    RULE_AUTHORIZER_RESULT_MALFORMED,
    RULE_AUTHORIZER_RESULT_TOO_LARGE,
    RULE_AUTHORIZER_RESOURCE_TOO_LONG,
    RULE_AUTHORIZER_CONTEXT,
    RULE_COUNT
};

enum rule_tag { RULE_DOCUMENTED, RULE_OBSERVED, RULE_INFERRED, RULE_UNSETTLED, RULE_OURS };

/* What rule_choice gives for the rules that have one; the first is the default. */
enum { BINARY_CLOSE, BINARY_AS_TEXT };           /* RULE_BINARY_FRAME */
enum { NOT_UTF8_CLOSE, NOT_UTF8_REPLACE };       /* RULE_TEXT_NOT_UTF8 */
enum { PING_RESETS, PING_IGNORED };              /* RULE_PING_RESETS_IDLE */
enum { RESERVED_NO_MATCH, RESERVED_MATCH };      /* RULE_RESERVED_ROUTE_KEY */
enum { NULL_EMPTY, NULL_TEXT };                  /* RULE_NULL_SELECTION */
enum { REFUSAL_NAMES_IDS, REFUSAL_MESSAGE };     /* RULE_REFUSAL_BODY */
enum { NO_BODY_EMPTY_FRAME, NO_BODY_NOTHING };   /* RULE_TWO_WAY_NO_BODY */
enum { STATUS_IGNORED, STATUS_FAILS };           /* RULE_TWO_WAY_STATUS */
enum { DELETE_NO_CONTENT, DELETE_OK };           /* RULE_DELETE_STATUS */
enum { USER_AGENT_EMPTY, USER_AGENT_OMITTED };   /* RULE_USER_AGENT_MISSING */
enum { THROTTLE_ON, THROTTLE_OFF };              /* the rules that throttle */
enum { THROTTLED_ERROR_FRAME, THROTTLED_CLOSE }; /* RULE_THROTTLED_MESSAGE */
enum { CONTEXT_AS_TEXT, CONTEXT_AS_RETURNED };   /* RULE_AUTHORIZER_CONTEXT */

#define RULE_CHOICES_MAX 2

struct rule_choice {
    const char *name; /* "close"; NULL: no further choice */
    const char *what; /* "close the connection" */
};

/* Members that a rule has no use for are 0 or NULL. */
struct rule {
    const char *id;         /* "frame-too-large" */
    const char *what;       /* one sentence, for people */
    uint64_t limit;         /* bytes or milliseconds; the largest value that passes */
    const char *limit_unit; /* "bytes", "ms" */
    uint64_t limit_min;     /* what the limit may be tuned to: from here */
    uint64_t limit_max;     /* to here; 0: it stays as it is */
    unsigned close_code;    /* WebSocket close code sent or reported */
    const char *close_reason;
    unsigned http_status;
    const char *error_type;  /* x-amzn-ErrorType */
    const char *message;     /* in error frames and bodies, each {} to be filled in; NULL: the body is empty */
    const char *message_key; /* of a body: "Message" where AWS writes it so; NULL: "message"; with a message of NULL
                                the body has null there */
    struct rule_choice choices[RULE_CHOICES_MAX]; /* AWS's first, as far as it is known */
    unsigned choice;                              /* the one in effect */
    enum rule_tag tag;
    const char *source; /* AWS page, or what was observed */
    const char *remedy; /* what to do about it, for people, without a full stop; NULL: nothing */
};

/* The rule as it is in effect. */
const struct rule *rule_get(enum rule_id id);

/* The rule as it is without any tuning. */
const struct rule *rule_default(enum rule_id id);

/* Is this, as rule_get gave it, with another limit than AWS has? Then its sentence names AWS's. */
bool rule_has_other_limit(const struct rule *rule);

/* Which of the enumerators above is in effect. */
unsigned rule_choice(enum rule_id id);

/* May the rule of that id be set to `choice`, or to `limit` if `choice` is NULL? If not, with one sentence in
 * `ret_error`, without a full stop. Fits config_options.check_rule. */
enum config_rule_check rule_check_setting(const char *id, const char *choice, uint64_t limit, struct buf *ret_error);

/* Puts settings that were checked into effect; what they do not name is as AWS has it. Before anything has used a
 * rule's limit: buffers are made for it. */
void rules_apply(const struct config_rule_setting *settings, size_t count);

/* Appends how a rule differs from its default, as "binary-frame is "allow" here, "close" on AWS"; nothing if it does
 * not. */
void rule_explain_tuning(enum rule_id id, struct buf *out);

const char *rule_tag_name(enum rule_tag tag);

#endif
