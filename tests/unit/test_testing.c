/* test_testing.c - the fake host of apigw/testing.h, as those who test handlers use it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apigw/collections.h>
#include <apigw/connections.h>
#include <apigw/event.h>
#include <apigw/log.h>
#include <apigw/testing.h>
#include <cmocka.h>
#include <pthread.h>

#ifdef __SANITIZE_ADDRESS__
extern int __asan_address_is_poisoned(const volatile void *at);
#endif

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- a plugin ---- */

/* What handlers have kept, which they should not. */
static struct {
    struct apigw_context *context;
    struct apigw_event event;
    struct apigw_span json;
    void *memory;
    int inits, finis, init_result;
} kept;

static int on_init(struct apigw_context *context)
{
    kept.inits++;
    context->user = apigw_allocate(context, 8) ? &kept : NULL;
    if (kept.init_result == 2)
        return apigw_fail(context, APIGW_SPAN("NoDatabase"), APIGW_SPAN("it is not there"));
    return kept.init_result;
}

static void on_fini(struct apigw_context *context)
{
    kept.finis++;
    apigw_log(context, APIGW_LOG_INFO, APIGW_SPAN("the end"));
}

static int echo(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

static int event_text(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, apigw_event_json(context));
}

/* Answers as its body says: a status, or one of these words. */
static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    const struct apigw_header headers[] = {{APIGW_SPAN("Sec-WebSocket-Protocol"), APIGW_SPAN("chat.v1")},
                                           {APIGW_SPAN("X-Count"), APIGW_SPAN("2")}};

    if (apigw_span_equal(event->body, APIGW_SPAN("nothing")))
        return 0;
    if (apigw_span_equal(event->body, APIGW_SPAN("one")))
        return 1;
    if (apigw_span_equal(event->body, APIGW_SPAN("fail")))
        return apigw_fail(context, APIGW_SPAN("Oh"), APIGW_SPAN("no"));
    if (apigw_span_equal(event->body, APIGW_SPAN("headers")))
        return apigw_respond_with_headers(context, 201, event->body, headers, 2);
    if (apigw_span_equal(event->body, APIGW_SPAN("twice"))) {
        apigw_respond(context, 500, APIGW_SPAN("first"));
        return apigw_respond(context, 200, APIGW_SPAN("second"));
    }
    return apigw_respond_json(context, event->body);
}

static int keep(const struct apigw_event *event, struct apigw_context *context)
{
    kept.context = context;
    kept.event = *event;
    kept.json = apigw_event_json(context);
    kept.memory = apigw_allocate(context, 100);
    return apigw_respond_status(context, 200);
}

/* The same on a host of ABI 1.1, which has no such function. */
static int push_on_older_host(const struct apigw_event *event, struct apigw_context *context)
{
    const struct apigw_span ids[] = {APIGW_SPAN("anna"), APIGW_SPAN("bert")};
    struct apigw_host *host = (struct apigw_host *)(uintptr_t)context->host, newer = *host;
    int results[2];
    size_t sent;

    host->abi.minor = 1;
    host->abi.struct_size = offsetof(struct apigw_host, post_to_connections);
    host->post_to_connections = NULL;
    sent = apigw_broadcast(context, ids, 2, event->body, results);
    *host = newer;
    return sent == 1 && results[0] == APIGW_OK && results[1] == APIGW_GONE ? apigw_respond_status(context, 200) : 1;
}

/* Posts the body to three connections, closes the last, and answers with the results. */
static int push(const struct apigw_event *event, struct apigw_context *context)
{
    const struct apigw_span ids[] = {APIGW_SPAN("anna"), APIGW_SPAN("bert"), APIGW_SPAN("carl")};
    int results[3];
    char text[64];
    int len;

    apigw_broadcast(context, ids, 3, event->body, results);
    len = snprintf(text, sizeof(text), "%d %d %d %d", results[0], results[1], results[2],
                   apigw_delete_connection(context, ids[2]));
    return apigw_respond(context, 200, apigw_span_of(text, (size_t)len));
}

