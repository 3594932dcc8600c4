/* test_canonical.c - the canonical request of Signature Version 4, against AWS's published examples and what botocore
 * signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authorization/canonical.h"
#include "base/mem.h"
#include "signing.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_canonical(const char *text, const struct canonical_form *form, const char *expected)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct request_text r;

    canonical_write(&out, request_read(&r, text), form);
    assert_string_equal(buf_terminate(&out), expected);
}

/* ---- whole requests ---- */

/* The hashes are AWS's: of "get-vanilla" in the Signature Version 4 test suite, and of the ListUsers example in the
 * documentation of Signature Version 4. The third is the reference's, of what botocore sends to @connections. */
static void published_requests_have_their_published_hash(void **state)
{
    static const struct {
        const char *text;
        const char *signed_headers;
        struct span body;
        const char *hash;
    } cases[] = {
        {"GET /\nHost: example.amazonaws.com\nX-Amz-Date: 20150830T123600Z", "host;x-amz-date", SPAN(""),
         "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63"},
        {"GET /?Action=ListUsers&Version=2010-05-08\n"
         "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n"
         "Host: iam.amazonaws.com\nX-Amz-Date: 20150830T123600Z",
         "content-type;host;x-amz-date", SPAN(""), "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"},
        {"POST /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18080\nX-Amz-Date: " SIGNED_AT, "host;x-amz-date",
         SPAN("\0\xffhi"), "e59d2f92d18c59bec670d55ba721932aecb26de4baf3639a96b36f07e198ceb8"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_fini) struct buf out = {0};
        char body_hash[SIGN_HEX_SIZE], hash[SIGN_HEX_SIZE];
        struct request_text r;
        struct canonical_form form = {.signed_headers = span_of_str(cases[i].signed_headers)};

        sign_hash(cases[i].body, body_hash);
        form.body_hash = span_of_str(body_hash);
        canonical_write(&out, request_read(&r, cases[i].text), &form);
        sign_hash(buf_span(&out), hash);
        assert_string_equal(hash, cases[i].hash);
    }
}

static void a_request_is_written_line_by_line(void **state)
{
    const struct canonical_form form = {.signed_headers = SPAN("host;x-amz-date"), .body_hash = SPAN("HASH")};

    assert_canonical("POST /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18080\nUser-Agent: x\nX-Amz-Date: 1",
                     &form,
                     "POST\n/prod/%40connections/L0SM9cOFvHcCIhw%253D\n\nhost:127.0.0.1:18080\nx-amz-date:1\n\n"
                     "host;x-amz-date\nHASH");
}

static void without_signed_headers_their_two_lines_are_empty(void **state)
{
    const struct canonical_form form = {.body_hash = SPAN("HASH")};

    assert_canonical("GET /\nHost: h", &form, "GET\n/\n\n\n\nHASH");
}

/* ---- paths ---- */

