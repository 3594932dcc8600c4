/* test_utf8.c - whole texts are judged in blocks; the same, a sequence at a time, is what they are compared with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/utf8.h"

static size_t one_at_a_time(struct span s)
{
    size_t at = 0, len;

    while (at < s.len && (len = utf8_sequence(span_from(s, at))))
        at += len;
    return at;
}

static void assert_same(struct span s)
{
    if (utf8_valid_prefix(s) != one_at_a_time(s))
        fail_msg("%zu, not %zu, of %zu bytes are valid", utf8_valid_prefix(s), one_at_a_time(s), s.len);
}

static void what_is_wrong_is_found_wherever_it_is(void **state)
{
    static const char *const pieces[] = {
        "\x80", "\xff", "\xc3", "\xc3\xa9", "\xe2\x82\xac", "\xe2\x82", "\xf0\x9f\x98\x80", "\xed\xa0\x80"};
    char text[300];

    for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
        for (size_t at = 0; at < 200; at++)
            for (size_t behind = 0; behind < 80; behind += 13) {
                const size_t len = strlen(pieces[p]);

                memset(text, 'a', sizeof(text));
                memcpy(text + at, pieces[p], len);
                assert_same(span_of(text, at + len + behind));
                assert_int_equal(utf8_valid_prefix(span_of(text, at)), at);
            }
}

/* Mostly ASCII, with bytes of sequences among it that at times fit together. */
static void any_bytes_are_judged_as_their_sequences_are(void **state)
{
    static const unsigned char leads[] = {0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0x80, 0xff, 0};
    uint32_t random = 1;
    char text[256];

    for (unsigned round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(text); i++) {
            random = random * 1664525u + 1013904223u;
            text[i] = random >> 26 ? 'x' : (char)leads[(random >> 16) % sizeof(leads)];
        }
        if (round % 2) /* one whole sequence, so that the valid part is longer than the first guess */
            memcpy(text + (random >> 8) % 200, "\xe2\x82\xac", 3);
        assert_same(span_of(text, (random >> 12) % sizeof(text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_found_wherever_it_is),
        cmocka_unit_test(any_bytes_are_judged_as_their_sequences_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
