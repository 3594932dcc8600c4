/**
 * @file plugin.h
 * What a handler plugin and the emulator say to each other.
 *
 * A plugin is a shared object that exports one datum, `apigw_plugin`. Write handlers, name them in APIGW_PLUGIN, build
 * with `cc -shared -fPIC`:
 *
 *     #include <apigw/plugin.h>
 *
 *     static int echo(const struct apigw_event *event, struct apigw_context *context)
 *     {
 *         return apigw_respond(context, 200, event->body);
 *     }
 *
 *     APIGW_PLUGIN("echo", "1.0.0", APIGW_HANDLER("echo", echo));
 *
 * Processes. The emulator never loads a plugin. Each execution environment is a process of its own that loads one copy
 * and runs one invocation at a time, as on AWS Lambda: globals survive from one invocation to the next in one
 * environment and are never shared between two. A crash or a timeout ends the environment, not the emulator.
 *
 * Threads. A handler is called on the environment's main thread. Call the functions below from that thread and only
 * while the handler runs; from elsewhere they do nothing and return APIGW_FAILED. init and fini may call apigw_log,
 * apigw_allocate, and what reads and writes JSON (json.h) and collections (collections.h); init also apigw_fail.
 *
 * Memory. No memory crosses the border to be freed by the other side. What you are given is valid until your handler
 * returns, what you pass is copied before the call returns.
 *
 * Compatibility. Fields are added at the end of a struct and never moved. A plugin runs on any emulator of the same
 * APIGW_ABI_MAJOR whose APIGW_ABI_MINOR is not older than the plugin's.
 *
 * C99 and C++11; needs no other header and no library. */
#ifndef APIGW_PLUGIN_H
#define APIGW_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define APIGW_PLUGIN_MAGIC 0x57475041u /**< "APGW" */
#define APIGW_ABI_MAJOR 1u             /**< another one: not loaded */
#define APIGW_ABI_MINOR 2u             /**< the plugin's may be older, never newer */

/** What a plugin shows to others, when everything else is hidden. */
#if defined(__GNUC__)
#define APIGW_EXPORT __attribute__((visibility("default")))
#else
#define APIGW_EXPORT
#endif

/** First in every struct that crosses the border. Frozen for all time: it is what lets the rest change. */
struct apigw_abi {
    uint32_t magic;       /**< APIGW_PLUGIN_MAGIC */
    uint32_t major;       /**< APIGW_ABI_MAJOR of its writer */
    uint32_t minor;       /**< APIGW_ABI_MINOR of its writer */
    uint32_t struct_size; /**< bytes of the struct it opens, as its writer knows it */
};

/** Bytes and their number. No terminator is promised, and the bytes may be anything. */
struct apigw_span {
    const char *ptr; /**< the first of them; borrowed, never to be freed */
    size_t len;      /**< how many */
};

/** What the functions below return. The negative ones are the @connections API's HTTP statuses. */
enum apigw_result {
    APIGW_OK = 0,
    APIGW_BAD_REQUEST = -400,    /**< not a connection id, or an argument that makes no sense */
    APIGW_FORBIDDEN = -403,      /**< not allowed */
    APIGW_GONE = -410,           /**< GoneException: no such connection (any more); forget the id */
    APIGW_TOO_LARGE = -413,      /**< PayloadTooLargeException: over 128 KB */
    APIGW_LIMIT_EXCEEDED = -429, /**< LimitExceededException: the client does not read; try later */
    APIGW_FAILED = -500          /**< the emulator could not do it; its log says why */
};

/** What happened. */
enum apigw_event_type {
    APIGW_OTHER = 0, /**< of nobody's connection: the function was invoked directly, with any JSON; apigw_event_json */
    APIGW_CONNECT = 1,    /**< a client wants in; the answer decides */
    APIGW_MESSAGE = 2,    /**< a client has sent a message */
    APIGW_DISCONNECT = 3, /**< a client is gone; the answer goes nowhere */
    APIGW_AUTHORIZER = 4  /**< may a client connect? Answer with apigw_respond_json and a policy */
};

/** One event: the fields most handlers want, taken from the document that apigw_event_json gives whole. A field that
 * the event does not have is an empty span or 0. */
