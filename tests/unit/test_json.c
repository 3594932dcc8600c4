/* test_json.c - JSON for the message path: what is refused and where, and that what is written can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A copy that ends where its memory ends, so that a sanitizer sees a read behind it. */
static struct span exact_copy(struct span text)
{
    char *copy = malloc(text.len ? text.len : 1);

    assert_non_null(copy);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    return span_of(copy, text.len);
}

static void free_copy(struct span copy)
{
    free((void *)(uintptr_t)copy.ptr);
}

static void assert_span(struct span actual, struct span expected)
{
    if (!span_equal(actual, expected))
        fail_msg("got <" SPAN_FMT ">, expected <" SPAN_FMT ">", SPAN_ARG(actual), SPAN_ARG(expected));
}

static struct json_value parsed(struct span text)
{
    struct json_value value;
    struct json_error error;

    if (json_parse(text, &value, &error) != 0)
        fail_msg("<" SPAN_FMT "> was refused at %zu: %s", SPAN_ARG(text), error.offset, error.what);
    return value;
}

/* ---- checking ---- */

struct accepted {
    struct span text;
    enum json_type type;
};

/* clang-format off */
static const struct accepted accepted[] = {
    {SPAN("{}"), JSON_OBJECT},
    {SPAN("[]"), JSON_ARRAY},
    {SPAN(" \t\r\n[ \n] \t\r\n"), JSON_ARRAY},
    {SPAN("null"), JSON_NULL},
    {SPAN("true"), JSON_TRUE},
    {SPAN("false"), JSON_FALSE},
    {SPAN("0"), JSON_NUMBER},
    {SPAN("-0"), JSON_NUMBER},
    {SPAN("10"), JSON_NUMBER},
    {SPAN("-12.50e+07"), JSON_NUMBER},
    {SPAN("0.0"), JSON_NUMBER},
    {SPAN("1E9"), JSON_NUMBER},
    {SPAN("1e-9"), JSON_NUMBER},
    {SPAN("123456789012345678901234567890"), JSON_NUMBER},
    {SPAN("\"\""), JSON_STRING},
    {SPAN("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\""), JSON_STRING},
    {SPAN("\"\\ud800 alone\""), JSON_STRING},
    {SPAN("\"\\u0000\""), JSON_STRING},
    {SPAN("\"\x7f \xc3\xa9 \xf0\x9f\x98\x80 a rather long text without any escape\""), JSON_STRING},
    {SPAN("\"sixteen bytes ok\\n0123456\\\\89\""), JSON_STRING},
    {SPAN("{\"\":0}"), JSON_OBJECT},
    {SPAN("{\"a\":1,\"a\":2}"), JSON_OBJECT},
    {SPAN("{ \"a\" : [ 1 , { \"b\" : null } , [ ] ] , \"c\" : { } }"), JSON_OBJECT},
    {SPAN("[[[[]]],{\"x\":[{}]},\"]}\",true,-1.5]"), JSON_ARRAY},
    {SPAN("{\"action\":\"sendmessage\",\"data\":\"hello \\\"you\\\"\",\"n\":[1,2,3]}"), JSON_OBJECT},
};

struct refused {
    struct span text;
    size_t offset;
    const char *what;
};

