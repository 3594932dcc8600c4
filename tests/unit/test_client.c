/* test_client.c - URLs that people give, the opening handshake, signatures of requests, and lines of a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/handshake.h"
#include "client/script.h"
#include "client/sign.h"
#include "client/url.h"

/* ---- URLs ---- */

static void assert_urls(const char *text, enum url_kind kind, const char *websocket, const char *connections)
{
    CLEANUP(url_fini) struct url url = {0};
    CLEANUP(buf_fini) struct buf error = {0};

    assert_int_equal(url_parse(text, kind, &url, &error), 0);
    CLEANUP(free) char *ws = url_websocket(&url);
    CLEANUP(free) char *http = url_connections(&url);
    assert_string_equal(ws, websocket);
    assert_string_equal(http, connections);
}

static void a_url_of_one_kind_gives_those_of_both(void **state)
{
    assert_urls("ws://h:3001/dev?a=b c", URL_WEBSOCKET, "ws://h:3001/dev?a=b%20c", "http://h:3001/dev/@connections");
    assert_urls("WSS://h/dev/", URL_WEBSOCKET, "wss://h/dev/", "https://h/dev/@connections");
    assert_urls("http://h:80/dev/@connections/", URL_MANAGEMENT, "ws://h/dev/@connections/",
                "http://h/dev/@connections");
    assert_urls("ws://[::1]:3001/dev", URL_WEBSOCKET, "ws://[::1]:3001/dev", "http://[::1]:3001/dev/@connections");
    assert_urls("ws://h", URL_WEBSOCKET, "ws://h/", "http://h/@connections");
}

static void a_scheme_that_is_missing_is_ws_and_for_aws_wss(void **state)
{
    assert_urls("localhost:3001/dev", URL_WEBSOCKET, "ws://localhost:3001/dev",
                "http://localhost:3001/dev/@connections");
    assert_urls("a.execute-api.eu-west-1.amazonaws.com/prod", URL_WEBSOCKET,
                "wss://a.execute-api.eu-west-1.amazonaws.com/prod",
                "https://a.execute-api.eu-west-1.amazonaws.com/prod/@connections");
    assert_urls("h/dev?next=http://x/", URL_WEBSOCKET, "ws://h/dev?next=http://x/", "http://h/dev/@connections");
}

static void a_url_that_is_none_is_an_error_with_a_sentence(void **state)
{
    static const char *const wrong[] = {"",           "ws://",     "ws:///dev",  "http://h/dev", "ftp://h/",
                                        "ws://h:0x/", "ws://h h/", "ws://u@h/x", "ws://h/#x",    "ws://h:70000/"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CLEANUP(url_fini) struct url url = {0};
        CLEANUP(buf_fini) struct buf error = {0};

        assert_int_equal(url_parse(wrong[i], URL_WEBSOCKET, &url, &error), -1);
        assert_true(error.len > 10);
    }
}

/* ---- the handshake ---- */

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455, section 1.3 */
#define HEAD                                                                 \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: " \
    "Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static int read_answer(struct span bytes, size_t step, struct handshake_answer *ret, size_t *ret_used)
{
    CLEANUP(buf_fini) struct buf error = {0};
    struct handshake_reader *reader = handshake_reader_new(ret);
    int r = 0;

    *ret_used = 0;
    while (r == 0) {
        const size_t left = bytes.len - *ret_used;
        size_t used;

        r = handshake_read(reader, span_of(bytes.ptr + *ret_used, left < step ? left : step), &used, &error);
        *ret_used += used;
    }
    handshake_reader_free(reader);
    assert_int_equal(r<0, error.len> 0);
    return r;
}

static void the_answer_of_the_rfc_is_accepted_in_pieces_of_any_size(void **state)
{
    const struct span bytes = SPAN(HEAD "\r\n\x81\x01x");

    for (size_t step = 1; step <= bytes.len; step++) {
        CLEANUP(buf_fini) struct buf error = {0};
        struct handshake_answer answer = {0};
        const struct handshake_wish wish = {0};
        size_t used;

        assert_int_equal(read_answer(bytes, step, &answer, &used), 1);
        assert_int_equal(used, bytes.len - 3);
        assert_int_equal(answer.status, 101);
        assert_true(handshake_check(&answer, KEY, &wish, &error));
        assert_false(handshake_check(&answer, "another key", &wish, &error));
        handshake_answer_fini(&answer);
    }
}

static void a_refusal_has_its_body_with_or_without_a_length(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nx-amzn-errortype: E\r\n\r\n{}",
        "HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: E\r\nConnection: close\r\n\r\n{}",
        "HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: E\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    };

    for (size_t i = 0; i < 3; i++) {
        struct handshake_answer answer = {0};
        size_t used;

        assert_int_equal(read_answer(span_of_str(answers[i]), 7, &answer, &used), 1);
        assert_int_equal(answer.status, 403);
        assert_true(span_equal(buf_span(&answer.body), SPAN("{}")));
        assert_true(span_equal(handshake_find(&answer, "X-Amzn-ErrorType"), SPAN("E")));
        handshake_answer_fini(&answer);
    }
}

static void a_body_without_an_end_is_cut(void **state)
{
    CLEANUP(buf_fini) struct buf bytes = {0};
    struct handshake_answer answer = {0};
    size_t used;

    buf_append_str(&bytes, "HTTP/1.1 500 No\r\n\r\n");
    for (size_t i = 0; i < 2 * HANDSHAKE_BODY_MAX; i++)
        buf_append_char(&bytes, 'x');
    assert_int_equal(read_answer(buf_span(&bytes), 1000, &answer, &used), 1);
    assert_int_equal(answer.body.len, HANDSHAKE_BODY_MAX);
    handshake_answer_fini(&answer);
}

