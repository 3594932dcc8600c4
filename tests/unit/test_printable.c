/* test_printable.c - whatever comes, nothing but what is printable goes to the terminal; and JSON stays the same JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "client/printable.h"

static void assert_text(struct span text, const char *newline, const char *expected)
{
    CLEANUP(buf_fini) struct buf out = {0};

    printable_text(&out, text, newline);
    assert_string_equal(buf_terminate(&out), expected);
}

static void text_that_is_printable_stays_as_it_is(void **state)
{
    assert_text(SPAN("plain, gr\xc3\xbc\xc3\x9f"
                     "e, \xe4\xb8\x96, \xf0\x9f\x99\x82 \\n"),
                NULL,
                "plain, gr\xc3\xbc\xc3\x9f"
                "e, \xe4\xb8\x96, \xf0\x9f\x99\x82 \\n");
}

static void control_characters_are_escaped(void **state)
{
    assert_text(SPAN("\x1b[2J\x07\x7f\t\r\0."), NULL, "\\x1b[2J\\x07\\x7f\\t\\r\\x00.");
    assert_text(SPAN("\xc2\x9b"
                     "2J"),
                NULL, "\\u{9b}2J");
}

static void marks_that_turn_or_hide_text_are_escaped(void **state)
{
    assert_text(SPAN("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf\xe2\x80\xa8\xc2\xad"), NULL,
                "\\u{202e}\\u{2066}\\u{200b}\\u{feff}\\u{2028}\\u{ad}");
    assert_text(SPAN("\xf3\xa0\x81\xa1"), NULL, "\\u{e0061}");
}

static void what_is_no_utf8_is_escaped_byte_by_byte(void **state)
{
    assert_text(SPAN("\xff\xc3.\xed\xa0\x80\xf5"), NULL, "\\xff\\xc3.\\xed\\xa0\\x80\\xf5");
}

static void a_newline_is_what_the_caller_wants(void **state)
{
    assert_text(SPAN("a\nb"), NULL, "a\\nb");
    assert_text(SPAN("a\nb\n"), "\n  ", "a\n  b\n  ");
}

static void no_byte_alone_or_behind_another_gets_through(void **state)
{
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++) {
            CLEANUP(buf_fini) struct buf out = {0};
            const char bytes[] = {(char)first, (char)second};

            printable_text(&out, span_of(bytes, 2), NULL);
            for (size_t i = 0; i < out.len; i++)
                assert_true((unsigned char)out.ptr[i] >= ' ' && out.ptr[i] != 0x7f);
        }
}

static void assert_json(const char *text, const struct printable_style *style, const char *expected)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct json_value value;

    assert_int_equal(json_parse(span_of_str(text), &value, NULL), 0);
    assert_true(printable_json(&out, value, style));
    assert_string_equal(buf_terminate(&out), expected);
}

static void json_that_fits_stays_on_one_line(void **state)
{
    const struct printable_style style = {.width = 40};

    assert_json("{\"a\" :[1.50,{ } ,[]],\"b\":null}", &style, "{\"a\": [1.50, {}, []], \"b\": null}");
}

static void json_that_does_not_fit_has_a_line_for_each_member(void **state)
{
    const struct printable_style style = {.width = 20, .indent = 3};

    assert_json(
        "{\"z\":[1,2],\"a\":[10000000,20000000],\"z\":1e400}", &style,
        "{\n     \"z\": [1, 2],\n     \"a\": [\n       10000000,\n       20000000\n     ],\n     \"z\": 1e400\n   }");
}

static void json_texts_stay_escaped_and_what_is_harmful_in_them_is(void **state)
{
    const struct printable_style style = {.width = 100};

    assert_json("[\"\\u001b\\n\xc2\x9b\x7f\xe2\x80\xae\xf3\xa0\x81\xa1\"]", &style,
                "[\"\\u001b\\n\\u009b\\u007f\\u202e\\udb40\\udc61\"]");
}

static void colours_are_around_values_and_keys_alone(void **state)
{
    const struct printable_style style = {.width = 100, .colour = true};

    assert_json("{\"k\":[1,\"t\",true]}", &style,
                "{\033[34m\"k\"\033[0m: [\033[33m1\033[0m, \033[32m\"t\"\033[0m, \033[35mtrue\033[0m]}");
}

static void json_of_any_depth_is_bounded(void **state)
{
    CLEANUP(buf_fini) struct buf text = {0}, out = {0};
    const struct printable_style style = {.width = 80, .bytes_max = 1000};
    struct json_value value;

    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_append_str(&text, "[1,");
    buf_append_char(&text, '1');
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_append_char(&text, ']');
    assert_int_equal(json_parse(buf_span(&text), &value, NULL), 0);
    assert_false(printable_json(&out, value, &style));
    assert_true(out.len < 1200);
    buf_clear(&out, 0);
    assert_true(printable_json(&out, value, &(struct printable_style){.width = 80}));
    assert_true(out.len < (size_t)JSON_DEPTH_MAX * 3 * 100);
}

static void compact_json_has_no_blanks_between_its_parts(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct json_value value;

    assert_int_equal(json_parse(SPAN("{ \"a\\n\" : [ 1.0 , \"x y\" , { } ] ,\n\"b\":true}"), &value, NULL), 0);
    printable_compact(&out, value);
    assert_string_equal(buf_terminate(&out), "{\"a\\n\":[1.0,\"x y\",{}],\"b\":true}");
}

static void bytes_are_a_table_of_at_most_four_lines(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    char bytes[200] = {0};

    printable_hex(&out, SPAN("ab\x1b"), 2);
    assert_string_equal(buf_terminate(&out), "0000  61 62 1b                                         ab.");
    buf_clear(&out, 0);
    printable_hex(&out, span_of(bytes, sizeof(bytes)), 2);
    for (size_t i = 0, lines = 1; i <= out.len; i++) {
        if (i == out.len)
            assert_int_equal(lines, 4);
        else
            lines += out.ptr[i] == '\n';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_printable_stays_as_it_is),
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(marks_that_turn_or_hide_text_are_escaped),
        cmocka_unit_test(what_is_no_utf8_is_escaped_byte_by_byte),
        cmocka_unit_test(a_newline_is_what_the_caller_wants),
        cmocka_unit_test(no_byte_alone_or_behind_another_gets_through),
        cmocka_unit_test(json_that_fits_stays_on_one_line),
        cmocka_unit_test(json_that_does_not_fit_has_a_line_for_each_member),
        cmocka_unit_test(json_texts_stay_escaped_and_what_is_harmful_in_them_is),
        cmocka_unit_test(colours_are_around_values_and_keys_alone),
        cmocka_unit_test(json_of_any_depth_is_bounded),
        cmocka_unit_test(compact_json_has_no_blanks_between_its_parts),
        cmocka_unit_test(bytes_are_a_table_of_at_most_four_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
