/* test_json_services.c - what apigw/json.h does for a plugin, and what it does not let a plugin do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <apigw/json.h>
#include <cmocka.h>
#include <locale.h>

#include "base/json.h"
#include "base/mem.h"
#include "src/caller.h"
#include "src/json_services.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- a host with JSON and nothing else ---- */

static struct caller caller;
static bool may_call;
static struct apigw_host host;
static struct apigw_context context;

struct caller *caller_of(struct apigw_context *asking)
{
    return may_call && asking == &context ? &caller : NULL;
}

static int set_up(void **state)
{
    host = (struct apigw_host){.abi = APIGW_ABI(struct apigw_host), .json = json_services()};
    context = (struct apigw_context){.abi = APIGW_ABI(struct apigw_context), .host = &host};
    arena_init(&caller.arena, 1024 * 1024, true);
    may_call = true;
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(&caller.arena);
    buf_fini(&caller.scratch);
    return 0;
}

/* A copy that ends where its memory ends, so that a sanitizer sees a read behind it. */
static struct apigw_span exactly(const char *text)
{
    char *copy = arena_allocate(&caller.arena, strlen(text));

    assert_non_null(copy);
    memcpy(copy, text, strlen(text));
    return apigw_span_of(copy, strlen(text));
}

static struct apigw_json parsed(const char *text)
{
    struct apigw_json value;

    if (apigw_json_parse(&context, exactly(text), &value) != APIGW_OK)
        fail_msg("<%s> was refused", text);
    return value;
}

static void assert_text(struct apigw_span actual, const char *expected)
{
    if (!apigw_span_equal(actual, apigw_span_of_str(expected)))
        fail_msg("got <%.*s>, expected <%s>", (int)actual.len, actual.ptr ? actual.ptr : "", expected);
}

/* ---- parsing ---- */

static void a_text_is_parsed_to_one_value_of_its_type(void **state)
{
    static const struct {
        const char *text;
        uint32_t type;
        const char *raw;
    } cases[] = {
        {" null ", APIGW_JSON_NULL, "null"},
        {"true", APIGW_JSON_BOOLEAN, "true"},
        {"false", APIGW_JSON_BOOLEAN, "false"},
        {"-1.5e3", APIGW_JSON_NUMBER, "-1.5e3"},
        {"\"a\\n\"", APIGW_JSON_STRING, "\"a\\n\""},
        {"\t[1, 2]\n", APIGW_JSON_ARRAY, "[1, 2]"},
        {"{\"a\":{}}", APIGW_JSON_OBJECT, "{\"a\":{}}"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct apigw_json value = parsed(cases[i].text);

        assert_int_equal(value.type, cases[i].type);
        assert_text(value.raw, cases[i].raw);
    }
}

static void what_is_not_json_is_refused_and_is_none(void **state)
{
    static const char *const texts[] = {"",   " ",  "{",   "[1,]",    "{\"a\"}", "nul",
                                        "01", "\"", "1 2", "{'a':1}", "\"\\x\""};

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct apigw_json value = {99, 0, {NULL, 0}};

        assert_int_equal(apigw_json_parse(&context, exactly(texts[i]), &value), APIGW_BAD_REQUEST);
        assert_int_equal(value.type, APIGW_JSON_NONE);
    }
}

static void nesting_is_bounded_at_512(void **state)
{
    char text[1026];
    struct apigw_json value;

    memset(text, '[', 513);
    memset(text + 513, ']', 513);
    assert_int_equal(apigw_json_parse(&context, apigw_span_of(text, 1026), &value), APIGW_BAD_REQUEST);
    assert_int_equal(apigw_json_parse(&context, apigw_span_of(text + 1, 1024), &value), APIGW_OK);
}

/* ---- paths ---- */