static const struct refused refused[] = {
    {SPAN(""), 0, "expected a value"},
    {SPAN(" \n\t"), 3, "expected a value"},
    {SPAN("\xef\xbb\xbf{}"), 0, "expected a value"},
    {SPAN("hello"), 0, "expected a value"},
    {SPAN("NaN"), 0, "expected a value"},
    {SPAN("nul"), 3, "expected true, false or null"},
    {SPAN("nulL"), 3, "expected true, false or null"},
    {SPAN("trve"), 2, "expected true, false or null"},
    {SPAN("truee"), 4, "expected nothing after the value"},
    {SPAN("{}{}"), 2, "expected nothing after the value"},
    {SPAN("1 2"), 2, "expected nothing after the value"},
    {SPAN("{} \0"), 3, "expected nothing after the value"},
    {SPAN("\v1"), 0, "expected a value"},
    {SPAN("{"), 1, "expected a key in quotes or '}'"},
    {SPAN("{a:1}"), 1, "expected a key in quotes or '}'"},
    {SPAN("{1:1}"), 1, "expected a key in quotes or '}'"},
    {SPAN("{,}"), 1, "expected a key in quotes or '}'"},
    {SPAN("{]"), 1, "expected a key in quotes or '}'"},
    {SPAN("{\"a\"}"), 4, "expected ':'"},
    {SPAN("{\"a\" 1}"), 5, "expected ':'"},
    {SPAN("{\"a\":}"), 5, "expected a value"},
    {SPAN("{\"a\":1,}"), 7, "expected a key in quotes"},
    {SPAN("{\"a\":1 \"b\":2}"), 7, "expected ',' or '}'"},
    {SPAN("{\"a\":1]"), 6, "expected ',' or '}'"},
    {SPAN("[1}"), 2, "expected ',' or ']'"},
    {SPAN("[1 2]"), 3, "expected ',' or ']'"},
    {SPAN("[1,]"), 3, "expected a value"},
    {SPAN("[,1]"), 1, "expected a value"},
    {SPAN("[1,,2]"), 3, "expected a value"},
    {SPAN("]"), 0, "expected a value"},
    {SPAN("[[]"), 3, "expected ',' or ']'"},
    {SPAN("'a'"), 0, "expected a value"},
    {SPAN("[1] // why"), 4, "expected nothing after the value"},
    {SPAN("+1"), 0, "expected a value"},
    {SPAN(".5"), 0, "expected a value"},
    {SPAN("-"), 1, "expected a digit"},
    {SPAN("-a"), 1, "expected a digit"},
    {SPAN("01"), 1, "expected no digit after a leading zero"},
    {SPAN("-012"), 2, "expected no digit after a leading zero"},
    {SPAN("1."), 2, "expected a digit"},
    {SPAN("1.e5"), 2, "expected a digit"},
    {SPAN("1e"), 2, "expected a digit"},
    {SPAN("1e+"), 3, "expected a digit"},
    {SPAN("1e+-2"), 3, "expected a digit"},
    {SPAN("0x1"), 1, "expected nothing after the value"},
    {SPAN("1.2.3"), 3, "expected nothing after the value"},
    {SPAN("\"abc"), 4, "expected the rest of a string"},
    {SPAN("\"abc\\"), 5, "expected the rest of a string"},
    {SPAN("\"a\nb\""), 2, "expected an escape such as \\n in place of a control character"},
    {SPAN("\"seventeen bytes!!\x1f\""), 18, "expected an escape such as \\n in place of a control character"},
    {SPAN("\"nul \0 byte\""), 5, "expected an escape such as \\n in place of a control character"},
    {SPAN("{\"k\t\":1}"), 3, "expected an escape such as \\n in place of a control character"},
    {SPAN("\"\\x41\""), 2, "expected one of \"\\/bfnrtu after '\\'"},
    {SPAN("\"\\\0\""), 2, "expected one of \"\\/bfnrtu after '\\'"},
    {SPAN("\"\\'\""), 2, "expected one of \"\\/bfnrtu after '\\'"},
    {SPAN("\"\\u12"), 5, "expected four hexadecimal digits after '\\u'"},
    {SPAN("\"\\u12g4\""), 5, "expected four hexadecimal digits after '\\u'"},
    {SPAN("\"\\u00:0\""), 5, "expected four hexadecimal digits after '\\u'"},
    {SPAN("\"\\u123\""), 6, "expected four hexadecimal digits after '\\u'"},
};
/* clang-format on */

static void accepts_what_rfc_8259_allows(void **state)
{
    for (size_t i = 0; i < COUNT(accepted); i++) {
        const struct span text = exact_copy(accepted[i].text);
        const struct json_value value = parsed(text);

        assert_int_equal(value.type, accepted[i].type);
        assert_true(value.raw.ptr >= text.ptr && value.raw.ptr + value.raw.len <= text.ptr + text.len);
        assert_null(memchr(" \t\r\n", value.raw.ptr[0], 4));
        assert_null(memchr(" \t\r\n", value.raw.ptr[value.raw.len - 1], 4));
        free_copy(text);
    }
}

