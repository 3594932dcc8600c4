/* The gateway from handshake to $disconnect, on a wire of arrays. */
#include "gateway_fixture.h"

#include "event/id.h"
#include "gateway/connection.h"
#include "gateway/response.h"
#include "gateway/text.h"

#define FIXTURE(name, count) CLEANUP(fixture_free) struct fixture *name = fixture_new(all_routes, count)

static const struct integration_result ok = {.status_code = 200};

static struct integration_result status(int code)
{
    return (struct integration_result){.status_code = code};
}

static struct integration_result failure(enum rule_id id)
{
    return (struct integration_result){.failure = rule_get(id), .detail = SPAN("the function said no")};
}

/* The frame or body that AWS writes for a failure of call `index`. */
static const char *error_text(size_t index, const char *message)
{
    static char text[256];

    snprintf(text, sizeof(text), "{\"message\": \"%s\", \"connectionId\":\"%s\", \"requestId\":\"%s\"}", message,
             call_field(index, FIELD_CONNECTION_ID), call_field(index, FIELD_REQUEST_ID));
    return text;
}

static void assert_json(const char *text)
{
    struct json_value value;
    assert_int_equal(json_parse(span_of_str(text), &value, NULL), 0);
}

/* ---- handshakes ---- */

static void without_a_connect_route_everybody_is_accepted_at_once(void **state)
{
    CLEANUP(fixture_free) struct fixture *f = fixture_new(all_routes + 1, 1);

    shake_hands(f, SPAN("/dev"));
    assert_int_equal(f->answers, 1);
    assert_non_null(f->accepted);
    assert_int_equal(f->subprotocol.len, 0);
    assert_int_equal(fake_call_count, 0);
    assert_int_equal(gateway_connection_count(f->gw), 1);
}

static void a_connect_route_without_a_function_accepts_at_once(void **state)
{
    static struct config_route bare[] = {{.key = (char *)"$connect"}};
    CLEANUP(fixture_free) struct fixture *f = fixture_new(bare, 1);

    shake_hands(f, SPAN("/dev/"));
    assert_non_null(f->accepted);
}

static void only_the_path_of_the_stage_is_answered(void **state)
{
    static const char *const paths[] = {"",       "/",      "//",   "dev",    "/de",  "/devel",
                                        "/dev/x", "/dev//", "/Dev", "/%64ev", "//dev"};
    FIXTURE(f, ROUTES_ALL);

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        shake_hands(f, span_of_str(paths[i]));
        assert_int_equal(f->answers, 1);
        assert_null(f->accepted);
        assert_ptr_equal(f->refusal, rule_get(RULE_STAGE_UNKNOWN));
        assert_int_equal(f->http_status, 403);
        assert_string_equal(buf_terminate(&f->error_type), "ForbiddenException");
        assert_string_equal(buf_terminate(&f->body), "{\"message\":\"Forbidden\"}");
    }
    assert_int_equal(logged(f, "rule=stage-unknown"), sizeof(paths) / sizeof(paths[0]));
    assert_int_equal(fake_call_count, 0);
    assert_int_equal(gateway_connection_count(f->gw), 0);
}

static void connect_is_given_the_handshake(void **state)
{
    FIXTURE(f, ROUTES_ALL);

    shake_hands(f, SPAN("/dev"));
    assert_int_equal(f->answers, 0);
    assert_int_equal(gateway_busy(f->gw), 1);
    assert_false(fake_calls[0].reachable);
    assert_string_equal(call_field(0, FIELD_ROUTE_KEY), "$connect");
    assert_int_equal(fake_calls[0].request.event_type, APIGW_CONNECT);
    assert_true(id_is_connection(buf_span(&fake_calls[0].fields[FIELD_CONNECTION_ID])));
    assert_int_equal(fake_calls[0].fields[FIELD_REQUEST_ID].len, ID_LEN);
    assert_string_equal(call_field(0, FIELD_STAGE), "dev");
    assert_string_equal(call_field(0, FIELD_API_ID), "abcdef1234");
    assert_string_equal(call_field(0, FIELD_DOMAIN_NAME), "127.0.0.1:3001");
    assert_string_equal(call_field(0, FIELD_SOURCE_IP), "127.0.0.1");
    assert_string_equal(call_field(0, FIELD_USER_AGENT), "fixture/1.0");
    assert_json(call_field(0, FIELD_EVENT_HEAD));
    assert_non_null(strstr(call_field(0, FIELD_EVENT_HEAD), "\"X-Forwarded-Port\":\"3001\""));
    assert_non_null(strstr(call_field(0, FIELD_EVENT_HEAD), "\"X-Forwarded-Proto\":\"http\""));
    assert_non_null(strstr(call_field(0, FIELD_EVENT_HEAD), "\"X-Amzn-Trace-Id\":\"Root=1-"));
    assert_int_equal(fake_calls[0].fields[FIELD_EVENT_TAIL].len, 0);
    assert_true(fake_calls[0].request.request_time_ms >= fake_calls[0].request.connected_at_ms);
}