static int look_up(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_connection c;
    const int result = apigw_get_connection(context, event->body, &c);
    char text[256];

    if (result != APIGW_OK)
        snprintf(text, sizeof(text), "%d", result);
    else
        snprintf(text, sizeof(text), "%llu %llu %.*s %.*s", (unsigned long long)c.connected_at_ms,
                 (unsigned long long)c.last_active_at_ms, (int)c.source_ip.len, c.source_ip.ptr, (int)c.user_agent.len,
                 c.user_agent.ptr ? c.user_agent.ptr : "");
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

static int post_self(const struct apigw_event *event, struct apigw_context *context)
{
    const int result = apigw_post_to_connection(context, event->connection_id, APIGW_SPAN("hi"));
    return apigw_respond(context, 200, apigw_span_of_str(apigw_result_name(result)));
}

static int refuse(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond_status(context, 403);
}

/* How many bytes can be had, in pieces of 1000. */
static int allocate_all(const struct apigw_event *event, struct apigw_context *context)
{
    char text[32];
    size_t count = 0;

    while (apigw_allocate(context, 1000))
        count++;
    snprintf(text, sizeof(text), "%zu of %u", count, context->memory_limit_mb);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

static int describe(const struct apigw_event *event, struct apigw_context *context)
{
    char text[128];

    snprintf(text, sizeof(text), "%llu %.*s %.*s", (unsigned long long)apigw_remaining_ms(context),
             (int)context->function_name.len, context->function_name.ptr, (int)context->aws_request_id.len,
             context->aws_request_id.ptr);
    apigw_log_text(context, APIGW_LOG_WARN, "a %s", "warning");
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

static void *call_from_thread(void *context)
{
    static int result;
    result = apigw_post_to_connection(context, APIGW_SPAN("anna"), APIGW_SPAN("hi"));
    apigw_log(context, APIGW_LOG_INFO, APIGW_SPAN("from a thread"));
    return apigw_allocate(context, 10) ? NULL : &result;
}

static int in_thread(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_context copy = *context;
    pthread_t thread;
    void *result;

    assert_int_equal(pthread_create(&thread, NULL, call_from_thread, context), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    assert_int_equal(*(int *)result, APIGW_FAILED);
    assert_int_equal(apigw_respond_status(&copy, 200), APIGW_FAILED);
    assert_int_equal(context->host->respond(NULL, NULL), APIGW_FAILED);
    assert_int_equal(context->host->respond(context, NULL), APIGW_BAD_REQUEST);
    assert_int_equal(context->host->get_connection(context, APIGW_SPAN("anna"), NULL), APIGW_BAD_REQUEST);
    assert_int_equal(apigw_post_to_connection(context, apigw_span_of(NULL, 3), APIGW_SPAN("x")), APIGW_BAD_REQUEST);
    assert_int_equal(apigw_post_to_connection(context, APIGW_SPAN("anna"), apigw_span_of(NULL, 3)), APIGW_BAD_REQUEST);
    return apigw_respond_status(context, 200);
}

static const struct apigw_handler handlers[] = {
    APIGW_HANDLER("echo", echo),
    APIGW_HANDLER("event", event_text),
    APIGW_HANDLER("answer", answer),
    APIGW_HANDLER("keep", keep),
    APIGW_HANDLER("push", push),
    APIGW_HANDLER("look_up", look_up),
    APIGW_HANDLER("post_self", post_self),
    APIGW_HANDLER("refuse", refuse),
    APIGW_HANDLER("allocate", allocate_all),
    APIGW_HANDLER("describe", describe),
    APIGW_HANDLER("thread", in_thread),
    APIGW_HANDLER("older", push_on_older_host),
};

static const struct apigw_plugin plugin = {
    .abi = APIGW_ABI(struct apigw_plugin),
    .name = "tested",
    .version = "1.0.0",
    .handlers = handlers,
    .handler_count = COUNT(handlers),
    .handler_size = sizeof(struct apigw_handler),
    .init = on_init,
    .fini = on_fini,
};

static int set_up(void **state)
{
    memset(&kept, 0, sizeof(kept));
    *state = apigw_test_new(&plugin);
    return 0;
}

static int tear_down(void **state)
{
    apigw_test_free(*state);
    return 0;
}

static const struct apigw_test_result *send(struct apigw_test *test, const char *handler, const char *body)
{
    const struct apigw_test_event event = apigw_test_message(body);
    return apigw_test_call(test, handler, &event);
}

/* ---- calling and results ---- */

static void a_handler_is_called_by_its_name_and_its_answer_can_be_read(void **state)
{
    const struct apigw_test_result *result = send(*state, "echo", "hello");

    assert_int_equal(result->returned, 0);
    assert_int_equal(result->status_code, 200);
    assert_string_equal(result->body, "hello");
    assert_int_equal(result->body_len, 5);
    assert_null(result->json);
    assert_null(result->malformed);
    assert_null(result->error_type);
    assert_null(result->error_message);
    assert_null(apigw_test_header(result, "X-Count"));
}

static void a_function_can_be_called_without_a_plugin(void **state)
{
    static const struct apigw_handler one[] = {APIGW_HANDLER("one", echo)};
    struct apigw_test *test = apigw_test_new_with_handlers(one, 1);
    const struct apigw_test_event event = apigw_test_message("x");

    assert_string_equal(apigw_test_call(test, "one", &event)->body, "x");
    assert_string_equal(apigw_test_call_function(test, event_text, &event)->error_type ? "" : "ok", "ok");
    assert_int_equal(apigw_test_init(test), 0);
    apigw_test_free(test);
    apigw_test_free(NULL);
}

static void headers_and_status_are_those_of_the_last_answer(void **state)
{
    const struct apigw_test_result *result = send(*state, "answer", "headers");

    assert_int_equal(result->status_code, 201);
    assert_string_equal(apigw_test_header(result, "sec-websocket-protocol"), "chat.v1");
    assert_string_equal(result->headers[1].name, "X-Count");
    assert_null(result->headers[2].name);
    result = send(*state, "answer", "twice");
    assert_int_equal(result->status_code, 200);
    assert_string_equal(result->body, "second");
}

static void an_answer_in_json_is_read_as_aws_reads_it(void **state)
{
    const struct apigw_test_result *result = send(
        *state, "answer", "{\"statusCode\":\"201\",\"body\":\"a\\nb\",\"headers\":{\"X-\\u0041\":\"1\",\"b\":true}}");

    assert_int_equal(result->status_code, 201);
    assert_string_equal(result->body, "a\nb");
    assert_string_equal(apigw_test_header(result, "x-a"), "1");
    assert_string_equal(apigw_test_header(result, "B"), "true");
    assert_non_null(strstr(result->json, "\"statusCode\":\"201\""));
    assert_null(result->malformed);
}

static void what_is_no_proxy_result_is_malformed(void **state)
{
    static const char *const answers[] = {"nothing", "{\"Data\":1}", "[]", "not JSON", "{\"statusCode\":{}}"};

    for (size_t i = 0; i < COUNT(answers); i++) {
        const struct apigw_test_result *result = send(*state, "answer", answers[i]);

        assert_int_equal(result->status_code, 0);
        assert_null(result->body);
        assert_non_null(result->malformed);
        assert_null(result->error_type);
        assert_string_equal(result->json, i ? answers[i] : "null");
    }
}

static void a_failure_has_a_type_and_a_message(void **state)
{
    const struct apigw_test_result *result = send(*state, "answer", "fail");

    assert_string_equal(result->error_type, "Oh");
    assert_string_equal(result->error_message, "no");
    assert_int_not_equal(result->returned, 0);
    assert_int_equal(result->status_code, 0);
    result = send(*state, "answer", "one");
    assert_string_equal(result->error_type, "Runtime.HandlerError");
    assert_string_equal(result->error_message, "handler returned 1");
}

static void a_name_that_the_plugin_does_not_have_is_a_failure(void **state)
{
    assert_string_equal(send(*state, "ecko", "x")->error_type, "Runtime.HandlerNotFound");
    assert_string_equal(send(*state, "ecko", "x")->error_message, "no handler is named \"ecko\"");
}

static void json_in_an_answer_is_looked_up_by_paths(void **state)
{
    const char *json = send(*state, "echo", "{\"a\":[{\"b\":\"x\\ty\"}],\"n\":1.50}")->body;

    assert_string_equal(apigw_test_json(*state, json, "a[0].b"), "x\ty");
    assert_string_equal(apigw_test_json(*state, json, "n"), "1.50");
    assert_null(apigw_test_json(*state, json, "a[1]"));
    assert_null(apigw_test_json(*state, "not JSON", ""));
    assert_null(apigw_test_json(*state, NULL, ""));
}

/* ---- init and fini ---- */

static void init_comes_before_the_first_event_and_fini_at_the_end(void **state)
{
    struct apigw_test *test = apigw_test_new(&plugin);

    assert_int_equal(kept.inits, 0);
    send(test, "echo", "1");
    send(test, "echo", "2");
    assert_int_equal(kept.inits, 1);
    assert_ptr_equal(apigw_test_context(test)->user, &kept);
    assert_int_equal(kept.finis, 0);
    apigw_test_fini(test);
    assert_int_equal(kept.finis, 1);
    assert_true(apigw_test_logged(test, "the end"));
    apigw_test_free(test);
    assert_int_equal(kept.finis, 1);
}

static void an_init_that_fails_fails_the_invocation_and_is_tried_again(void **state)
{
    kept.init_result = 7;
    assert_int_equal(apigw_test_init(*state), 7);
    assert_string_equal(send(*state, "echo", "x")->error_type, "Runtime.InitError");
    assert_string_equal(send(*state, "echo", "x")->error_message, "init returned 7");
    kept.init_result = 2;
    assert_string_equal(send(*state, "echo", "x")->error_type, "NoDatabase");
    kept.init_result = 0;
    assert_string_equal(send(*state, "echo", "x")->body, "x");
    assert_int_equal(kept.inits, 5);
}

/* ---- events ---- */

static void each_event_is_of_its_kind_and_complete(void **state)
{
    struct apigw_test_event events[] = {apigw_test_connect(), apigw_test_message("hi \"there\""),
                                        apigw_test_disconnect(), apigw_test_authorizer()};
    static const struct {
        const char *path, *values[4];
    } cases[] = {
        {"requestContext.eventType", {"CONNECT", "MESSAGE", "DISCONNECT", "CONNECT"}},
        {"requestContext.routeKey", {"$connect", "$default", "$disconnect", "$connect"}},
        {"requestContext.connectionId",
         {APIGW_TEST_CONNECTION_ID, APIGW_TEST_CONNECTION_ID, APIGW_TEST_CONNECTION_ID, APIGW_TEST_CONNECTION_ID}},
        {"requestContext.identity.sourceIp", {"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1"}},
        {"requestContext.requestTimeEpoch", {"1700000000000", "1700000001000", "1700000001000", "1700000000000"}},
        {"body", {NULL, "hi \"there\"", NULL, NULL}},
        {"requestContext.disconnectStatusCode", {NULL, NULL, "1005", NULL}},
        {"headers.Host",
         {"apigwtest1.execute-api.us-east-1.amazonaws.com", NULL, "apigwtest1.execute-api.us-east-1.amazonaws.com",
          "apigwtest1.execute-api.us-east-1.amazonaws.com"}},
        {"type", {NULL, NULL, NULL, "REQUEST"}},
        {"methodArn", {NULL, NULL, NULL, "arn:aws:execute-api:us-east-1:123456789012:apigwtest1/dev/$connect"}},
    };

    for (size_t e = 0; e < 4; e++) {
        char *json = strdup(apigw_test_call(*state, "event", &events[e])->body);

        for (size_t i = 0; i < COUNT(cases); i++) {
            const char *value = apigw_test_json(*state, json, cases[i].path);
            const char *expected = cases[i].values[e];

            if (!value != !expected || (value && strcmp(value, expected) != 0))
                fail_msg("event %zu: %s is %s", e, cases[i].path, value ? value : "absent");
        }
        free(json);
    }
}

/* The whole text of one, so that a change of the emulator's events cannot go unnoticed here. */
static void a_message_is_the_document_that_the_emulator_makes(void **state)
{
    struct apigw_test_event event = apigw_test_message("hi");

    event.request_id = "R000000000AAAAA=";
    event.message_id = "M000000000AAAAA=";
    assert_string_equal(
        apigw_test_call(*state, "event", &event)->body,
        "{\"requestContext\":{\"routeKey\":\"$default\",\"messageId\":\"M000000000AAAAA=\",\"eventType\":\"MESSAGE\","
        "\"extendedRequestId\":\"R000000000AAAAA=\",\"requestTime\":\"14/Nov/2023:22:13:21 +0000\","
        "\"messageDirection\":\"IN\",\"stage\":\"dev\",\"connectedAt\":1700000000000,"
        "\"requestTimeEpoch\":1700000001000,\"identity\":{\"userAgent\":\"apigw-testing\",\"sourceIp\":\"192.0.2.1\"},"
        "\"requestId\":\"R000000000AAAAA=\",\"domainName\":\"apigwtest1.execute-api.us-east-1.amazonaws.com\","
        "\"connectionId\":\"ApigwTestCICAgI=\",\"apiId\":\"apigwtest1\"},\"body\":\"hi\",\"isBase64Encoded\":false}");
}

static int read_all(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_array(&w);
    apigw_json_string(&w, apigw_event_header(context, "x-room"));
    apigw_json_string(&w, apigw_event_header(context, "user-agent"));
    apigw_json_string(&w, apigw_event_query(context, "name"));
    apigw_json_string(&w, apigw_event_stage_variable(context, "table"));
    apigw_json_string(&w, apigw_event_authorizer(context, "principalId"));
    apigw_json_string(&w, apigw_event_authorizer(context, "room"));
    apigw_json_string(&w, event->connection_id);
    apigw_json_string(&w, event->user_agent);
    apigw_json_end_array(&w);
    return apigw_respond_written(context, 200, &w);
}

static void everything_in_an_event_can_be_overwritten(void **state)
{
    static const struct apigw_test_pair headers[] = {{"X-Room", "first"}, {"X-Room", "lobby"}, {NULL, NULL}};
    static const struct apigw_test_pair variables[] = {{"table", "rooms"}, {NULL, NULL}};
    struct apigw_test_event event = apigw_test_connect();

    event.headers = headers;
    event.stage_variables = variables;
    event.query = "name=J%C3%B6+rg&name=Anna+B";
    event.authorizer = "{\"principalId\":\"anna\",\"room\":\"lobby\"}";
    event.connection_id = "anna";
    event.user_agent = "Firefox";
    assert_string_equal(apigw_test_call_function(*state, read_all, &event)->body,
                        "[\"lobby\",\"Firefox\",\"Anna B\",\"rooms\",\"anna\",\"lobby\",\"anna\",\"Firefox\"]");
    event.user_agent = NULL;
    event.query = NULL;
    assert_string_equal(apigw_test_call_function(*state, read_all, &event)->body,
                        "[\"lobby\",\"\",\"\",\"rooms\",\"anna\",\"lobby\",\"anna\",\"\"]");
}

static void a_body_may_hold_any_bytes(void **state)
{
    struct apigw_test_event event = apigw_test_message("a\0b");
    const struct apigw_test_result *result;

    event.body_len = 3;
    result = apigw_test_call(*state, "echo", &event);
    assert_int_equal(result->body_len, 3);
    assert_memory_equal(result->body, "a\0b", 4);
    assert_string_equal(send(*state, "echo", "")->body, "");
}

static void an_event_that_cannot_be_is_a_failure(void **state)
{
    struct apigw_test_event events[] = {apigw_test_message(NULL), apigw_test_connect(), apigw_test_connect(),
                                        apigw_test_connect()};

    events[1].type = (enum apigw_event_type)9;
    events[2].connection_id = "";
    events[3].authorizer = "[]";
    for (size_t i = 0; i < COUNT(events); i++)
        assert_string_equal(apigw_test_call(*state, "echo", &events[i])->error_type, "Test.InvalidEvent");
}

static void ids_are_new_for_each_call_and_have_the_form_of_awss(void **state)
{
    char first[64];

    snprintf(first, sizeof(first), "%s",
             apigw_test_json(*state, send(*state, "event", "")->body, "requestContext.messageId"));
    assert_int_equal(strlen(first), 16);
    assert_string_not_equal(apigw_test_json(*state, send(*state, "event", "")->body, "requestContext.messageId"),
                            first);
}

static void the_context_is_that_of_a_function(void **state)
{
    const char *text = send(*state, "describe", "")->body;

    assert_string_equal(text, "3000 test 00000000-0000-4000-8000-000000000001");
    apigw_test_set_remaining_ms(*state, 5);
    assert_string_equal(send(*state, "describe", "")->body, "5 test 00000000-0000-4000-8000-000000000002");
}

/* ---- authorizers ---- */

static int policy(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond_json(context, APIGW_SPAN("{\"principalId\":\"anna\"}"));
}

static void an_authorizers_answer_is_its_json(void **state)
{
    const struct apigw_test_event event = apigw_test_authorizer();
    const struct apigw_test_result *result = apigw_test_call_function(*state, policy, &event);

    assert_string_equal(apigw_test_json(*state, result->json, "principalId"), "anna");
    assert_null(result->malformed);
    assert_int_equal(result->status_code, 0);
    result = apigw_test_call_function(*state, refuse, &event);
    assert_non_null(result->malformed);
    assert_int_equal(result->status_code, 0);
}

/* ---- connections ---- */

static void a_broadcast_on_an_older_host_is_a_post_for_each(void **state)
{
    struct apigw_test *test = *state;

    apigw_test_gone(test, "bert");
    assert_int_equal(send(test, "older", "text")->status_code, 200);
    assert_int_equal(apigw_test_post_count(test), 2);
}

static void what_is_posted_and_closed_is_recorded_in_order(void **state)
{
    struct apigw_test *test = *state;

    apigw_test_gone(test, "bert");
    assert_string_equal(send(test, "push", "one")->body, "0 -410 0 0");
    assert_string_equal(send(test, "push", "two")->body, "0 -410 -410 -410");

    assert_int_equal(apigw_test_post_count(test), 6);
    assert_string_equal(apigw_test_post_at(test, 0)->connection_id, "anna");
    assert_string_equal(apigw_test_post_at(test, 1)->connection_id, "bert");
    assert_int_equal(apigw_test_post_at(test, 1)->result, APIGW_GONE);
    assert_string_equal(apigw_test_post_at(test, 2)->data, "one");
    assert_int_equal(apigw_test_post_at(test, 2)->data_len, 3);
    assert_null(apigw_test_post_at(test, 6));

    assert_int_equal(apigw_test_sent_count(test, "anna"), 2);
    assert_int_equal(apigw_test_sent_count(test, "bert"), 0);
    assert_string_equal(apigw_test_sent(test, "anna", 1), "two");
    assert_string_equal(apigw_test_sent(test, "carl", 0), "one");
    assert_null(apigw_test_sent(test, "carl", 1));

    assert_int_equal(apigw_test_closed_count(test), 1);
    assert_string_equal(apigw_test_closed(test, 0), "carl");
    assert_null(apigw_test_closed(test, 1));
    assert_true(apigw_test_is_closed(test, "carl"));
    assert_false(apigw_test_is_closed(test, "anna"));

    apigw_test_forget(test);
    assert_int_equal(apigw_test_post_count(test), 0);
    assert_int_equal(apigw_test_closed_count(test), 0);
    apigw_test_connected(test, "bert", NULL);
    assert_string_equal(send(test, "push", "three")->body, "0 0 -410 -410");
}

static void the_outcome_of_the_next_calls_can_be_told_beforehand(void **state)
{
    struct apigw_test *test = *state;

    apigw_test_next(test, APIGW_TEST_POST, "bert", APIGW_LIMIT_EXCEEDED);
    apigw_test_next(test, APIGW_TEST_POST, "bert", APIGW_FORBIDDEN);
    apigw_test_next(test, APIGW_TEST_DELETE, NULL, APIGW_FAILED);
    apigw_test_next(test, APIGW_TEST_GET, "anna", APIGW_GONE);
    assert_string_equal(send(test, "push", "x")->body, "0 -429 0 -500");
    assert_false(apigw_test_is_closed(test, "carl"));
    assert_string_equal(send(test, "push", "x")->body, "0 -403 0 0");
    assert_string_equal(send(test, "look_up", "anna")->body, "-410");
    assert_string_not_equal(send(test, "look_up", "anna")->body, "-410");
}

static void a_connection_can_be_described(void **state)
{
    static const struct apigw_test_connection anna = {1, 2, "10.0.0.1", NULL}, bert = {3, 4, "::1", "Firefox"};

    assert_string_equal(send(*state, "look_up", "anna")->body, "1700000000000 1700000001000 192.0.2.1 apigw-testing");
    apigw_test_connected(*state, "anna", &anna);
    apigw_test_connected(*state, "bert", &bert);
    assert_string_equal(send(*state, "look_up", "anna")->body, "1 2 10.0.0.1 ");
    assert_string_equal(send(*state, "look_up", "bert")->body, "3 4 ::1 Firefox");
    assert_string_equal(send(*state, "look_up", "")->body, "-400");
}

static void a_client_is_there_from_the_end_of_its_connect_to_its_disconnect(void **state)
{
    const struct apigw_test_event connect = apigw_test_connect(), disconnect = apigw_test_disconnect();

    assert_string_equal(apigw_test_call(*state, "post_self", &connect)->body, "GoneException");
    assert_string_equal(send(*state, "post_self", "")->body, "OK");
    assert_string_equal(apigw_test_call(*state, "post_self", &disconnect)->body, "GoneException");
    assert_string_equal(send(*state, "post_self", "")->body, "GoneException");
    apigw_test_call(*state, "refuse", &connect);
    assert_string_equal(send(*state, "post_self", "")->body, "GoneException");
    apigw_test_call(*state, "post_self", &connect);
    assert_string_equal(send(*state, "post_self", "")->body, "OK");
}

static void data_over_128_kb_is_too_large(void **state)
{
    char *data = calloc(1, 128 * 1024 + 2);

    memset(data, 'x', 128 * 1024);
    assert_string_equal(send(*state, "push", data)->body, "0 0 0 0");
    data[128 * 1024] = 'x';
    assert_string_equal(send(*state, "push", data)->body, "-413 -413 -413 -410");
    free(data);
}

/* ---- logs ---- */

static void lines_are_recorded_with_their_level(void **state)
{
    send(*state, "describe", "");
    assert_int_equal(apigw_test_line_count(*state), 1);
    assert_int_equal(apigw_test_line_at(*state, 0)->level, APIGW_LOG_WARN);
    assert_string_equal(apigw_test_line_at(*state, 0)->text, "a warning");
    assert_null(apigw_test_line_at(*state, 1));
    assert_true(apigw_test_logged(*state, "warn"));
    assert_false(apigw_test_logged(*state, "error"));
}

/* ---- memory ---- */

static void what_an_invocation_may_allocate_is_bounded(void **state)
{
    apigw_test_set_memory(*state, 3 * 1024 * 1024);
    assert_string_equal(strstr(send(*state, "allocate", "")->body, "of"), "of 3");
    assert_true(atoi(send(*state, "allocate", "")->body) > 2500);
    assert_true(atoi(send(*state, "allocate", "")->body) <= 3145);
    apigw_test_set_memory(*state, 0);
    assert_string_equal(send(*state, "allocate", "")->body, "0 of 0");
}

static void an_answer_that_there_is_no_memory_to_write_is_a_failure(void **state)
{
    struct apigw_test_event event = apigw_test_message("hello");

    apigw_test_set_memory(*state, 0);
    assert_string_equal(apigw_test_call_function(*state, read_all, &event)->error_type, "OutOfMemory");
}

static void after_its_return_a_handler_can_do_nothing(void **state)
{
    send(*state, "keep", "x");
    assert_int_equal(apigw_respond_status(kept.context, 200), APIGW_FAILED);
    assert_int_equal(apigw_post_to_connection(kept.context, APIGW_SPAN("anna"), APIGW_SPAN("x")), APIGW_FAILED);
    assert_null(apigw_allocate(kept.context, 1));
    assert_null(apigw_event_json(kept.context).ptr);
    assert_int_equal(apigw_remaining_ms(kept.context), 0);
    assert_int_equal(apigw_test_post_count(*state), 0);
}

static void from_another_thread_or_with_another_context_a_handler_can_do_nothing(void **state)
{
    assert_int_equal(send(*state, "thread", "")->status_code, 200);
    assert_int_equal(apigw_test_sent_count(*state, "anna"), 0);
    assert_int_equal(apigw_test_line_count(*state), 0);
}

/* Only where it can be asked: with AddressSanitizer. */
static void what_was_lent_is_poisoned_when_the_handler_has_returned(void **state)
{
#ifdef __SANITIZE_ADDRESS__
    send(*state, "keep", "some body");
    assert_true(__asan_address_is_poisoned(kept.event.body.ptr));
    assert_true(__asan_address_is_poisoned(kept.event.connection_id.ptr));
    assert_true(__asan_address_is_poisoned(kept.json.ptr));
    assert_true(__asan_address_is_poisoned(kept.memory));
#else
    skip();
#endif
}

#ifdef __SANITIZE_ADDRESS__
static int span_is_exact(const struct apigw_event *event, struct apigw_context *context)
{
    assert_false(__asan_address_is_poisoned(event->body.ptr + event->body.len - 1));
    assert_true(__asan_address_is_poisoned(event->body.ptr + event->body.len));
    assert_true(__asan_address_is_poisoned(event->stage.ptr + event->stage.len));
    assert_true(__asan_address_is_poisoned((char *)apigw_allocate(context, 5) + 5));
    return apigw_respond_status(context, 200);
}
#endif

static void behind_a_span_there_is_nothing_that_may_be_read(void **state)
{
#ifdef __SANITIZE_ADDRESS__
    const struct apigw_test_event event = apigw_test_message("text");
    assert_int_equal(apigw_test_call_function(*state, span_is_exact, &event)->status_code, 200);
#else
    skip();
#endif
}

/* ---- collections ---- */

static const struct apigw_collection members =
    APIGW_COLLECTION("members", APIGW_READING | APIGW_WRITING | APIGW_DELETING);
static const struct apigw_collection read_only = APIGW_COLLECTION("members", APIGW_READING);

/* Puts the sender in, with the body as the document, and answers with how many there are. */
static int join(const struct apigw_event *event, struct apigw_context *context)
{
    const struct apigw_query query = apigw_query_of(context, &members);
    struct apigw_page page;
    char text[32];

    if (apigw_doc_set(context, apigw_doc(&members, event->connection_id), event->body) != APIGW_OK)
        return apigw_respond_status(context, 400);
    if (apigw_query_fetch(&query, &page) != APIGW_OK)
        return 1;
    snprintf(text, sizeof(text), "%zu", page.count);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

static int write_without_permission(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond_status(context,
                                -apigw_doc_set(context, apigw_doc(&read_only, event->connection_id), APIGW_SPAN("{}")));
}

/* For apigw_test_run: the member "n" of a document, or -1 if it is not there. */
static int read_member(struct apigw_context *context, void *id)
{
    struct apigw_json content;

    if (apigw_doc_get(context, apigw_doc(&members, apigw_span_of_str(id)), &content) != APIGW_OK)
        return -2;
    return (int)apigw_json_integer(context, apigw_json_get(context, content, "n"), -1);
}

static int put_member(struct apigw_context *context, void *id)
{
    return apigw_doc_set(context, apigw_doc(&members, apigw_span_of_str(id)), APIGW_SPAN("{\"n\":1}"));
}

static void collections_are_kept_from_one_invocation_to_the_next(void **state)
{
    struct apigw_test_event event = apigw_test_message("{\"n\":5}");

    assert_string_equal(apigw_test_call_function(*state, join, &event)->body, "1");
    event.connection_id = "anna";
    assert_string_equal(apigw_test_call_function(*state, join, &event)->body, "2");
    apigw_test_fini(*state);
    event.connection_id = "bert"; /* as in the next environment */
    assert_string_equal(apigw_test_call_function(*state, join, &event)->body, "3");
    event.body = "not JSON";
    assert_int_equal(apigw_test_call_function(*state, join, &event)->status_code, 400);
}

static void a_test_can_arrange_collections_and_look_at_them(void **state)
{
    const struct apigw_test_event event = apigw_test_message("{\"n\":5}");
    char anna[] = "anna", own[] = APIGW_TEST_CONNECTION_ID;
    const struct apigw_test_result *result;

    assert_int_equal(apigw_test_run(*state, put_member, anna), APIGW_OK);
    result = apigw_test_call_function(*state, join, &event);
    assert_int_equal(apigw_test_run(*state, read_member, own), 5);
    assert_int_equal(apigw_test_run(*state, read_member, anna), 1);
    assert_string_equal(result->body, "2");
}

static void a_missing_permission_is_refused_and_named(void **state)
{
    const struct apigw_test_event event = apigw_test_message("");

    assert_int_equal(apigw_test_call_function(*state, write_without_permission, &event)->status_code, 403);
    assert_true(apigw_test_logged(*state, "APIGW_WRITING"));
}

static void each_fake_host_has_collections_of_its_own(void **state)
{
    struct apigw_test *other = apigw_test_new_with_handlers(handlers, COUNT(handlers));
    char anna[] = "anna";

    assert_int_equal(apigw_test_run(*state, put_member, anna), APIGW_OK);
    assert_int_equal(apigw_test_run(other, read_member, anna), -1);
    assert_int_equal(apigw_test_run(*state, read_member, anna), 1);
    assert_int_equal(put_member(apigw_test_context(other), anna), APIGW_FAILED);
    apigw_test_free(other);
}

/* ---- several ---- */

static void fake_hosts_know_nothing_of_one_another(void **state)
{
    struct apigw_test *other = apigw_test_new(&plugin);

    apigw_test_gone(*state, "anna");
    apigw_test_set_remaining_ms(other, 9);
    assert_string_equal(send(*state, "push", "x")->body, "-410 0 0 0");
    assert_string_equal(send(other, "push", "y")->body, "0 0 0 0");
    assert_int_equal(apigw_test_sent_count(other, "anna"), 1);
    assert_int_equal(apigw_test_sent_count(*state, "anna"), 0);
    assert_string_equal(send(*state, "describe", "")->body, "3000 test 00000000-0000-4000-8000-000000000002");
    apigw_test_free(other);
    assert_string_equal(send(*state, "echo", "still here")->body, "still here");
}

static void *run_many(void *failures)
{
    struct apigw_test *test = apigw_test_new_with_handlers(handlers, COUNT(handlers));

    for (int i = 0; i < 200; i++) {
        struct apigw_test_event event = apigw_test_message("x");
        const struct apigw_test_result *result;

        event.request_time_ms += (uint64_t)i * 1000;
        result = apigw_test_call(test, "event", &event);
        *(int *)failures += strcmp(apigw_test_json(test, result->body, "body"), "x") != 0;
    }
    apigw_test_free(test);
    return NULL;
}

static void fake_hosts_can_run_in_several_threads(void **state)
{
    pthread_t threads[4];
    int failures[4] = {0};

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &failures[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(failures[i], 0);
    }
}

/* The library has functions of these names, too. */
int json_parse(void);
int json_parse(void)
{
    return 1;
}

static void a_test_program_may_have_functions_with_the_librarys_names(void **state)
{
    assert_int_equal(json_parse(), 1);
    assert_string_equal(apigw_test_json(*state, "{\"a\":\"b\"}", "a"), "b");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_handler_is_called_by_its_name_and_its_answer_can_be_read),
        TEST(a_function_can_be_called_without_a_plugin),
        TEST(headers_and_status_are_those_of_the_last_answer),
        TEST(an_answer_in_json_is_read_as_aws_reads_it),
        TEST(what_is_no_proxy_result_is_malformed),
        TEST(a_failure_has_a_type_and_a_message),
        TEST(a_name_that_the_plugin_does_not_have_is_a_failure),
        TEST(json_in_an_answer_is_looked_up_by_paths),
        TEST(init_comes_before_the_first_event_and_fini_at_the_end),
        TEST(an_init_that_fails_fails_the_invocation_and_is_tried_again),
        TEST(each_event_is_of_its_kind_and_complete),
        TEST(a_message_is_the_document_that_the_emulator_makes),
        TEST(everything_in_an_event_can_be_overwritten),
        TEST(a_body_may_hold_any_bytes),
        TEST(an_event_that_cannot_be_is_a_failure),
        TEST(ids_are_new_for_each_call_and_have_the_form_of_awss),
        TEST(the_context_is_that_of_a_function),
        TEST(an_authorizers_answer_is_its_json),
        TEST(a_broadcast_on_an_older_host_is_a_post_for_each),
        TEST(what_is_posted_and_closed_is_recorded_in_order),
        TEST(the_outcome_of_the_next_calls_can_be_told_beforehand),
        TEST(a_connection_can_be_described),
        TEST(a_client_is_there_from_the_end_of_its_connect_to_its_disconnect),
        TEST(data_over_128_kb_is_too_large),
        TEST(lines_are_recorded_with_their_level),
        TEST(what_an_invocation_may_allocate_is_bounded),
        TEST(an_answer_that_there_is_no_memory_to_write_is_a_failure),
        TEST(after_its_return_a_handler_can_do_nothing),
        TEST(from_another_thread_or_with_another_context_a_handler_can_do_nothing),
        TEST(what_was_lent_is_poisoned_when_the_handler_has_returned),
        TEST(behind_a_span_there_is_nothing_that_may_be_read),
        TEST(collections_are_kept_from_one_invocation_to_the_next),
        TEST(a_test_can_arrange_collections_and_look_at_them),
        TEST(a_missing_permission_is_refused_and_named),
        TEST(each_fake_host_has_collections_of_its_own),
        TEST(fake_hosts_know_nothing_of_one_another),
        TEST(fake_hosts_can_run_in_several_threads),
        TEST(a_test_program_may_have_functions_with_the_librarys_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
