/* test_frame_head.c - the bytes before a frame's, of RFC 6455 and read back as its section 5.2 says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "net/frame_head.h"

static void assert_head(size_t len, bool first, bool last, const char *expected, size_t expected_len)
{
    char out[FRAME_HEAD_MAX];

    assert_int_equal(frame_head_write(out, len, first, last), expected_len);
    assert_memory_equal(out, expected, expected_len);
}

static void heads_are_those_of_the_rfcs_examples(void **state)
{
    assert_head(5, true, true, "\x81\x05", 2);           /* "Hello" */
    assert_head(3, true, false, "\x01\x03", 2);          /* "Hel" */
    assert_head(2, false, true, "\x80\x02", 2);          /* "lo" */
    assert_head(256, true, true, "\x81\x7e\x01\x00", 4); /* of its binary frames, as text */
    assert_head(65536, true, true, "\x81\x7f\0\0\0\0\0\x01\0\0", 10);
    assert_head(7, false, false, "\x00\x07", 2);
    assert_head(0, true, true, "\x81\x00", 2);
}

static uint64_t read_length(const unsigned char *head, size_t *ret_head_bytes)
{
    const size_t bytes = head[1] == 127 ? 8 : head[1] == 126 ? 2 : 0;
    uint64_t len = 0;

    assert_int_equal(head[1] & 0x80, 0); /* not masked */
    for (size_t i = 0; i < bytes; i++)
        len = len << 8 | head[2 + i];
    *ret_head_bytes = 2 + bytes;
    return bytes > 0 ? len : head[1];
}

static void each_length_is_told_in_as_few_bytes_as_can_be(void **state)
{
    static const size_t around[] = {0, 125, 126, 255, 256, 32 * 1024, 65535, 65536, 1 << 20};

    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
        for (size_t len = around[i] > 2 ? around[i] - 2 : 0; len < around[i] + 3; len++) {
            char out[FRAME_HEAD_MAX];
            size_t head_bytes, written = frame_head_write(out, len, true, true);

            assert_int_equal(read_length((unsigned char *)out, &head_bytes), len);
            assert_int_equal(head_bytes, written);
            assert_int_equal(written, len > 65535 ? 10 : len > 125 ? 4 : 2);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_those_of_the_rfcs_examples),
        cmocka_unit_test(each_length_is_told_in_as_few_bytes_as_can_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