static void any_2xx_accepts_and_the_subprotocol_is_passed_on(void **state)
{
    static const int codes[] = {200, 201, 299};
    FIXTURE(f, ROUTES_ALL);

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        shake_hands(f, SPAN("/dev"));
        finish(i, (struct integration_result){.status_code = codes[i], .subprotocol = SPAN("chat.v1")});
        assert_int_equal(f->answers, 1);
        assert_non_null(f->accepted);
        assert_string_equal(buf_terminate(&f->subprotocol), "chat.v1");
    }
}

static void another_status_refuses_with_it_and_nothing_else(void **state)
{
    static const int codes[] = {300, 301, 400, 401, 501, 599};
    FIXTURE(f, ROUTES_ALL);

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        shake_hands(f, SPAN("/dev"));
        finish(i, (struct integration_result){.status_code = codes[i], .has_body = true, .body = SPAN("no")});
        assert_int_equal(f->answers, 1);
        assert_ptr_equal(f->refusal, rule_get(RULE_CONNECT_REFUSED));
        assert_int_equal(f->http_status, codes[i]);
        assert_int_equal(f->body.len, 0);
        assert_int_equal(f->error_type.len, 0);
    }
    assert_int_equal(gateway_connection_count(f->gw), 0);
    assert_int_equal(fake_call_count, sizeof(codes) / sizeof(codes[0])); /* no $disconnect */
    assert_int_equal(logged(f, "rule=connect-refused"), fake_call_count);
}

static void a_status_that_is_none_is_a_malformed_result(void **state)
{
    static const int codes[] = {-1, 0, 99, 100, 101, 199, 600, 1000};
    FIXTURE(f, ROUTES_ALL);

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        shake_hands(f, SPAN("/dev"));
        finish(i, status(codes[i]));
        assert_ptr_equal(f->refusal, rule_get(RULE_RESULT_MALFORMED));
        assert_int_equal(f->http_status, 502);
    }
}

static void a_failed_connect_refuses_with_the_rules_status_and_body(void **state)
{
    static const struct {
        enum rule_id rule;
        unsigned http_status;
        const char *message;
    } cases[] = {
        {RULE_INTEGRATION_FAILED, 502, "Internal server error"},
        {RULE_RESULT_MALFORMED, 502, "Internal server error"},
        {RULE_INTEGRATION_TIMEOUT, 504, "Endpoint request timed out"},
        {RULE_FUNCTION_THROTTLED, 500, "Internal server error"},
    };
    FIXTURE(f, ROUTES_ALL);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        shake_hands(f, SPAN("/dev"));
        finish(i, failure(cases[i].rule));
        assert_int_equal(f->answers, 1);
        assert_int_equal(f->http_status, cases[i].http_status);
        assert_string_equal(buf_terminate(&f->body), error_text(i, cases[i].message));
        assert_string_equal(buf_terminate(&f->error_type), "InternalServerErrorException");
    }
    assert_int_equal(gateway_busy(f->gw), 0);
    assert_int_equal(logged(f, "the function said no"), sizeof(cases) / sizeof(cases[0]));
}

