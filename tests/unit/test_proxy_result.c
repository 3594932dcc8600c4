/* test_proxy_result.c - which Lambda results are proxy results, and what is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "integration/proxy_result.h"

struct good {
    const char *json;
    int status_code;
    const char *body; /* NULL: none */
    const char *subprotocol;
};

static void assert_span(struct span actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    if (actual.len > 0)
        assert_memory_equal(actual.ptr, expected, actual.len);
}

static void assert_good(const struct good *g)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct proxy_result result;
    const char *why = NULL;

    if (proxy_result_parse(span_of_str(g->json), &text, &result, &why) < 0)
        fail_msg("%s: refused: %s", g->json, why);
    if (result.status_code != g->status_code || result.has_body != (g->body != NULL))
        fail_msg("%s: status %d, body %d", g->json, result.status_code, result.has_body);
    assert_span(result.body, g->body ? g->body : "");
    assert_span(result.subprotocol, g->subprotocol);
}

static void assert_malformed(struct span json, const char *words)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct proxy_result result = {.status_code = -77};
    const char *why = NULL;

    if (proxy_result_parse(json, &text, &result, &why) == 0)
        fail_msg(SPAN_FMT ": taken for a proxy result", SPAN_ARG(json));
    assert_int_equal(result.status_code, -77);
    assert_non_null(why);
    if (!strstr(why, words))
        fail_msg(SPAN_FMT ": \"%s\" does not speak of \"%s\"", SPAN_ARG(json), why, words);
}

static void every_well_formed_result_is_understood(void **state)
{
    /* clang-format off */
    static const struct good goods[] = {
        {"{}", 200, NULL, ""},
        {" { } ", 200, NULL, ""},
        {"{\"statusCode\":200}", 200, NULL, ""},
        {"{\"statusCode\":201,\"body\":\"hi\"}", 201, "hi", ""},
        {"{\"statusCode\":\"201\"}", 201, NULL, ""},
        {"{\"statusCode\":null}", 200, NULL, ""},
        {"{\"statusCode\":500,\"body\":\"\"}", 500, "", ""},
        {"{\"body\":null}", 200, NULL, ""},
        {"{\"body\":\"a\\\"b\\u00e4\\n\"}", 200, "a\"b\xc3\xa4\n", ""},
        {"{\"body\":\"aGk=\",\"isBase64Encoded\":true}", 200, "aGk=", ""},
        {"{\"isBase64Encoded\":false}", 200, NULL, ""},
        {"{\"isBase64Encoded\":null}", 200, NULL, ""},
        {"{\"headers\":null}", 200, NULL, ""},
        {"{\"headers\":{}}", 200, NULL, ""},
        {"{\"headers\":{\"X-A\":\"b\",\"X-C\":true,\"X-D\":false}}", 200, NULL, ""},
        {"{\"multiValueHeaders\":null}", 200, NULL, ""},
        {"{\"multiValueHeaders\":{}}", 200, NULL, ""},
        {"{\"multiValueHeaders\":{\"X-A\":[\"b\",\"c\"],\"X-B\":[]}}", 200, NULL, ""},
        {"{\"headers\":{\"Sec-WebSocket-Protocol\":\"chat.v2\"}}", 200, NULL, "chat.v2"},
        {"{\"headers\":{\"sec-websocket-PROTOCOL\":\"a\"}}", 200, NULL, "a"},
        {"{\"headers\":{\"Sec\\u002dWebSocket-Protocol\":\"a\"}}", 200, NULL, "a"},
        {"{\"headers\":{\"Sec-WebSocket-Protocol\":\"a\\u002fb\"},\"body\":\"\\t\"}", 200, "\t", "a/b"},
        {"{\"headers\":{\"Sec-WebSocket-Protocol\":\"a\",\"sec-websocket-protocol\":\"b\"}}", 200, NULL, "b"},
        {"{\"headers\":{\"Sec-WebSocket-Protocol\":true}}", 200, NULL, "true"},
        {"{\"headers\":{\"Sec-WebSocket-Protocol\":\"\"}}", 200, NULL, ""},
        {"{\"multiValueHeaders\":{\"Sec-WebSocket-Protocol\":[\"a\",\"b\"]}}", 200, NULL, "b"},
        {"{\"multiValueHeaders\":{\"Sec-WebSocket-Protocol\":[]}}", 200, NULL, ""},
        {"{\"multiValueHeaders\":{\"Sec-WebSocket-Protocol\":[\"b\"]},\"headers\":{\"Sec-WebSocket-Protocol\":\"a\"}}", 200, NULL, "b"},
        {"{\"statusCode\":400,\"statusCode\":201}", 201, NULL, ""},
        {"{\"status\\u0043ode\":202}", 202, NULL, ""},
        {"{\"statusCode\":-1}", -1, NULL, ""},
        {"{\"body\":\"x\",\"body\":null}", 200, NULL, ""},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++)
        assert_good(&goods[i]);
}

