/* test_expression.c - the selection expression language: what compiles, what it selects, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "config/expression.h"
#include "config/expression_priv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct expression *compile(struct span text)
{
    struct expression *e = NULL;
    struct expression_error error;

    if (expression_compile(text, &e, &error) < 0)
        fail_msg(SPAN_FMT ": at %zu: %s", SPAN_ARG(text), error.offset, error.what);
    return e;
}

static enum expression_result evaluate(const char *text, struct span body, struct buf *out)
{
    struct expression *e = compile(span_of_str(text));
    enum expression_result r = expression_evaluate(e, body, SPAN(""), out);

    expression_free(e);
    return r;
}

struct selects {
    const char *expression;
    const char *body;
    const char *result;
};

static void check_selects(const struct selects *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_fini) struct buf out = {0};

        assert_int_equal(evaluate(cases[i].expression, span_of_str(cases[i].body), &out), EXPRESSION_OK);
        if (!span_equal(buf_span(&out), span_of_str(cases[i].result)))
            fail_msg("%s of %s is \"%s\", not \"%s\"", cases[i].expression, cases[i].body, buf_terminate(&out),
                     cases[i].result);
    }
}

#define CHAT "{\"service\":\"chat\",\"action\":\"join\",\"data\":{\"room\":\"room1234\"}}"

/* Developer guide, "WebSocket selection expressions". */
static void the_examples_of_the_developer_guide_select_what_it_says(void **state)
{
    static const struct selects cases[] = {
        {"$request.body.action", CHAT, "join"},
        {"${request.body.action}", CHAT, "join"},
        {"${request.body.service}/${request.body.action}", CHAT, "chat/join"},
        {"${request.body.action}-${request.body.invalidPath}", CHAT, "join-"},
        {"action", CHAT, "action"},
        {"\\$default", CHAT, "$default"},
        {"$request.body.data.room", CHAT, "room1234"},
        {"${request.body.version}-beta", "{\"version\":\"1.0\"}", "1.0-beta"},
        {"$request.body.service.do", "{\"service\":{\"do\":\"echo\"}}", "echo"},
        {"$request.body.detail-type", "{\"detail-type\":\"order\"}", "order"},
        {"$request.body.list", "{\"list\":[\"item1\",\"item2\"]}", "[item1, item2]"},
    };

    check_selects(cases, COUNT(cases));
}

static void a_result_is_text_whatever_its_type(void **state)
{
    static const struct selects cases[] = {
        {"$request.body.a", "{\"a\":1.50}", "1.50"},
        {"$request.body.a", "{\"a\":-1e3}", "-1e3"},
        {"$request.body.a", "{\"a\":true}", "true"},
        {"$request.body.a", "{\"a\":false}", "false"},
        {"$request.body.a", "{\"a\":null}", ""},
        {"$request.body.a", "{}", ""},
        {"$request.body.a", "{\"a\":\"\"}", ""},
        {"$request.body.a", "{\"a\":\"x\\n\\u00e9\\ud83d\\ude00\\\"\"}", "x\n\xc3\xa9\xf0\x9f\x98\x80\""},
        {"$request.body.a", "{\"a\":{\"b\": [1, \"x\"]}}", "{\"b\": [1, \"x\"]}"},
        {"$request.body.a", "{\"a\":[]}", "[]"},
        {"$request.body.a", "{\"a\":[1,null,true,\"x\",[2,[\"y\"]],{\"k\":\"],\"}]}",
         "[1, null, true, x, [2, [y]], {\"k\":\"],\"}]"},
        {"$request.body.a", " {\"a\" : [ 1 ,\n\t\"b c\" , \"\\\"\" ] } ", "[1, b c, \"]"},
        {"$request.body", "\"text\"", "text"},
        {"$request.body", " 7 ", "7"},
        {"$request.body.a", "7", ""},
        {"$request.body.a", "[1]", ""},
        {"$request.body.a.b", "{\"a\":\"b\"}", ""},
        {"$request.body.a", "{\"a\":1,\"a\":2}", "2"},
        {"$request.body.a", "{\"\\u0061\":1}", "1"},
    };

    check_selects(cases, COUNT(cases));
}

