/* Where the buffers of connections come from: no pages for those that nobody writes to, and all else as from malloc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/receive_buffers.h"

#define READ_BYTES (32u * 1024u + 20u)
#define MANY 1000u

static char *take(void)
{
    char *p = receive_buffers_realloc(NULL, READ_BYTES, "rx_ubuf");

    assert_non_null(p);
    return p;
}

static void drop(void *p)
{
    assert_null(receive_buffers_realloc(p, 0, "free"));
}

/* How many pages of the buffer are there. */
static size_t pages_of(const char *p)
{
    unsigned char there[RECEIVE_BUFFER_BYTES_MAX / 4096];
    size_t count = 0;

    assert_int_equal((uintptr_t)p % 4096, 0);
    assert_int_equal(mincore((void *)(uintptr_t)p, RECEIVE_BUFFER_BYTES_MAX, there), 0);
    for (size_t i = 0; i < sizeof(there); i++)
        count += there[i] & 1;
    return count;
}

static void a_buffer_that_nobody_wrote_to_has_no_pages(void **state)
{
    char *p = take();

    assert_int_equal(sysconf(_SC_PAGESIZE), 4096);
    assert_int_equal(pages_of(p), 0);
    p[0] = 'x';
    assert_int_equal(pages_of(p), 1);
    drop(p);
}

static void buffers_do_not_overlap(void **state)
{
    static char *all[MANY];

    for (unsigned i = 0; i < MANY; i++) {
        all[i] = take();
        memset(all[i], (int)(i % 251), READ_BYTES);
    }
    for (unsigned i = 0; i < MANY; i++)
        for (unsigned at = 0; at < READ_BYTES; at += 1021)
            assert_int_equal((unsigned char)all[i][at], i % 251);
    for (unsigned i = 0; i < MANY; i++)
        drop(all[i]);
}

static void most_of_those_that_are_given_back_have_no_pages(void **state)
{
    static char *all[MANY];
    size_t pages = 0;

    for (unsigned i = 0; i < MANY; i++)
        memset(all[i] = take(), 1, READ_BYTES);
    for (unsigned i = 0; i < MANY; i++)
        drop(all[i]);
    for (unsigned i = 0; i < MANY; i++)
        pages += pages_of(all[i]);
    assert_in_range(pages, 0, 64 * RECEIVE_BUFFER_BYTES_MAX / 4096);
}

static void the_last_one_given_back_is_the_next_one_taken(void **state)
{
    char *p = take();

    drop(p);
    assert_ptr_equal(take(), p);
    drop(p);
}

static void a_buffer_may_grow_out_of_its_place(void **state)
{
    char *p = take(), *q;

    memset(p, 7, READ_BYTES);
    assert_ptr_equal(receive_buffers_realloc(p, 100, "smaller"), p);
    q = receive_buffers_realloc(p, 100 * 1024, "larger");
    assert_non_null(q);
    assert_ptr_not_equal(q, p);
    for (unsigned at = 0; at < READ_BYTES; at++)
        assert_int_equal(q[at], 7);
    drop(q);
    assert_ptr_equal(take(), p);
    drop(p);
}

static void what_is_no_buffer_comes_from_malloc(void **state)
{
    char *p = receive_buffers_realloc(NULL, 100, "ws struct");
    char *large = receive_buffers_realloc(NULL, RECEIVE_BUFFER_BYTES_MAX + 1, "rx_ubuf");

    assert_non_null(p);
    assert_non_null(large);
    memset(large, 1, RECEIVE_BUFFER_BYTES_MAX + 1);
    memset(p, 5, 100);
    p = receive_buffers_realloc(p, 200000, "more");
    assert_non_null(p);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(p[i], 5);
    free(p); /* or this is none of malloc's */
    drop(large);
    assert_null(receive_buffers_realloc(NULL, 0, "nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_that_nobody_wrote_to_has_no_pages),
        cmocka_unit_test(buffers_do_not_overlap),
        cmocka_unit_test(most_of_those_that_are_given_back_have_no_pages),
        cmocka_unit_test(the_last_one_given_back_is_the_next_one_taken),
        cmocka_unit_test(a_buffer_may_grow_out_of_its_place),
        cmocka_unit_test(what_is_no_buffer_comes_from_malloc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
