/* The @connections API: statuses, headers and bodies, over HTTP and for handlers. */
#include "gateway_fixture.h"

#include "gateway/connection.h"
#include "management/management.h"

#define UNKNOWN_ID "L0SM9cOFvHcCIhw="

struct answer {
    struct fixture *f;
    struct wire_link *link;
    struct connection *connection;
    struct management_response response;
};

static struct answer *answer_new(void)
{
    struct answer *a = mem_zalloc(sizeof(*a));

    a->f = fixture_new(all_routes, ROUTES_ALL);
    a->connection = connect_client(a->f, &a->link);
    return a;
}

static void answer_free_ptr(struct answer **a)
{
    buf_fini(&(*a)->response.body);
    fixture_free((*a)->f);
    free(*a);
}

static void request_body(struct answer *a, const char *method, const char *path, struct span body)
{
    buf_fini(&a->response.body);
    memset(&a->response, 0xAA, sizeof(a->response)); /* everything must be written */
    management_handle(a->f->gw, SPAN("127.0.0.1:3001"),
                      &(struct sigv4_request){.method = span_of_str(method), .path = span_of_str(path), .body = body},
                      &a->response);
}

static void request(struct answer *a, const char *method, const char *path)
{
    request_body(a, method, path, SPAN(""));
}

/* The path of the open connection. */
static const char *path_to(const struct answer *a, const char *prefix, bool encode_equals)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s%.15s%s", prefix, a->connection->id, encode_equals ? "%3D" : "=");
    return path;
}

static void assert_answer(struct answer *a, unsigned status, const char *error_type, const char *body)
{
    assert_int_equal(a->response.status, status);
    if (error_type)
        assert_string_equal(a->response.error_type, error_type);
    else
        assert_null(a->response.error_type);
    assert_string_equal(buf_terminate(&a->response.body), body);
}

static void a_post_is_sent_as_one_text_message(void **state)
{
    CLEANUP(answer_free) struct answer *a = answer_new();

    request_body(a, "POST", path_to(a, "/dev/@connections/", true), SPAN("hello"));
    assert_answer(a, 200, NULL, "");
    assert_true(a->response.has_content_type && a->response.has_trace_id);
    assert_int_equal(a->link->sent_count, 1);
    assert_string_equal(sent_text(a->link, 0), "hello");
}

static void every_spelling_that_sdks_and_curl_use_is_understood(void **state)
{
    CLEANUP(answer_free) struct answer *a = answer_new();

    request_body(a, "POST", path_to(a, "/dev/@connections/", false), SPAN("1"));
    assert_answer(a, 200, NULL, "");
    request_body(a, "POST", path_to(a, "/dev/%40connections/", true), SPAN("2"));
    assert_answer(a, 200, NULL, "");
    request_body(a, "POST", path_to(a, "/%64ev/%40connections/", true), SPAN("3"));
    assert_answer(a, 200, NULL, "");
    assert_int_equal(a->link->sent_count, 3);
}

static void an_empty_post_sends_an_empty_message(void **state)
{
    CLEANUP(answer_free) struct answer *a = answer_new();

    request(a, "POST", path_to(a, "/dev/@connections/", true));
    assert_answer(a, 200, NULL, "");
    assert_int_equal(a->link->sent_count, 1);
    assert_int_equal(a->link->sent[0].len, 0);
}

static void a_get_is_written_as_aws_writes_it(void **state)
{
    CLEANUP(answer_free) struct answer *a = answer_new();
    char connected_at[CLOCK_ISO_SIZE], last_active_at[CLOCK_ISO_SIZE], expected[512];

    clock_advance_ms(5000);
    gateway_on_ping(a->f->gw, a->connection);
    clock_format_iso(a->connection->connected_at_ms, connected_at);
    clock_format_iso(connection_last_active_ms(a->connection), last_active_at);
    assert_string_not_equal(connected_at, last_active_at);
    snprintf(expected, sizeof(expected),
             "{\n  \"identity\" : {\n    \"sourceIp\" : \"127.0.0.1\",\n    \"userAgent\" : \"fixture/1.0\"\n  },\n"
             "  \"connectedAt\" : \"%s\",\n  \"lastActiveAt\" : \"%s\"\n}",
             connected_at, last_active_at);
    request(a, "GET", path_to(a, "/dev/@connections/", true));
    assert_answer(a, 200, NULL, expected);
    assert_true(a->response.has_content_type && a->response.has_trace_id);
}