static void a_path_leads_to_members_and_elements(void **state)
{
    static const char text[] =
        "{\"a\":{\"b\":[{\"c\":1},{\"c\":2},{\"c\":3}]},\"a.b\":4,\"\":5,\"x[0]\":6,\"q\\\"\\u00e9\":7,"
        "\"twice\":8,\"twice\":9,\"deep\":[[10,11],[12]],\" s \":13}";
    static const struct {
        const char *path, *raw;
    } cases[] = {
        {"a.b[0].c", "1"},
        {"a.b[2].c", "3"},
        {"a.b[-1].c", "3"},
        {"a.b[-3].c", "1"},
        {"[\"a.b\"]", "4"},
        {"[\"a\"][\"b\"][1].c", "2"},
        {"[\"\"]", "5"},
        {"[\"x[0]\"]", "6"},
        {"[\"q\\\"\xc3\xa9\"]", "7"},
        {"[\"q\\u0022\\u00E9\"]", "7"},
        {"twice", "9"},
        {"deep[0][1]", "11"},
        {"deep[-1][-1]", "12"},
        {" s ", "13"},
        {"a.b[0]", "{\"c\":1}"},
    };
    const struct apigw_json from = parsed(text);

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_text(apigw_json_get(&context, from, cases[i].path).raw, cases[i].raw);
    assert_text(apigw_json_get(&context, from, "").raw, text);
    assert_text(apigw_json_get(&context, from, NULL).raw, text);
}

static void a_path_to_nothing_is_none(void **state)
{
    static const char *const paths[] = {
        "b",
        "a.b",
        "a[0].c",
        "a[3]",
        "a[-4]",
        "s[0]",
        "s.length",
        "n.x",
        "a[9223372036854775807]",
        "a[-9223372036854775808]",
        "[\"a\"].b.c",
        "A",
    };
    const struct apigw_json from = parsed("{\"a\":[1,2,3],\"s\":\"text\",\"n\":null}");

    for (size_t i = 0; i < COUNT(paths); i++) {
        const struct apigw_json value = apigw_json_get(&context, from, paths[i]);

        if (value.type != APIGW_JSON_NONE || value.raw.ptr)
            fail_msg("%s leads somewhere", paths[i]);
        assert_false(apigw_json_exists(value));
    }
    assert_false(apigw_json_exists(apigw_json_get(&context, from, "n")));
    assert_true(apigw_json_exists(apigw_json_get(&context, from, "a")));
}

static void what_is_no_path_is_told_and_is_none(void **state)
{
    static const char *const paths[] = {
        ".",     ".a",     "a.",      "a..b",   "[",         "[]",    "a[",    "a[0",
        "a[0]b", "a[x]",   "a[0.5]",  "a[1e1]", "a[01]",     "a[ 0]", "a[0 ]", "a[99999999999999999999]",
        "[\"a",  "[\"a\"", "[\"a\"b", "['a']",  "[\"\\x\"]", "a.[0]", "b.c.",  "a[\n0]",
    };
    const struct apigw_json from = parsed("{\"a\":[1],\"b\":{}}");

    for (size_t i = 0; i < COUNT(paths); i++) {
        struct apigw_json value = from;

        if (host.json->get(&context, &from, exactly(paths[i]), &value) != APIGW_BAD_REQUEST)
            fail_msg("%s passes for a path", paths[i]);
        assert_int_equal(value.type, APIGW_JSON_NONE);
    }
}

/* ---- texts ---- */

static void the_text_of_a_string_has_its_escapes_undone(void **state)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\"plain\"", "plain"},
        {"\"\"", ""},
        {"\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"", "a\"b\\c/d\b\f\n\r\t"},
        {"\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"12.50", "12.50"},
        {"true", "true"},
        {"[1, \"\\n\"]", "[1, \"\\n\"]"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct apigw_span text = apigw_json_text(&context, parsed(cases[i].json));

        assert_text(text, cases[i].text);
        assert_non_null(text.ptr);
    }
    assert_null(apigw_json_text(&context, parsed("null")).ptr);
    assert_null(apigw_json_text(&context, (struct apigw_json){0}).ptr);
}

static void a_string_without_escapes_is_not_copied(void **state)
{
    const struct apigw_json value = parsed("\"plain\"");

    assert_ptr_equal(apigw_json_text(&context, value).ptr, value.raw.ptr + 1);
}