static void the_request_has_what_is_wished_for_and_each_a_key_of_its_own(void **state)
{
    CLEANUP(url_fini) struct url url = {0};
    CLEANUP(buf_fini) struct buf one = {0}, two = {0}, error = {0};
    const struct handshake_wish wish = {
        .headers = {"X-A: b", "Host: other"}, .header_count = 2, .subprotocols = {"p", "q"}, .subprotocol_count = 2};
    char key[HANDSHAKE_KEY_SIZE], other_key[HANDSHAKE_KEY_SIZE];

    assert_int_equal(url_parse("ws://h:1/dev?x=y", URL_WEBSOCKET, &url, &error), 0);
    handshake_write(&one, &url, &wish, key);
    handshake_write(&two, &url, &wish, other_key);
    assert_string_not_equal(key, other_key);
    buf_terminate(&one);
    assert_non_null(strstr(one.ptr, "GET /dev?x=y HTTP/1.1\r\nHost: other\r\n"));
    assert_non_null(strstr(one.ptr, "\r\nX-A: b\r\n"));
    assert_non_null(strstr(one.ptr, "\r\nSec-WebSocket-Protocol: p, q\r\n"));
    assert_null(strstr(one.ptr, "Host: h"));
    assert_string_equal(one.ptr + one.len - 4, "\r\n\r\n");
}

/* ---- signatures ---- */

static void a_request_is_signed_for_its_region(void **state)
{
    const struct sign_request request = {.method = SPAN("POST"),
                                         .host = SPAN("a.execute-api.eu-west-3.amazonaws.com"),
                                         .path = SPAN("/prod/@connections/x%3D"),
                                         .body = SPAN("hi")};
    char *lines[SIGN_LINES_MAX];
    size_t count;

    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    unsetenv("AWS_SESSION_TOKEN");
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    unsetenv("AWS_SECRET_ACCESS_KEY");
    assert_false(sign_is_possible());
    setenv("AWS_SECRET_ACCESS_KEY", "SECRET", 1);
    assert_true(sign_is_possible());
    count = sign_headers(&request, lines);
    assert_int_equal(count, 2);
    assert_non_null(strstr(lines[1], "/eu-west-3/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature="));
    for (size_t i = 0; i < count; i++)
        free(lines[i]);
    setenv("AWS_REGION", "ap-south-1", 1);
    setenv("AWS_SESSION_TOKEN", "TOKEN", 1);
    count = sign_headers(&request, lines);
    assert_int_equal(count, 3);
    assert_non_null(strstr(lines[1], "/ap-south-1/execute-api/"));
    assert_non_null(strstr(lines[1], "SignedHeaders=host;x-amz-date;x-amz-security-token,"));
    assert_string_equal(lines[2], "X-Amz-Security-Token: TOKEN");
    for (size_t i = 0; i < count; i++)
        free(lines[i]);
}

/* ---- scripts ---- */

/* A script of these bytes, whose file is gone already. */
static struct script *script_of(struct span bytes)
{
    CLEANUP(buf_fini) struct buf error = {0};
    char path[] = "/tmp/test_client_XXXXXX";
    const int fd = mkstemp(path);
    struct script *script;

    assert_int_equal(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    close(fd);
    script = script_open(path, &error);
    assert_non_null(script);
    unlink(path);
    return script;
}

static enum script_got next_line(struct script *script, struct span *ret)
{
    enum script_got got;

    while ((got = script_next(script, ret)) == SCRIPT_WAIT)
        script_fill(script);
    return got;
}

static void lines_end_with_a_newline_a_pair_or_the_file(void **state)
{
    struct script *script = script_of(SPAN("one\n\ntwo\r\n\r\n three "));
    static const char *const expected[] = {"one", "two", " three "};
    struct span line;

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(next_line(script, &line), SCRIPT_LINE);
        assert_true(span_equal(line, span_of_str(expected[i])));
    }
    assert_int_equal(script_line_number(script), 5);
    assert_int_equal(next_line(script, &line), SCRIPT_END);
    assert_int_equal(next_line(script, &line), SCRIPT_END);
    script_close(script);
}

static void a_line_that_is_too_long_fails_the_script(void **state)
{
    CLEANUP(buf_fini) struct buf bytes = {0};
    struct script *script;
    struct span line;

    memset(buf_reserve(&bytes, SCRIPT_LINE_MAX + 100000), 'x', SCRIPT_LINE_MAX + 100000);
    bytes.len = SCRIPT_LINE_MAX + 100000;
    script = script_of(buf_span(&bytes));
    assert_int_equal(next_line(script, &line), SCRIPT_FAILED);
    assert_non_null(strstr(script_failure(script), "line 1 has more than"));
    script_close(script);
}

static void an_empty_file_is_at_its_end(void **state)
{
    struct script *script = script_of(SPAN(""));
    struct span line;

    assert_int_equal(next_line(script, &line), SCRIPT_END);
    script_close(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_of_one_kind_gives_those_of_both),
        cmocka_unit_test(a_scheme_that_is_missing_is_ws_and_for_aws_wss),
        cmocka_unit_test(a_url_that_is_none_is_an_error_with_a_sentence),
        cmocka_unit_test(the_answer_of_the_rfc_is_accepted_in_pieces_of_any_size),
        cmocka_unit_test(a_refusal_has_its_body_with_or_without_a_length),
        cmocka_unit_test(a_body_without_an_end_is_cut),
        cmocka_unit_test(the_request_has_what_is_wished_for_and_each_a_key_of_its_own),
        cmocka_unit_test(a_request_is_signed_for_its_region),
        cmocka_unit_test(lines_end_with_a_newline_a_pair_or_the_file),
        cmocka_unit_test(a_line_that_is_too_long_fails_the_script),
        cmocka_unit_test(an_empty_file_is_at_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
