/* Tests of net/head: request heads, and which of them are opening handshakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/head.h"

#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define GOOD "GET /dev HTTP/1.1\r\nHost: h\r\n" UPGRADE KEY VERSION "\r\n"

static void assert_span(struct span s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}

static enum head_status parse(const char *text, struct head *head, const char **why)
{
    return head_parse(span_of_str(text), head, why);
}

static void names_and_values_keep_case_and_order(void **state)
{
    struct head head;
    const char *why;

    assert_int_equal(
        parse("GET /dev/?a=b&c HTTP/1.1\r\nHoSt: h:1\r\nX-a:  spaced out \t\r\nx-A: 2\r\n\r\nrest", &head, &why),
        HEAD_COMPLETE);
    assert_span(head.method, "GET");
    assert_span(head.path, "/dev/");
    assert_span(head.query, "a=b&c");
    assert_int_equal(head.header_count, 3);
    assert_span(head.headers[0].name, "HoSt");
    assert_span(head.headers[1].name, "X-a");
    assert_span(head.headers[1].value, "spaced out");
    assert_span(head.headers[2].name, "x-A");
    assert_span(head_find(&head, SPAN("HOST")), "h:1");
    assert_int_equal(head.size,
                     strlen("GET /dev/?a=b&c HTTP/1.1\r\nHoSt: h:1\r\nX-a:  spaced out \t\r\nx-A: 2\r\n\r\n"));
}

static void a_target_without_a_question_mark_has_no_query(void **state)
{
    struct head head;
    const char *why;

    assert_int_equal(parse("GET /dev HTTP/1.1\r\n\r\n", &head, &why), HEAD_COMPLETE);
    assert_null(head.query.ptr);
}

static void an_absolute_target_gives_its_path(void **state)
{
    struct head head;
    const char *why;

    assert_int_equal(parse("GET http://example.com:3001/dev?x=1 HTTP/1.1\r\n\r\n", &head, &why), HEAD_COMPLETE);
    assert_span(head.path, "/dev");
    assert_span(head.query, "x=1");
}

static void every_shorter_head_is_incomplete(void **state)
{
    struct head head;
    const char *why;

    for (size_t len = 0; len < strlen(GOOD); len++) {
        CLEANUP(free) char *cut = mem_span_dup(span_of(GOOD, len));

        assert_int_equal(parse(cut, &head, &why), HEAD_INCOMPLETE);
    }
    assert_int_equal(parse(GOOD, &head, &why), HEAD_COMPLETE);
}

static void blank_lines_before_the_request_are_skipped(void **state)
{
    struct head head;
    const char *why;

    assert_int_equal(parse("\r\n\r\n", &head, &why), HEAD_INCOMPLETE);
    assert_int_equal(parse("\r\n\r\n" GOOD, &head, &why), HEAD_COMPLETE);
    assert_int_equal(head.size, strlen(GOOD) + 4);
}

static void what_is_not_http_is_malformed(void **state)
{
    static const char *const texts[] = {
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET /dev HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /dev HTTP/1.1\r\nbad name: x\r\n\r\n",
        "GET /dev HTTP/1.1\r\nA: 1\r\n folded\r\n\r\n",
        "GET /dev HTTP/1.1\r\nA: \x01\r\n\r\n",
        "GET /dev HTTP/1.1\nHost: h\n\nGET /other HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /dev HTTP/1.1\n",
        "\x16\x03\x01\x02\x01",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct head head;
        const char *why = NULL;

        if (parse(texts[i], &head, &why) != HEAD_MALFORMED)
            fail_msg("taken for a request: %s", texts[i]);
        assert_non_null(why);
    }
}

static void more_headers_than_the_limit_are_refused(void **state)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct head head;
    const char *why = NULL;

    buf_append_str(&text, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < HEAD_HEADERS_MAX; i++)
        buf_append_str(&text, "A: 1\r\n");
    buf_append_str(&text, "\r\n");
    assert_int_equal(head_parse(buf_span(&text), &head, &why), HEAD_COMPLETE);
    text.len -= 2;
    buf_append_str(&text, "A: 1\r\n\r\n");
    assert_int_equal(head_parse(buf_span(&text), &head, &why), HEAD_MALFORMED);
    assert_string_equal(why, "too many headers");
}

static void tokens_are_found_in_lists_in_any_case(void **state)
{
    struct head head;
    const char *why;

    assert_int_equal(
        parse("GET / HTTP/1.1\r\nConnection: keep-alive , UPGRADE\r\nUpgrade: h2c\r\nupgrade: WebSocket\r\n\r\n", &head,
              &why),
        HEAD_COMPLETE);
    assert_true(head_has_token(&head, SPAN("connection"), SPAN("upgrade")));
    assert_false(head_has_token(&head, SPAN("connection"), SPAN("keep")));
    assert_true(head_wants_websocket(&head));
}

static void only_an_rfc_6455_handshake_passes(void **state)
{
    static const struct {
        const char *head;
        const char *why; /* NULL: passes */
    } rows[] = {
        {GOOD, NULL},
        {"POST /dev HTTP/1.1\r\nHost: h\r\n" UPGRADE KEY VERSION "\r\n", "an upgrade is a GET"},
        {"GET /dev HTTP/1.0\r\nHost: h\r\n" UPGRADE KEY VERSION "\r\n", "an upgrade needs HTTP/1.1"},
        {"GET /dev HTTP/1.1\r\n" UPGRADE KEY VERSION "\r\n", "the Host header is missing"},
        {"GET /dev HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n" KEY VERSION "\r\n",
         "the Connection header lacks \"Upgrade\""},
        {"GET /dev HTTP/1.1\r\nHost: h\r\n" UPGRADE VERSION "\r\n", "the Sec-WebSocket-Key header is missing"},
        {"GET /dev HTTP/1.1\r\nHost: h\r\n" UPGRADE "Sec-WebSocket-Key: short==\r\n" VERSION "\r\n",
         "Sec-WebSocket-Key is not 16 bytes in base64"},
        {"GET /dev HTTP/1.1\r\nHost: h\r\n" UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n" VERSION "\r\n",
         "Sec-WebSocket-Key is not 16 bytes in base64"},
        {"GET /dev HTTP/1.1\r\nHost: h\r\n" UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n",
         "Sec-WebSocket-Version is not 13"},
        {"GET /dev HTTP/1.1\r\nHost: h\r\n" UPGRADE KEY "\r\n", "Sec-WebSocket-Version is not 13"},
        {"GET /dev HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n" UPGRADE KEY VERSION "\r\n", NULL},
        {"GET /dev HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n" UPGRADE KEY VERSION "\r\n", "an upgrade has no body"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct head head;
        const char *why = NULL, *found;

        assert_int_equal(parse(rows[i].head, &head, &why), HEAD_COMPLETE);
        found = head_check_handshake(&head);
        assert_int_equal(found == NULL, rows[i].why == NULL);
        if (found)
            assert_string_equal(found, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_values_keep_case_and_order),
        cmocka_unit_test(a_target_without_a_question_mark_has_no_query),
        cmocka_unit_test(an_absolute_target_gives_its_path),
        cmocka_unit_test(every_shorter_head_is_incomplete),
        cmocka_unit_test(blank_lines_before_the_request_are_skipped),
        cmocka_unit_test(what_is_not_http_is_malformed),
        cmocka_unit_test(more_headers_than_the_limit_are_refused),
        cmocka_unit_test(tokens_are_found_in_lists_in_any_case),
        cmocka_unit_test(only_an_rfc_6455_handshake_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
