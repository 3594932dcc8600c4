/* test_clock.c - the two clocks, moving them, and how times are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define HOUR_MS (3600u * 1000)

static uint64_t system_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void the_clocks_are_the_systems_plus_the_offset(void **state)
{
    const uint64_t before = system_ns(CLOCK_MONOTONIC) + clock_offset_ns();
    const uint64_t now = clock_mono_ns();
    const uint64_t after = system_ns(CLOCK_MONOTONIC) + clock_offset_ns();

    assert_true(before <= now && now <= after);
}

static void the_wall_clock_counts_from_1970(void **state)
{
    const uint64_t before = (system_ns(CLOCK_REALTIME) + clock_offset_ns()) / 1000000;
    const uint64_t now = clock_wall_ms();
    const uint64_t after = (system_ns(CLOCK_REALTIME) + clock_offset_ns()) / 1000000;

    assert_true(before <= now && now <= after);
}

static void milliseconds_and_nanoseconds_agree(void **state)
{
    const uint64_t before = clock_mono_ns() / 1000000;
    const uint64_t now = clock_mono_ms();

    assert_true(before <= now && now <= clock_mono_ns() / 1000000);
}

static void both_clocks_move_forward_together(void **state)
{
    const uint64_t offset_ns = clock_offset_ns();
    const uint64_t mono_ms = clock_mono_ms();
    const uint64_t wall_ms = clock_wall_ms();

    clock_advance_ms(2 * HOUR_MS);
    assert_int_equal(clock_offset_ns() - offset_ns, 2ull * HOUR_MS * 1000000);
    assert_in_range(clock_mono_ms() - mono_ms, 2 * HOUR_MS, 2 * HOUR_MS + 60000);
    assert_in_range(clock_wall_ms() - wall_ms, 2 * HOUR_MS, 2 * HOUR_MS + 60000);
    clock_advance_ms(0);
    assert_int_equal(clock_offset_ns() - offset_ns, 2ull * HOUR_MS * 1000000);
}

static void steps_add_up_to_the_whole_way(void **state)
{
    const uint64_t offset_ns = clock_offset_ns();
    uint64_t last_ms = clock_mono_ms();

    for (uint64_t step_ms = 1; step_ms <= 1000; step_ms++) {
        clock_advance_ms(step_ms);
        assert_true(clock_mono_ms() >= last_ms + step_ms);
        last_ms = clock_mono_ms();
    }
    assert_int_equal(clock_offset_ns() - offset_ns, 1000ull * 1001 / 2 * 1000000);
}

static void the_systems_own_clock_stays_when_ours_is_moved(void **state)
{
    const uint64_t before = system_ns(CLOCK_MONOTONIC) / 1000000;
    uint64_t now;

    clock_advance_ms(HOUR_MS);
    now = clock_system_ms();
    assert_true(before <= now && now <= system_ns(CLOCK_MONOTONIC) / 1000000);
}

static void held_clocks_stand_still_until_they_are_released_or_moved(void **state)
{
    uint64_t mono_ns, wall_ms, passed_ns;
    struct timespec began, now;

    clock_hold();
    mono_ns = clock_mono_ns();
    wall_ms = clock_wall_ms();
    clock_gettime(CLOCK_MONOTONIC, &began);
    do { /* long enough for both to show another time */
        clock_gettime(CLOCK_MONOTONIC, &now);
        passed_ns = (uint64_t)(now.tv_sec - began.tv_sec) * 1000000000u + (uint64_t)(now.tv_nsec - began.tv_nsec);
    } while ((int64_t)passed_ns < 2000000);
    clock_hold(); /* as one that holds them calls another that does */
    assert_true(clock_mono_ns() == mono_ns);
    clock_release();
    assert_true(clock_mono_ns() == mono_ns && clock_wall_ms() == wall_ms);
    clock_advance_ms(10);
    assert_true(clock_mono_ns() == mono_ns + 10000000 && clock_wall_ms() == wall_ms + 10);
    clock_release();
    assert_true(clock_mono_ns() >= mono_ns + 12000000 && clock_wall_ms() >= wall_ms + 11);
}

static void a_day_later_it_is_the_next_day(void **state)
{
    const uint64_t day_ms = 24ull * HOUR_MS;
    const uint64_t today = clock_wall_ms();
    uint64_t tomorrow;

    clock_advance_ms(day_ms);
    tomorrow = clock_wall_ms();
    assert_in_range(tomorrow - today, day_ms, day_ms + 60000);
}

struct format {
    uint64_t wall_ms;
    const char *clf, *iso, *basic, *http;
};