static void a_delete_closes_and_answers_without_a_content_type(void **state)
{
    CLEANUP(answer_free) struct answer *a = answer_new();

    request(a, "DELETE", path_to(a, "/dev/@connections/", true));
    assert_answer(a, 204, NULL, "");
    assert_false(a->response.has_content_type);
    assert_true(a->response.has_trace_id);
    assert_int_equal(a->link->close_code, 1000);
}

static void who_is_gone_is_gone_for_every_method(void **state)
{
    static const char *const methods[] = {"POST", "GET", "DELETE"};
    CLEANUP(answer_free) struct answer *a = answer_new();

    for (size_t i = 0; i < 3; i++) {
        request(a, methods[i], "/dev/@connections/" UNKNOWN_ID);
        assert_answer(a, 410, "GoneException", "");
        assert_true(a->response.has_content_type && a->response.has_trace_id);
    }
    assert_int_equal(logged(a->f, "rule=connection-gone"), 3);
}

static void an_id_that_is_none_is_a_bad_request(void **state)
{
    CLEANUP(answer_free) struct answer *a = answer_new();

    request(a, "POST", "/dev/@connections/WDGT8fY4joECJrQ=test");
    assert_answer(a, 400, "BadRequestException", "{\"message\":\"Invalid connectionId: WDGT8fY4joECJrQ=test\"}");
    assert_true(a->response.has_content_type);
    assert_false(a->response.has_trace_id);
    request(a, "GET", "/dev/@connections/a%22b%2Fc%zz%");
    assert_answer(a, 400, "BadRequestException", "{\"message\":\"Invalid connectionId: a\\\"b/c%zz%\"}");
    request(a, "DELETE", "/dev/@connections/%ff%00");
    assert_answer(a, 400, "BadRequestException", "{\"message\":\"Invalid connectionId: \xef\xbf\xbd\\u0000\"}");
}

static void a_payload_over_the_limit_is_refused_before_the_id_is_looked_at(void **state)
{
    static char data[131073];
    CLEANUP(answer_free) struct answer *a = answer_new();

    memset(data, 'a', sizeof(data));
    assert_int_equal(management_body_max(), sizeof(data));
    request_body(a, "POST", "/dev/@connections/none", span_of(data, sizeof(data)));
    assert_answer(a, 413, "PayloadTooLargeException", "");
    request_body(a, "POST", path_to(a, "/dev/@connections/", true), span_of(data, sizeof(data) - 1));
    assert_answer(a, 200, NULL, "");
    assert_int_equal(a->link->sent[0].len, 131072);
    assert_int_equal(logged(a->f, "rule=payload-too-large value=131073 limit=131072"), 1);
}

static void a_client_that_does_not_read_is_a_limit_exceeded(void **state)
{
    CLEANUP(answer_free) struct answer *a = answer_new();

    a->link->full = true;
    request_body(a, "POST", path_to(a, "/dev/@connections/", true), SPAN("hello"));
    assert_answer(a, 429, "LimitExceededException", "");
    assert_int_equal(logged(a->f, "rule=send-queue-full"), 1);
}

static void another_stage_is_forbidden_whatever_follows(void **state)
{
    static const char *const paths[] = {"/", "/prod", "/prod/@connections/" UNKNOWN_ID, "/@connections/" UNKNOWN_ID,
                                        "*", ""};
    CLEANUP(answer_free) struct answer *a = answer_new();

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        request(a, "POST", paths[i]);
        assert_answer(a, 403, "ForbiddenException", "{\"message\":\"Forbidden\"}");
        assert_false(a->response.has_trace_id);
    }
}

static void a_get_of_the_websocket_url_needs_an_upgrade(void **state)
{
    static const char *const paths[] = {"/dev", "/dev/", "/dev/x", "/dev/x/y"};
    CLEANUP(answer_free) struct answer *a = answer_new();

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        request(a, "GET", paths[i]);
        assert_answer(a, 426, NULL, "{\"message\":\"Upgrade Required\"}");
    }
}