static void nobody_can_reach_a_connection_before_it_is_open(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct connection_info info;
    struct wire_link *link = &f->links[f->link_count++];
    struct span id;

    shake_hands(f, SPAN("/dev"));
    id = buf_span(&fake_calls[0].fields[FIELD_CONNECTION_ID]);
    assert_int_equal(gateway_post(f->gw, NULL, id, SPAN("early")), CONNECTION_GONE);
    finish(0, ok);
    assert_int_equal(gateway_get(f->gw, NULL, id, &info), CONNECTION_GONE);
    assert_int_equal(gateway_delete(f->gw, NULL, id), CONNECTION_GONE);
    gateway_on_open(f->gw, f->accepted, link);
    assert_int_equal(gateway_post(f->gw, NULL, id, SPAN("now")), CONNECTION_OK);
    assert_string_equal(sent_text(link, 0), "now");
    assert_int_equal(link->sent_count, 1);
}

static void a_client_that_left_during_connect_gets_its_disconnect(void **state)
{
    FIXTURE(f, ROUTES_ALL);

    shake_hands(f, SPAN("/dev"));
    finish(0, ok);
    gateway_on_open(f->gw, f->accepted, NULL);
    gateway_on_closed(f->gw, f->accepted, 1006, SPAN(""));
    assert_int_equal(fake_call_count, 2);
    assert_int_equal(fake_calls[1].request.event_type, APIGW_DISCONNECT);
    assert_int_equal(gateway_connection_count(f->gw), 0);
}

/* ---- messages ---- */

static void a_message_is_invoked_with_its_event_in_three_parts(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    CLEANUP(buf_fini) struct buf event = {0};
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"tell\"}"));
    assert_int_equal(fake_call_count, 2);
    assert_int_equal(fake_calls[1].request.event_type, APIGW_MESSAGE);
    assert_string_equal(call_field(1, FIELD_ROUTE_KEY), "tell");
    assert_string_equal(call_field(1, FIELD_BODY), "{\"action\":\"tell\"}");
    assert_string_equal(call_field(1, FIELD_CONNECTION_ID), connection->id);
    assert_int_equal(fake_calls[1].fields[FIELD_MESSAGE_ID].len, ID_LEN);
    assert_string_not_equal(call_field(1, FIELD_MESSAGE_ID), call_field(1, FIELD_REQUEST_ID));
    buf_append_str(&event, call_field(1, FIELD_EVENT_HEAD));
    json_escape(&event, buf_span(&fake_calls[1].fields[FIELD_BODY]));
    buf_append_str(&event, call_field(1, FIELD_EVENT_TAIL));
    assert_json(buf_terminate(&event));
    assert_non_null(strstr(buf_terminate(&event), call_field(1, FIELD_REQUEST_ID)));
    assert_non_null(strstr(buf_terminate(&event), "\"routeKey\":\"tell\""));
}

static void messages_of_one_connection_run_side_by_side(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\",\"n\":1}"));
    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\",\"n\":2}"));
    assert_int_equal(gateway_busy(f->gw), 2);
    finish(2, (struct integration_result){.has_body = true, .body = SPAN("two")});
    finish(1, (struct integration_result){.has_body = true, .body = SPAN("one")});
    assert_string_equal(sent_text(link, 0), "two");
    assert_string_equal(sent_text(link, 1), "one");
    assert_int_equal(gateway_busy(f->gw), 0);
}

static void a_two_way_route_sends_the_body_whatever_the_status(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\"}"));
    finish(1, (struct integration_result){.status_code = 500, .has_body = true, .body = SPAN("sorry")});
    assert_string_equal(sent_text(link, 0), "sorry");
}

static void a_two_way_route_without_a_body_sends_an_empty_message(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\"}"));
    finish(1, ok);
    assert_int_equal(link->sent_count, 1);
    assert_int_equal(link->sent[0].len, 0);
}

static void a_one_way_route_sends_nothing(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"tell\"}"));
    finish(1, (struct integration_result){.status_code = 200, .has_body = true, .body = SPAN("unheard")});
    assert_int_equal(link->sent_count, 0);
}