static void a_nul_in_a_string_is_a_byte_like_any_other(void **state)
{
    const struct apigw_span text = apigw_json_text(&context, parsed("\"a\\u0000b\""));

    assert_int_equal(text.len, 3);
    assert_memory_equal(text.ptr, "a\0b", 3);
}

/* ---- numbers ---- */

static void numbers_are_read_also_out_of_strings(void **state)
{
    static const struct {
        const char *json;
        double number;
    } cases[] = {
        {"0", 0},           {"-0.0", -0.0},
        {"1.5", 1.5},       {"\"1.5\"", 1.5},
        {"1e3", 1000},      {"-2E-2", -0.02},
        {"\"\\u0031\"", 1}, {"123456789012345678901234567890", 123456789012345678901234567890.0},
        {"1e999", 7},       {"\"\"", 7},
        {"\" 1\"", 7},      {"\"1 \"", 7},
        {"\"0x10\"", 7},    {"\"nan\"", 7},
        {"\"1,5\"", 7},     {"true", 7},
        {"null", 7},        {"[1]", 7},
        {"\"[1]\"", 7},     {"\"01\"", 7},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        if (apigw_json_number(&context, parsed(cases[i].json), 7) != cases[i].number)
            fail_msg("%s is %g", cases[i].json, apigw_json_number(&context, parsed(cases[i].json), 7));
    assert_true(apigw_json_number(&context, (struct apigw_json){0}, 7) == 7);
}

static void a_number_has_a_point_whatever_the_locale(void **state)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        skip(); /* this machine has none with a comma */
    assert_true(apigw_json_number(&context, parsed("2.5"), 0) == 2.5);
    setlocale(LC_ALL, "C");
}

static void integers_are_exact_or_not_taken(void **state)
{
    static const struct {
        const char *json;
        int64_t integer;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"42", 42},
        {"\"42\"", 42},
        {"-9223372036854775808", INT64_MIN},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", 7},
        {"-9223372036854775809", 7},
        {"9007199254740993", 9007199254740993},
        {"9007199254740993.0", 9007199254740993},
        {"5.0", 5},
        {"-5.00e0", -5},
        {"1e3", 1000},
        {"1.25E2", 125},
        {"1250e-1", 125},
        {"922337203685477580.7e1", INT64_MAX},
        {"0.00000000000000000000e99999999999999999999", 0},
        {"1e-1", 7},
        {"0.99999999999999999999", 7},
        {"1.5", 7},
        {"1e19", 7},
        {"1e99999999999999999999", 7},
        {"1e-99999999999999999999", 7},
        {"99999999999999999999999999", 7},
        {"\"x\"", 7},
        {"true", 7},
        {"{}", 7},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const int64_t integer = apigw_json_integer(&context, parsed(cases[i].json), 7);

        if (integer != cases[i].integer)
            fail_msg("%s is %lld", cases[i].json, (long long)integer);
    }
}

static void booleans_are_true_and_false_alone(void **state)
{
    assert_int_equal(apigw_json_boolean(parsed("true"), 0), 1);
    assert_int_equal(apigw_json_boolean(parsed("false"), 1), 0);
    assert_int_equal(apigw_json_boolean(parsed("\"true\""), 5), 5);
    assert_int_equal(apigw_json_boolean((struct apigw_json){0}, 5), 5);
}

/* ---- walks ---- */

static void a_walk_gives_members_in_their_order_with_keys_undone(void **state)
{
    struct apigw_json_iterator it = apigw_json_walk(parsed(" { \"a\" : 1 , \"\\u00e9\\n\":[2, 3],\"a\":{} } "));
    struct apigw_json value;
    struct apigw_span key;

    assert_true(apigw_json_next(&context, &it, &key, &value));
    assert_text(key, "a");
    assert_text(value.raw, "1");
    assert_true(apigw_json_next(&context, &it, &key, &value));
    assert_text(key, "\xc3\xa9\n");
    assert_text(value.raw, "[2, 3]");
    assert_true(apigw_json_next(&context, &it, &key, &value));
    assert_text(key, "a");
    assert_int_equal(value.type, APIGW_JSON_OBJECT);
    assert_false(apigw_json_next(&context, &it, &key, &value));
    assert_false(apigw_json_next(&context, &it, &key, &value));
}

