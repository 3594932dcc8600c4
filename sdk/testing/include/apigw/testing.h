/**
 * @file testing.h
 * A fake host: unit tests for handlers, without the emulator and with any test framework.
 *
 *     extern const struct apigw_plugin apigw_plugin;      // of chat.c, which is linked into the test
 *
 *     struct apigw_test *test = apigw_test_new(&apigw_plugin);
 *     struct apigw_test_event event = apigw_test_message("{\"action\":\"say\",\"text\":\"hi\"}");
 *     const struct apigw_test_result *result;
 *
 *     apigw_test_gone(test, "JoLeft0000AAAAA=");
 *     result = apigw_test_call(test, "say", &event);
 *     assert(result->status_code == 200);
 *     assert(strcmp(apigw_test_sent(test, "JoStays000AAAAA=", 0), "hi") == 0);
 *     apigw_test_free(test);
 *
 * Link with apigw::testing (CMake) or `pkg-config --libs apigw-testing`; either needs SQLite. The plugin's source is
 * compiled into the test as it is.
 *
 * What it is. One fake host is one execution environment: init once, then one invocation after another. Events are put
 * together by the emulator's own code, so their JSON is what a handler gets from it; answers are judged by it, too.
 * Collections are kept by the emulator's own store, in memory, and are gone with the fake host; each has its own.
 * Nothing is done beyond that: no connections but in name, no clock that moves, no timeout.
 *
 * Connections. Every id is a connection that is there, except: one that apigw_test_gone, a $disconnect or
 * apigw_delete_connection has taken away, and the client of a $connect, which on AWS is not there before its handler
 * has let it in. Data over 128 KB is APIGW_TOO_LARGE, an id that is empty or over 1024 bytes APIGW_BAD_REQUEST.
 *
 * Memory. What a handler is given (the event, its JSON, what it has allocated) is freed when it has returned, each
 * piece for itself, and overwritten before: under AddressSanitizer or valgrind a handler that keeps a pointer, or takes
 * a span for a terminated string, is found. What the functions below return belongs to the fake host. Texts end in a
 * zero byte and are valid until the next call of apigw_test_call or apigw_test_init (results) or
 * apigw_test_forget (what was recorded), or until apigw_test_free.
 *
 * Threads. A fake host is used by one thread at a time. Any number of them may exist; they know nothing of one another.
 * Errors. Out of memory, the fake host says so and aborts. No pointer may be NULL unless that is said.
 *
 * C99 and C++11. */
#ifndef APIGW_TESTING_H
#define APIGW_TESTING_H

#include <apigw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

struct apigw_test;

/* ---- the environment ---- */

/** The plugin must outlive it. */
struct apigw_test *apigw_test_new(const struct apigw_plugin *plugin);

/** A plugin without init and fini that has these handlers. The array must outlive it. */
struct apigw_test *apigw_test_new_with_handlers(const struct apigw_handler *handlers, size_t count);

/** Calls the plugin's fini if that has not been done, and frees everything. NULL is fine. */
void apigw_test_free(struct apigw_test *test);

/** The plugin's init; what it returned, or 0 if there is none or it has succeeded before. The first call of a handler
 * does this by itself. */
int apigw_test_init(struct apigw_test *test);

/** The plugin's fini, if init has succeeded; what comes next begins with init again. */
void apigw_test_fini(struct apigw_test *test);

/** What handlers are given: to look at `user`, or to set it where no init does. Outside of an invocation its functions
 * do nothing and return APIGW_FAILED, as in an environment. */
struct apigw_context *apigw_test_context(struct apigw_test *test);

/** Milliseconds that apigw_remaining_ms returns from now on; 3000 at first. It does not run out by itself. */
void apigw_test_set_remaining_ms(struct apigw_test *test, uint64_t ms);

/** What one invocation can allocate, in bytes; 128 MB at first. With 0 every allocation fails. */
void apigw_test_set_memory(struct apigw_test *test, size_t bytes);

/* ---- events ---- */

