/* test_log_tail.c - the last 4 KB of an invocation's log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "function/log_tail.h"

static void log_tail_free_ptr(struct log_tail **tail)
{
    log_tail_free(*tail);
}

static void lines_stand_one_below_the_other(void **state)
{
    CLEANUP(log_tail_free) struct log_tail *tail = log_tail_new();

    assert_int_equal(log_tail_get(tail).len, 0);
    log_tail_add(tail, SPAN("START"));
    log_tail_add(tail, SPAN(""));
    log_tail_add(tail, SPAN("END"));
    assert_int_equal(log_tail_get(tail).len, 11);
    assert_memory_equal(log_tail_get(tail).ptr, "START\n\nEND\n", 11);
}

static void of_many_lines_the_last_bytes_are_kept_and_no_more(void **state)
{
    CLEANUP(log_tail_free) struct log_tail *tail = log_tail_new();
    char line[32], expected[LOG_TAIL_BYTES + 64];
    size_t len = 0;

    for (unsigned i = 0; i < 5000; i++)
        log_tail_add(tail, span_of(line, (size_t)snprintf(line, sizeof(line), "line %u", i)));
    for (unsigned i = 4000; i < 5000; i++) {
        if (len > sizeof(expected) - 32)
            len = 0;
        len += (size_t)snprintf(expected + len, sizeof(expected) - len, "line %u\n", i);
    }
    assert_int_equal(log_tail_get(tail).len, LOG_TAIL_BYTES);
    assert_memory_equal(log_tail_get(tail).ptr + LOG_TAIL_BYTES - 10, "line 4999\n", 10);
    assert_memory_equal(log_tail_get(tail).ptr + LOG_TAIL_BYTES - len, expected, len);
}

static void a_line_longer_than_all_is_kept_from_its_end(void **state)
{
    CLEANUP(log_tail_free) struct log_tail *tail = log_tail_new();
    CLEANUP(free) char *line = mem_alloc(10 * LOG_TAIL_BYTES);

    memset(line, 'a', 10 * LOG_TAIL_BYTES);
    line[10 * LOG_TAIL_BYTES - 1] = 'z';
    log_tail_add(tail, span_of(line, 10 * LOG_TAIL_BYTES));
    assert_int_equal(log_tail_get(tail).len, LOG_TAIL_BYTES);
    assert_memory_equal(log_tail_get(tail).ptr + LOG_TAIL_BYTES - 3, "az\n", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_stand_one_below_the_other),
        cmocka_unit_test(of_many_lines_the_last_bytes_are_kept_and_no_more),
        cmocka_unit_test(a_line_longer_than_all_is_kept_from_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
