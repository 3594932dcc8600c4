/* test_arena.c - the memory of an invocation: aligned, zeroed, bounded, and reused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/arena.h"

#define MEGABYTE (1024u * 1024u)

static int set_up(void **state)
{
    static struct arena arena;

    arena_init(&arena, MEGABYTE, false);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(*state);
    return 0;
}

static bool is_zero(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

static void memory_of_any_size_is_aligned_for_everything(void **state)
{
    struct arena *a = *state;

    for (size_t size = 0; size < 100; size++)
        assert_int_equal((uintptr_t)arena_allocate(a, size) % _Alignof(max_align_t), 0);
    assert_int_equal((uintptr_t)arena_allocate(a, 300000) % _Alignof(max_align_t), 0);
}

static void allocations_do_not_overlap(void **state)
{
    struct arena *a = *state;
    char *pieces[200];

    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_allocate(a, i * 7);
        assert_non_null(pieces[i]);
        memset(pieces[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t byte = 0; byte < i * 7; byte++)
            assert_int_equal((unsigned char)pieces[i][byte], i);
}

static void memory_is_zero_also_when_it_was_used_before(void **state)
{
    static const size_t sizes[] = {1, 24, 4000, 16000, 20000, 60000, 200000};
    struct arena *a = *state;

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            char *bytes = arena_allocate(a, sizes[i]);

            assert_non_null(bytes);
            assert_true(is_zero(bytes, sizes[i]));
            memset(bytes, 0xff, sizes[i]);
        }
        arena_reset(a);
    }
}

static void a_chunk_of_64_kb_is_kept_and_no_more(void **state)
{
    struct arena *a = *state;
    void *first = arena_allocate(a, 8);

    for (int i = 0; i < 30; i++)
        assert_non_null(arena_allocate(a, 16000));
    assert_true(a->taken_bytes > 400000);
    arena_reset(a);
    assert_int_equal(a->taken_bytes, ARENA_KEEP_BYTES);
    first = arena_allocate(a, 8);
    arena_reset(a);
    assert_ptr_equal(arena_allocate(a, 8), first);
    assert_int_equal(a->taken_bytes, ARENA_KEEP_BYTES);
}

static void what_was_never_needed_is_not_kept(void **state)
{
    struct arena *a = *state;

    assert_non_null(arena_allocate(a, 500000));
    arena_reset(a);
    assert_int_equal(a->taken_bytes, 0);
}

static void a_handler_that_never_stops_allocating_is_refused_in_the_end(void **state)
{
    static const size_t sizes[] = {1, 100, 10000, 50000};
    struct arena *a = *state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        size_t given = 0;

        while (arena_allocate(a, sizes[i])) {
            given += sizes[i];
            assert_true(given <= MEGABYTE);
            assert_true(a->taken_bytes <= MEGABYTE);
        }
        assert_true(given > 0);
        arena_reset(a);
        assert_non_null(arena_allocate(a, sizes[i]));
        arena_reset(a);
    }
}

static void a_size_over_all_bounds_is_refused_and_harms_nothing(void **state)
{
    struct arena *a = *state;

    assert_null(arena_allocate(a, SIZE_MAX));
    assert_null(arena_allocate(a, SIZE_MAX - 8));
    assert_null(arena_allocate(a, SIZE_MAX / 2));
    assert_null(arena_allocate(a, MEGABYTE));
    assert_non_null(arena_allocate(a, MEGABYTE / 2));
}

static void an_arena_smaller_than_a_chunk_can_be_used_up(void **state)
{
    struct arena a;

    arena_init(&a, 1000, false);
    assert_non_null(arena_allocate(&a, 100));
    assert_null(arena_allocate(&a, 1000));
    assert_non_null(arena_allocate(&a, 100));
    arena_fini(&a);

    arena_init(&a, 0, false);
    assert_null(arena_allocate(&a, 1));
    arena_fini(&a);
}

static void separate_allocations_share_nothing_and_none_is_kept(void **state)
{
    struct arena a;
    char *first, *second;

    arena_init(&a, MEGABYTE, true);
    first = arena_allocate(&a, 3);
    second = arena_allocate(&a, 5);
    assert_true(is_zero(first, 3) && is_zero(second, 5));
#ifdef __SANITIZE_ADDRESS__
    extern int __asan_address_is_poisoned(const volatile void *at);
    assert_false(__asan_address_is_poisoned(first + 2));
    assert_true(__asan_address_is_poisoned(first + 3));
    assert_true(__asan_address_is_poisoned(second + 5));
#endif
    arena_reset(&a);
    assert_int_equal(a.taken_bytes, 0);
    assert_null(a.chunks);
#ifdef __SANITIZE_ADDRESS__
    assert_true(__asan_address_is_poisoned(first));
#endif
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_of_any_size_is_aligned_for_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allocations_do_not_overlap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_zero_also_when_it_was_used_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chunk_of_64_kb_is_kept_and_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_never_needed_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_handler_that_never_stops_allocating_is_refused_in_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_size_over_all_bounds_is_refused_and_harms_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_arena_smaller_than_a_chunk_can_be_used_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(separate_allocations_share_nothing_and_none_is_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