static void a_failure_sends_an_error_frame_on_one_way_routes_too(void **state)
{
    static const struct {
        const char *body;
        enum rule_id rule;
        const char *message;
    } cases[] = {
        {"{\"action\":\"tell\"}", RULE_INTEGRATION_FAILED, "Internal server error"},
        {"{\"action\":\"ask\"}", RULE_RESULT_MALFORMED, "Internal server error"},
        {"{\"action\":\"tell\"}", RULE_INTEGRATION_TIMEOUT, "Endpoint request timed out"},
        {"{\"action\":\"ask\"}", RULE_FUNCTION_THROTTLED, "Internal server error"},
    };
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gateway_on_message(f->gw, connection, span_of_str(cases[i].body));
        finish(i + 1, failure(cases[i].rule));
        assert_string_equal(sent_text(link, i), error_text(i + 1, cases[i].message));
        assert_int_equal(logged(f, rule_get(cases[i].rule)->id), 1);
    }
    assert_int_equal(link->closes, 0);
}

static void a_message_without_a_route_is_forbidden_and_the_log_says_what_there_is(void **state)
{
    FIXTURE(f, ROUTES_WITHOUT_DEFAULT);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"tel\"}"));
    assert_int_equal(fake_call_count, 1);
    assert_memory_equal(sent_text(link, 0), "{\"message\": \"Forbidden\", \"connectionId\":\"", 41);
    assert_int_equal(link->sent[0].len, strlen(error_text(0, "Forbidden")));
    assert_int_equal(logged(f, "rule=route-not-found"), 1);
    assert_int_equal(logged(f, "did you mean \"tell\"?"), 1);
    assert_int_equal(link->closes, 0);
}

static void special_routes_are_not_for_clients(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"$disconnect\"}"));
    assert_string_equal(call_field(1, FIELD_ROUTE_KEY), "$default");
    assert_int_equal(fake_calls[1].request.event_type, APIGW_MESSAGE);
}

static void what_comes_back_for_a_connection_that_is_gone_is_dropped(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\"}"));
    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\"}"));
    gateway_on_closed(f->gw, connection, 1000, SPAN("bye"));
    finish(1, (struct integration_result){.has_body = true, .body = SPAN("late")});
    finish(2, failure(RULE_INTEGRATION_FAILED));
    assert_int_equal(link->sent_count, 0);
}

static void replies_to_a_client_that_does_not_read_are_dropped_with_one_line(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    link->full = true;
    for (size_t i = 1; i <= 3; i++) {
        gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\"}"));
        finish(i, ok);
    }
    assert_int_equal(logged(f, "rule=send-queue-full"), 1);
    link->full = false;
    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\"}"));
    finish(4, ok);
    assert_int_equal(link->sent_count, 1);
    link->full = true;
    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\"}"));
    finish(5, ok);
    assert_int_equal(logged(f, "rule=send-queue-full"), 2);
}

static void a_reply_over_the_message_limit_becomes_an_error_frame(void **state)
{
    static char large[131073];
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    memset(large, 'a', sizeof(large));
    for (size_t i = 1; i <= 2; i++)
        gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\"}"));
    finish(1, (struct integration_result){.has_body = true, .body = {large, sizeof(large) - 1}});
    finish(2, (struct integration_result){.has_body = true, .body = {large, sizeof(large)}});
    assert_int_equal(link->sent[0].len, 131072);
    assert_string_equal(sent_text(link, 1), error_text(2, "Internal server error"));
    assert_int_equal(logged(f, "rule=message-too-large value=131073 limit=131072"), 1);
}

static void text_that_is_not_utf8_is_repaired(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    gateway_post(f->gw, NULL, connection_id(connection), SPAN("a\xff\xc3\xa9\xed\xa0\x80z\xf0\x9f"));
    assert_string_equal(sent_text(link, 0), "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"
                                            "\xef\xbf\xbd\xef\xbf\xbd");
    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"ask\"}"));
    finish(1, (struct integration_result){.has_body = true, .body = SPAN("\x80")});
    assert_string_equal(sent_text(link, 1), "\xef\xbf\xbd");
}

/* ---- closing ---- */