static void connections_without_one_id_is_no_route(void **state)
{
    CLEANUP(answer_free) struct answer *a = answer_new();

    request(a, "GET", "/dev/@connections");
    assert_answer(a, 404, "NotFoundException",
                  "{\"message\":\"No method found matching route @connections for http method GET.\"}");
    request(a, "POST", "/dev/@connections/");
    assert_answer(a, 404, "NotFoundException",
                  "{\"message\":\"No method found matching route @connections/ for http method POST.\"}");
    request(a, "POST", "/dev/@connections/" UNKNOWN_ID "/x");
    assert_int_equal(a->response.status, 404);
}

static void other_methods_and_paths_are_not_for_anybody(void **state)
{
    CLEANUP(answer_free) struct answer *a = answer_new();

    request(a, "PUT", path_to(a, "/dev/@connections/", true));
    assert_answer(a, 403, "MissingAuthenticationTokenException", "{\"message\":\"Missing Authentication Token\"}");
    request(a, "post", path_to(a, "/dev/@connections/", true));
    assert_int_equal(a->response.status, 403);
    request(a, "POST", "/dev/x");
    assert_answer(a, 403, "MissingAuthenticationTokenException", "{\"message\":\"Missing Authentication Token\"}");
}

static void handlers_are_answered_with_the_same_outcomes(void **state)
{
    static char data[131073];
    CLEANUP(answer_free) struct answer *a = answer_new();
    struct function_services services = management_services(a->f->gw);
    struct function_connection info;
    char id[ID_SIZE];

    memcpy(id, a->connection->id, ID_SIZE);
    assert_int_equal(services.post_to_connection(services.arg, span_of_str(id), SPAN("hi")), APIGW_OK);
    assert_string_equal(sent_text(a->link, 0), "hi");
    assert_int_equal(services.post_to_connection(services.arg, SPAN("x"), SPAN("hi")), APIGW_BAD_REQUEST);
    assert_int_equal(services.post_to_connection(services.arg, SPAN(UNKNOWN_ID), SPAN("hi")), APIGW_GONE);
    assert_int_equal(services.post_to_connection(services.arg, span_of_str(id), span_of(data, sizeof(data))),
                     APIGW_TOO_LARGE);
    a->link->full = true;
    assert_int_equal(services.post_to_connection(services.arg, span_of_str(id), SPAN("hi")), APIGW_LIMIT_EXCEEDED);
    assert_int_equal(services.get_connection(services.arg, span_of_str(id), &info), APIGW_OK);
    assert_int_equal(info.connected_at_ms, a->connection->connected_at_ms);
    assert_true(span_equal(info.user_agent, SPAN("fixture/1.0")));
    assert_int_equal(services.get_connection(services.arg, SPAN(UNKNOWN_ID), &info), APIGW_GONE);
    assert_int_equal(services.delete_connection(services.arg, SPAN("x")), APIGW_BAD_REQUEST);
    assert_int_equal(services.delete_connection(services.arg, span_of_str(id)), APIGW_OK);
    assert_int_equal(services.delete_connection(services.arg, span_of_str(id)), APIGW_GONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_post_is_sent_as_one_text_message),
        cmocka_unit_test(every_spelling_that_sdks_and_curl_use_is_understood),
        cmocka_unit_test(an_empty_post_sends_an_empty_message),
        cmocka_unit_test(a_get_is_written_as_aws_writes_it),
        cmocka_unit_test(a_delete_closes_and_answers_without_a_content_type),
        cmocka_unit_test(who_is_gone_is_gone_for_every_method),
        cmocka_unit_test(an_id_that_is_none_is_a_bad_request),
        cmocka_unit_test(a_payload_over_the_limit_is_refused_before_the_id_is_looked_at),
        cmocka_unit_test(a_client_that_does_not_read_is_a_limit_exceeded),
        cmocka_unit_test(another_stage_is_forbidden_whatever_follows),
        cmocka_unit_test(a_get_of_the_websocket_url_needs_an_upgrade),
        cmocka_unit_test(connections_without_one_id_is_no_route),
        cmocka_unit_test(other_methods_and_paths_are_not_for_anybody),
        cmocka_unit_test(handlers_are_answered_with_the_same_outcomes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
