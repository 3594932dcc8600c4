/* test_token_bucket.c - a rate with a burst, moment by moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gateway/token_bucket.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS 1000000ull
#define S (1000 * MS)
#define DAY (86400 * S)

/* How many of `tries` requests at one moment pass. */
static unsigned take(struct token_bucket *bucket, uint64_t now_ns, unsigned tries)
{
    unsigned passed = 0;

    for (unsigned i = 0; i < tries; i++)
        passed += token_bucket_take(bucket, now_ns);
    return passed;
}

static void a_new_bucket_has_its_burst_whenever_it_is_first_asked(void **state)
{
    static const uint64_t moments[] = {0, 1, 17 * S, 365 * DAY};

    for (size_t i = 0; i < COUNT(moments); i++) {
        struct token_bucket bucket;

        token_bucket_init(&bucket, 1, 5);
        assert_int_equal(take(&bucket, moments[i], 100), 5);
    }
}

static void tokens_come_back_at_the_rate(void **state)
{
    static const struct {
        double rate, burst;
        uint64_t pause_ns;
        unsigned passed;
    } cases[] = {
        {1, 5, S - 1000, 0},     {1, 5, S, 1},          {1, 5, 3 * S, 3},       {1, 5, 5 * S, 5},
        {1, 5, 6 * S, 5},        {1, 5, 1000 * S, 5},   {0.5, 2, S, 0},         {0.5, 2, 2 * S, 1},
        {0.5, 2, 4 * S, 2},      {10000, 5000, MS, 10}, {10000, 5000, S, 5000}, {10000, 5000, 100000, 1},
        {10000, 5000, 99000, 0}, {3, 1, S / 3 + 1, 1},  {0.001, 1, 999 * S, 0}, {0.001, 1, 1000 * S, 1},
        {100, 1.5, S, 1},        {1, 5, 0, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct token_bucket bucket;
        unsigned passed;

        token_bucket_init(&bucket, cases[i].rate, cases[i].burst);
        take(&bucket, 7 * S, 10000);
        passed = take(&bucket, 7 * S + cases[i].pause_ns, 10000);
        if (passed != cases[i].passed)
            fail_msg("%g/s, burst %g, %llu ns: %u", cases[i].rate, cases[i].burst,
                     (unsigned long long)cases[i].pause_ns, passed);
    }
}

static void a_limit_of_zero_lets_nothing_pass(void **state)
{
    static const struct {
        double rate, burst;
    } cases[] = {{0, 5}, {5, 0}, {0, 0}, {5, 0.99}, {-1, 5}, {5, -1}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct token_bucket bucket;

        token_bucket_init(&bucket, cases[i].rate, cases[i].burst);
        assert_int_equal(take(&bucket, 0, 10), 0);
        assert_int_equal(take(&bucket, DAY, 10), 0);
    }
}

/* A request just as often as the rate allows passes each time, whatever a double makes of its fraction of a second. */
static void a_steady_rate_is_never_refused(void **state)
{
    static const unsigned rates[] = {1, 3, 5, 7, 10, 25, 333, 640, 1000, 100000};

    for (size_t i = 0; i < COUNT(rates); i++) {
        const uint64_t pause_ns = (S + rates[i] - 1) / rates[i];
        struct token_bucket bucket;

        token_bucket_init(&bucket, rates[i], 1);
        for (uint64_t request = 0; request < 20000; request++)
            if (!token_bucket_take(&bucket, request * pause_ns))
                fail_msg("%u/s: request %llu", rates[i], (unsigned long long)request);
    }
}

static void a_rate_is_kept_over_a_long_time(void **state)
{
    struct token_bucket bucket;
    unsigned passed = 0;

    token_bucket_init(&bucket, 100, 50);
    for (uint64_t ms = 0; ms <= 60000; ms++)
        passed += take(&bucket, ms * MS, 3);
    assert_in_range(passed, 50 + 6000 - 1, 50 + 6000 + 1);
}

/* Asked each millisecond, a bucket is filled in steps: ten times a tenth is less than one to a double. */
static void a_refused_request_takes_nothing_and_delays_nothing(void **state)
{
    static const unsigned rates[] = {1, 2, 10, 20, 50, 100, 200};

    for (size_t i = 0; i < COUNT(rates); i++) {
        const uint64_t due_ms = 1000 / rates[i];
        struct token_bucket bucket;

        token_bucket_init(&bucket, rates[i], 1);
        assert_int_equal(take(&bucket, 0, 1), 1);
        for (uint64_t ms = 1; ms < due_ms; ms++)
            assert_int_equal(take(&bucket, ms * MS, 1), 0);
        assert_int_equal(take(&bucket, due_ms * MS, 2), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_bucket_has_its_burst_whenever_it_is_first_asked),
        cmocka_unit_test(tokens_come_back_at_the_rate),
        cmocka_unit_test(a_limit_of_zero_lets_nothing_pass),
        cmocka_unit_test(a_steady_rate_is_never_refused),
        cmocka_unit_test(a_rate_is_kept_over_a_long_time),
        cmocka_unit_test(a_refused_request_takes_nothing_and_delays_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
