/* test_base64.c - base64 with padding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/mem.h"

/* RFC 4648, section 10, and bytes beyond ASCII. */
static const struct {
    struct span bytes, encoded;
} cases[] = {
    {SPAN(""), SPAN("")},
    {SPAN("f"), SPAN("Zg==")},
    {SPAN("fo"), SPAN("Zm8=")},
    {SPAN("foo"), SPAN("Zm9v")},
    {SPAN("foob"), SPAN("Zm9vYg==")},
    {SPAN("fooba"), SPAN("Zm9vYmE=")},
    {SPAN("foobar"), SPAN("Zm9vYmFy")},
    {SPAN("\0\xff\xfb\xef"), SPAN("AP/77w==")},
    {SPAN("\xff\xff\xfe"), SPAN("///+")},
};

static void bytes_become_base64_with_padding(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buf_fini) struct buf out = {0};

        base64_encode(&out, cases[i].bytes);
        assert_int_equal(out.len, cases[i].encoded.len);
        if (out.len > 0)
            assert_memory_equal(out.ptr, cases[i].encoded.ptr, out.len);
    }
}

static void what_is_encoded_goes_behind_what_is_there(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};

    buf_append_str(&out, "x:");
    base64_encode(&out, SPAN("foo"));
    assert_string_equal(buf_terminate(&out), "x:Zm9v");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_base64_with_padding),
        cmocka_unit_test(what_is_encoded_goes_behind_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