static void every_malformed_result_is_refused_with_its_reason(void **state)
{
    /* clang-format off */
    static const struct {
        const char *json;
        const char *words;
    } bads[] = {
        {"null", "null"},
        {"\"justAString\"", "a string"},
        {"1", "a number"},
        {"true", "a boolean"},
        {"false", "a boolean"},
        {"[]", "an array"},
        {"[{\"statusCode\":200}]", "an array"},
        {"", "not JSON"},
        {"{", "not JSON"},
        {"{} {}", "not JSON"},
        {"{\"statusCode\":200,}", "not JSON"},
        {"{statusCode:200}", "not JSON"},
        {"{\"body\":\"a\nb\"}", "not JSON"},
        {"{\"statusCode\":200,\"wrongValue\":\"v\"}", "a member other"},
        {"{\"ConnectionId\":\"x\",\"Data\":\"y\",\"statusCode\":200}", "a member other"},
        {"{\"statuscode\":200}", "a member other"},
        {"{\"\":1}", "a member other"},
        {"{\"statusCode\":\"abc\"}", "statusCode"},
        {"{\"statusCode\":\"\"}", "statusCode"},
        {"{\"statusCode\":\"-\"}", "statusCode"},
        {"{\"statusCode\":\" 200\"}", "statusCode"},
        {"{\"statusCode\":\"2\\u0030\"}", "statusCode"},
        {"{\"statusCode\":\"99999999999\"}", "statusCode"},
        {"{\"statusCode\":\"9999999999\"}", "statusCode"},
        {"{\"statusCode\":200.5}", "statusCode"},
        {"{\"statusCode\":2e2}", "statusCode"},
        {"{\"statusCode\":99999999999999999999}", "statusCode"},
        {"{\"statusCode\":3000000000}", "statusCode"},
        {"{\"statusCode\":true}", "statusCode"},
        {"{\"statusCode\":{}}", "statusCode"},
        {"{\"statusCode\":[200]}", "statusCode"},
        {"{\"body\":{\"message\":\"hi\"}}", "body"},
        {"{\"body\":[]}", "body"},
        {"{\"body\":1}", "body"},
        {"{\"body\":true}", "body"},
        {"{\"isBase64Encoded\":1}", "isBase64Encoded"},
        {"{\"isBase64Encoded\":\"true\"}", "isBase64Encoded"},
        {"{\"headers\":[]}", "headers"},
        {"{\"headers\":\"a: b\"}", "headers"},
        {"{\"headers\":{\"X-A\":1}}", "header's value"},
        {"{\"headers\":{\"X-A\":null}}", "header's value"},
        {"{\"headers\":{\"X-A\":{}}}", "header's value"},
        {"{\"headers\":{\"X-A\":[\"b\"]}}", "header's value"},
        {"{\"multiValueHeaders\":[]}", "multiValueHeaders"},
        {"{\"multiValueHeaders\":{\"X-A\":\"b\"}}", "not an array"},
        {"{\"multiValueHeaders\":{\"X-A\":null}}", "not an array"},
        {"{\"multiValueHeaders\":{\"Sec-WebSocket-Protocol\":[1]}}", "header's value"},
        {"{\"headers\":{\"Sec-WebSocket-Protocol\":\"a\\r\\nSet-Cookie: x\"}}", "Sec-WebSocket-Protocol"},
        {"{\"headers\":{\"Sec-WebSocket-Protocol\":\"a\\u0000b\"}}", "Sec-WebSocket-Protocol"},
        {"{\"headers\":{\"Sec-WebSocket-Protocol\":\"a\\u007f\"}}", "Sec-WebSocket-Protocol"},
        {"{\"headers\":{\"Sec-WebSocket-Protocol\":\"\\u00e4\"}}", "Sec-WebSocket-Protocol"},
        {"{\"multiValueHeaders\":{\"sec-websocket-protocol\":[\"a\",\"\\n\"]}}", "Sec-WebSocket-Protocol"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++)
        assert_malformed(span_of_str(bads[i].json), bads[i].words);
}

static void no_beginning_of_a_result_is_well_formed(void **state)
{
    static const char whole[] =
        "{\"statusCode\":200,\"headers\":{\"a\":\"b\\u00e4\"},\"multiValueHeaders\":{\"c\":[\"d\"]},"
        "\"body\":\"e\\n\",\"isBase64Encoded\":false}";

    (void)state;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        CLEANUP(free) char *copy = mem_alloc(len + 1); /* of its own, so that reading past it is seen */
        memcpy(copy, whole, len);
        assert_malformed(span_of(copy, len), "not JSON");
    }
}

