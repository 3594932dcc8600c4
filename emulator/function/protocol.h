/* protocol.h - the frames that travel on a channel between the emulator and apigw-host.
 *
 * Both programs are built together and refuse another PROTOCOL_VERSION, so this may change at will; the border that
 * must not is sdk/include/apigw/plugin.h. A frame is a struct protocol_frame and `size` bytes: a fixed struct for its
 * type, then the bytes of that struct's spans one after another in the order given. Host byte order, no padding between
 * the spans. The gateway believes no number in here before it has checked it. */
#ifndef FUNCTION_PROTOCOL_H
#define FUNCTION_PROTOCOL_H

#include <stdint.h>

#define PROTOCOL_VERSION 3u

/* Where apigw-host finds things. */
#define PROTOCOL_FD_MEMORY 3
#define PROTOCOL_FD_BELL 4   /* channel_fds.bell */
#define PROTOCOL_FD_PLUGIN 5 /* the private copy of the plugin, a memfd */

/* Lambda's limit on a synchronous payload, either way (6 MB, AWS Lambda developer guide, "Lambda quotas"). */
#define PROTOCOL_PAYLOAD_MAX 6291556u
/* No frame is larger: a payload, the body that is in it once more, and the other fields. */
#define PROTOCOL_FRAME_MAX (2u * PROTOCOL_PAYLOAD_MAX + 256u * 1024u)
#define PROTOCOL_HEADERS_MAX 64u    /* of a result */
#define PROTOCOL_POSTS_MAX 128u     /* connections that one call posts to */
#define PROTOCOL_LOG_LINE_MAX 8192u /* longer lines are cut into several */
#define PROTOCOL_ERROR_MAX 2048u    /* error type, and error message */

enum protocol_type {
    /* to the host */
    PROTOCOL_INVOKE = 1,  /* struct protocol_invoke */
    PROTOCOL_CALL_RESULT, /* struct protocol_call_result */
    PROTOCOL_SHUTDOWN,    /* nothing: call fini and exit once no invocation is left */
    /* to the gateway */
    PROTOCOL_READY = 16,  /* struct protocol_ready: init is done */
    PROTOCOL_INIT_FAILED, /* struct protocol_error: and the host exits */
    PROTOCOL_RESULT,      /* struct protocol_result: typed answer */
    PROTOCOL_RESULT_JSON, /* struct protocol_result_json: the exact Lambda result, or null if the handler gave none */
    PROTOCOL_ERROR,       /* struct protocol_error: the handler failed */
    PROTOCOL_CALL,        /* struct protocol_call; one outstanding at most */
    PROTOCOL_LOG,         /* struct protocol_log */
    PROTOCOL_STARTED      /* struct protocol_started: before anything of the plugin has run */
};

struct protocol_frame {
    uint32_t type;
    uint32_t size; /* of what follows */
};

/* The spans of an invocation, in this order. */
enum protocol_field {
    FIELD_AWS_REQUEST_ID,
    FIELD_CONNECTION_ID,
    FIELD_ROUTE_KEY,
    FIELD_REQUEST_ID,
    FIELD_MESSAGE_ID,
    FIELD_STAGE,
    FIELD_API_ID,
    FIELD_DOMAIN_NAME,
    FIELD_SOURCE_IP,
    FIELD_USER_AGENT,
    FIELD_DISCONNECT_REASON,
    FIELD_EVENT_HEAD, /* the event's JSON is head + escaped body + tail; without a tail it is all head */
    FIELD_BODY,
    FIELD_EVENT_TAIL,
    FIELD_COUNT
};

struct protocol_invoke {
    uint64_t sequence; /* answers repeat it */
    uint64_t connected_at_ms;
    uint64_t request_time_ms;
    uint32_t slot;
    uint32_t timeout_ms;
    uint32_t event_type; /* enum apigw_event_type */
    uint32_t disconnect_status_code;
    uint32_t field_len[FIELD_COUNT];
};

/* Followed by the source IP, the user agent, and for CALL_POST_ALL by an int32_t, the result of each post in the order
 * of the ids. */
struct protocol_call_result {
    int32_t result; /* enum apigw_result */
    uint32_t source_ip_len;
    uint32_t user_agent_len;
    uint32_t post_count;
    uint64_t connected_at_ms;
    uint64_t last_active_at_ms;
};

struct protocol_started {
    uint32_t limits_memory; /* 0: a sanitizer is in the process, which needs more than any handler */
    uint32_t reserved;
};

/* What a phase has used, as the host tells it. */
struct protocol_usage {
    uint64_t duration_ns;
    uint32_t memory_max_kb; /* the most that was resident at once; of init 0, if it is not known */
    uint32_t memory_kb;     /* anonymous memory in use at the end */
};

struct protocol_ready {
    uint32_t version; /* PROTOCOL_VERSION */
    uint32_t reserved;
    struct protocol_usage usage; /* of dlopen and init */
};

struct protocol_error {
    uint64_t sequence; /* 0 in INIT_FAILED */
    uint32_t type_len;
    uint32_t message_len;
    struct protocol_usage usage;
};

/* Followed by the body, then for each header: uint32_t name_len, uint32_t value_len, name, value. */
struct protocol_result {
    uint64_t sequence;
    int32_t status_code;
    uint8_t has_body;
    uint8_t is_base64_encoded;
    uint16_t header_count;
    uint32_t body_len;
    uint32_t reserved;
    struct protocol_usage usage;
};

struct protocol_result_json {
    uint64_t sequence;
    uint32_t json_len;
    uint32_t reserved;
    struct protocol_usage usage;
};

enum protocol_call_op { CALL_POST = 1, CALL_GET, CALL_DELETE, CALL_POST_ALL };

/* Followed by the connection's id and the data. CALL_POST_ALL has several ids in that place, with a uint32_t, its
 * length, before each. */
struct protocol_call {
    uint32_t op;
    uint32_t id_len;
    uint32_t data_len;
    uint32_t id_count; /* of CALL_POST_ALL, PROTOCOL_POSTS_MAX at most; else 0 */
};

struct protocol_log {
    uint64_t sequence; /* 0: not during an invocation */
    int32_t level;     /* enum apigw_log_level, or -1 for a line of stdout or stderr */
    uint32_t line_len;
};

#endif
