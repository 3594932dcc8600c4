/* test_buf.c - the growable buffer, and the memory under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void assert_content(const struct buf *b, const char *expected)
{
    assert_int_equal(b->len, strlen(expected));
    assert_memory_equal(b->ptr, expected, b->len);
}

static void a_new_buffer_is_empty_and_owns_nothing(void **state)
{
    struct buf b = {0};

    assert_int_equal(buf_span(&b).len, 0);
    buf_consume(&b, 0);
    buf_clear(&b, 0);
    buf_fini(&b);
    buf_fini(&b);
    assert_null(b.ptr);
}

static void appends_stand_one_behind_the_other(void **state)
{
    CLEANUP(buf_fini) struct buf b = {0};

    buf_append(&b, SPAN("ab"));
    buf_append(&b, (struct span){0});
    buf_append_str(&b, "cd");
    buf_append_str(&b, "");
    buf_append_char(&b, 'e');
    buf_printf(&b, "-%d-%s", 42, "f");
    assert_content(&b, "abcde-42-f");
}

static void reserve_gives_room_that_counts_once_it_is_used(void **state)
{
    CLEANUP(buf_fini) struct buf b = {0};

    for (size_t more = 0; more < 5000; more += 97) {
        char *room = buf_reserve(&b, more);

        assert_non_null(room);
        assert_ptr_equal(room, b.ptr + b.len);
        assert_true(b.cap - b.len >= more);
        memset(room, 'x', more);
        assert_int_equal(b.len, more ? more - 97 : 0);
        b.len = more;
    }
}

static void printf_grows_as_far_as_it_needs(void **state)
{
    CLEANUP(buf_fini) struct buf b = {0};
    char text[1001];

    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 20; i++)
        buf_printf(&b, "%s%02d", text, i);
    assert_int_equal(b.len, 20 * 1002);
    assert_memory_equal(b.ptr + b.len - 2, "19", 2);
}

static void a_long_row_of_appends_grows_by_doubling(void **state)
{
    CLEANUP(buf_fini) struct buf b = {0};
    size_t cap = 0;
    int grown = 0;

    for (int i = 0; i < 100000; i++) {
        buf_append_char(&b, (char)i);
        grown += b.cap != cap;
        cap = b.cap;
    }
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.ptr[i], (char)i);
    assert_true(grown < 20);
}

static void consume_drops_from_the_front(void **state)
{
    CLEANUP(buf_fini) struct buf b = {0};

    buf_append_str(&b, "abcdef");
    buf_consume(&b, 0);
    buf_consume(&b, 2);
    assert_content(&b, "cdef");
    buf_append_char(&b, 'g');
    assert_content(&b, "cdefg");
    buf_consume(&b, 5);
    assert_content(&b, "");
}

static void clear_keeps_memory_up_to_what_it_is_told(void **state)
{
    CLEANUP(buf_fini) struct buf b = {0};

    buf_reserve(&b, 10000);
    b.len = 1;
    buf_clear(&b, b.cap);
    assert_int_equal(b.len, 0);
    assert_true(b.cap >= 10000);
    buf_clear(&b, 4096);
    assert_int_equal(b.cap, 0);
    assert_null(b.ptr);
    buf_append_str(&b, "again");
    assert_content(&b, "again");
}

static void a_terminator_does_not_count(void **state)
{
    CLEANUP(buf_fini) struct buf b = {0};

    assert_string_equal(buf_terminate(&b), "");
    buf_append_str(&b, "abc");
    assert_string_equal(buf_terminate(&b), "abc");
    assert_int_equal(b.len, 3);
    b.len = b.cap; /* the terminator needs a byte that is not there */
    memset(b.ptr, 'z', b.cap);
    assert_int_equal(strlen(buf_terminate(&b)), b.len);
}

static void copies_are_terminated(void **state)
{
    CLEANUP(free) char *from_span = mem_span_dup(span_of("abcdef", 3));
    CLEANUP(free) char *from_nothing = mem_span_dup((struct span){0});
    CLEANUP(free) char *from_string = mem_strdup("xyz");
    CLEANUP(free) char *printed = mem_printf("%s:%d", "a", 7);

    assert_string_equal(from_span, "abc");
    assert_string_equal(from_nothing, "");
    assert_string_equal(from_string, "xyz");
    assert_string_equal(printed, "a:7");
}

static void no_bytes_are_memory_too(void **state)
{
    CLEANUP(free) char *a = mem_alloc(0);
    CLEANUP(free) char *z = mem_zalloc(0);
    char *r = mem_realloc(mem_alloc(8), 0);

    assert_non_null(a);
    assert_non_null(z);
    assert_non_null(r);
    free(TAKE(r));
    assert_null(r);
}

static void zeroed_memory_is_zero(void **state)
{
    CLEANUP(free) unsigned char *bytes = mem_zalloc(1000);

    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(bytes[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_is_empty_and_owns_nothing),
        cmocka_unit_test(appends_stand_one_behind_the_other),
        cmocka_unit_test(reserve_gives_room_that_counts_once_it_is_used),
        cmocka_unit_test(printf_grows_as_far_as_it_needs),
        cmocka_unit_test(a_long_row_of_appends_grows_by_doubling),
        cmocka_unit_test(consume_drops_from_the_front),
        cmocka_unit_test(clear_keeps_memory_up_to_what_it_is_told),
        cmocka_unit_test(a_terminator_does_not_count),
        cmocka_unit_test(copies_are_terminated),
        cmocka_unit_test(no_bytes_are_memory_too),
        cmocka_unit_test(zeroed_memory_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