static void paths_are_jsonpath(void **state)
{
    static const struct selects cases[] = {
        {"$request.body[1]", "[\"a\",\"b\"]", "b"},
        {"$request.body[-1]", "[\"a\",\"b\"]", "b"},
        {"$request.body[-2]", "[\"a\",\"b\"]", "a"},
        {"$request.body[-3]", "[\"a\",\"b\"]", ""},
        {"$request.body[2]", "[\"a\",\"b\"]", ""},
        {"$request.body[0]", "{\"0\":1}", ""},
        {"$request.body['a b'].c", "{\"a b\":{\"c\":1}}", "1"},
        {"$request.body[\"a'b\"]", "{\"a'b\":1}", "1"},
        {"$request.body['a\\'b\\\\c']", "{\"a'b\\\\c\":1}", "1"},
        {"$request.body['']", "{\"\":1}", "1"},
        {"${request.body['a}b']}x", "{\"a}b\":1}", "1x"},
        {"$request.body[ 'a' ][ 0 ]", "{\"a\":[5]}", "5"},
        {"$request.body.['a']", "{\"a\":5}", "5"},
        {"$request.body.a[0].b[1]", "{\"a\":[{\"b\":[1,2]}]}", "2"},
        {"$request.body[*]", "[1,[2],{\"a\":3}]", "[1, [2], {\"a\":3}]"},
        {"$request.body.*", "{\"a\":1,\"b\":\"x\"}", "[1, x]"},
        {"$request.body.*.c", "{\"a\":1,\"b\":{\"c\":2}}", "[2]"},
        {"$request.body[*]", "{}", ""},
        {"$request.body[*]", "5", ""},
        {"$request.body[*]", "[null]", "[null]"},
        {"$request.body['a','c','b']", "{\"a\":1,\"b\":2}", "[1, 2]"},
        {"$request.body[0, -1 ,7]", "[1,2,3]", "[1, 3]"},
        {"$request.body[1:3]", "[0,1,2,3]", "[1, 2]"},
        {"$request.body[:2]", "[0,1,2,3]", "[0, 1]"},
        {"$request.body[-2:]", "[0,1,2,3]", "[2, 3]"},
        {"$request.body[:]", "[0,1]", "[0, 1]"},
        {"$request.body[::2]", "[0,1,2,3,4]", "[0, 2, 4]"},
        {"$request.body[1:-1:2]", "[0,1,2,3,4]", "[1, 3]"},
        {"$request.body[3:1]", "[0,1,2,3]", ""},
        {"$request.body[0:9]", "{\"a\":1}", ""},
        {"$request.body..a", "{\"a\":1,\"b\":[{\"a\":\"}{\"},{\"c\":{\"a\":3}}]}", "[1, }{, 3]"},
        {"$request.body..[0]", "[[1],[2,[3]]]", "[[1], 1, 2, 3]"},
        {"$request.body..*", "{\"a\":[1]}", "[[1], 1]"},
        {"$request.body.b..a.c", "{\"a\":0,\"b\":{\"a\":{\"c\":1}}}", "[1]"},
        {"$request.body..a", "[]", ""},
        {"$request.body..a", "\"a\"", ""},
    };

    check_selects(cases, COUNT(cases));
}

