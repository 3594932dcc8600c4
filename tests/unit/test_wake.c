/* test_wake.c - when a host is woken, and when it has to ring: the host is played in this process, on its side of a
 * real channel, and the time stands still unless a test moves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <apigw/plugin.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "config/config.h"
#include "function/channel.h"
#include "function/function.h"
#include "function/process.h"
#include "function/protocol.h"

/* ---- the machine ---- */

static unsigned cpus;
static struct timespec now = {.tv_sec = 1000};
static unsigned wakes; /* of the host */
static void (*on_wake)(void);

unsigned uv_available_parallelism(void)
{
    return cpus;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    (void)clock;
    *ret = now;
    return 0;
}

/* The C library's, for the emulator's futex calls. */
long syscall(long number, ...)
{
    static long (*real)(long number, ...);
    long a[6];
    va_list list;

    va_start(list, number);
    for (size_t i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAKE) {
        wakes++;
        if (on_wake)
            on_wake();
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- the host ---- */

static struct channel *host;
static int host_output = -1, host_death = -1;
static int rung; /* what the host's last flush has said */

static void host_send(uint32_t type, const void *payload, size_t size)
{
    struct protocol_frame frame = {type, (uint32_t)size};

    channel_write(host, span_of((const char *)&frame, sizeof(frame)));
    channel_write(host, span_of(payload, size));
}

/* Answers all that has come, and sleeps. */
static void host_step(void)
{
    char frame[4096];
    int64_t size;

    channel_wake(host);
    size = channel_read(host, frame, sizeof(frame));
    for (int64_t at = 0; at < size;) {
        struct protocol_frame head;
        struct protocol_invoke invoke;

        memcpy(&head, frame + at, sizeof(head));
        memcpy(&invoke, frame + at + sizeof(head), sizeof(invoke));
        at += (int64_t)sizeof(head) + head.size;
        if (head.type != PROTOCOL_INVOKE)
            continue;
        assert_true(channel_slot_claim(host, invoke.slot));
        host_send(PROTOCOL_RESULT, &(struct protocol_result){.sequence = invoke.sequence, .status_code = 200},
                  sizeof(struct protocol_result));
    }
    rung = channel_flush(host);
    assert_true(channel_sleep(host, false));
}

int process_spawn(const struct process_start *start, struct process *ret)
{
    struct channel_fds fds = {fcntl(start->fds[PROTOCOL_FD_MEMORY], F_DUPFD_CLOEXEC, 3),
                              fcntl(start->fds[PROTOCOL_FD_BELL], F_DUPFD_CLOEXEC, 3)};

    assert_null(host);
    assert_int_equal(channel_open(&fds, CHANNEL_HOST, &host), 0);
    host_output = fcntl(start->fds[STDOUT_FILENO], F_DUPFD_CLOEXEC, 3);
    host_death = eventfd(0, EFD_CLOEXEC);
    host_send(PROTOCOL_STARTED, &(struct protocol_started){.limits_memory = 0}, sizeof(struct protocol_started));
    host_send(PROTOCOL_READY, &(struct protocol_ready){.version = PROTOCOL_VERSION}, sizeof(struct protocol_ready));
    channel_flush(host);
    channel_sleep(host, false);
    *ret = (struct process){.pid = getpid(), .pidfd = fcntl(host_death, F_DUPFD_CLOEXEC, 3)};
    return 0;
}

void process_kill(const struct process *p)
{
    (void)p;
    assert_int_equal(eventfd_write(host_death, 1), 0);
}

bool process_reap(struct process *p, siginfo_t *ret)
{
    *ret = (siginfo_t){.si_code = CLD_KILLED, .si_status = SIGKILL};
    p->pid = 0;
    close(host_output);
    close(host_death);
    channel_close(TAKE(host));
    return true;
}

void process_close(struct process *p)
{
    close(p->pidfd);
    p->pidfd = -1;
}

/* ---- the fixture ---- */

struct fixture {
    char path[64];
    struct loop *loop;
    struct config *config;
    struct function_pool *pool;
    unsigned answered;
    bool closed;
};

static void on_done(void *arg, const struct invocation_result *result)
{
    assert_int_equal(result->outcome, INVOCATION_RESULT);
    ((struct fixture *)arg)->answered++;
}

static void on_closed(void *arg)
{
    ((struct fixture *)arg)->closed = true;
}

static void turn(struct fixture *f)
{
    loop_settle(f->loop);
}

static void invoke(struct fixture *f)
{
    struct invocation_request request = {.event_type = APIGW_MESSAGE};

    request.fields[FIELD_EVENT_HEAD] = SPAN("{\"body\":\"");
    request.fields[FIELD_BODY] = SPAN("hello");
    request.fields[FIELD_EVENT_TAIL] = SPAN("\"}");
    function_invoke(f->pool, &f->config->functions[0], &request, on_done, f);
}

/* Turns, the host taking part, until everything is answered and both sleep. */
static void calm_down(struct fixture *f)
{
    for (int i = 0; i < 10; i++) {
        if (host)
            host_step();
        now.tv_nsec += 1000000;
        turn(f);
    }
    assert_int_equal(function_pool_busy(f->pool), 0);
}

/* A pool on a machine of so many CPUs, with an environment that has answered once and sleeps. */
static struct fixture *open_pool(unsigned cpu_count)
{
    static const char text[] =
        "{\"name\":\"test\",\"stage\":\"dev\",\"routeSelectionExpression\":\"$request.body.action\",\"functions\":"
        "{\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\"}},\"routes\":{\"$default\":{\"function\":\"f\"}}"
        "}";
    const struct config_options options = {.plugin_dir = TEST_BUILD_DIR "/tests/plugins"};
    CLEANUP(buf_fini) struct buf diagnostics = {0};
    struct fixture *f = mem_zalloc(sizeof(*f));
    int fd;

    cpus = cpu_count;
    strcpy(f->path, "/tmp/test_wake.XXXXXX");
    fd = mkstemp(f->path);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    if (config_load(f->path, &options, &diagnostics, &f->config) < 0)
        fail_msg("%s", buf_terminate(&diagnostics));
    f->loop = loop_new();
    f->pool = function_pool_new(f->loop, &f->config, 1, "apigw-host");
    invoke(f);
    calm_down(f);
    assert_int_equal(f->answered, 1);
    wakes = 0;
    return f;
}

static void close_pool(struct fixture *f)
{
    on_wake = NULL;
    function_pool_close(f->pool, on_closed, f);
    for (int i = 0; i < 1000 && !f->closed; i++) {
        now.tv_sec++;
        loop_advance(f->loop, 1000); /* nobody calls fini here: it is killed in the end */
        turn(f);
    }
    assert_true(f->closed);
    function_pool_free(f->pool);
    loop_free(f->loop);
    config_unref(f->config);
    unlink(f->path);
    free(f);
}

/* ---- tests ---- */

static void an_answer_given_while_the_host_was_woken_is_taken_at_once_and_rings_nobody(void **state)
{
    struct fixture *f = open_pool(1);

    (void)state;
    on_wake = host_step;
    invoke(f);
    turn(f);
    assert_int_equal(f->answered, 2);
    assert_int_equal(wakes, 1);
    assert_int_equal(rung, 0);
    close_pool(f);
}

static void all_that_one_turn_hands_over_wakes_once(void **state)
{
    struct fixture *f = open_pool(1);

    (void)state;
    on_wake = host_step;
    for (int i = 0; i < 8; i++)
        invoke(f);
    turn(f);
    assert_int_equal(f->answered, 9);
    assert_int_equal(wakes, 1);
    close_pool(f);
}

static void on_the_only_cpu_the_gateway_sleeps_until_the_host_rings(void **state)
{
    struct fixture *f = open_pool(1);

    (void)state;
    invoke(f);
    turn(f);
    assert_int_equal(wakes, 1);
    host_step();
    assert_int_equal(rung, 1);
    turn(f);
    assert_int_equal(f->answered, 2);
    close_pool(f);
}

static void with_another_cpu_the_gateway_lingers_for_an_answer_that_comes_soon(void **state)
{
    struct fixture *f = open_pool(2);

    (void)state;
    invoke(f);
    turn(f);
    turn(f);
    host_step();
    assert_int_equal(rung, 0);
    turn(f);
    assert_int_equal(f->answered, 2);
    close_pool(f);
}

static void who_has_lingered_in_vain_sleeps_and_does_not_linger_for_a_while(void **state)
{
    struct fixture *f = open_pool(2);
    unsigned rests = 0;

    (void)state;
    invoke(f);
    turn(f);
    now.tv_nsec += 1000000;
    turn(f);
    host_step();
    assert_int_equal(rung, 1);
    turn(f);
    assert_int_equal(f->answered, 2);
    for (; rung == 1; rests++) {
        assert_true(rests < 1000);
        invoke(f);
        turn(f);
        host_step();
        turn(f);
        assert_int_equal(f->answered, 3 + rests);
    }
    assert_in_range(rests, 10, 999);
    close_pool(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_given_while_the_host_was_woken_is_taken_at_once_and_rings_nobody),
        cmocka_unit_test(all_that_one_turn_hands_over_wakes_once),
        cmocka_unit_test(on_the_only_cpu_the_gateway_sleeps_until_the_host_rings),
        cmocka_unit_test(with_another_cpu_the_gateway_lingers_for_an_answer_that_comes_soon),
        cmocka_unit_test(who_has_lingered_in_vain_sleeps_and_does_not_linger_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