static void refuses_the_rest_at_the_first_byte_that_does_not_fit(void **state)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        const struct span text = exact_copy(refused[i].text);
        struct json_value value;
        struct json_error error = {0};

        if (json_parse(text, &value, &error) == 0)
            fail_msg("<" SPAN_FMT "> was accepted", SPAN_ARG(text));
        if (error.offset != refused[i].offset || strcmp(error.what, refused[i].what) != 0)
            fail_msg("<" SPAN_FMT ">: %zu: %s", SPAN_ARG(text), error.offset, error.what);
        assert_int_equal(json_parse(text, &value, NULL), -1);
        free_copy(text);
    }
}

static void refuses_a_span_without_a_pointer(void **state)
{
    struct json_value value;
    struct json_error error = {.offset = 99};

    assert_int_equal(json_parse((struct span){0}, &value, &error), -1);
    assert_int_equal(error.offset, 0);
}

/* A text that is only too short is refused where it ends, or is complete already. */
static void check_prefix(struct span whole, size_t len, size_t fits)
{
    const struct span text = exact_copy(span_of(whole.ptr, len));
    const size_t expected = len <= fits ? len : fits;
    struct json_value value;
    struct json_error error;
    const int r = json_parse(text, &value, &error);

    if (r == 0 && len > fits)
        fail_msg("<" SPAN_FMT "> was accepted", SPAN_ARG(text));
    if (r < 0 && error.offset != expected)
        fail_msg("<" SPAN_FMT ">: refused at %zu, not %zu: %s", SPAN_ARG(text), error.offset, expected, error.what);
    free_copy(text);
}

static void a_text_cut_at_any_byte_is_refused_at_its_end(void **state)
{
    for (size_t i = 0; i < COUNT(accepted); i++)
        for (size_t len = 0; len < accepted[i].text.len; len++)
            check_prefix(accepted[i].text, len, accepted[i].text.len);
    for (size_t i = 0; i < COUNT(refused); i++)
        for (size_t len = 0; len < refused[i].text.len; len++)
            check_prefix(refused[i].text, len, refused[i].offset);
}

static void append_times(struct buf *out, const char *text, size_t times)
{
    while (times--)
        buf_append_str(out, text);
}

static void nesting_is_accepted_up_to_its_limit(void **state)
{
    static const char *const kinds[][2] = {{"[", "]"}, {"{\"a\":", "}"}};

    for (size_t kind = 0; kind < COUNT(kinds); kind++)
        for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
            CLEANUP(buf_fini) struct buf text = {0};
            struct json_value value;
            struct json_error error;

            append_times(&text, kinds[kind][0], depth);
            buf_append_str(&text, "0");
            append_times(&text, kinds[kind][1], depth);
            if (depth <= JSON_DEPTH_MAX) {
                assert_int_equal(json_parse(buf_span(&text), &value, &error), 0);
                assert_int_equal(value.raw.len, text.len);
            } else {
                assert_int_equal(json_parse(buf_span(&text), &value, &error), -1);
                assert_int_equal(error.offset, JSON_DEPTH_MAX * strlen(kinds[kind][0]));
                assert_string_equal(error.what, "expected less nesting");
            }
        }
}

static void brackets_of_mixed_nesting_must_match(void **state)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct json_value value;
    struct json_error error;

    append_times(&text, "[{\"a\":", JSON_DEPTH_MAX / 2);
    append_times(&text, "}]", JSON_DEPTH_MAX / 2);
    assert_int_equal(json_parse(buf_span(&text), &value, &error), -1);
    text.len = 0;
    append_times(&text, "[{\"a\":", JSON_DEPTH_MAX / 2);
    buf_append_char(&text, '1');
    append_times(&text, "}]", JSON_DEPTH_MAX / 2);
    parsed(buf_span(&text));
    text.ptr[text.len - 2] = ']';
    assert_int_equal(json_parse(buf_span(&text), &value, &error), -1);
    assert_int_equal(error.offset, text.len - 2);
}

/* ---- escaping ---- */

static void naive_escape(struct buf *out, struct span text)
{
    static const char special[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";

    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const char *found = memchr(special, c, sizeof(special) - 1);

        if (found)
            buf_printf(out, "\\%c", letters[found - special]);
        else if ((unsigned char)c < 0x20)
            buf_printf(out, "\\u%04x", (unsigned char)c);
        else
            buf_append_char(out, c);
    }
}