/** A header, a variable of the stage: borrowed C strings. */
struct apigw_test_pair {
    const char *name;  /**< NULL ends an array */
    const char *value; /**< NULL ends an array */
};

/** An event: a struct with something sensible in each field; overwrite what the test is about. The strings are borrowed
 * until apigw_test_call has returned. */
struct apigw_test_event {
    enum apigw_event_type type;      /**< as the functions below set it */
    const char *connection_id;       /**< APIGW_TEST_CONNECTION_ID */
    const char *route_key;           /**< only a message's can be another than "$connect" or "$disconnect" */
    const char *body;                /**< MESSAGE */
    size_t body_len;                 /**< 0: up to the terminator */
    const char *stage;               /**< "dev" */
    const char *api_id;              /**< ten letters and digits */
    const char *domain_name;         /**< the host that the client connected to */
    const char *source_ip;           /**< the client's address */
    const char *user_agent;          /**< NULL: the client sent none */
    const char *request_id;          /**< NULL: a new one for each call */
    const char *message_id;          /**< MESSAGE; NULL: likewise */
    uint64_t connected_at_ms;        /**< milliseconds since 1970 */
    uint64_t request_time_ms;        /**< milliseconds since 1970 */
    uint32_t disconnect_status_code; /**< DISCONNECT: the code of the close frame */
    const char *disconnect_reason;   /**< DISCONNECT: its text */

    /** CONNECT and AUTHORIZER: what the client sent, beside the headers of every handshake; of the same name, instead
     * of them. The array ends with {NULL, NULL}; NULL: nothing. */
    const struct apigw_test_pair *headers;
    const char *query; /**< as in the URL: "room=lobby&name=J%C3%B6"; NULL: there was no '?' */

    /** All types. Ends with {NULL, NULL}; NULL: none. */
    const struct apigw_test_pair *stage_variables;
    /** requestContext.authorizer: a JSON object, {"principalId":"anna","room":"lobby"}; NULL: there is no authorizer.
     */
    const char *authorizer;

    const char *method_arn; /**< AUTHORIZER: what it is asked to allow */
};

/** The connection they all come from unless told otherwise. */
#define APIGW_TEST_CONNECTION_ID "ApigwTestCICAgI="

/** A client wants in. */
struct apigw_test_event apigw_test_connect(void);
/** A message on route $default; `body` is borrowed. */
struct apigw_test_event apigw_test_message(const char *body);
/** A client is gone, with 1005, as when a browser's tab is closed. */
struct apigw_test_event apigw_test_disconnect(void);
/** An authorizer is asked about a client. */
struct apigw_test_event apigw_test_authorizer(void);

/* ---- calling ---- */

/** What a handler has answered, as AWS would understand it. */
struct apigw_test_result {
    int returned;          /**< by the handler */
    int status_code;       /**< 0: it failed, or its answer is no proxy result, or it is an authorizer */
    const char *body;      /**< NULL: none */
    size_t body_len;       /**< without the terminator */
    int is_base64_encoded; /**< 1 if the handler said so of the body */
    const struct apigw_test_pair *headers; /**< ends with {NULL, NULL} */
    const char *json;          /**< what it gave to apigw_respond_json, "null" if it did not answer; else NULL */
    const char *malformed;     /**< why its answer is no proxy result; NULL: it is one, or it failed */
    const char *error_type;    /**< it failed: with apigw_fail, by what it returned, or in init; else NULL */
    const char *error_message; /**< likewise */
};

/** Calls the handler of that name, after init if that is still to be done. A name that the plugin does not have, a
 * failed init, or an event that cannot be, are results with an error_type. */
const struct apigw_test_result *apigw_test_call(struct apigw_test *test, const char *handler,
                                                const struct apigw_test_event *event);

/** The same with the function itself. */
const struct apigw_test_result *apigw_test_call_function(struct apigw_test *test, apigw_handler_fn *handler,
                                                         const struct apigw_test_event *event);