struct apigw_event {
    struct apigw_abi abi;                /**< how much of this struct there is */
    uint32_t type;                       /**< enum apigw_event_type */
    uint32_t disconnect_status_code;     /**< DISCONNECT: RFC 6455 close code, 1005 for "none given" */
    uint64_t connected_at_ms;            /**< milliseconds since 1970 */
    uint64_t request_time_ms;            /**< when this event was made, milliseconds since 1970 */
    struct apigw_span connection_id;     /**< whose event it is, as on AWS: `L0SM9cOFIAMCIdw=` */
    struct apigw_span route_key;         /**< "$connect", "sendmessage", … */
    struct apigw_span body;              /**< MESSAGE: the client's text, exactly */
    struct apigw_span request_id;        /**< requestContext.requestId */
    struct apigw_span message_id;        /**< MESSAGE: requestContext.messageId */
    struct apigw_span stage;             /**< "dev" */
    struct apigw_span api_id;            /**< ten letters and digits, made of the API's name */
    struct apigw_span domain_name;       /**< the host that clients connect to */
    struct apigw_span source_ip;         /**< the client's address, without its port */
    struct apigw_span user_agent;        /**< the header of the handshake; empty if the client sent none */
    struct apigw_span disconnect_reason; /**< DISCONNECT: the text of the close frame */
};

/** One header of an answer. */
struct apigw_header {
    struct apigw_span name;  /**< in any case */
    struct apigw_span value; /**< printable text */
};

/** What a handler answers, as the fields of a Lambda proxy result. `body.ptr` NULL means no body. Zero what you do not
 * use; apigw_respond fills one for you. */
struct apigw_response {
    struct apigw_abi abi;               /**< APIGW_ABI(struct apigw_response) */
    int32_t status_code;                /**< `statusCode`, 100 to 599 */
    int32_t is_base64_encoded;          /**< `isBase64Encoded`: 1 if the body is Base64 of what is meant */
    struct apigw_span body;             /**< `body` */
    const struct apigw_header *headers; /**< `headers`; NULL: none */
    size_t header_count;                /**< how many of them */
};

/** What apigw_get_connection fills, `abi` included. The spans are valid until the next call of one of these functions.
 */
struct apigw_connection {
    struct apigw_abi abi;         /**< how much of this struct was filled */
    uint64_t connected_at_ms;     /**< milliseconds since 1970 */
    uint64_t last_active_at_ms;   /**< when it last sent or was sent something; likewise */
    struct apigw_span source_ip;  /**< the client's address */
    struct apigw_span user_agent; /**< empty if the client sent none */
};

/** How much a line of the log matters. */
enum apigw_log_level {
    APIGW_LOG_ERROR = 0, /**< something failed */
    APIGW_LOG_WARN = 1,  /**< something is odd */
    APIGW_LOG_INFO = 2,  /**< worth knowing */
    APIGW_LOG_DEBUG = 3  /**< for those who look for a mistake */
};

struct apigw_context;

/** What the emulator offers. Use it through the functions further down. */
struct apigw_host {
    struct apigw_abi abi; /**< how much of this struct there is */
    /** Behind apigw_respond, apigw_respond_status and apigw_respond_with_headers. */
    int (*respond)(struct apigw_context *context, const struct apigw_response *response);
    /** Behind apigw_respond_json. */
    int (*respond_json)(struct apigw_context *context, struct apigw_span result);
    /** Behind apigw_fail. */
    int (*fail)(struct apigw_context *context, struct apigw_span error_type, struct apigw_span message);
    /** Behind apigw_event_json. */
    struct apigw_span (*event_json)(struct apigw_context *context);
    /** Behind apigw_remaining_ms. */
    uint64_t (*remaining_ms)(struct apigw_context *context);
    /** Behind apigw_log. */
    void (*log)(struct apigw_context *context, int level, struct apigw_span line);
    /** Behind apigw_post_to_connection. */
    int (*post_to_connection)(struct apigw_context *context, struct apigw_span connection_id, struct apigw_span data);
    /** Behind apigw_get_connection. */
    int (*get_connection)(struct apigw_context *context, struct apigw_span connection_id, struct apigw_connection *ret);
    /** Behind apigw_delete_connection. */
    int (*delete_connection)(struct apigw_context *context, struct apigw_span connection_id);
    /** Behind apigw_allocate; this and what follows are there since ABI 1.1. */
    void *(*allocate)(struct apigw_context *context, size_t size);
    const struct apigw_json_services *json;   /**< apigw/json.h */
    const struct apigw_store_services *store; /**< apigw/collections.h */
    /** Behind apigw_broadcast; since ABI 1.2. */
    size_t (*post_to_connections)(struct apigw_context *context, const struct apigw_span *connection_ids, size_t count,
                                  struct apigw_span data, int *ret_results);
};