static void a_subprotocol_that_fits_no_response_head_is_refused(void **state)
{
    CLEANUP(buf_fini) struct buf json = {0};

    (void)state;
    buf_append_str(&json, "{\"headers\":{\"Sec-WebSocket-Protocol\":\"");
    for (unsigned i = 0; i < 100000; i++)
        buf_append_char(&json, 'a');
    buf_append_str(&json, "\"}}");
    assert_malformed(buf_span(&json), "Sec-WebSocket-Protocol");
}

static void a_typed_answer_is_judged_alike(void **state)
{
    const struct invocation_header headers[] = {
        {SPAN("X-A"), SPAN("b\r\n")}, /* goes nowhere */
        {SPAN("Sec-WebSocket-Protocol"), SPAN("a")},
        {SPAN("sec-websocket-protocol"), SPAN("b")},
    };
    const struct invocation_result typed = {
        .outcome = INVOCATION_RESULT,
        .status_code = 403,
        .has_body = true,
        .body = SPAN("no"),
        .headers = headers,
        .header_count = 3,
    };
    struct proxy_result result;
    const char *why;

    (void)state;
    assert_int_equal(proxy_result_from_typed(&typed, &result, &why), 0);
    assert_int_equal(result.status_code, 403);
    assert_true(result.has_body);
    assert_span(result.body, "no");
    assert_span(result.subprotocol, "b");
}

static void a_typed_answer_without_status_is_200(void **state)
{
    const struct invocation_result typed = {.outcome = INVOCATION_RESULT};
    struct proxy_result result;
    const char *why;

    (void)state;
    assert_int_equal(proxy_result_from_typed(&typed, &result, &why), 0);
    assert_int_equal(result.status_code, 200);
    assert_false(result.has_body);
    assert_int_equal(result.subprotocol.len, 0);
}

static void a_typed_answer_cannot_add_a_header_line(void **state)
{
    const struct invocation_header headers[] = {{SPAN("Sec-WebSocket-Protocol"), SPAN("a\r\nSet-Cookie: b")}};
    const struct invocation_result typed = {.outcome = INVOCATION_RESULT, .headers = headers, .header_count = 1};
    struct proxy_result result;
    const char *why = "";

    (void)state;
    assert_int_equal(proxy_result_from_typed(&typed, &result, &why), -1);
    assert_non_null(strstr(why, "Sec-WebSocket-Protocol"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_well_formed_result_is_understood),
        cmocka_unit_test(every_malformed_result_is_refused_with_its_reason),
        cmocka_unit_test(no_beginning_of_a_result_is_well_formed),
        cmocka_unit_test(a_subprotocol_that_fits_no_response_head_is_refused),
        cmocka_unit_test(a_typed_answer_is_judged_alike),
        cmocka_unit_test(a_typed_answer_without_status_is_200),
        cmocka_unit_test(a_typed_answer_cannot_add_a_header_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
