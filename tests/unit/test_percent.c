/* test_percent.c - percent-encoding, in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/percent.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void assert_text(const struct buf *actual, struct span expected)
{
    if (!span_equal(buf_span(actual), expected))
        fail_msg("got <" SPAN_FMT ">, expected <" SPAN_FMT ">", SPAN_ARG(buf_span(actual)), SPAN_ARG(expected));
}

/* ---- decoding ---- */

static const struct {
    struct span encoded, decoded;
} decode_cases[] = {
    {SPAN(""), SPAN("")},
    {SPAN("plain-._~"), SPAN("plain-._~")},
    {SPAN("a%20b%2Fc%2fd"), SPAN("a b/c/d")},
    {SPAN("%e2%82%AC"), SPAN("\xe2\x82\xac")},
    {SPAN("AAAA%3D"), SPAN("AAAA=")},
    {SPAN("%00%ff"), SPAN("\0\xff")},
    {SPAN("%2520"), SPAN("%20")}, /* once */
    {SPAN("%"), SPAN("%")},
    {SPAN("%4"), SPAN("%4")},
    {SPAN("100%"), SPAN("100%")},
    {SPAN("%4G%G4%%41"), SPAN("%4G%G4%A")},
    {SPAN("% 41%+41%-1%0x"), SPAN("% 41%+41%-1%0x")},
    {SPAN("1+1"), SPAN("1+1")},
    {SPAN("%2B"), SPAN("+")},
};

static void what_is_encoded_is_decoded_and_the_rest_stays(void **state)
{
    for (size_t i = 0; i < COUNT(decode_cases); i++) {
        CLEANUP(buf_fini) struct buf out = {0};

        percent_decode(&out, decode_cases[i].encoded, PERCENT_PLUS_STAYS);
        assert_text(&out, decode_cases[i].decoded);
    }
}

static void in_a_query_a_plus_is_a_blank_unless_it_is_encoded(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};

    percent_decode(&out, SPAN("1+1%2B1%+"), PERCENT_PLUS_IS_BLANK);
    assert_text(&out, SPAN("1 1+1% "));
}

static void what_is_decoded_goes_behind_what_is_there(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};

    buf_append_str(&out, "before ");
    percent_decode(&out, SPAN("%41"), PERCENT_PLUS_STAYS);
    percent_encode(&out, SPAN("?"), "");
    assert_text(&out, SPAN("before A%3F"));
}

/* ---- encoding ---- */

static const struct {
    struct span text;
    const char *keep;
    struct span encoded;
} encode_cases[] = {
    {SPAN(""), "", SPAN("")},
    {SPAN("AZaz09-._~"), "", SPAN("AZaz09-._~")},
    {SPAN("a b/c"), "", SPAN("a%20b%2Fc")},
    {SPAN("a b/c"), "/", SPAN("a%20b/c")},
    {SPAN("%3D"), "/", SPAN("%253D")},
    {SPAN("caf\xc3\xa9"), "", SPAN("caf%C3%A9")},
    {SPAN("\0\x7f\xff"), "/", SPAN("%00%7F%FF")}, /* a NUL is not the end of what is kept */
    {SPAN("@connections/AAA="), "@/", SPAN("@connections/AAA%3D")},
};

static void all_but_what_is_unreserved_or_kept_is_encoded(void **state)
{
    for (size_t i = 0; i < COUNT(encode_cases); i++) {
        CLEANUP(buf_fini) struct buf out = {0};

        percent_encode(&out, encode_cases[i].text, encode_cases[i].keep);
        assert_text(&out, encode_cases[i].encoded);
        assert_true(out.len <= PERCENT_ENCODED_MAX(encode_cases[i].text.len));
    }
}

static void every_byte_comes_back(void **state)
{
    CLEANUP(buf_fini) struct buf encoded = {0};
    CLEANUP(buf_fini) struct buf decoded = {0};
    char bytes[256];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    percent_encode(&encoded, span_of(bytes, sizeof(bytes)), "");
    assert_int_equal(encoded.len, 66 + 3 * (256 - 66)); /* 66 are unreserved */
    percent_decode(&decoded, buf_span(&encoded), PERCENT_PLUS_IS_BLANK);
    assert_text(&decoded, span_of(bytes, sizeof(bytes)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded_and_the_rest_stays),
        cmocka_unit_test(in_a_query_a_plus_is_a_blank_unless_it_is_encoded),
        cmocka_unit_test(what_is_decoded_goes_behind_what_is_there),
        cmocka_unit_test(all_but_what_is_unreserved_or_kept_is_encoded),
        cmocka_unit_test(every_byte_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