static void check_escape(struct span text)
{
    const struct span copy = exact_copy(text);
    CLEANUP(buf_fini) struct buf escaped = {0};
    CLEANUP(buf_fini) struct buf expected = {0};
    CLEANUP(buf_fini) struct buf quoted = {0};
    CLEANUP(buf_fini) struct buf back = {0};

    json_escape(&escaped, copy);
    naive_escape(&expected, text);
    assert_span(buf_span(&escaped), buf_span(&expected));

    json_string(&(struct json_writer){.out = &quoted}, copy);
    json_unescape(parsed(buf_span(&quoted)), &back);
    assert_span(buf_span(&back), text);
    assert_true(json_raw_equal(buf_span(&escaped), copy));
    free_copy(copy);
}

static void every_byte_at_every_place_is_escaped_as_it_should(void **state)
{
    char text[150]; /* more than the longest block, twice */

    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t at = 0; at < sizeof(text); at++) {
            memset(text, 'x', sizeof(text));
            text[at] = (char)byte;
            check_escape(span_of(text, sizeof(text)));
        }
}

static void texts_of_every_length_are_escaped(void **state)
{
    char text[80];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = "\"a\\b\n\x01longer run of text/\x7f\xc3\xa9"[i % 29];
    for (size_t len = 0; len <= sizeof(text); len++)
        check_escape(span_of(text, len));
}

static void a_long_text_is_escaped_in_one_piece(void **state)
{
    CLEANUP(buf_fini) struct buf text = {0};

    for (int i = 0; i < 3000; i++)
        buf_append_str(&text, i % 3 ? "plain text of a message " : "\x02\"");
    check_escape(buf_span(&text));
    text.len = 0;
    append_times(&text, "\x01", 5000);
    check_escape(buf_span(&text));
}

static void escaping_appends_to_what_is_there(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};

    buf_append_str(&out, "<");
    json_escape(&out, SPAN("a\"/\x7f\x1f"));
    json_escape(&out, (struct span){0});
    buf_append_str(&out, ">");
    assert_span(buf_span(&out), SPAN("<a\\\"/\x7f\\u001f>"));
}

struct unescaped {
    struct span raw;
    struct span text;
};

