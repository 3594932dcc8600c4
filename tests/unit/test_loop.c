/* Tests of net/loop: timers in the order of their deadlines, also when the clock is moved, and deferred calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"

struct fixture {
    struct loop *loop;
    struct loop_timer *timers[3];
    struct loop_deferred *deferred;
    char order[16];
    size_t fired;
    uint64_t at_ms[16];
    unsigned restarts;
};

/* One per timer, so that each knows its name. */
struct named {
    struct fixture *f;
    char name;
};
static struct named named[3];

static void on_timer(void *arg)
{
    struct named *n = arg;

    n->f->at_ms[n->f->fired] = clock_mono_ms();
    n->f->order[n->f->fired++] = n->name;
}

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));

    f->loop = loop_new();
    for (size_t i = 0; i < 3; i++) {
        named[i] = (struct named){f, (char)('a' + i)};
        f->timers[i] = loop_timer_new(f->loop, on_timer, &named[i]);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 3; i++)
        loop_timer_free(f->timers[i]);
    loop_deferred_free(f->deferred);
    loop_free(f->loop);
    free(f);
    return 0;
}

static void timers_fire_in_the_order_of_their_deadlines(void **state)
{
    struct fixture *f = *state;

    loop_timer_start(f->timers[0], 30);
    loop_timer_start(f->timers[1], 10);
    loop_timer_start(f->timers[2], 20);
    loop_run(f->loop);
    assert_string_equal(f->order, "bca");
}

static void a_stopped_timer_does_not_fire(void **state)
{
    struct fixture *f = *state;

    loop_timer_start(f->timers[0], 1);
    loop_timer_start(f->timers[1], 2);
    loop_timer_stop(f->timers[0]);
    assert_false(loop_timer_active(f->timers[0]));
    assert_true(loop_timer_active(f->timers[1]));
    loop_run(f->loop);
    assert_string_equal(f->order, "b");
}

static void a_timer_started_again_has_its_new_deadline(void **state)
{
    struct fixture *f = *state;

    loop_timer_start(f->timers[0], 1);
    loop_timer_start(f->timers[1], 5);
    loop_timer_start(f->timers[0], 10);
    loop_run(f->loop);
    assert_string_equal(f->order, "ba");
}

static void moving_the_clock_fires_each_timer_at_its_own_moment(void **state)
{
    struct fixture *f = *state;
    const uint64_t start = clock_mono_ms();

    loop_timer_start(f->timers[0], 7200000);
    loop_timer_start(f->timers[1], 600000);
    loop_timer_start(f->timers[2], 7200001);
    loop_advance(f->loop, 7200000);
    assert_memory_equal(f->order, "ba", 2);
    assert_in_range(f->at_ms[0] - start, 600000, 600050);
    assert_in_range(f->at_ms[1] - start, 7200000, 7200050);
    assert_in_range(clock_mono_ms() - start, 7200000, 7200100);
}

static void on_restart(void *arg)
{
    struct fixture *f = arg;

    if (++f->restarts < 100)
        loop_timer_start(f->timers[0], 1000);
}

static void a_timer_that_starts_itself_again_fires_for_each_of_its_deadlines(void **state)
{
    struct fixture *f = *state;

    loop_timer_free(f->timers[0]);
    f->timers[0] = loop_timer_new(f->loop, on_restart, f);
    loop_timer_start(f->timers[0], 1000);
    loop_advance(f->loop, 10500);
    assert_int_equal(f->restarts, 10);
    loop_timer_stop(f->timers[0]);
}

static void on_turn(void *arg)
{
    struct fixture *f = arg;

    if (++f->restarts < 3)
        loop_deferred_start(f->deferred);
}

static void a_deferred_call_may_ask_for_itself_again_without_an_event(void **state)
{
    struct fixture *f = *state;

    f->deferred = loop_deferred_new(f->loop, on_turn, f);
    loop_deferred_start(f->deferred);
    loop_run(f->loop);
    assert_int_equal(f->restarts, 3);
}

static void on_ready(void *arg, bool readable, bool hung_up)
{
    struct fixture *f = arg;

    assert_true(readable);
    loop_stop(f->loop);
}