/** The second argument of a handler, as on Lambda. `user` is what init left there. */
struct apigw_context {
    struct apigw_abi abi;             /**< how much of this struct there is */
    const struct apigw_host *host;    /**< what the functions below are made of */
    void *user;                       /**< yours: set by init, kept for the life of the environment */
    struct apigw_span function_name;  /**< the key in "functions" of routes.json */
    struct apigw_span aws_request_id; /**< a UUID, new for each invocation; empty in init and fini */
    uint32_t memory_limit_mb;         /**< "memorySize" in routes.json: an environment that uses more is killed */
};

/** Returns 0, or anything else to fail the invocation (the client gets `Internal server error`; on $connect a 502). A
 * handler that returns 0 without having answered returned null: AWS calls that malformed, and so do we. */
typedef int apigw_handler_fn(const struct apigw_event *event, struct apigw_context *context);

/** A handler and its name. */
struct apigw_handler {
    const char *name;         /**< what "handler" in routes.json says; 1 to 128 characters without blanks */
    apigw_handler_fn *handle; /**< not NULL */
};

/** What a plugin exports under the name `apigw_plugin`. */
struct apigw_plugin {
    struct apigw_abi abi;                 /**< APIGW_ABI(struct apigw_plugin) */
    const char *name;                     /**< for people */
    const char *version;                  /**< likewise */
    const struct apigw_handler *handlers; /**< at least one, each with a name of its own */
    uint32_t handler_count;               /**< how many */
    uint32_t handler_size;                /**< sizeof(struct apigw_handler), so that it can grow */
    /** Cold start, once per environment, before the first event. Non-zero: the environment did not start. Optional. */
    int (*init)(struct apigw_context *context);
    /** The environment is retired; the last call. Not made after a crash or a timeout. Optional. */
    void (*fini)(struct apigw_context *context);
};

/** Opens a struct of the given type. */
#define APIGW_ABI(type)                                                              \
    {                                                                                \
        APIGW_PLUGIN_MAGIC, APIGW_ABI_MAJOR, APIGW_ABI_MINOR, (uint32_t)sizeof(type) \
    }

/** Does the struct at `p` reach as far as `field`? Ask before using a field that is newer than ABI 1.0. */
#define APIGW_HAS(type, p, field) ((p)->abi.struct_size >= offsetof(type, field) + sizeof((p)->field))

/** The one datum of a plugin. APIGW_PLUGIN defines it. */
extern APIGW_EXPORT const struct apigw_plugin apigw_plugin;

/** One handler in APIGW_PLUGIN: the name that "handler" in routes.json has, and its function. */
#define APIGW_HANDLER(name, function) \
    {                                 \
        name, function                \
    }

/** Makes a plugin of handlers:
 *
 *     APIGW_PLUGIN("chat", "1.0.0", APIGW_HANDLER("join", join), APIGW_HANDLER("say", say));
 */
#define APIGW_PLUGIN(name, version, ...) APIGW_PLUGIN_WITH_INIT(name, version, NULL, NULL, __VA_ARGS__)

/** The same with `int init(struct apigw_context *)` and `void fini(struct apigw_context *)`, either may be NULL. */
#define APIGW_PLUGIN_WITH_INIT(name, version, init, fini, ...)            \
    static const struct apigw_handler apigw_handlers_[] = {__VA_ARGS__};  \
    const struct apigw_plugin apigw_plugin = {                            \
        APIGW_ABI(struct apigw_plugin),                                   \
        name,                                                             \
        version,                                                          \
        apigw_handlers_,                                                  \
        (uint32_t)(sizeof(apigw_handlers_) / sizeof(apigw_handlers_[0])), \
        (uint32_t)sizeof(struct apigw_handler),                           \
        init,                                                             \
        fini,                                                             \
    }

/* ---- for handlers ---- */

/** A span over a string literal, without its terminator. */
#define APIGW_SPAN(literal) apigw_span_of("" literal, sizeof(literal) - 1)

/** A span over `len` bytes from `ptr` on. They are borrowed: it is valid as long as they are. */
static inline struct apigw_span apigw_span_of(const char *ptr, size_t len)
{
    struct apigw_span s;
    s.ptr = ptr;
    s.len = len;
    return s;
}

/** A span over a C string, without its terminator, as long as that is valid; of NULL the empty span. */
static inline struct apigw_span apigw_span_of_str(const char *str)
{
    size_t len = 0;
    while (str && str[len])
        len++;
    return apigw_span_of(str, len);
}