/** Calls a function of the test's as if it were a handler: between invocations, to arrange or look at collections
 * (apigw/collections.h) or to use apigw/json.h. It can allocate, read and write JSON, ask for collections and log;
 * nothing else. Returns what it returned; the last result is not touched. */
int apigw_test_run(struct apigw_test *test, int (*function)(struct apigw_context *context, void *arg), void *arg);

/** A header of the answer, in any case; NULL if it has none of that name. */
const char *apigw_test_header(const struct apigw_test_result *result, const char *name);

/** What is at a path of a JSON text (apigw_json_get has the same paths), as apigw_json_text would give it:
 * apigw_test_json(test, result->body, "members[0].name"). NULL if there is no such value. Valid until the next such
 * call. */
const char *apigw_test_json(struct apigw_test *test, const char *json, const char *path);

/* ---- what was recorded: from apigw_test_new or apigw_test_forget on, whichever handler it was, in order ---- */

/** A post that a handler has tried. */
struct apigw_test_post {
    const char *connection_id; /**< to whom */
    const char *data;          /**< what, ended by a zero byte */
    size_t data_len;           /**< without the terminator */
    int result;                /**< what the handler was told, an enum apigw_result */
};

/** A line that a handler has logged. */
struct apigw_test_line {
    enum apigw_log_level level; /**< as it was given */
    const char *text;           /**< ended by a zero byte */
};

/** How many posts were tried, whatever came of them. */
size_t apigw_test_post_count(const struct apigw_test *test);

/** One of them, from 0 on; NULL behind the last one. */
const struct apigw_test_post *apigw_test_post_at(const struct apigw_test *test, size_t index);

/** How many messages one connection has been sent: APIGW_OK was the result. */
size_t apigw_test_sent_count(const struct apigw_test *test, const char *connection_id);

/** One of them, from 0 on; NULL behind the last one. */
const char *apigw_test_sent(const struct apigw_test *test, const char *connection_id, size_t index);

/** How many connections were closed. */
size_t apigw_test_closed_count(const struct apigw_test *test);

/** The id of one of them, from 0 on; NULL behind the last one. */
const char *apigw_test_closed(const struct apigw_test *test, size_t index);

/** 1 if that connection was closed, else 0. */
int apigw_test_is_closed(const struct apigw_test *test, const char *connection_id);

/** How many lines came from apigw_log and its kin; what is printed goes to standard output, as it always does. */
size_t apigw_test_line_count(const struct apigw_test *test);

/** One of them, from 0 on; NULL behind the last one. */
const struct apigw_test_line *apigw_test_line_at(const struct apigw_test *test, size_t index);

/** 1 if `part` is in one of them, else 0. */
int apigw_test_logged(const struct apigw_test *test, const char *part);

/** Forgets what was recorded. What connections there are, and what is scripted for them, stays. */
void apigw_test_forget(struct apigw_test *test);

/* ---- connections ---- */

/** From now on there is no such connection. */
void apigw_test_gone(struct apigw_test *test, const char *connection_id);

/** What there is to know of a connection. */
struct apigw_test_connection {
    uint64_t connected_at_ms;   /**< milliseconds since 1970 */
    uint64_t last_active_at_ms; /**< milliseconds since 1970 */
    const char *source_ip;      /**< the client's address */
    const char *user_agent;     /**< NULL: none */
};

/** It is there, and this is what apigw_get_connection tells of it; NULL for the values that all have at first. */
void apigw_test_connected(struct apigw_test *test, const char *connection_id, const struct apigw_test_connection *with);

/** What can be done to a connection. */
enum apigw_test_operation {
    APIGW_TEST_POST = 0,  /**< apigw_post_to_connection */
    APIGW_TEST_GET = 1,   /**< apigw_get_connection */
    APIGW_TEST_DELETE = 2 /**< apigw_delete_connection */
};

/** The next time that this is done to that connection, or to any if `connection_id` is NULL, `result` is what comes of
 * it, and nothing else happens. Several for the same wait in line. */
void apigw_test_next(struct apigw_test *test, enum apigw_test_operation operation, const char *connection_id,
                     enum apigw_result result);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