static void a_bare_variable_takes_the_longest_path(void **state)
{
    static const struct selects cases[] = {
        {"$request.body.a/$request.body.b", "{\"a\":1,\"b\":2}", "1/2"},
        {"$request.body.a-$request.body.b", "{\"a\":1,\"b\":2}", "1-2"},
        {"$request.body.a$request.body.b", "{\"a\":1,\"b\":2}", "12"},
        {"$request.body.a.", "{\"a\":1}", "1."},
        {"$request.body.a..", "{\"a\":1}", "1.."},
        {"$request.body.a.$request.body.b", "{\"a\":1,\"b\":2}", "1.2"},
        {"$request.body.a b", "{\"a\":1}", "1 b"},
        {"$request.body.a--b", "{\"a--b\":1}", "1"},
        {"$request.body.a_1", "{\"a_1\":1}", "1"},
        {"$request.body.gr\xc3\xb6\xc3\x9f"
         "e",
         "{\"gr\xc3\xb6\xc3\x9f"
         "e\":1}",
         "1"},
        {"${request.body.a:b@c-}", "{\"a:b@c-\":1}", "1"},
        {"${request.body.$type}", "{\"$type\":1}", "1"},
        {"${request.body}", "[1]", "[1]"},
        {"x\\$y\\z", "{}", "x$y\\z"},
        {"\\$${request.body.a}", "{\"a\":1}", "$1"},
    };

    check_selects(cases, COUNT(cases));
}

static void a_result_is_not_evaluated_again(void **state)
{
    static const struct selects cases[] = {
        {"$request.body.a", "{\"a\":\"$request.body.b\",\"b\":1}", "$request.body.b"},
        {"$request.body.a", "{\"a\":\"\\\\$x\"}", "\\$x"},
    };

    check_selects(cases, COUNT(cases));
}

static void a_body_that_is_not_json_is_told_apart(void **state)
{
    static const char *const bodies[] = {"",
                                         " ",
                                         "hello",
                                         "{\"action\":\"join\", body:\"hello\"}",
                                         "{\"action\":\"join\"",
                                         "{\"action\":\"join\"} x",
                                         "{'action':'join'}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        CLEANUP(buf_fini) struct buf out = {0};

        assert_int_equal(evaluate("x/$request.body.action", span_of_str(bodies[i]), &out), EXPRESSION_NOT_JSON);
        assert_int_equal(out.len, 0);
        assert_int_equal(evaluate("\\$default", span_of_str(bodies[i]), &out), EXPRESSION_OK);
        assert_string_equal(buf_terminate(&out), "$default");
    }
}

static void the_result_is_appended(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};

    buf_append_str(&out, "before ");
    assert_int_equal(evaluate("$request.body[*]", SPAN("[1,2]"), &out), EXPRESSION_OK);
    assert_string_equal(buf_terminate(&out), "before [1, 2]");
}

/* ---- what is refused ---- */