static void a_walk_gives_elements_without_keys(void **state)
{
    struct apigw_json_iterator it = apigw_json_walk(parsed("[1,\"]\",[2,[3]],null]"));
    static const char *const raws[] = {"1", "\"]\"", "[2,[3]]", "null"};
    struct apigw_json value;
    struct apigw_span key;

    for (size_t i = 0; i < COUNT(raws); i++) {
        assert_true(apigw_json_next(&context, &it, &key, &value));
        assert_null(key.ptr);
        assert_text(value.raw, raws[i]);
    }
    assert_false(apigw_json_next(&context, &it, &key, &value));
}

static void there_is_nothing_to_walk_through_in_the_rest(void **state)
{
    static const char *const texts[] = {"[]", "{ }", "1", "\"[1]\"", "null"};
    struct apigw_json value;
    struct apigw_span key;

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct apigw_json_iterator it = apigw_json_walk(parsed(texts[i]));
        assert_false(apigw_json_next(&context, &it, &key, &value));
    }
}

/* ---- values that are none ---- */

static void values_made_up_by_a_plugin_are_none_or_end_early(void **state)
{
    static const char *const texts[] = {"",        "{",         "[",     "[1",        "[1,",   "{\"a",    "{\"a\"",
                                        "{\"a\":", "{\"a\":1,", "]",     "\"",        "\"\\",  "\"\\u12", "\"\\u12\"",
                                        "nul",     "-",         "{1:2}", "{\"a\" 1}", "[1 2]", "x"};

    for (size_t i = 0; i < COUNT(texts); i++)
        for (uint32_t type = 0; type < 9; type++) {
            const struct apigw_json value = {type, 0, exactly(texts[i])};
            struct apigw_json_iterator it = apigw_json_walk(value);
            struct apigw_json found;
            struct apigw_span key;
            int steps = 0;

            assert_int_equal(apigw_json_get(&context, value, "a[0]").type, APIGW_JSON_NONE);
            assert_null(apigw_json_text(&context, value).ptr);
            assert_int_equal(apigw_json_integer(&context, value, 7), 7);
            while (apigw_json_next(&context, &it, &key, &found))
                assert_true(++steps <= 1);
        }
}

static void null_pointers_are_refused(void **state)
{
    const struct apigw_json bad = {APIGW_JSON_STRING, 0, {NULL, 5}};
    struct apigw_json_iterator bad_walk = {{APIGW_JSON_ARRAY, 0, {NULL, 5}}, 0};
    struct apigw_json_iterator far_walk = {parsed("[1]"), 50};
    struct apigw_json value;
    struct apigw_span text;
    int64_t integer = 7;
    double number = 7;

    assert_int_equal(host.json->parse(&context, bad.raw, &value), APIGW_BAD_REQUEST);
    assert_int_equal(host.json->parse(&context, bad.raw, NULL), APIGW_BAD_REQUEST);
    assert_int_equal(host.json->get(&context, NULL, APIGW_SPAN("a"), &value), APIGW_OK);
    assert_int_equal(value.type, APIGW_JSON_NONE);
    assert_int_equal(host.json->get(&context, &bad, APIGW_SPAN("a"), NULL), APIGW_BAD_REQUEST);
    value = parsed("{}");
    assert_int_equal(host.json->get(&context, &value, bad.raw, &value), APIGW_BAD_REQUEST);
    assert_int_equal(host.json->text(&context, &bad, &text), APIGW_OK);
    assert_null(text.ptr);
    assert_int_equal(host.json->text(&context, NULL, NULL), APIGW_BAD_REQUEST);
    assert_int_equal(host.json->number(&context, &bad, &number), APIGW_BAD_REQUEST);
    assert_int_equal(host.json->number(&context, NULL, NULL), APIGW_BAD_REQUEST);
    assert_int_equal(host.json->integer(&context, &bad, &integer), APIGW_BAD_REQUEST);
    assert_int_equal(host.json->integer(&context, NULL, NULL), APIGW_BAD_REQUEST);
    assert_int_equal(integer, 7);
    assert_int_equal(host.json->next(&context, NULL, &text, &value), 0);
    assert_int_equal(host.json->next(&context, &bad_walk, &text, &value), 0);
    assert_int_equal(host.json->next(&context, &far_walk, &text, &value), 0);
    assert_int_equal(host.json->next(&context, &far_walk, NULL, NULL), APIGW_BAD_REQUEST);
    assert_int_equal(host.json->write(NULL, 0, text), APIGW_FAILED);
}

