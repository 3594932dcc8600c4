/* test_event_reader.c - what is found in an event that somebody wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <apigw/plugin.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "event/event.h"
#include "event/reader.h"

static struct event_view read(const char *text, struct buf *scratch)
{
    struct json_value document;

    assert_int_equal(json_parse(span_of_str(text), &document, NULL), 0);
    return event_read(document, scratch);
}

static void assert_span(struct span actual, const char *expected)
{
    if (!span_equal(actual, span_of_str(expected)))
        fail_msg("got <" SPAN_FMT ">, expected <%s>", SPAN_ARG(actual), expected);
}

/* ---- events of ours ---- */

static struct event_source *source(void)
{
    return event_source_new(&(struct event_api){.api_id = SPAN("abcdefghij"), .stage = SPAN("dev")},
                            &(struct event_peer){.connection_id = SPAN("L0SM9cOFvHcCIhw="),
                                                 .domain_name = SPAN("example.com"),
                                                 .source_ip = SPAN("1.2.3.4"),
                                                 .user_agent = SPAN("a \"browser\""),
                                                 .connected_at_ms = 1000});
}

static const struct event_request request = {.request_id = SPAN("VNRXVFJOywMF3-Q="), .time_ms = 2000};

static void assert_common(const struct event_view *view, const char *route_key)
{
    assert_span(view->connection_id, "L0SM9cOFvHcCIhw=");
    assert_span(view->route_key, route_key);
    assert_span(view->request_id, "VNRXVFJOywMF3-Q=");
    assert_span(view->stage, "dev");
    assert_span(view->api_id, "abcdefghij");
    assert_span(view->domain_name, "example.com");
    assert_span(view->source_ip, "1.2.3.4");
    assert_span(view->user_agent, "a \"browser\"");
    assert_int_equal(view->connected_at_ms, 1000);
    assert_int_equal(view->request_time_ms, 2000);
}

static void a_message_is_read_as_it_was_written(void **state)
{
    CLEANUP(buf_fini) struct buf text = {0};
    CLEANUP(buf_fini) struct buf scratch = {0};
    struct event_source *s = source();
    struct event_view view;

    event_write_message_head(s, &request, SPAN("say"), SPAN("WDGT-HXEjoEFjYQ="), &text);
    json_escape(&text, SPAN("\"h\xc3\xa4\"\n"));
    event_write_message_tail(s, &text);
    view = read(buf_terminate(&text), &scratch);
    assert_int_equal(view.type, APIGW_MESSAGE);
    assert_common(&view, "say");
    assert_span(view.message_id, "WDGT-HXEjoEFjYQ=");
    assert_span(view.body, "\"h\xc3\xa4\"\n");
    event_source_unref(s);
}

static void a_disconnect_is_read_as_it_was_written(void **state)
{
    CLEANUP(buf_fini) struct buf text = {0};
    CLEANUP(buf_fini) struct buf scratch = {0};
    struct event_source *s = source();
    struct event_view view;

    event_write_disconnect(s, &request, 1001, SPAN("Going away"), &text);
    view = read(buf_terminate(&text), &scratch);
    assert_int_equal(view.type, APIGW_DISCONNECT);
    assert_common(&view, "$disconnect");
    assert_int_equal(view.disconnect_status_code, 1001);
    assert_span(view.disconnect_reason, "Going away");
    assert_null(view.body.ptr);
    event_source_unref(s);
}

static void a_handshake_is_a_connect_or_an_authorizers(void **state)
{
    const struct event_connect connect = {.trace_id = SPAN("Root=1-2-3")};
    CLEANUP(buf_fini) struct buf text = {0};
    CLEANUP(buf_fini) struct buf scratch = {0};
    struct event_source *s = source();
    struct event_view view;

    event_write_connect(s, &request, &connect, &text);
    view = read(buf_terminate(&text), &scratch);
    assert_int_equal(view.type, APIGW_CONNECT);
    assert_common(&view, "$connect");
    buf_clear(&text, 0);
    event_write_authorizer(s, &request, &connect, SPAN("arn:aws:execute-api:x"), &text);
    view = read(buf_terminate(&text), &scratch);
    assert_int_equal(view.type, APIGW_AUTHORIZER);
    assert_common(&view, "$connect");
    event_source_unref(s);
}

/* ---- anything else ---- */

static const char *const others[] = {
    "null",
    "5",
    "\"MESSAGE\"",
    "[]",
    "{}",
    "{\"body\":\"hi\"}",
    "{\"requestContext\":{}}",
    "{\"requestContext\":null,\"body\":\"hi\"}",
    "{\"requestContext\":[\"MESSAGE\"],\"body\":\"hi\"}",
    "{\"requestContext\":{\"eventType\":\"message\",\"connectionId\":\"x\"},\"body\":\"hi\"}",
    "{\"requestContext\":{\"eventType\":5,\"connectionId\":\"x\"},\"body\":\"hi\"}",
    "{\"requestContext\":{\"http\":{\"method\":\"GET\"}},\"body\":\"hi\"}",
};

static void what_is_no_event_of_a_websocket_has_no_fields(void **state)
{
    CLEANUP(buf_fini) struct buf scratch = {0};
    const struct event_view nothing = {0};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct event_view view = read(others[i], &scratch);

        if (memcmp(&view, &nothing, sizeof(view)) != 0)
            fail_msg("something was found in %s", others[i]);
    }
}

static void what_has_another_type_is_not_there(void **state)
{
    CLEANUP(buf_fini) struct buf scratch = {0};
    struct event_view view = read("{\"requestContext\":{\"eventType\":\"MESSAGE\",\"connectionId\":5,\"stage\":null,"
                                  "\"connectedAt\":\"1\",\"requestTimeEpoch\":-1,\"disconnectStatusCode\":4294967296,"
                                  "\"identity\":\"me\"},\"body\":{\"a\":1}}",
                                  &scratch);

    assert_int_equal(view.type, APIGW_MESSAGE);
    assert_null(view.connection_id.ptr);
    assert_null(view.stage.ptr);
    assert_null(view.source_ip.ptr);
    assert_null(view.body.ptr);
    assert_int_equal(view.connected_at_ms + view.request_time_ms + view.disconnect_status_code, 0);
}

static void names_and_values_may_be_escaped(void **state)
{
    CLEANUP(buf_fini) struct buf scratch = {0};
    struct event_view view = read("{\"b\\u006fdy\":\"\\u0068i \\ud83d\\ude00\",\"requestContext\":{\"eventType\":"
                                  "\"MESS\\u0041GE\",\"stage\":\"a\\/b\"}}",
                                  &scratch);

    assert_int_equal(view.type, APIGW_MESSAGE);
    assert_span(view.body, "hi \xf0\x9f\x98\x80");
    assert_span(view.stage, "a/b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read_as_it_was_written),
        cmocka_unit_test(a_disconnect_is_read_as_it_was_written),
        cmocka_unit_test(a_handshake_is_a_connect_or_an_authorizers),
        cmocka_unit_test(what_is_no_event_of_a_websocket_has_no_fields),
        cmocka_unit_test(what_has_another_type_is_not_there),
        cmocka_unit_test(names_and_values_may_be_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