/* clang-format off */
static const struct unescaped unescaped[] = {
    {SPAN(""), SPAN("")},
    {SPAN("plain"), SPAN("plain")},
    {SPAN("\\\"\\\\\\/\\b\\f\\n\\r\\t"), SPAN("\"\\/\b\f\n\r\t")},
    {SPAN("\\u0041\\u00e9\\u20AC"), SPAN("A\xc3\xa9\xe2\x82\xac")},
    {SPAN("\\u007f\\u0080\\u07ff\\u0800\\uffff"), SPAN("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
    {SPAN("a\\u0000b"), SPAN("a\0b")},
    {SPAN("\\ud83d\\ude00"), SPAN("\xf0\x9f\x98\x80")},
    {SPAN("\\uDBFF\\uDFFF"), SPAN("\xf4\x8f\xbf\xbf")},
    {SPAN("\\ud800\\udc00"), SPAN("\xf0\x90\x80\x80")},
    {SPAN("\\ud83d"), SPAN("\xef\xbf\xbd")},
    {SPAN("\\ude00"), SPAN("\xef\xbf\xbd")},
    {SPAN("\\ude00\\ud83d"), SPAN("\xef\xbf\xbd\xef\xbf\xbd")},
    {SPAN("\\ud83d\\ud83d\\ude00"), SPAN("\xef\xbf\xbd\xf0\x9f\x98\x80")},
    {SPAN("\\ud83dx"), SPAN("\xef\xbf\xbdx")},
    {SPAN("\\ud83d\\n"), SPAN("\xef\xbf\xbd\n")},
    {SPAN("\\ud83d\\\\ude00"), SPAN("\xef\xbf\xbd\\ude00")},
    {SPAN("a text that is longer than one block\\nand goes on"), SPAN("a text that is longer than one block\nand goes on")},
};
/* clang-format on */

static struct span quoted_copy(struct span raw)
{
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_char(&text, '"');
    buf_append(&text, raw);
    buf_append_char(&text, '"');
    return exact_copy(buf_span(&text));
}

static void escapes_are_undone(void **state)
{
    for (size_t i = 0; i < COUNT(unescaped); i++) {
        CLEANUP(buf_fini) struct buf out = {0};
        const struct span text = quoted_copy(unescaped[i].raw);
        const struct json_value value = parsed(text);
        struct span plain;

        json_unescape(value, &out);
        assert_span(buf_span(&out), unescaped[i].text);
        assert_true(json_raw_equal(unescaped[i].raw, unescaped[i].text));
        assert_int_equal(json_string_plain(value, &plain), !memchr(text.ptr, '\\', text.len));
        free_copy(text);
    }
}

/* Wherever an escape stands, blocks begin and end inside of it too. */
static void escapes_are_undone_at_every_place(void **state)
{
    for (size_t i = 0; i < COUNT(unescaped); i++)
        for (size_t before = 0; before < 140; before++) {
            CLEANUP(buf_fini) struct buf raw = {0};
            CLEANUP(buf_fini) struct buf expected = {0};
            CLEANUP(buf_fini) struct buf out = {0};
            struct span text;

            append_times(&raw, "x", before);
            buf_append(&raw, unescaped[i].raw);
            append_times(&raw, "y", 140 - before);
            append_times(&expected, "x", before);
            buf_append(&expected, unescaped[i].text);
            append_times(&expected, "y", 140 - before);
            text = quoted_copy(buf_span(&raw));
            json_unescape(parsed(text), &out);
            assert_span(buf_span(&out), buf_span(&expected));
            free_copy(text);
        }
}

static void a_raw_string_equals_only_its_own_text(void **state)
{
    assert_false(json_raw_equal(SPAN("abc"), SPAN("ab")));
    assert_false(json_raw_equal(SPAN("ab"), SPAN("abc")));
    assert_false(json_raw_equal(SPAN("abc"), SPAN("abd")));
    assert_false(json_raw_equal(SPAN("a\\nc"), SPAN("a\n")));
    assert_false(json_raw_equal(SPAN("a\\n"), SPAN("a\nc")));
    assert_false(json_raw_equal(SPAN("\\u0041"), SPAN("B")));
    assert_false(json_raw_equal(SPAN("\\\\n"), SPAN("\\")));
    assert_false(json_raw_equal(SPAN("\\n"), SPAN("")));
    assert_true(json_raw_equal(SPAN("\\u0061ction"), SPAN("action")));
    assert_true(json_raw_equal((struct span){0}, (struct span){0}));
    assert_false(json_raw_equal((struct span){0}, SPAN("a")));
}

/* ---- walking ---- */

static void an_object_is_walked_in_order(void **state)
{
    static const struct {
        const char *key, *raw;
        enum json_type type;
    } expected[] = {
        {"a", "1", JSON_NUMBER},        {"b", "\"x,}\\\"\"", JSON_STRING}, {"c", "[ 1, {\"d\":\"]\"} ]", JSON_ARRAY},
        {"\\u0064", "{}", JSON_OBJECT}, {"e", "null", JSON_NULL},          {"", "-0.5e1", JSON_NUMBER},
    };
    const struct span text = exact_copy(SPAN(
        " { \"a\" : 1 , \"b\":\"x,}\\\"\",\"c\":[ 1, {\"d\":\"]\"} ],\"\\u0064\":{}, \"e\":null\n,\"\":-0.5e1 } "));
    struct json_iter it;
    struct span key;
    struct json_value value;

    json_iter_init(&it, parsed(text));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(json_iter_next(&it, &key, &value));
        assert_span(key, span_of_str(expected[i].key));
        assert_span(value.raw, span_of_str(expected[i].raw));
        assert_int_equal(value.type, expected[i].type);
    }
    assert_false(json_iter_next(&it, &key, &value));
    assert_false(json_iter_next(&it, &key, &value));
    free_copy(text);
}

static void an_array_is_walked_in_order(void **state)
{
    static const char *const expected[] = {"[]", "[[1],2]", "true", "\"a\"", "0"};
    const struct span text = exact_copy(SPAN("[[],[[1],2], true,\"a\" ,0]"));
    struct json_iter it;
    struct span key;
    struct json_value value;

    json_iter_init(&it, parsed(text));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(json_iter_next(&it, &key, &value));
        assert_int_equal(key.len, 0);
        assert_span(value.raw, span_of_str(expected[i]));
    }
    assert_false(json_iter_next(&it, &key, &value));
    free_copy(text);
}