static void who_may_not_call_gets_nothing(void **state)
{
    const struct apigw_json value = parsed("[1]");
    struct apigw_json_iterator it = apigw_json_walk(value);
    struct apigw_context other = context;
    struct apigw_json found = value;
    struct apigw_json_writer w;
    struct apigw_span text;
    int64_t integer;
    double number;

    struct apigw_context *const strangers[] = {&other, NULL, &context};

    for (size_t i = 0; i < COUNT(strangers); i++) {
        struct apigw_context *const stranger = strangers[i];

        may_call = stranger != &context;
        assert_int_equal(host.json->parse(stranger, value.raw, &found), APIGW_FAILED);
        assert_int_equal(found.type, APIGW_JSON_NONE);
        assert_int_equal(host.json->get(stranger, &value, APIGW_SPAN(""), &found), APIGW_FAILED);
        assert_int_equal(host.json->next(stranger, &it, &text, &found), APIGW_FAILED);
        assert_int_equal(host.json->text(stranger, &value, &text), APIGW_FAILED);
        assert_int_equal(host.json->number(stranger, &value, &number), APIGW_FAILED);
        assert_int_equal(host.json->integer(stranger, &value, &integer), APIGW_FAILED);
        w = apigw_json_write(stranger);
        assert_int_equal(host.json->write(&w, 0, APIGW_SPAN("1")), APIGW_FAILED);
    }
}

/* ---- writing ---- */

static void a_writer_puts_commas_where_they_belong(void **state)
{
    struct apigw_json_writer w = apigw_json_write(&context);

    apigw_json_begin_object(&w);
    apigw_json_key(&w, "a");
    apigw_json_begin_array(&w);
    apigw_json_int(&w, INT64_MIN);
    apigw_json_int(&w, INT64_MAX);
    apigw_json_int(&w, 0);
    apigw_json_begin_array(&w);
    apigw_json_end_array(&w);
    apigw_json_begin_object(&w);
    apigw_json_end_object(&w);
    apigw_json_null(&w);
    apigw_json_end_array(&w);
    apigw_json_key(&w, "b");
    apigw_json_bool(&w, 1);
    apigw_json_key(&w, "c\n");
    apigw_json_bool(&w, 0);
    apigw_json_key(&w, "d");
    apigw_json_raw(&w, APIGW_SPAN("1.50"));
    apigw_json_key(&w, "e");
    apigw_json_raw(&w, apigw_span_of(NULL, 0));
    apigw_json_end_object(&w);
    assert_text(apigw_json_written(&w), "{\"a\":[-9223372036854775808,9223372036854775807,0,[],{},null],\"b\":true,"
                                        "\"c\\n\":false,\"d\":1.50,\"e\":null}");
}