/* clang-format off */
static const struct format formats[] = {
    {0, "01/Jan/1970:00:00:00 +0000", "1970-01-01T00:00:00.000Z", "19700101T000000Z",
     "Thu, 01 Jan 1970 00:00:00 GMT"},
    {1731324924561, "11/Nov/2024:11:35:24 +0000", "2024-11-11T11:35:24.561Z", "20241111T113524Z",
     "Mon, 11 Nov 2024 11:35:24 GMT"},
    {1605442994726, "15/Nov/2020:12:23:14 +0000", "2020-11-15T12:23:14.726Z", "20201115T122314Z",
     "Sun, 15 Nov 2020 12:23:14 GMT"},
    {1709164799999, "28/Feb/2024:23:59:59 +0000", "2024-02-28T23:59:59.999Z", "20240228T235959Z",
     "Wed, 28 Feb 2024 23:59:59 GMT"},
    {1709164800000, "29/Feb/2024:00:00:00 +0000", "2024-02-29T00:00:00.000Z", "20240229T000000Z",
     "Thu, 29 Feb 2024 00:00:00 GMT"},
    {1767225599007, "31/Dec/2025:23:59:59 +0000", "2025-12-31T23:59:59.007Z", "20251231T235959Z",
     "Wed, 31 Dec 2025 23:59:59 GMT"},
    {4102444800000, "01/Jan/2100:00:00:00 +0000", "2100-01-01T00:00:00.000Z", "21000101T000000Z",
     "Fri, 01 Jan 2100 00:00:00 GMT"},
    {253402300799999, "31/Dec/9999:23:59:59 +0000", "9999-12-31T23:59:59.999Z", "99991231T235959Z",
     "Fri, 31 Dec 9999 23:59:59 GMT"},
    {253402300800000, "31/Dec/9999:23:59:59 +0000", "9999-12-31T23:59:59.999Z", "99991231T235959Z",
     "Fri, 31 Dec 9999 23:59:59 GMT"},
    {UINT64_MAX, "31/Dec/9999:23:59:59 +0000", "9999-12-31T23:59:59.999Z", "99991231T235959Z",
     "Fri, 31 Dec 9999 23:59:59 GMT"},
};
/* clang-format on */

static void times_are_written_as_aws_writes_them(void **state)
{
    char clf[CLOCK_CLF_SIZE];
    char iso[CLOCK_ISO_SIZE];
    char basic[CLOCK_BASIC_SIZE];
    char http[CLOCK_HTTP_SIZE];

    for (size_t i = 0; i < COUNT(formats); i++) {
        clock_format_clf(formats[i].wall_ms, clf);
        clock_format_iso(formats[i].wall_ms, iso);
        clock_format_basic(formats[i].wall_ms, basic);
        clock_format_http(formats[i].wall_ms, http);
        assert_string_equal(clf, formats[i].clf);
        assert_string_equal(iso, formats[i].iso);
        assert_string_equal(basic, formats[i].basic);
        assert_string_equal(http, formats[i].http);
    }
}

static void every_month_has_its_name(void **state)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char clf[CLOCK_CLF_SIZE];

    for (unsigned month = 0; month < COUNT(names); month++) {
        clock_format_clf((15 + month * 61ull / 2) * 24 * HOUR_MS, clf);
        assert_memory_equal(clf + 3, names[month], 3);
    }
}

/* Last, because the clock stays where this leaves it. */
static void moving_too_far_stops_after_a_century(void **state)
{
    const uint64_t century_ms = 100ull * 366 * 24 * HOUR_MS;

    clock_advance_ms(UINT64_MAX);
    assert_int_equal(clock_offset_ns() / 1000000, century_ms);
    clock_advance_ms(UINT64_MAX);
    clock_advance_ms(1);
    assert_int_equal(clock_offset_ns() / 1000000, century_ms);
    assert_true(clock_mono_ms() >= century_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clocks_are_the_systems_plus_the_offset),
        cmocka_unit_test(the_wall_clock_counts_from_1970),
        cmocka_unit_test(milliseconds_and_nanoseconds_agree),
        cmocka_unit_test(both_clocks_move_forward_together),
        cmocka_unit_test(steps_add_up_to_the_whole_way),
        cmocka_unit_test(the_systems_own_clock_stays_when_ours_is_moved),
        cmocka_unit_test(held_clocks_stand_still_until_they_are_released_or_moved),
        cmocka_unit_test(a_day_later_it_is_the_next_day),
        cmocka_unit_test(times_are_written_as_aws_writes_them),
        cmocka_unit_test(every_month_has_its_name),
        cmocka_unit_test(moving_too_far_stops_after_a_century),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