static void what_is_refused_is_pointed_at(void **state)
{
    static const struct {
        const char *expression;
        size_t offset, len;
        const char *what; /* a part of it */
    } cases[] = {
        {"", 0, 1, "empty"},
        {"$", 0, 1, "write \\$ for a dollar sign"},
        {"a $ b", 2, 1, "write \\$"},
        {"${}", 0, 2, "write \\$"},
        {"$default", 0, 8, "write \\$default"},
        {"$connect", 0, 8, "write \\$connect"},
        {"x$request.header.Auth", 1, 20, "a message has no headers"},
        {"${request.querystring.a}", 0, 23, "no query string"},
        {"$context.connectionId", 0, 21, "$context"},
        {"a/${stageVariables.x}", 2, 18, "stage variables"},
        {"$integration.response.statuscode", 0, 32, "integration responses"},
        {"$foo.bar", 0, 8, "$request.body.PATH only"},
        {"$request", 0, 8, "$request.body.PATH only"},
        {"$request.bodyx", 0, 14, "$request.body.PATH only"},
        {"$request.body.a[?(@.b==1)]", 15, 11, "filters"},
        {"$request.body.a[(@.length-1)]", 15, 14, "scripts"},
        {"$request.body.a.length()", 22, 2, "functions"},
        {"${request.body.a", 0, 2, "not closed with '}'"},
        {"${request.body.a b}", 16, 1, "expected '.', '[' or '}'"},
        {"${ request.body.a}", 0, 2, "write \\$"},
        {"${request.body.}", 14, 1, "a name is missing"},
        {"${request.body.a..}", 16, 2, "a name is missing"},
        {"$request.body[", 13, 1, "expected an index"},
        {"$request.body[]", 13, 2, "empty"},
        {"$request.body[a]", 13, 3, "needs quotes"},
        {"$request.body[1", 13, 2, "not closed with ']'"},
        {"$request.body[1 2]", 16, 1, "expected ']'"},
        {"$request.body['a]", 14, 3, "not closed with '"},
        {"$request.body['a',]", 18, 1, "expected a quoted name"},
        {"$request.body[1,]", 16, 1, "whole number"},
        {"$request.body[-]", 15, 1, "whole number"},
        {"$request.body[1:x]", 16, 1, "whole number"},
        {"$request.body[0:1:0]", 18, 1, "at least 1"},
        {"$request.body[99999999999999999999999]", 14, 10, "over 2147483647"},
        {"$request.body[-99999999999999999999999]", 14, 11, "over 2147483647"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct expression *e = NULL;
        struct expression_error error = {0};
        int r = expression_compile(span_of_str(cases[i].expression), &e, &error);

        if (r == 0)
            fail_msg("%s compiles", cases[i].expression);
        assert_null(e);
        if (error.offset != cases[i].offset || error.len != cases[i].len || !strstr(error.what, cases[i].what))
            fail_msg("%s: %zu+%zu: %s", cases[i].expression, error.offset, error.len, error.what);
    }
}

static void an_expression_has_1024_bytes_at_most(void **state)
{
    char text[1025];
    struct expression *e;
    struct expression_error error;

    memset(text, 'x', sizeof(text));
    e = compile(span_of(text, 1024));
    expression_free(e);
    assert_int_equal(expression_compile(span_of(text, 1025), &e, &error), -1);
    assert_int_equal(error.offset, 1024);
    assert_int_equal(error.len, 1);
}

static void a_path_has_32_steps_at_most(void **state)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct expression *e;
    struct expression_error error;

    buf_append_str(&text, "$request.body");
    for (int i = 0; i < 32; i++)
        buf_append_str(&text, ".a");
    e = compile(buf_span(&text));
    expression_free(e);
    buf_append_str(&text, ".a");
    assert_int_equal(expression_compile(buf_span(&text), &e, &error), -1);
    assert_int_equal(error.offset, text.len - 2);
    assert_non_null(strstr(error.what, "more than 32 steps"));
}

static void no_cut_and_no_changed_byte_does_harm(void **state)
{
    const struct span whole = SPAN("a\\$${request.body['x\\'y',\"z\"]..b[1:-2:3]}$request.body.c-d[0,1].*[?(@)]");

    for (size_t i = 0; i <= whole.len; i++) {
        for (unsigned change = 0; change < 128; change++) {
            CLEANUP(free) char *copy = mem_alloc(whole.len); /* no terminator: reading over the end is found */
            CLEANUP(buf_fini) struct buf out = {0};
            struct expression *e = NULL;
            struct expression_error error = {0};

            memcpy(copy, whole.ptr, i);
            if (i > 0)
                copy[i / 2] = (char)change;
            if (expression_compile(span_of(copy, i), &e, &error) == 0)
                expression_evaluate(e, SPAN("{\"a\":[{\"b\":[1,2]}]}"), SPAN(""), &out);
            else
                assert_true(error.len > 0 && error.what[0] != '\0');
            expression_free(e);
        }
    }
    expression_free(NULL);
}

/* ---- hostile bodies ---- */

static bool ends_in_cut(const struct buf *out)
{
    const struct span end = SPAN(", …]");

    return out->len >= end.len && memcmp(out->ptr + out->len - end.len, end.ptr, end.len) == 0;
}

static void nested(struct buf *body, const char *open, const char *innermost, const char *close, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        buf_append_str(body, open);
    buf_append_str(body, innermost);
    for (size_t i = 0; i < depth; i++)
        buf_append_str(body, close);
}