static void assert_disconnected(struct fixture *f, unsigned code, const char *reason)
{
    size_t last = fake_call_count - 1;

    assert_string_equal(call_field(last, FIELD_ROUTE_KEY), "$disconnect");
    assert_int_equal(fake_calls[last].request.event_type, APIGW_DISCONNECT);
    assert_int_equal(fake_calls[last].request.disconnect_status_code, code);
    assert_string_equal(call_field(last, FIELD_DISCONNECT_REASON), reason);
    assert_json(call_field(last, FIELD_EVENT_HEAD));
    assert_false(fake_calls[last].reachable);
    assert_int_equal(gateway_connection_count(f->gw), 0);
}

static void a_violation_closes_by_its_rule_and_runs_disconnect_once(void **state)
{
    static const struct {
        enum rule_id rule;
        unsigned code;
        const char *reason;
    } cases[] = {
        {RULE_FRAME_TOO_LARGE, 1009, "Message too big"},
        {RULE_MESSAGE_TOO_LARGE, 1009, "Message too big"},
        {RULE_BINARY_FRAME, 1003, "Unsupported data"},
        {RULE_TEXT_NOT_UTF8, 1007, "Invalid frame payload data"},
    };
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gateway_on_violation(f->gw, connect_client(f, &link), cases[i].rule, 40000);
        assert_int_equal(link->closes, 1);
        assert_int_equal(link->close_code, cases[i].code);
        assert_string_equal(buf_terminate(&link->close_reason), cases[i].reason);
        assert_int_equal(fake_call_count, 2 * (i + 1));
        assert_disconnected(f, cases[i].code, cases[i].reason);
        assert_int_equal(logged(f, rule_get(cases[i].rule)->id), 1);
    }
    assert_int_equal(logged(f, "value=40000 limit=32768"), 1);
}

static void disconnect_is_told_what_the_client_said(void **state)
{
    static const struct {
        unsigned code;
        struct span reason;
        const char *told;
    } cases[] = {
        {1005, {"", 0}, "Client-side close frame status not set"},
        {1006, {NULL, 0}, "Connection closed abnormally"},
        {1001, {"", 0}, ""},
        {1000, {"bye", 3}, "bye"},
        {4321, {"\xffno", 3}, "\xef\xbf\xbdno"},
        {1002, {"", 0}, "Protocol error"},
        {1002, {"you did", 7}, "you did"},
    };
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gateway_on_closed(f->gw, connect_client(f, &link), cases[i].code, cases[i].reason);
        assert_disconnected(f, cases[i].code, cases[i].told);
        assert_int_equal(fake_call_count, 2 * (i + 1));
        assert_int_equal(link->closes, 0);
    }
    assert_int_equal(logged(f, "rule=connection-lost"), 1);
}

static void a_delete_closes_with_1000_and_the_id_is_gone(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    char id[ID_SIZE];

    memcpy(id, connect_client(f, &link)->id, ID_SIZE);
    assert_int_equal(gateway_delete(f->gw, NULL, span_of_str(id)), CONNECTION_OK);
    assert_int_equal(link->close_code, 1000);
    assert_string_equal(buf_terminate(&link->close_reason), "Connection Closed Normally");
    assert_disconnected(f, 1000, "Connection Closed Normally");
    assert_int_equal(gateway_post(f->gw, NULL, span_of_str(id), SPAN("late")), CONNECTION_GONE);
    assert_int_equal(gateway_delete(f->gw, NULL, span_of_str(id)), CONNECTION_GONE);
    assert_int_equal(link->closes, 1);
}

static void without_a_disconnect_route_nothing_runs(void **state)
{
    CLEANUP(fixture_free) struct fixture *f = fixture_new(all_routes + 2, 2);
    struct wire_link *link;

    gateway_on_closed(f->gw, connect_client(f, &link), 1000, SPAN(""));
    assert_int_equal(fake_call_count, 0);
}

static void a_failed_disconnect_is_told_in_the_log_alone(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;

    gateway_on_closed(f->gw, connect_client(f, &link), 1000, SPAN(""));
    assert_int_equal(gateway_busy(f->gw), 1);
    finish(1, failure(RULE_INTEGRATION_FAILED));
    assert_int_equal(logged(f, "rule=integration-failed"), 1);
    assert_int_equal(gateway_busy(f->gw), 0);
}

/* ---- limits of time ---- */