static void a_value_that_holds_nothing_has_nothing_to_walk(void **state)
{
    static const char *const texts[] = {"{}", "[ ]", "1", "\"[1]\"", "null"};

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct json_iter it;
        struct span key;
        struct json_value value;

        json_iter_init(&it, parsed(span_of_str(texts[i])));
        assert_false(json_iter_next(&it, &key, &value));
        assert_false(json_get(parsed(span_of_str(texts[i])), SPAN("a"), &value));
    }
}

static void a_walk_of_a_walk_reaches_every_value(void **state)
{
    const struct json_value root = parsed(SPAN("{\"request\":{\"body\":{\"action\":\"join\"}}}"));
    struct json_value value;

    assert_true(json_get(root, SPAN("request"), &value));
    assert_true(json_get(value, SPAN("body"), &value));
    assert_true(json_get(value, SPAN("action"), &value));
    assert_span(value.raw, SPAN("\"join\""));
    assert_false(json_get(root, SPAN("body"), &value));
}

static void of_duplicate_keys_the_last_counts(void **state)
{
    struct json_value value;

    assert_true(json_get(parsed(SPAN("{\"a\":1,\"b\":0,\"\\u0061\":2}")), SPAN("a"), &value));
    assert_span(value.raw, SPAN("2"));
}

/* ---- numbers ---- */

static void integers_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"200", 200},
        {"-1", -1},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const bad[] = {"9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999",
                                      "1.0",
                                      "1e2",
                                      "\"1\"",
                                      "true",
                                      "null",
                                      "[1]"};
    int64_t value;

    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(json_int_value(parsed(span_of_str(good[i].text)), &value), 0);
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        value = 77;
        assert_int_equal(json_int_value(parsed(span_of_str(bad[i])), &value), -1);
        assert_int_equal(value, 77);
    }
}

/* ---- writing ---- */

static void the_writer_sets_commas_and_quotes(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct json_writer w = {.out = &out};

    json_object_begin(&w);
    json_key(&w, "a");
    json_int(&w, INT64_MIN);
    json_key_span(&w, SPAN("b\""));
    json_array_begin(&w);
    json_int(&w, 0);
    json_string(&w, SPAN("x\ny"));
    json_array_begin(&w);
    json_array_end(&w);
    json_object_begin(&w);
    json_object_end(&w);
    json_bool(&w, true);
    json_array_end(&w);
    json_key(&w, "c");
    json_raw(&w, SPAN("{\"raw\":null}"));
    json_key(&w, "d");
    json_bool(&w, false);
    json_object_end(&w);
    assert_span(buf_span(&out), SPAN("{\"a\":-9223372036854775808,\"b\\\"\":[0,\"x\\ny\",[],{},true],"
                                     "\"c\":{\"raw\":null},\"d\":false}"));
    parsed(buf_span(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_rfc_8259_allows),
        cmocka_unit_test(refuses_the_rest_at_the_first_byte_that_does_not_fit),
        cmocka_unit_test(refuses_a_span_without_a_pointer),
        cmocka_unit_test(a_text_cut_at_any_byte_is_refused_at_its_end),
        cmocka_unit_test(nesting_is_accepted_up_to_its_limit),
        cmocka_unit_test(brackets_of_mixed_nesting_must_match),
        cmocka_unit_test(every_byte_at_every_place_is_escaped_as_it_should),
        cmocka_unit_test(texts_of_every_length_are_escaped),
        cmocka_unit_test(a_long_text_is_escaped_in_one_piece),
        cmocka_unit_test(escaping_appends_to_what_is_there),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(escapes_are_undone_at_every_place),
        cmocka_unit_test(a_raw_string_equals_only_its_own_text),
        cmocka_unit_test(an_object_is_walked_in_order),
        cmocka_unit_test(an_array_is_walked_in_order),
        cmocka_unit_test(a_value_that_holds_nothing_has_nothing_to_walk),
        cmocka_unit_test(a_walk_of_a_walk_reaches_every_value),
        cmocka_unit_test(of_duplicate_keys_the_last_counts),
        cmocka_unit_test(integers_are_read_exactly),
        cmocka_unit_test(the_writer_sets_commas_and_quotes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