static void a_path_is_encoded_once_more_than_it_came(void **state)
{
    static const struct {
        const char *path, *expected;
    } cases[] = {
        {"", "/"},
        {"/", "/"},
        {"/prod", "/prod"},
        {"/prod/@connections/L0SM9cOFvHcCIhw=", "/prod/%40connections/L0SM9cOFvHcCIhw%3D"},
        {"/prod/%40connections/L0SM9cOFvHcCIhw%3D", "/prod/%2540connections/L0SM9cOFvHcCIhw%253D"},
        {"/prod/%40connections/x%3d", "/prod/%2540connections/x%253d"},
        {"/A-Za-z0-9_.~/", "/A-Za-z0-9_.~/"},
        {"/$+!*'(),;:&|", "/%24%2B%21%2A%27%28%29%2C%3B%3A%26%7C"},
        {"/\xc3\xa4", "/%C3%A4"},
        {"/%", "/%25"},
        {"//a/../b/./", "//a/../b/./"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(free) char *text = mem_printf("GET %s", cases[i].path);
        CLEANUP(free) char *expected = mem_printf("GET\n%s\n\n\n\n", cases[i].expected);

        assert_canonical(text, &(struct canonical_form){0}, expected);
    }
}

/* ---- queries ---- */

static void a_query_is_sorted_and_encoded_in_one_way(void **state)
{
    static const struct {
        const char *query, *expected;
    } cases[] = {
        {"", ""},
        {"Param2=value2&Param1=value1", "Param1=value1&Param2=value2"},
        {"b=2&a=1&a=0&c=%20x%2F&d", "a=0&a=1&b=2&c=%20x%2F&d="},
        {"a-b=1&a=2", "a=2&a-b=1"},
        {"a=b&A=B", "A=B&a=b"},
        {"a=1&a=1", "a=1&a=1"},
        {"a", "a="},
        {"a=", "a="},
        {"=b", "=b"},
        {"a=b=c", "a=b%3Dc"},
        {"&&a=1&", "a=1"},
        {"a=%2f%7e", "a=%2F~"},
        {"%61=%62", "a=b"},
        {"a=+b", "a=%20b"},
        {"a=%2B", "a=%2B"},
        {"a=100%", "a=100%25"},
        {"a=%zz", "a=%25zz"},
        {"a=\xc3\xa4", "a=%C3%A4"},
        {"a=b/c:d@e?f", "a=b%2Fc%3Ad%40e%3Ff"},
        {"a=1&X-Amz-Signature=x&b=2", "a=1&b=2"},
        {"a=1&X%2DAmz-Signature=x", "a=1"},
        {"x-amz-signature=x", "x-amz-signature=x"},
        {"X-Amz-Security-Token=x", "X-Amz-Security-Token=x"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(free) char *text = mem_printf("GET /?%s", cases[i].query);
        CLEANUP(free) char *expected = mem_printf("GET\n/\n%s\n\n\n", cases[i].expected);

        assert_canonical(text, &(struct canonical_form){0}, expected);
    }
}

static void a_parameter_can_be_left_out(void **state)
{
    const struct canonical_form form = {.parameter_left_out = SPAN("X-Amz-Security-Token")};

    assert_canonical("GET /?b=1&X-Amz-Security-Token=x&a=1", &form, "GET\n/\na=1&b=1\n\n\n");
}

/* ---- headers ---- */

static void signed_headers_are_sorted_and_their_values_trimmed(void **state)
{
    static const struct {
        const char *headers, *signed_headers, *expected;
    } cases[] = {
        {"Host: h", "host", "host:h\n\nhost"},
        {"Host: h", "HOST", "host:h\n\nhost"},
        {"A: 1\nB: 2\nHost: h", "host;b;a", "a:1\nb:2\nhost:h\n\na;b;host"},
        {"Host: h", "host;host;;Host;", "host:h\n\nhost"},
        {"Host: h\nX-A:  \ta \t  b  ", "host;x-a", "host:h\nx-a:a b\n\nhost;x-a"},
        {"Host: h\nX-A:  \"a   b\"", "host;x-a", "host:h\nx-a:\"a b\"\n\nhost;x-a"},
        {"X-A: 2\nHost: h\nx-a: 1", "host;x-a", "host:h\nx-a:2,1\n\nhost;x-a"},
        {"Host: h", "host;x-absent", "host:h\nx-absent:\n\nhost;x-absent"},
        {"Host: h\nX-A:  ", "host;x-a", "host:h\nx-a:\n\nhost;x-a"},
        {"Host: h:80", "host", "host:h:80\n\nhost"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(free) char *text = mem_printf("GET /\n%s", cases[i].headers);
        CLEANUP(free) char *expected = mem_printf("GET\n/\n\n%s\n", cases[i].expected);

        assert_canonical(text, &(struct canonical_form){.signed_headers = span_of_str(cases[i].signed_headers)},
                         expected);
    }
}

/* ---- the mistakes of clients ---- */

static void a_path_can_be_written_as_if_it_were_encoded_once(void **state)
{
    const struct canonical_form form = {.path = CANONICAL_PATH_ENCODED_ONCE};

    assert_canonical("GET /prod/%40connections/x%3D", &form, "GET\n/prod/%40connections/x%3D\n\n\n\n");
    assert_canonical("GET /prod/@connections/x=+", &form, "GET\n/prod/%40connections/x%3D%2B\n\n\n\n");
}

static void a_path_can_be_written_as_it_was_sent(void **state)
{
    const struct canonical_form form = {.path = CANONICAL_PATH_AS_SENT};

    assert_canonical("GET /prod/@connections/x%3D", &form, "GET\n/prod/@connections/x%3D\n\n\n\n");
    assert_canonical("GET ?a=1", &form, "GET\n/\na=1\n\n\n");
}

static void the_host_can_be_written_without_its_port(void **state)
{
    const struct canonical_form form = {.signed_headers = SPAN("host;x-other"), .host_without_port = true};

    assert_canonical("GET /\nHost: h:3001\nX-Other: h:3001", &form,
                     "GET\n/\n\nhost:h\nx-other:h:3001\n\nhost;x-other\n");
    assert_canonical("GET /\nHost: h", &form, "GET\n/\n\nhost:h\nx-other:\n\nhost;x-other\n");
}

/* ---- lists ---- */

static void a_list_has_one_element_more_than_separators(void **state)
{
    static const struct {
        struct span list;
        const char *elements; /* each in brackets */
    } cases[] = {
        {{NULL, 0}, ""}, {SPAN(""), "[]"}, {SPAN("a"), "[a]"}, {SPAN("a;b"), "[a][b]"}, {SPAN(";a;;"), "[][a][][]"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_fini) struct buf elements = {0};
        struct span rest = cases[i].list;

        for (struct span element; canonical_next(&rest, ';', &element);)
            buf_printf(&elements, "[" SPAN_FMT "]", SPAN_ARG(element));
        assert_string_equal(buf_terminate(&elements), cases[i].elements);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_requests_have_their_published_hash),
        cmocka_unit_test(a_request_is_written_line_by_line),
        cmocka_unit_test(without_signed_headers_their_two_lines_are_empty),
        cmocka_unit_test(a_path_is_encoded_once_more_than_it_came),
        cmocka_unit_test(a_query_is_sorted_and_encoded_in_one_way),
        cmocka_unit_test(a_parameter_can_be_left_out),
        cmocka_unit_test(signed_headers_are_sorted_and_their_values_trimmed),
        cmocka_unit_test(a_path_can_be_written_as_if_it_were_encoded_once),
        cmocka_unit_test(a_path_can_be_written_as_it_was_sent),
        cmocka_unit_test(the_host_can_be_written_without_its_port),
        cmocka_unit_test(a_list_has_one_element_more_than_separators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