#define IDLE_MS 600000u
#define LIFETIME_MS 7200000u
#define SLACK_MS 5000u /* how long the test itself may take */

static void a_silent_connection_is_closed_after_ten_minutes(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;

    connect_client(f, &link);
    link->quiet_ms = UINT64_MAX;
    pass_ms(IDLE_MS - SLACK_MS);
    assert_int_equal(link->closes, 0);
    pass_ms(SLACK_MS);
    assert_int_equal(link->closes, 1);
    assert_int_equal(link->close_code, 1001);
    assert_string_equal(buf_terminate(&link->close_reason), "Going away");
    assert_disconnected(f, 1001, "Going away");
    assert_int_equal(logged(f, "rule=idle-timeout"), 1);
}

/* What counts as traffic, tried for one more than the idle limit each. */
static void traffic_in_either_direction_keeps_a_connection_open(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    link->quiet_ms = UINT64_MAX;
    pass_ms(IDLE_MS - SLACK_MS);
    gateway_on_message(f->gw, connection, SPAN("{\"action\":\"tell\"}"));
    pass_ms(IDLE_MS - SLACK_MS);
    gateway_post(f->gw, NULL, connection_id(connection), SPAN("hello"));
    pass_ms(IDLE_MS - SLACK_MS);
    gateway_on_ping(f->gw, connection);
    pass_ms(IDLE_MS - SLACK_MS);
    assert_int_equal(link->closes, 0);
    pass_ms(SLACK_MS);
    assert_int_equal(link->closes, 1);
}

static void a_ping_that_only_the_wire_saw_keeps_a_connection_open(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *pinging, *silent;

    connect_client(f, &pinging);
    connect_client(f, &silent);
    silent->quiet_ms = UINT64_MAX;
    pinging->quiet_ms = 1000;
    pass_ms(IDLE_MS);
    assert_int_equal(pinging->closes, 0);
    assert_int_equal(silent->closes, 1);
    pinging->quiet_ms = UINT64_MAX; /* nothing new was heard */
    pass_ms(IDLE_MS);
    assert_int_equal(pinging->closes, 1);
}

static void two_hours_end_a_busy_connection(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;
    struct connection *connection = connect_client(f, &link);

    for (uint64_t passed = 0; passed < LIFETIME_MS - IDLE_MS; passed += IDLE_MS / 2) {
        gateway_on_ping(f->gw, connection);
        pass_ms(IDLE_MS / 2);
    }
    assert_int_equal(link->closes, 0);
    gateway_on_ping(f->gw, connection);
    pass_ms(IDLE_MS / 2);
    gateway_on_ping(f->gw, connection);
    pass_ms(IDLE_MS / 2);
    assert_int_equal(link->closes, 1);
    assert_disconnected(f, 1001, "Going away");
    assert_int_equal(logged(f, "rule=connection-lifetime"), 1);
}

static void deadlines_of_several_connections_come_in_their_own_time(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *first, *second;

    connect_client(f, &first);
    pass_ms(IDLE_MS / 2);
    connect_client(f, &second);
    first->quiet_ms = second->quiet_ms = UINT64_MAX;
    pass_ms(IDLE_MS / 2);
    assert_int_equal(first->closes, 1);
    assert_int_equal(second->closes, 0);
    pass_ms(IDLE_MS / 2);
    assert_int_equal(second->closes, 1);
}

/* ---- shutdown ---- */

static void closing_all_sends_1001_and_runs_every_disconnect(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *links[3];

    for (size_t i = 0; i < 3; i++)
        connect_client(f, &links[i]);
    gateway_close_all(f->gw);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(links[i]->close_code, 1001);
    assert_int_equal(gateway_busy(f->gw), 3);
    assert_disconnected(f, 1001, "Going away");
    shake_hands(f, SPAN("/dev"));
    assert_int_equal(f->http_status, 503);
    assert_ptr_equal(f->refusal, rule_get(RULE_GOING_AWAY));
}

static void a_handshake_under_way_at_shutdown_is_refused(void **state)
{
    FIXTURE(f, ROUTES_ALL);

    shake_hands(f, SPAN("/dev"));
    gateway_close_all(f->gw);
    finish(0, ok);
    assert_int_equal(f->http_status, 503);
    assert_int_equal(fake_call_count, 1);
}