static void a_paused_descriptor_is_not_reported(void **state)
{
    struct fixture *f = *state;
    int fd = eventfd(1, EFD_NONBLOCK);
    struct loop_watch *watch = loop_watch_new(f->loop, fd, on_ready, f);

    loop_watch_pause(watch);
    loop_timer_start(f->timers[0], 5);
    loop_run(f->loop); /* ends when the timer has fired: nothing else is waited for */
    assert_string_equal(f->order, "a");
    loop_watch_resume(watch);
    loop_run(f->loop);
    loop_watch_free(watch);
    close(fd);
}

/* ---- bells ---- */

struct bell {
    struct fixture *f;
    int fd;
    unsigned rings;
};

static void on_ring(void *arg, bool readable, bool hung_up)
{
    struct bell *b = arg;
    const uint64_t one = 1;

    assert_true(readable);
    if (++b->rings == 20)
        loop_stop(b->f->loop);
    else
        assert_int_equal(write(b->fd, &one, sizeof(one)), sizeof(one));
}

/* The first callback may come twice: for the ring, and when the bell becomes an edge. */
static void a_bell_calls_back_for_each_ring_without_being_read(void **state)
{
    struct fixture *f = *state;
    struct bell b = {.f = f, .fd = eventfd(1, EFD_NONBLOCK)};
    struct loop_watch *watch = loop_watch_new_bell(f->loop, b.fd, on_ring, &b);
    uint64_t count;

    assert_false(loop_watch_is_edge(watch));
    loop_run(f->loop);
    assert_true(loop_watch_is_edge(watch));
    assert_int_equal(b.rings, 20);
    assert_int_equal(read(b.fd, &count, sizeof(count)), sizeof(count));
    assert_int_equal(count, b.rings); /* it had rung once before, and the last did not ring again */
    loop_watch_free(watch);
    close(b.fd);
}

/* ---- pauses ---- */

static void note(struct fixture *f, char what)
{
    f->order[f->fired++] = what;
}

static void on_pause(void *arg)
{
    note(arg, 'p');
}

static void on_deferred(void *arg)
{
    struct fixture *f = arg;

    note(f, 'd');
    loop_stop(f->loop);
}

static void on_ready_to_note(void *arg, bool readable, bool hung_up)
{
    struct fixture *f = arg;

    note(f, 'r');
    loop_deferred_start(f->deferred);
}

static void a_pause_comes_behind_a_descriptor_and_behind_what_was_deferred(void **state)
{
    struct fixture *f = *state;
    int fd = eventfd(1, EFD_NONBLOCK);
    struct loop_watch *watch = loop_watch_new(f->loop, fd, on_ready_to_note, f);

    loop_set_pause(f->loop, on_pause, f);
    f->deferred = loop_deferred_new(f->loop, on_deferred, f);
    loop_run(f->loop);
    assert_memory_equal(f->order, "prpdp", 5); /* before it waits; after the descriptor; after what was deferred */
    loop_set_pause(f->loop, NULL, NULL);
    loop_watch_free(watch);
    close(fd);
}

/* What was told of a socket, in order: r, h and w. */
static void on_socket(void *arg, bool readable, bool hung_up)
{
    struct fixture *f = arg;

    f->order[f->fired++] = hung_up ? 'h' : readable ? 'r' : 'w';
    loop_stop(f->loop);
}

static void a_descriptor_is_reported_for_what_is_wanted_of_it_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct loop_watch *watch;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    watch = loop_watch_new(f->loop, pair[0], on_socket, f);
    loop_run(f->loop);
    loop_watch_want(watch, LOOP_WRITABLE);
    loop_run(f->loop);
    loop_watch_want(watch, 0);
    loop_timer_start(f->timers[0], 5);
    loop_run(f->loop); /* ends when the timer has fired */
    loop_watch_want(watch, LOOP_HANGUP);
    close(pair[1]);
    loop_run(f->loop);
    assert_string_equal(f->order, "rwah");
    loop_watch_free(watch);
    close(pair[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_the_order_of_their_deadlines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stopped_timer_does_not_fire, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_started_again_has_its_new_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moving_the_clock_fires_each_timer_at_its_own_moment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_that_starts_itself_again_fires_for_each_of_its_deadlines, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_deferred_call_may_ask_for_itself_again_without_an_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_paused_descriptor_is_not_reported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bell_calls_back_for_each_ring_without_being_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pause_comes_behind_a_descriptor_and_behind_what_was_deferred, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_descriptor_is_reported_for_what_is_wanted_of_it_and_nothing_else, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
