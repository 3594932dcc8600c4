/* test_process.c - what a process that the loop starts is like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "function/process.h"
#include "net/loop.h"

struct fixture {
    struct loop *loop;
    long child_ns;
    int loop_ns;
};

/* Runs /bin/cat on what the kernel says of its timers. */
static void start_child(void *arg)
{
    struct fixture *f = arg;
    char *arguments[] = {(char *)"cat", (char *)"/proc/self/timerslack_ns", NULL};
    char *variables[] = {NULL};
    char text[32] = "";
    struct process p;
    int ends[2];

    f->loop_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const struct process_start start = {.program = "/bin/cat",
                                        .arguments = arguments,
                                        .variables = variables,
                                        .fds = {-1, ends[1], STDERR_FILENO},
                                        .fd_count = 3};
    assert_int_equal(process_spawn(&start, &p), 0);
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    close(ends[0]);
    process_close(&p);
    f->child_ns = strtol(text, NULL, 10);
    assert_int_equal(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), f->loop_ns);
    loop_stop(f->loop);
}

static void a_process_has_the_punctual_timers_that_the_emulator_was_started_with(void **state)
{
    struct fixture f = {.loop = loop_new()};
    struct loop_timer *timer = loop_timer_new(f.loop, start_child, &f);
    const int before_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);

    (void)state;
    loop_timer_start(timer, 1);
    loop_run(f.loop);
    assert_true(f.loop_ns > before_ns);
    assert_int_equal(f.child_ns, before_ns);
    assert_int_equal(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), before_ns);
    loop_timer_free(timer);
    loop_free(f.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_has_the_punctual_timers_that_the_emulator_was_started_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