static void a_connection_that_opens_during_shutdown_is_closed(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link = &f->links[f->link_count++];

    shake_hands(f, SPAN("/dev"));
    finish(0, ok);
    gateway_close_all(f->gw);
    gateway_on_open(f->gw, f->accepted, link);
    assert_int_equal(link->close_code, 1001);
    assert_disconnected(f, 1001, "Going away");
}

static void a_gateway_can_go_while_invocations_are_under_way(void **state)
{
    FIXTURE(f, ROUTES_ALL);
    struct wire_link *link;

    gateway_on_message(f->gw, connect_client(f, &link), SPAN("{\"action\":\"ask\"}"));
    shake_hands(f, SPAN("/dev"));
    assert_int_equal(gateway_busy(f->gw), 2);
    gateway_free(f->gw);
    fake_calls[1].done = fake_calls[2].done = true; /* their results never come */
    f->gw = fake_gateway = gateway_new(NULL, &f->config, 1, NULL, &fake_wire);
    assert_int_equal(link->closes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_connect_route_everybody_is_accepted_at_once),
        cmocka_unit_test(a_connect_route_without_a_function_accepts_at_once),
        cmocka_unit_test(only_the_path_of_the_stage_is_answered),
        cmocka_unit_test(connect_is_given_the_handshake),
        cmocka_unit_test(any_2xx_accepts_and_the_subprotocol_is_passed_on),
        cmocka_unit_test(another_status_refuses_with_it_and_nothing_else),
        cmocka_unit_test(a_status_that_is_none_is_a_malformed_result),
        cmocka_unit_test(a_failed_connect_refuses_with_the_rules_status_and_body),
        cmocka_unit_test(nobody_can_reach_a_connection_before_it_is_open),
        cmocka_unit_test(a_client_that_left_during_connect_gets_its_disconnect),
        cmocka_unit_test(a_message_is_invoked_with_its_event_in_three_parts),
        cmocka_unit_test(messages_of_one_connection_run_side_by_side),
        cmocka_unit_test(a_two_way_route_sends_the_body_whatever_the_status),
        cmocka_unit_test(a_two_way_route_without_a_body_sends_an_empty_message),
        cmocka_unit_test(a_one_way_route_sends_nothing),
        cmocka_unit_test(a_failure_sends_an_error_frame_on_one_way_routes_too),
        cmocka_unit_test(a_message_without_a_route_is_forbidden_and_the_log_says_what_there_is),
        cmocka_unit_test(special_routes_are_not_for_clients),
        cmocka_unit_test(what_comes_back_for_a_connection_that_is_gone_is_dropped),
        cmocka_unit_test(replies_to_a_client_that_does_not_read_are_dropped_with_one_line),
        cmocka_unit_test(a_reply_over_the_message_limit_becomes_an_error_frame),
        cmocka_unit_test(text_that_is_not_utf8_is_repaired),
        cmocka_unit_test(a_violation_closes_by_its_rule_and_runs_disconnect_once),
        cmocka_unit_test(disconnect_is_told_what_the_client_said),
        cmocka_unit_test(a_delete_closes_with_1000_and_the_id_is_gone),
        cmocka_unit_test(without_a_disconnect_route_nothing_runs),
        cmocka_unit_test(a_failed_disconnect_is_told_in_the_log_alone),
        cmocka_unit_test(a_silent_connection_is_closed_after_ten_minutes),
        cmocka_unit_test(traffic_in_either_direction_keeps_a_connection_open),
        cmocka_unit_test(a_ping_that_only_the_wire_saw_keeps_a_connection_open),
        cmocka_unit_test(two_hours_end_a_busy_connection),
        cmocka_unit_test(deadlines_of_several_connections_come_in_their_own_time),
        cmocka_unit_test(closing_all_sends_1001_and_runs_every_disconnect),
        cmocka_unit_test(a_handshake_under_way_at_shutdown_is_refused),
        cmocka_unit_test(a_connection_that_opens_during_shutdown_is_closed),
        cmocka_unit_test(a_gateway_can_go_while_invocations_are_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
