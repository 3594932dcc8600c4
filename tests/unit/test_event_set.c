/* test_event_set.c - setting one value of an event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/event_set.h"

static void assert_set(enum sample_event which, const char *before, const char *assignment, const char *after)
{
    CLEANUP(buf_fini) struct buf document = {0};
    CLEANUP(buf_fini) struct buf error = {0};

    buf_append_str(&document, before);
    if (event_set(which, &document, span_of_str(assignment), &error) < 0)
        fail_msg("%s: %s", assignment, buf_terminate(&error));
    assert_string_equal(buf_terminate(&document), after);
}

static void assert_refused(enum sample_event which, const char *assignment, const char *why)
{
    CLEANUP(buf_fini) struct buf document = {0};
    CLEANUP(buf_fini) struct buf error = {0};

    buf_append_str(&document, "{\"requestContext\":{}}");
    assert_int_equal(event_set(which, &document, span_of_str(assignment), &error), -1);
    assert_string_equal(buf_terminate(&error), why);
    assert_string_equal(buf_terminate(&document), "{\"requestContext\":{}}");
}

#define CONTEXT(members) "{\"requestContext\":{" members "},\"isBase64Encoded\":false}"

static void where_aws_has_a_text_a_value_is_one(void **state)
{
    const char *before = CONTEXT("\"connectionId\":\"a\"");

    assert_set(SAMPLE_MESSAGE, before, "requestContext.connectionId=b", CONTEXT("\"connectionId\":\"b\""));
    assert_set(SAMPLE_MESSAGE, before, "requestContext.connectionId=5", CONTEXT("\"connectionId\":\"5\""));
    assert_set(SAMPLE_MESSAGE, before, "requestContext.connectionId=", CONTEXT("\"connectionId\":\"\""));
    assert_set(SAMPLE_MESSAGE, before, "requestContext.connectionId=a=b\"", CONTEXT("\"connectionId\":\"a=b\\\"\""));
    assert_set(SAMPLE_MESSAGE, "{\"body\":\"x\"}", "body={\"a\":1}", "{\"body\":\"{\\\"a\\\":1}\"}");
    assert_set(SAMPLE_MESSAGE, "{\"body\":\"x\"}", "body=\xff", "{\"body\":\"\xef\xbf\xbd\"}");
}

static void elsewhere_it_is_json_if_it_can_be(void **state)
{
    const char *before = CONTEXT("\"connectedAt\":1");

    assert_set(SAMPLE_MESSAGE, before, "requestContext.connectedAt=2", CONTEXT("\"connectedAt\":2"));
    assert_set(SAMPLE_MESSAGE, before, "requestContext.connectedAt=now", CONTEXT("\"connectedAt\":\"now\""));
    assert_set(SAMPLE_MESSAGE, "{\"isBase64Encoded\":false}", "isBase64Encoded= true ", "{\"isBase64Encoded\":true}");
    assert_set(SAMPLE_MESSAGE, CONTEXT(""), "requestContext.authorizer.admin=true",
               CONTEXT("\"authorizer\":{\"admin\":true}"));
    assert_set(SAMPLE_MESSAGE, CONTEXT(""), "requestContext.authorizer.a.b=x",
               CONTEXT("\"authorizer\":{\"a.b\":\"x\"}"));
}

static void with_a_colon_it_is_any_json(void **state)
{
    assert_set(SAMPLE_MESSAGE, "{\"body\":\"x\"}", "body:=null", "{\"body\":null}");
    assert_set(SAMPLE_MESSAGE, "{\"requestContext\":{\"stage\":\"d\"}}", "requestContext:=[1, 2]",
               "{\"requestContext\":[1, 2]}");
    assert_refused(SAMPLE_MESSAGE, "body:={",
                   "behind := stands JSON; at character 2 of '{': expected a key in quotes or '}'");
}

static void a_new_member_stands_where_aws_has_it(void **state)
{
    assert_set(SAMPLE_MESSAGE, "{\"requestContext\":{},\"body\":\"x\"}", "stageVariables.a=1",
               "{\"stageVariables\":{\"a\":\"1\"},\"requestContext\":{},\"body\":\"x\"}");
    assert_set(SAMPLE_MESSAGE, CONTEXT("\"routeKey\":\"r\",\"messageId\":\"m\""),
               "requestContext.authorizer.principalId=anna",
               CONTEXT("\"routeKey\":\"r\",\"authorizer\":{\"principalId\":\"anna\"},\"messageId\":\"m\""));
    assert_set(SAMPLE_MESSAGE, CONTEXT("\"identity\":{\"sourceIp\":\"1\"},\"requestId\":\"r\""),
               "requestContext.identity.user=u",
               CONTEXT("\"identity\":{\"sourceIp\":\"1\",\"user\":\"u\"},\"requestId\":\"r\""));
    assert_set(SAMPLE_MESSAGE, "{}", "requestContext.identity.user=u",
               "{\"requestContext\":{\"identity\":{\"user\":\"u\"}}}");
    assert_set(SAMPLE_MESSAGE, "{\"requestContext\":5}", "requestContext.identity.user=u",
               "{\"requestContext\":{\"identity\":{\"user\":\"u\"}}}");
}

static void a_header_is_in_both_maps_in_the_order_of_names(void **state)
{
    assert_set(
        SAMPLE_CONNECT, "{\"headers\":{\"Host\":\"h\"},\"multiValueHeaders\":{\"Host\":[\"h\"]}}", "headers.Auth=s",
        "{\"headers\":{\"Auth\":\"s\",\"Host\":\"h\"},\"multiValueHeaders\":{\"Auth\":[\"s\"],\"Host\":[\"h\"]}}");
    assert_set(SAMPLE_CONNECT, "{\"headers\":{\"Host\":\"h\"},\"multiValueHeaders\":{\"Host\":[\"h\"]}}",
               "headers.host=i", "{\"headers\":{\"Host\":\"i\"},\"multiValueHeaders\":{\"Host\":[\"i\"]}}");
    assert_set(SAMPLE_CONNECT, "{\"headers\":{},\"multiValueHeaders\":{}}", "multiValueHeaders.X=[\"a\",\"b\"]",
               "{\"headers\":{\"X\":\"b\"},\"multiValueHeaders\":{\"X\":[\"a\",\"b\"]}}");
    assert_set(SAMPLE_CONNECT, "{\"headers\":{},\"multiValueHeaders\":{}}", "multiValueHeaders.X=5",
               "{\"headers\":{\"X\":\"5\"},\"multiValueHeaders\":{\"X\":[\"5\"]}}");
}

static void a_parameter_makes_both_maps(void **state)
{
    assert_set(
        SAMPLE_CONNECT, "{\"headers\":{},\"requestContext\":{}}", "queryStringParameters.room=7",
        "{\"headers\":{},\"queryStringParameters\":{\"room\":\"7\"},\"multiValueQueryStringParameters\":{\"room\":"
        "[\"7\"]},\"requestContext\":{}}");
}

static void a_request_id_is_there_twice(void **state)
{
    assert_set(SAMPLE_MESSAGE, CONTEXT("\"extendedRequestId\":\"a\",\"requestId\":\"a\""), "requestContext.requestId=b",
               CONTEXT("\"extendedRequestId\":\"b\",\"requestId\":\"b\""));
}

static void what_is_not_set_stays_to_the_byte(void **state)
{
    assert_set(SAMPLE_MESSAGE, "{\"requestContext\":{\"x\\u0041\":1.50e1,\"stage\":\"d\"},\"body\":\"\\u00e4\"}",
               "requestContext.stage=p",
               "{\"requestContext\":{\"x\\u0041\":1.50e1,\"stage\":\"p\"},\"body\":\"\\u00e4\"}");
}

static void a_path_that_no_event_has_is_explained(void **state)
{
    assert_refused(SAMPLE_MESSAGE, "requestContext.conectionId=x",
                   "a message event has no requestContext.conectionId; did you mean requestContext.connectionId?");
    assert_refused(SAMPLE_MESSAGE, "connectionid=x",
                   "a message event has no connectionid; did you mean requestContext.connectionId?");
    assert_refused(SAMPLE_CONNECT, "header.Auth=x", "a connect event has no header.Auth; did you mean headers.Auth?");
    assert_refused(SAMPLE_MESSAGE, "zzz=x", "a message event has no zzz");
    assert_refused(SAMPLE_MESSAGE, "body.text=x", "a message event has no body.text");
}

static void a_path_of_another_event_says_whose_it_is(void **state)
{
    assert_refused(SAMPLE_MESSAGE, "queryStringParameters.a=x",
                   "a message event has no queryStringParameters.a, only connect and authorizer events do");
    assert_refused(SAMPLE_CONNECT, "body=x", "a connect event has no body, only message events do");
}

static void an_assignment_needs_a_path_and_a_sign(void **state)
{
    const char *const wrong[] = {"", "=", "=x", ":=5", "body"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CLEANUP(free) char *why = mem_printf("what is set is written PATH=VALUE, not '%s'", wrong[i]);

        assert_refused(SAMPLE_MESSAGE, wrong[i], why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_aws_has_a_text_a_value_is_one),
        cmocka_unit_test(elsewhere_it_is_json_if_it_can_be),
        cmocka_unit_test(with_a_colon_it_is_any_json),
        cmocka_unit_test(a_new_member_stands_where_aws_has_it),
        cmocka_unit_test(a_header_is_in_both_maps_in_the_order_of_names),
        cmocka_unit_test(a_parameter_makes_both_maps),
        cmocka_unit_test(a_request_id_is_there_twice),
        cmocka_unit_test(what_is_not_set_stays_to_the_byte),
        cmocka_unit_test(a_path_that_no_event_has_is_explained),
        cmocka_unit_test(a_path_of_another_event_says_whose_it_is),
        cmocka_unit_test(an_assignment_needs_a_path_and_a_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