/** 1 if both hold the same bytes. */
static inline int apigw_span_equal(struct apigw_span a, struct apigw_span b)
{
    size_t i;
    if (a.len != b.len)
        return 0;
    for (i = 0; i < a.len; i++)
        if (a.ptr[i] != b.ptr[i])
            return 0;
    return 1;
}

/** Answers this invocation: the status decides on $connect; the body goes to the client of a two-way route. The last
 * answer counts. Returns 0, so `return apigw_respond(…)` ends a handler; APIGW_TOO_LARGE if body is over Lambda's 6 MB.
 */
static inline int apigw_respond(struct apigw_context *context, int status_code, struct apigw_span body)
{
    struct apigw_response r = {APIGW_ABI(struct apigw_response), 0, 0, {NULL, 0}, NULL, 0};
    r.status_code = status_code;
    r.body = body;
    return context->host->respond(context, &r);
}

/** Answers with a status alone. */
static inline int apigw_respond_status(struct apigw_context *context, int status_code)
{
    return apigw_respond(context, status_code, apigw_span_of(NULL, 0));
}

/** Answers with headers too: on $connect, Sec-WebSocket-Protocol is the one that reaches the client. */
static inline int apigw_respond_with_headers(struct apigw_context *context, int status_code, struct apigw_span body,
                                             const struct apigw_header *headers, size_t header_count)
{
    struct apigw_response r = {APIGW_ABI(struct apigw_response), 0, 0, {NULL, 0}, NULL, 0};
    r.status_code = status_code;
    r.body = body;
    r.headers = headers;
    r.header_count = header_count;
    return context->host->respond(context, &r);
}

/** Answers with the exact JSON text that a Lambda function would have returned, `{"statusCode":200,"body":"hi"}`. It is
 * judged as AWS judges it: not a proxy result, and the client gets `Internal server error`. */
static inline int apigw_respond_json(struct apigw_context *context, struct apigw_span result)
{
    return context->host->respond_json(context, result);
}

/** Fails this invocation with an error type and a message for the log, as a thrown exception would. Returns non-zero,
 * so `return apigw_fail(…)` ends a handler. */
static inline int apigw_fail(struct apigw_context *context, struct apigw_span error_type, struct apigw_span message)
{
    return context->host->fail(context, error_type, message);
}

/** The event's exact JSON, as a Lambda function would be given it. Valid until the handler returns. */
static inline struct apigw_span apigw_event_json(struct apigw_context *context)
{
    return context->host->event_json(context);
}

/** Memory of this invocation: aligned for everything, zeroed, and gone by itself when the handler has returned. In init
 * it lives until init has returned. NULL, as with malloc, beyond three quarters of the function's `memorySize`. */
static inline void *apigw_allocate(struct apigw_context *context, size_t size)
{
    return context->host->allocate(context, size);
}

/** Milliseconds until the function's timeout ends this invocation. */
static inline uint64_t apigw_remaining_ms(struct apigw_context *context)
{
    return context->host->remaining_ms(context);
}

/** One line for the log, tagged with function and request id. What a plugin prints with printf is logged the same way.
 */
static inline void apigw_log(struct apigw_context *context, enum apigw_log_level level, struct apigw_span line)
{
    context->host->log(context, (int)level, line);
}

/** Sends one text message to a client, as POST @connections/{id} does. APIGW_OK once it is on its way, in order behind
 * what was sent before; APIGW_GONE, APIGW_BAD_REQUEST, APIGW_TOO_LARGE, APIGW_LIMIT_EXCEEDED or APIGW_FAILED. Bytes
 * that are not UTF-8 become U+FFFD. */
static inline int apigw_post_to_connection(struct apigw_context *context, struct apigw_span connection_id,
                                           struct apigw_span data)
{
    return context->host->post_to_connection(context, connection_id, data);
}

/** Looks a connection up, as GET @connections/{id} does. APIGW_OK and `ret`, which is not touched otherwise;
 * APIGW_GONE, APIGW_BAD_REQUEST or APIGW_FAILED. */
static inline int apigw_get_connection(struct apigw_context *context, struct apigw_span connection_id,
                                       struct apigw_connection *ret)
{
    return context->host->get_connection(context, connection_id, ret);
}

/** Closes a connection, as DELETE @connections/{id} does: the client sees 1000. APIGW_OK, APIGW_GONE, APIGW_BAD_REQUEST
 * or APIGW_FAILED. */
static inline int apigw_delete_connection(struct apigw_context *context, struct apigw_span connection_id)
{
    return context->host->delete_connection(context, connection_id);
}

#ifdef __cplusplus
}
#endif

#endif