static void strings_are_escaped_and_made_utf8(void **state)
{
    static const struct {
        struct apigw_span text;
        const char *json;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{NULL, 0}, "\"\""},
        {{"a\"b\\c\n\x01\x7f", 8}, "\"a\\\"b\\\\c\\n\\u0001\x7f\""},
        {{"\xc3\xa9\xf0\x9f\x98\x80", 6}, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {{"a\xff\xfe"
          "b",
          4},
         "\"a\xef\xbf\xbd\xef\xbf\xbd"
         "b\""},
        {{"\xc3", 1}, "\"\xef\xbf\xbd\""},
        {{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"\0", 1}, "\"\\u0000\""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct apigw_json_writer w = apigw_json_write(&context);

        apigw_json_string(&w, cases[i].text);
        assert_text(apigw_json_written(&w), cases[i].json);
    }
}

/* Over the piece that is escaped at once, with a sequence of several bytes across its end. */
static void a_long_string_comes_back_as_it_was(void **state)
{
    const size_t len = 50000;
    char *text = arena_allocate(&caller.arena, len);
    struct apigw_json_writer w = apigw_json_write(&context);
    struct apigw_json value;

    for (size_t i = 0; i + 4 <= len; i += 4)
        memcpy(text + i, i % 12 ? "\xe2\x82\xac\n" : "\"\xc3\xa9x", 4);
    apigw_json_string(&w, apigw_span_of(text, len));
    assert_int_equal(apigw_json_parse(&context, apigw_json_written(&w), &value), APIGW_OK);
    assert_int_equal(apigw_json_text(&context, value).len, len);
    assert_memory_equal(apigw_json_text(&context, value).ptr, text, len);
}

static void a_writer_without_memory_fails_as_a_whole(void **state)
{
    struct apigw_json_writer w = apigw_json_write(&context);

    apigw_json_begin_array(&w);
    for (int i = 0; i < 1000000 && !w.failed; i++)
        apigw_json_string(&w, APIGW_SPAN("a text that takes some room"));
    assert_true(w.failed);
    assert_true(caller.arena.taken_bytes <= 1024 * 1024);
    apigw_json_end_array(&w);
    assert_null(apigw_json_written(&w).ptr);
}

static void a_writer_that_contradicts_itself_is_refused(void **state)
{
    char bytes[4];
    struct apigw_json_writer longer = {&context, bytes, 5, 4, 0, 0};
    struct apigw_json_writer nowhere = {&context, NULL, 0, 4, 0, 0};
    struct apigw_json_writer huge = {&context, bytes, 0, SIZE_MAX, 0, 0};
    struct apigw_json_writer fine = apigw_json_write(&context);

    assert_int_equal(host.json->write(&longer, 0, APIGW_SPAN("1")), APIGW_BAD_REQUEST);
    assert_int_equal(host.json->write(&nowhere, 0, APIGW_SPAN("1")), APIGW_BAD_REQUEST);
    huge.len = SIZE_MAX;
    assert_int_equal(host.json->write(&huge, 0, APIGW_SPAN("1")), APIGW_FAILED);
    assert_int_equal(host.json->write(&fine, 1, apigw_span_of(NULL, 3)), APIGW_BAD_REQUEST);
}

static void text_that_cannot_be_kept_is_absent(void **state)
{
    struct apigw_json value = parsed("\"a\\nb\"");

    while (arena_allocate(&caller.arena, 1024))
        ;
    while (arena_allocate(&caller.arena, 1))
        ;
    assert_null(apigw_json_text(&context, value).ptr);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_text_is_parsed_to_one_value_of_its_type),
        TEST(what_is_not_json_is_refused_and_is_none),
        TEST(nesting_is_bounded_at_512),
        TEST(a_path_leads_to_members_and_elements),
        TEST(a_path_to_nothing_is_none),
        TEST(what_is_no_path_is_told_and_is_none),
        TEST(the_text_of_a_string_has_its_escapes_undone),
        TEST(a_string_without_escapes_is_not_copied),
        TEST(a_nul_in_a_string_is_a_byte_like_any_other),
        TEST(numbers_are_read_also_out_of_strings),
        TEST(a_number_has_a_point_whatever_the_locale),
        TEST(integers_are_exact_or_not_taken),
        TEST(booleans_are_true_and_false_alone),
        TEST(a_walk_gives_members_in_their_order_with_keys_undone),
        TEST(a_walk_gives_elements_without_keys),
        TEST(there_is_nothing_to_walk_through_in_the_rest),
        TEST(values_made_up_by_a_plugin_are_none_or_end_early),
        TEST(null_pointers_are_refused),
        TEST(who_may_not_call_gets_nothing),
        TEST(a_writer_puts_commas_where_they_belong),
        TEST(strings_are_escaped_and_made_utf8),
        TEST(a_long_string_comes_back_as_it_was),
        TEST(a_writer_without_memory_fails_as_a_whole),
        TEST(a_writer_that_contradicts_itself_is_refused),
        TEST(text_that_cannot_be_kept_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