static void deep_nesting_is_walked(void **state)
{
    CLEANUP(buf_fini) struct buf body = {0}, out = {0};

    nested(&body, "[", "1", "]", 500);
    assert_int_equal(evaluate("$request.body", buf_span(&body), &out), EXPRESSION_OK);
    assert_true(span_equal(buf_span(&out), buf_span(&body)));
    buf_clear(&body, 0);
    buf_clear(&out, 0);
    nested(&body, "{\"a\":", "{\"b\":7}", "}", 500);
    assert_int_equal(evaluate("$request.body..b", buf_span(&body), &out), EXPRESSION_OK);
    assert_string_equal(buf_terminate(&out), "[7]");
}

static void nesting_over_the_reader_s_limit_is_not_json(void **state)
{
    CLEANUP(buf_fini) struct buf body = {0}, out = {0};

    nested(&body, "[", "1", "]", 100000);
    assert_int_equal(evaluate("$request.body..a", buf_span(&body), &out), EXPRESSION_NOT_JSON);
}

static void a_list_of_matches_is_cut(void **state)
{
    CLEANUP(buf_fini) struct buf body = {0}, out = {0};

    buf_append_str(&body, "[0");
    for (int i = 0; i < 2000; i++)
        buf_append_str(&body, ",1");
    buf_append_str(&body, "]");
    assert_int_equal(evaluate("$request.body[*]", buf_span(&body), &out), EXPRESSION_OK);
    assert_int_equal(out.len, strlen("[0") + 999 * strlen(", 1") + strlen(", …]"));
    assert_true(ends_in_cut(&out));
}

static void the_work_for_one_message_is_bounded(void **state)
{
    CLEANUP(buf_fini) struct buf body = {0}, out = {0};

    /* Each ".." over again in each match of the one before: without a bound, some 10^17 matches. */
    nested(&body, "{\"a\":", "1", "}", 500);
    assert_int_equal(evaluate("$request.body..a..a..a..a..a..a..a..a..b", buf_span(&body), &out), EXPRESSION_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(evaluate("$request.body..a..a..a..a..a..a..a..a", buf_span(&body), &out), EXPRESSION_OK);
    assert_true(out.len < 2 * (size_t)EXPRESSION_LIST_BYTES_MAX);
    assert_true(ends_in_cut(&out));
}

static void what_is_left_after_the_work_is_spent_selects_nothing_wrong(void **state)
{
    CLEANUP(buf_fini) struct buf body = {0}, out = {0};

    nested(&body, "{\"a\":", "1", "}", 500);
    assert_int_equal(evaluate("${request.body..a..a..a..a..a..a..b}/${request.body['a','b']}", buf_span(&body), &out),
                     EXPRESSION_OK);
    assert_string_equal(buf_terminate(&out), "/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_developer_guide_select_what_it_says),
        cmocka_unit_test(a_result_is_text_whatever_its_type),
        cmocka_unit_test(paths_are_jsonpath),
        cmocka_unit_test(a_bare_variable_takes_the_longest_path),
        cmocka_unit_test(a_result_is_not_evaluated_again),
        cmocka_unit_test(a_body_that_is_not_json_is_told_apart),
        cmocka_unit_test(the_result_is_appended),
        cmocka_unit_test(what_is_refused_is_pointed_at),
        cmocka_unit_test(an_expression_has_1024_bytes_at_most),
        cmocka_unit_test(a_path_has_32_steps_at_most),
        cmocka_unit_test(no_cut_and_no_changed_byte_does_harm),
        cmocka_unit_test(deep_nesting_is_walked),
        cmocka_unit_test(nesting_over_the_reader_s_limit_is_not_json),
        cmocka_unit_test(a_list_of_matches_is_cut),
        cmocka_unit_test(the_work_for_one_message_is_bounded),
        cmocka_unit_test(what_is_left_after_the_work_is_spent_selects_nothing_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
