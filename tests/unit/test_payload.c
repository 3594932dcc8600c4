/* test_payload.c - what whoever invokes a function directly gets of what it returned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "management/payload.h"

static void assert_payload(const struct invocation_result *result, bool is_error, const char *expected)
{
    CLEANUP(buf_fini) struct buf out = {0};

    payload_write(result, &out);
    assert_string_equal(buf_terminate(&out), expected);
    assert_int_equal(payload_is_error(result), is_error);
}

static void a_typed_answer_is_the_proxy_result_it_stands_for(void **state)
{
    const struct invocation_header headers[] = {
        {SPAN("X-A"), SPAN("1")}, {SPAN("X-B"), SPAN("\"2\"")}, {SPAN("x-a"), SPAN("3")}};

    assert_payload(
        &(struct invocation_result){
            .outcome = INVOCATION_RESULT, .status_code = 200, .has_body = true, .body = SPAN("h\"i\n")},
        false, "{\"statusCode\":200,\"body\":\"h\\\"i\\n\"}");
    assert_payload(&(struct invocation_result){.outcome = INVOCATION_RESULT, .status_code = 204}, false,
                   "{\"statusCode\":204}");
    assert_payload(&(struct invocation_result){.outcome = INVOCATION_RESULT}, false, "{}");
    assert_payload(&(struct invocation_result){.outcome = INVOCATION_RESULT,
                                               .status_code = 200,
                                               .has_body = true,
                                               .is_base64_encoded = true,
                                               .headers = headers,
                                               .header_count = 3},
                   false,
                   "{\"statusCode\":200,\"headers\":{\"X-B\":\"\\\"2\\\"\",\"x-a\":\"3\"},\"body\":\"\","
                   "\"isBase64Encoded\":true}");
}

static void a_body_that_is_not_utf8_still_makes_json(void **state)
{
    assert_payload(
        &(struct invocation_result){
            .outcome = INVOCATION_RESULT, .status_code = 200, .has_body = true, .body = SPAN("a\xff")},
        false, "{\"statusCode\":200,\"body\":\"a\xef\xbf\xbd\"}");
}

static void what_was_returned_as_json_stays_as_it_is(void **state)
{
    assert_payload(&(struct invocation_result){.outcome = INVOCATION_RESULT_JSON, .json = SPAN(" {\"a\" : 1}\n")},
                   false, " {\"a\" : 1}\n");
    assert_payload(&(struct invocation_result){.outcome = INVOCATION_RESULT_JSON, .json = SPAN("null")}, false, "null");
}

static void a_failure_is_an_object_with_type_and_message(void **state)
{
    const enum invocation_outcome failures[] = {INVOCATION_ERROR, INVOCATION_TIMED_OUT, INVOCATION_NOT_STARTED};

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        assert_payload(&(struct invocation_result){.outcome = failures[i],
                                                   .error_type = SPAN("Sandbox.Timedout"),
                                                   .error_message = SPAN("RequestId: x Error: Task \"f\"")},
                       true,
                       "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"RequestId: x Error: Task \\\"f\\\"\"}");
}

static void what_was_not_invoked_is_no_error_of_the_function(void **state)
{
    assert_payload(&(struct invocation_result){.outcome = INVOCATION_THROTTLED,
                                               .error_type = SPAN("TooManyRequestsException"),
                                               .error_message = SPAN("Rate Exceeded.")},
                   false, "{\"errorType\":\"TooManyRequestsException\",\"errorMessage\":\"Rate Exceeded.\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_typed_answer_is_the_proxy_result_it_stands_for),
        cmocka_unit_test(a_body_that_is_not_utf8_still_makes_json),
        cmocka_unit_test(what_was_returned_as_json_stays_as_it_is),
        cmocka_unit_test(a_failure_is_an_object_with_type_and_message),
        cmocka_unit_test(what_was_not_invoked_is_no_error_of_the_function),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
