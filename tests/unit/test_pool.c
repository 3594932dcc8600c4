/* test_pool.c - the real pool with real apigw-host processes and plugins, on the real loop.
 *
 * The program also plays a host that is not what it should be: run with --serve NAME it does the mischief NAME. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <apigw/plugin.h> /* before cmocka.h, which makes a macro of fail */
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "function/plugin_image.h"
#include "function/pool.h"

#define HOST_PATH TEST_BUILD_DIR "/apigw-host"
#define PLUGIN_DIR TEST_BUILD_DIR "/tests/plugins"
#define DEADLINE_MS 30000

/* ---- one pool and what it needs ---- */

struct fixture {
    char folder[64];
    struct loop *loop;
    struct config *config;
    struct function_pool *pool;
    struct loop_timer *deadline;
    struct loop_timer *poll;
    bool (*until)(struct fixture *f);
    void *until_arg;
    unsigned until_count;
    size_t pending;
    bool closed;
    bool leave_open; /* the test has closed the pool itself */
    int log;         /* standard error, in memory */
    int saved_stderr;
    int fds_before;
};

/* What one invocation ended in, copied. */
struct call {
    struct fixture *fixture;
    bool within_invoke;
    unsigned done;
    enum invocation_outcome outcome;
    int status_code;
    struct buf body; /* or JSON */
    struct buf error_type;
    struct buf error_message;
    struct buf log;
    uint64_t duration_ns, init_ns;
    uint32_t memory_max_kb;
};

static void call_fini(struct call *c)
{
    buf_fini(&c->body);
    buf_fini(&c->error_type);
    buf_fini(&c->error_message);
    buf_fini(&c->log);
}

static int count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void show_log(struct fixture *f)
{
    char bytes[4096];
    ssize_t n;
    off_t at = 0;

    while ((n = pread(f->log, bytes, sizeof(bytes), at)) > 0 && at < 16384) {
        at += n;
        if (write(f->saved_stderr, bytes, (size_t)n) < 0)
            return;
    }
}

static void on_deadline(void *arg)
{
    show_log(arg);
    fail_msg("nothing came of it in %d ms", DEADLINE_MS);
}

static void on_poll(void *arg)
{
    struct fixture *f = arg;

    if (f->until(f))
        loop_stop(f->loop);
    else
        loop_timer_start(f->poll, 1);
}

/* Runs the loop until `until` says so. */
static void run_until(struct fixture *f, bool (*until)(struct fixture *f))
{
    if (until(f))
        return;
    f->until = until;
    loop_timer_start(f->deadline, DEADLINE_MS);
    loop_timer_start(f->poll, 1);
    while (!until(f))
        loop_run(f->loop);
    loop_timer_stop(f->deadline);
    loop_timer_stop(f->poll);
}

static bool nothing_pending(struct fixture *f)
{
    return f->pending == 0;
}

static bool is_closed(struct fixture *f)
{
    return f->closed;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));

    strcpy(f->folder, "/tmp/test_pool.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    loop_free(loop_new()); /* the first makes descriptors that stay */
    f->fds_before = count_fds();
    f->log = memfd_create("log", MFD_CLOEXEC);
    f->saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
    dup2(f->log, STDERR_FILENO);
    f->loop = loop_new();
    f->deadline = loop_timer_new(f->loop, on_deadline, f);
    f->poll = loop_timer_new(f->loop, on_poll, f);
    *state = f;
    return 0;
}

static void on_closed(void *arg)
{
    ((struct fixture *)arg)->closed = true;
}

static void close_pool(struct fixture *f)
{
    function_pool_close(f->pool, on_closed, f);
    run_until(f, is_closed);
    assert_int_equal(function_pool_busy(f->pool), 0);
    function_pool_free(f->pool);
    f->pool = NULL;
    f->closed = false;
}

static void remove_folder(const char *path)
{
    CLEANUP(free) char *command = mem_printf("rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

/* Whatever a test did: no process, no descriptor and no memory is left. */
static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f->pool) {
        f->pending = 0;
        close_pool(f);
    }
    loop_timer_free(f->deadline);
    loop_timer_free(f->poll);
    loop_free(f->loop);
    config_unref(f->config);
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    show_log(f); /* why an assertion failed is in there too */
    dup2(f->saved_stderr, STDERR_FILENO);
    close(f->saved_stderr);
    close(f->log);
    assert_int_equal(count_fds(), f->fds_before);
    remove_folder(f->folder);
    free(f);
    return 0;
}

static char *path_in(const struct fixture *f, const char *name)
{
    return mem_printf("%s/%s", f->folder, name);
}

static void write_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    fclose(file);
}

static void copy_file(const char *from, const char *to)
{
    CLEANUP(free) char *command = mem_printf("cp '%s' '%s.new' && mv '%s.new' '%s'", from, to, to, to);
    assert_int_equal(system(command), 0);
}

/* A configuration of the functions in `functions`, the JSON members of "functions". Each '#' becomes the test's folder.
 */
static struct config *load_functions(struct fixture *f, const char *functions)
{
    const struct config_options options = {.plugin_dir = PLUGIN_DIR};
    CLEANUP(buf_fini) struct buf text = {0}, diagnostics = {0};
    CLEANUP(free) char *path = path_in(f, "routes.json");
    struct config *config;

    buf_append_str(&text, "{\"name\":\"test\",\"stage\":\"dev\",\"routeSelectionExpression\":\"$request.body.action\","
                          "\"functions\":{");
    for (const char *c = functions; *c; c++) {
        if (*c == '#')
            buf_append_str(&text, f->folder);
        else
            buf_append_char(&text, *c);
    }
    buf_append_str(&text, "},\"routes\":{\"$default\":{\"function\":\"f\"}}}");
    write_file(path, buf_span(&text));
    if (config_load(path, &options, &diagnostics, &config) < 0)
        fail_msg("%s", buf_terminate(&diagnostics));
    return config;
}

/* A pool of one such configuration. */
static void open_pool_with(struct fixture *f, const char *host_path, const char *functions)
{
    f->config = load_functions(f, functions);
    f->pool = function_pool_new(f->loop, &f->config, 1, host_path);
}

static void open_pool(struct fixture *f, const char *functions)
{
    open_pool_with(f, HOST_PATH, functions);
}

/* The pool of one handler of handler_suite.so. */
static void open_suite(struct fixture *f, const char *handler)
{
    CLEANUP(free) char *functions = mem_printf("\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"%s\"}", handler);
    open_pool(f, functions);
}

static struct config_function *function_named(struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->config->function_count; i++)
        if (strcmp(f->config->functions[i].name, name) == 0)
            return &f->config->functions[i];
    fail_msg("no function %s", name);
    return NULL;
}

static void on_done(void *arg, const struct invocation_result *result)
{
    struct call *c = arg;

    assert_false(c->within_invoke);
    c->done++;
    c->fixture->pending--;
    c->outcome = result->outcome;
    c->status_code = result->status_code;
    buf_append(&c->body, result->outcome == INVOCATION_RESULT_JSON ? result->json : result->body);
    buf_append(&c->error_type, result->error_type);
    buf_append(&c->error_message, result->error_message);
    buf_append(&c->log, result->log_tail);
    c->duration_ns = result->duration_ns;
    c->init_ns = result->init_ns;
    c->memory_max_kb = result->memory_max_kb;
    if (c->fixture->pending == 0)
        loop_stop(c->fixture->loop);
}

static bool want_logs; /* of the invocations that are made now */

static void invoke(struct fixture *f, const char *function, struct span body, struct call *c)
{
    struct invocation_request request = {.event_type = APIGW_MESSAGE, .wants_log_tail = want_logs};

    request.fields[FIELD_CONNECTION_ID] = SPAN("AAAAAAAAAAAAAAA=");
    request.fields[FIELD_ROUTE_KEY] = SPAN("$default");
    request.fields[FIELD_EVENT_HEAD] = SPAN("{\"body\":\"");
    request.fields[FIELD_BODY] = body;
    request.fields[FIELD_EVENT_TAIL] = SPAN("\"}");
    *c = (struct call){.fixture = f, .within_invoke = true};
    f->pending++;
    function_invoke(f->pool, function_named(f, function), &request, on_done, c);
    c->within_invoke = false;
}

/* One invocation of "f", waited for. The caller frees with call_fini. */
static void call(struct fixture *f, const char *body, struct call *c)
{
    invoke(f, "f", span_of_str(body), c);
    run_until(f, nothing_pending);
    assert_int_equal(c->done, 1);
}

static void assert_text(const struct buf *actual, const char *expected)
{
    if (!span_equal(buf_span(actual), span_of_str(expected)))
        fail_msg("\"" SPAN_FMT "\" is not \"%s\"", SPAN_ARG(buf_span(actual)), expected);
}

static void assert_contains(struct span actual, const char *words)
{
    if (!memmem(actual.ptr, actual.len, words, strlen(words)))
        fail_msg("\"" SPAN_FMT "\" does not contain \"%s\"", SPAN_ARG(actual), words);
}

static void assert_result(struct fixture *f, const struct call *c, const char *body)
{
    if (c->outcome != INVOCATION_RESULT) {
        show_log(f);
        fail_msg("outcome %d: " SPAN_FMT, c->outcome, SPAN_ARG(buf_span(&c->error_message)));
    }
    assert_text(&c->body, body);
}

/* A call of "f" that answers. */
static void assert_answers(struct fixture *f, const char *request, const char *answer)
{
    struct call c;

    call(f, request, &c);
    assert_result(f, &c, answer);
    call_fini(&c);
}

static void read_log(struct fixture *f, struct buf *ret)
{
    off_t size = lseek(f->log, 0, SEEK_END);
    char *to = buf_reserve(ret, (size_t)size + 1);

    assert_int_equal(pread(f->log, to, (size_t)size, 0), size);
    ret->len = (size_t)size;
}

static unsigned count_in_log(struct fixture *f, const char *words)
{
    CLEANUP(buf_fini) struct buf log = {0};
    unsigned count = 0;
    const char *at;

    read_log(f, &log);
    at = buf_terminate(&log);
    while ((at = strstr(at, words))) {
        count++;
        at++;
    }
    return count;
}

static size_t alive(struct fixture *f, const char *function)
{
    return scheduler_alive(f->pool->apis[0].functions[function_named(f, function)->index]);
}

/* Some environment that has been handed something. */
static struct environment *busy_environment(struct fixture *f)
{
    struct function *function = f->pool->apis[0].functions[0];
    struct list *node = list_first(&function->environments[ENVIRONMENT_BUSY].list);

    if (!node)
        node = list_first(&function->environments[ENVIRONMENT_SLOW].list);
    assert_non_null(node);
    return LIST_ENTRY(node, struct environment, link);
}

/* ---- gates ---- */

static bool gate_entered(struct fixture *f)
{
    CLEANUP(free) char *path = mem_printf("%s/%s.entered", f->folder, (const char *)f->until_arg);
    return access(path, F_OK) == 0;
}

static void await_entered(struct fixture *f, const char *name)
{
    f->until_arg = (void *)(uintptr_t)name;
    run_until(f, gate_entered);
}

static void open_gate(struct fixture *f, const char *name)
{
    CLEANUP(free) char *path = mem_printf("%s/%s.open", f->folder, name);
    write_file(path, SPAN(""));
}

static void open_gates(struct fixture *f, unsigned concurrency)
{
    CLEANUP(free)
    char *functions = mem_printf("\"f\":{\"plugin\":\"gate.so\",\"handler\":\"gate\",\"timeout\":60,"
                                 "\"concurrency\":%u,\"environment\":{\"GATE_FOLDER\":\"#\"}}",
                                 concurrency);
    open_pool(f, functions);
}

/* ---- answers ---- */

static void an_event_is_answered_later(void **state)
{
    open_suite(*state, "echo");
    assert_answers(*state, "hello", "hello");
}

static void environments_are_reused(void **state)
{
    struct fixture *f = *state;
    struct call first, second;

    open_suite(f, "pid");
    call(f, "", &first);
    call(f, "", &second);
    assert_contains(buf_span(&first.body), "\"count\":1}");
    assert_contains(buf_span(&second.body), "\"count\":2}");
    assert_int_equal(alive(f, "f"), 1);
    call_fini(&first);
    call_fini(&second);
}

static void every_invocation_has_a_new_request_id(void **state)
{
    struct fixture *f = *state;
    struct call first, second;

    open_suite(f, "request_id");
    call(f, "", &first);
    call(f, "", &second);
    assert_int_equal(first.body.len, 36);
    assert_int_equal(first.body.ptr[14], '4');
    assert_int_equal(second.body.len, 36);
    assert_memory_not_equal(first.body.ptr, second.body.ptr, 36);
    call_fini(&first);
    call_fini(&second);
}

static void a_raw_result_comes_as_json(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_suite(f, "respond_json");
    call(f, "{\"statusCode\":201}", &c);
    assert_int_equal(c.outcome, INVOCATION_RESULT_JSON);
    assert_text(&c.body, "{\"statusCode\":201}");
    call_fini(&c);
}

static void no_answer_is_null(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_suite(f, "respond_none");
    call(f, "", &c);
    assert_int_equal(c.outcome, INVOCATION_RESULT_JSON);
    assert_text(&c.body, "null");
    call_fini(&c);
}

static void events_and_answers_may_be_larger_than_the_rings(void **state)
{
    struct fixture *f = *state;
    size_t size = 3u * 1024 * 1024;
    CLEANUP(free) char *bytes = mem_alloc(size);
    struct call calls[5];

    memset(bytes, 'y', size);
    open_suite(f, "echo");
    for (size_t i = 0; i < 5; i++)
        invoke(f, "f", span_of(bytes, size - i), &calls[i]);
    run_until(f, nothing_pending);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(calls[i].outcome, INVOCATION_RESULT);
        assert_int_equal(calls[i].body.len, size - i);
        assert_memory_equal(calls[i].body.ptr, bytes, size - i);
        call_fini(&calls[i]);
    }
}

static void a_burst_is_answered_each_with_its_own(void **state)
{
    enum { COUNT = 3000 };
    struct fixture *f = *state;
    struct call *calls = mem_zalloc(COUNT * sizeof(*calls));

    open_suite(f, "echo");
    for (unsigned i = 0; i < COUNT; i++) {
        char body[16];
        snprintf(body, sizeof(body), "%u", i);
        invoke(f, "f", span_of_str(body), &calls[i]);
    }
    assert_int_equal(function_pool_busy(f->pool), COUNT);
    run_until(f, nothing_pending);
    for (unsigned i = 0; i < COUNT; i++) {
        char body[16];
        snprintf(body, sizeof(body), "%u", i);
        assert_result(f, &calls[i], body);
        assert_int_equal(calls[i].done, 1);
        call_fini(&calls[i]);
    }
    free(calls);
}

/* ---- failures ---- */

static void a_handler_that_ends_its_process_fails_in_lambdas_words(void **state)
{
    static const struct {
        const char *handler;
        const char *words;
    } ends[] = {
        {"crash", " Error: Runtime exited with error: signal: segmentation fault"},
        {"abort", " Error: Runtime exited with error: signal: aborted"},
        {"exit0", " Error: Runtime exited without providing a reason"},
        {"exit3", " Error: Runtime exited with error: exit status 3"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct call c;
        open_suite(f, ends[i].handler);
        for (unsigned time = 0; time < 2; time++) { /* a new environment takes the next */
            call(f, "", &c);
            assert_int_equal(c.outcome, INVOCATION_ERROR);
            assert_text(&c.error_type, "Runtime.ExitError");
            assert_contains(buf_span(&c.error_message), "RequestId: ");
            assert_contains(buf_span(&c.error_message), ends[i].words);
            call_fini(&c);
        }
        close_pool(f);
        config_unref(TAKE(f->config));
    }
    assert_int_equal(count_in_log(f, "f: Runtime exited with error: signal: segmentation fault"), 2);
}

static void a_handler_that_fails_keeps_its_environment(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_suite(f, "fail");
    call(f, "no luck", &c);
    assert_int_equal(c.outcome, INVOCATION_ERROR);
    assert_text(&c.error_type, "SuiteError");
    assert_text(&c.error_message, "no luck");
    assert_int_equal(alive(f, "f"), 1);
    assert_int_equal(count_in_log(f, "f: SuiteError: no luck req="), 1);
    call_fini(&c);
}

static void a_timeout_ends_the_invocation_and_its_environment(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_suite(f, "hang");
    f->config->functions[0].timeout_ms = 150;
    call(f, "", &c);
    assert_int_equal(c.outcome, INVOCATION_TIMED_OUT);
    assert_text(&c.error_type, "Sandbox.Timedout");
    assert_contains(buf_span(&c.error_message), " Error: Task timed out after 0.15 seconds");
    assert_int_equal(alive(f, "f"), 0);
    assert_int_equal(count_in_log(f, "f: Task timed out after 0.15 seconds req="), 1);
    call_fini(&c);
}

static void a_timeout_counts_from_the_start_of_the_handler(void **state)
{
    struct fixture *f = *state;
    struct call calls[4];

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"sleep_ms\",\"concurrency\":1}");
    f->config->functions[0].timeout_ms = 400;
    for (size_t i = 0; i < 4; i++)
        invoke(f, "f", SPAN("200"), &calls[i]);
    run_until(f, nothing_pending);
    for (size_t i = 0; i < 4; i++) {
        assert_result(f, &calls[i], "200");
        call_fini(&calls[i]);
    }
}

static void a_crash_fails_only_what_ran(void **state)
{
    struct fixture *f = *state;
    struct call calls[3];
    pid_t first;

    open_gates(f, 1);
    open_gate(f, "b");
    open_gate(f, "c");
    invoke(f, "f", SPAN("a"), &calls[0]);
    invoke(f, "f", SPAN("b"), &calls[1]);
    invoke(f, "f", SPAN("c"), &calls[2]);
    await_entered(f, "a");
    first = busy_environment(f)->process.pid;
    assert_int_equal(busy_environment(f)->handed_count, 3);
    kill(first, SIGKILL);
    run_until(f, nothing_pending);
    assert_int_equal(calls[0].outcome, INVOCATION_ERROR);
    assert_contains(buf_span(&calls[0].error_message), "signal: killed");
    assert_result(f, &calls[1], "b");
    assert_result(f, &calls[2], "c");
    for (size_t i = 0; i < 3; i++)
        call_fini(&calls[i]);
}

static void a_plugin_that_overwrites_shared_memory_fails_alone(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"scribble\"},"
                 "\"g\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\"}");
    call(f, "x", &c);
    assert_int_equal(c.outcome, INVOCATION_ERROR);
    assert_text(&c.error_type, "Runtime.ExitError");
    call_fini(&c);
    invoke(f, "g", SPAN("still here"), &c);
    run_until(f, nothing_pending);
    assert_result(f, &c, "still here");
    call_fini(&c);
}

static void a_plugin_that_closes_all_descriptors_harms_only_itself(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_suite(f, "close_fds");
    for (unsigned time = 0; time < 3; time++) {
        call(f, "x", &c);
        if (c.outcome != INVOCATION_RESULT)
            assert_int_equal(c.outcome, INVOCATION_ERROR);
        call_fini(&c);
    }
}

/* ---- slow and quick ---- */

static void a_slow_invocation_does_not_hold_up_others(void **state)
{
    struct fixture *f = *state;
    struct call slow, quick[5];

    open_gates(f, 2);
    invoke(f, "f", SPAN("slow"), &slow);
    await_entered(f, "slow");
    open_gate(f, "quick");
    f->pending--; /* not waited for */
    for (size_t i = 0; i < 5; i++)
        invoke(f, "f", SPAN("quick"), &quick[i]);
    run_until(f, nothing_pending);
    assert_int_equal(slow.done, 0);
    assert_int_equal(alive(f, "f"), 2);
    for (size_t i = 0; i < 5; i++) {
        assert_result(f, &quick[i], "quick");
        call_fini(&quick[i]);
    }
    f->pending++;
    open_gate(f, "slow");
    run_until(f, nothing_pending);
    assert_result(f, &slow, "slow");
    call_fini(&slow);
}

static void environments_are_never_more_than_the_limit(void **state)
{
    struct fixture *f = *state;
    char names[8][2] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct call calls[8];

    open_gates(f, 3);
    for (size_t i = 0; i < 8; i++)
        invoke(f, "f", span_of_str(names[i]), &calls[i]);
    await_entered(f, "a");
    await_entered(f, "b");
    await_entered(f, "c");
    assert_int_equal(alive(f, "f"), 3);
    for (size_t i = 0; i < 8; i++)
        open_gate(f, names[i]);
    run_until(f, nothing_pending);
    assert_int_equal(alive(f, "f"), 3);
    for (size_t i = 0; i < 8; i++) {
        assert_result(f, &calls[i], names[i]);
        call_fini(&calls[i]);
    }
}

/* A loop that has other work to do than to hand over: the handler is quick, and yet the invocations wait for long. */
static void on_done_at_leisure(void *arg, const struct invocation_result *result)
{
    struct call *c = arg;
    struct timespec began, now;

    assert_int_equal(result->outcome, INVOCATION_RESULT);
    c->done++;
    c->fixture->pending--;
    clock_gettime(CLOCK_MONOTONIC, &began); /* the system's: ours stands still meanwhile */
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - began.tv_sec) * 1000000000 + now.tv_nsec - began.tv_nsec < 100000);
    if (c->fixture->pending == 0)
        loop_stop(c->fixture->loop);
}

/* How many environments there are after many such. */
static size_t grow_at_leisure(struct fixture *f)
{
    enum { COUNT = 1000 };
    const struct invocation_request request = {.event_type = APIGW_MESSAGE};
    struct call one = {.fixture = f};
    size_t count;

    open_suite(f, "echo");
    assert_answers(f, "warm", "warm");
    f->pending = COUNT;
    for (unsigned i = 0; i < COUNT; i++)
        function_invoke(f->pool, function_named(f, "f"), &request, on_done_at_leisure, &one);
    run_until(f, nothing_pending);
    assert_int_equal(one.done, COUNT);
    count = alive(f, "f");
    close_pool(f);
    config_unref(TAKE(f->config));
    return count;
}

/* On a machine that is busy with other things a handler that is not let run looks busy, too: so one try of some has to
 * do, where without the rule all would grow. */
static void environments_do_not_grow_when_it_is_not_they_who_are_busy(void **state)
{
    for (unsigned tries = 0; tries < 20; tries++)
        if (grow_at_leisure(*state) == 1)
            return;
    fail_msg("there are more each time");
}

static void environments_grow_when_each_handler_takes_a_little(void **state)
{
    enum { COUNT = 200 };
    struct fixture *f = *state;
    struct call *calls = mem_zalloc(COUNT * sizeof(*calls));

    open_suite(f, "sleep_ms");
    assert_answers(f, "0", "0");
    for (unsigned i = 0; i < COUNT; i++)
        invoke(f, "f", SPAN("2"), &calls[i]);
    run_until(f, nothing_pending);
    for (unsigned i = 0; i < COUNT; i++)
        call_fini(&calls[i]);
    assert_in_range(alive(f, "f"), 2, 100);
    free(calls);
}

/* Taking back and handing on again and again: nothing is lost, doubled or mixed up. */
static void a_mix_of_slow_and_quick_is_answered_each_with_its_own(void **state)
{
    enum { COUNT = 400 };
    struct fixture *f = *state;
    struct call *calls = mem_zalloc(COUNT * sizeof(*calls));

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"sleep_ms\",\"concurrency\":4}");
    for (unsigned i = 0; i < COUNT; i++)
        invoke(f, "f", i % 29 == 0 ? SPAN("25") : i % 7 == 0 ? SPAN("1") : SPAN("0"), &calls[i]);
    run_until(f, nothing_pending);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_result(f, &calls[i], i % 29 == 0 ? "25" : i % 7 == 0 ? "1" : "0");
        assert_int_equal(calls[i].done, 1);
        call_fini(&calls[i]);
    }
    assert_in_range(alive(f, "f"), 1, 4);
    free(calls);
}

static void what_waits_is_bounded(void **state)
{
    enum { OVER = 10, COUNT = FUNCTION_QUEUE_MAX + ENVIRONMENT_HANDED_MAX + OVER };
    struct fixture *f = *state;
    struct call *calls = mem_zalloc(COUNT * sizeof(*calls));
    unsigned throttled = 0;

    open_gates(f, 1);
    invoke(f, "f", SPAN("a"), &calls[0]);
    await_entered(f, "a");
    for (unsigned i = 1; i < COUNT; i++)
        invoke(f, "f", SPAN("b"), &calls[i]);
    close_pool(f);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(calls[i].done, 1);
        if (calls[i].outcome == INVOCATION_THROTTLED) {
            assert_text(&calls[i].error_message, "Rate Exceeded.");
            throttled++;
        } else {
            assert_int_equal(calls[i].outcome, INVOCATION_STOPPED);
        }
        call_fini(&calls[i]);
    }
    assert_in_range(throttled, OVER, OVER + ENVIRONMENT_HANDED_MAX);
    assert_int_equal(count_in_log(f, "f: throttled"), 1);
    free(calls);
}

static void the_bytes_that_wait_are_bounded(void **state)
{
    enum { SIZE = 4 * 1024 * 1024, COUNT = FUNCTION_QUEUE_BYTES_MAX / SIZE };
    struct fixture *f = *state;
    CLEANUP(free) char *bytes = mem_zalloc(SIZE);
    struct call calls[COUNT + 1];

    open_suite(f, "hang");
    for (unsigned i = 0; i < COUNT; i++)
        invoke(f, "f", span_of(bytes, SIZE), &calls[i]);
    close_pool(f);
    assert_text(&calls[COUNT - 2].error_message, "the emulator is stopping");
    assert_text(&calls[COUNT - 1].error_message, "Rate Exceeded.");
    for (unsigned i = 0; i < COUNT; i++)
        call_fini(&calls[i]);
}

static void an_event_over_lambdas_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *bytes = mem_zalloc(PROTOCOL_FRAME_MAX);
    struct call c;

    open_suite(f, "echo");
    invoke(f, "f", span_of(bytes, PROTOCOL_FRAME_MAX), &c);
    run_until(f, nothing_pending);
    assert_int_equal(c.outcome, INVOCATION_NOT_STARTED);
    call_fini(&c);
    assert_answers(f, "x", "x");
}

static void a_flood_of_lines_holds_up_nobody(void **state)
{
    struct fixture *f = *state;
    struct call flood, quick;

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"flood_log\"},"
                 "\"g\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\"}");
    f->config->functions[0].timeout_ms = 60000;
    invoke(f, "g", SPAN("warm"), &quick);
    run_until(f, nothing_pending);
    call_fini(&quick);
    invoke(f, "f", SPAN("5000"), &flood);
    f->pending--;
    invoke(f, "g", SPAN("quick"), &quick);
    run_until(f, nothing_pending);
    assert_result(f, &quick, "quick");
    assert_int_equal(flood.done, 0);
    f->pending++;
    run_until(f, nothing_pending);
    assert_result(f, &flood, "flooded");
    assert_int_equal(count_in_log(f, "flood of the log"), 5000);
    assert_int_equal(count_in_log(f, "of stdout"), 5000);
    call_fini(&flood);
    call_fini(&quick);
}

/* ---- starting ---- */

static void an_environment_that_does_not_start_fails_what_waits(void **state)
{
    static const struct {
        const char *plugin;
        const char *type;
        const char *words;
    } starts[] = {
        {"init_fails", "Runtime.InitError", "init returned 7"},
        {"init_crashes", "Runtime.ExitError", "Runtime exited with error: signal: "},
        {"constructor_crashes", "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"},
        {"wrong_magic", "Runtime.ImportModuleError", "plugin"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        CLEANUP(free)
        char *functions =
            mem_printf("\"f\":{\"plugin\":\"%s.so\",\"handler\":\"%s\"}", starts[i].plugin, starts[i].plugin);
        struct call calls[3];
        open_pool(f, functions);
        for (size_t n = 0; n < 3; n++)
            invoke(f, "f", SPAN(""), &calls[n]);
        run_until(f, nothing_pending);
        call_fini(&calls[2]);
        call(f, "", &calls[2]); /* a fresh try */
        for (size_t n = 0; n < 3; n++) {
            assert_int_equal(calls[n].outcome, INVOCATION_NOT_STARTED);
            assert_text(&calls[n].error_type, starts[i].type);
            assert_contains(buf_span(&calls[n].error_message), starts[i].words);
            call_fini(&calls[n]);
        }
        close_pool(f);
        config_unref(TAKE(f->config));
    }
    assert_in_range(count_in_log(f, "could be started: Runtime.InitError: init_fails.so: init returned 7"), 2, 4);
}

static void an_unknown_handler_is_named(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_suite(f, "ehco");
    call(f, "", &c);
    assert_int_equal(c.outcome, INVOCATION_NOT_STARTED);
    assert_text(&c.error_type, "Runtime.HandlerNotFound");
    assert_contains(buf_span(&c.error_message), "ehco");
    call_fini(&c);
}

static bool environment_starts(struct fixture *f)
{
    return f->pool->apis[0].functions[0]->environments[ENVIRONMENT_STARTING].count == 1;
}

static void an_init_that_hangs_is_ended_after_ten_seconds(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_pool(f, "\"f\":{\"plugin\":\"init_hangs.so\",\"handler\":\"init_hangs\"}");
    invoke(f, "f", SPAN(""), &c);
    run_until(f, environment_starts);
    clock_advance_ms(FUNCTION_INIT_MS_MAX + 1);
    run_until(f, nothing_pending);
    assert_int_equal(c.outcome, INVOCATION_NOT_STARTED);
    assert_text(&c.error_type, "Sandbox.Timedout");
    assert_contains(buf_span(&c.error_message), "within 10.00 seconds");
    call_fini(&c);
}

static void a_program_that_is_no_host_is_told_so(void **state)
{
    static const struct {
        const char *path;
        const char *words;
    } hosts[] = {
        {"/nonexistent/apigw-host", "cannot run the program (/nonexistent/apigw-host): No such file or directory"},
        {"/bin/true", " Error: Runtime exited without providing a reason"},
        {"/bin/false", " Error: Runtime exited with error: exit status 1"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct call c;
        open_pool_with(f, hosts[i].path, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\"}");
        call(f, "", &c);
        assert_int_equal(c.outcome, INVOCATION_NOT_STARTED);
        assert_contains(buf_span(&c.error_message), hosts[i].words);
        call_fini(&c);
        close_pool(f);
        config_unref(TAKE(f->config));
    }
    assert_int_equal(count_in_log(f, "Runtime.ExitError: Runtime exited with error: exit status 1 during init"), 1);
}

/* ---- plugin files ---- */

static void a_rebuilt_plugin_is_loaded_by_new_environments(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *path = path_in(f, "p.so");
    struct call c;

    copy_file(PLUGIN_DIR "/init_fails.so", path);
    open_pool(f, "\"f\":{\"plugin\":\"p.so\",\"handler\":\"echo\"}");
    call(f, "", &c);
    assert_int_equal(c.outcome, INVOCATION_NOT_STARTED);
    call_fini(&c);
    copy_file(PLUGIN_DIR "/handler_suite.so", path);
    assert_answers(f, "new", "new");
}

static void a_plugin_file_that_has_vanished_still_serves(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *path = path_in(f, "p.so");
    struct call c;

    copy_file(PLUGIN_DIR "/handler_suite.so", path);
    open_pool(f, "\"f\":{\"plugin\":\"p.so\",\"handler\":\"exit3\"},\"g\":{\"plugin\":\"p.so\",\"handler\":\"echo\"}");
    call(f, "", &c);
    assert_int_equal(c.outcome, INVOCATION_ERROR);
    call_fini(&c);
    unlink(path);
    call(f, "", &c);
    assert_int_equal(c.outcome, INVOCATION_ERROR);
    call_fini(&c);
    invoke(f, "g", SPAN("here"), &c);
    run_until(f, nothing_pending);
    assert_result(f, &c, "here");
    call_fini(&c);
    assert_int_equal(count_in_log(f, "p.so: No such file or directory; environments go on"), 1);
}

/* ---- several configurations ---- */

#define SHARED "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\"}"
#define OWN_ECHO ",\"g\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\"}"
#define OWN_SLOW_ECHO ",\"g\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\",\"timeout\":9}"

/* A pool of two configurations that have "f" in common; the test's own is the second, which has "g" too. */
static struct config *open_two(struct fixture *f)
{
    struct config *first = load_functions(f, SHARED);

    f->config = load_functions(f, SHARED OWN_ECHO);
    f->pool = function_pool_new(f->loop, (struct config *[]){first, f->config}, 2, HOST_PATH);
    return first;
}

static void a_function_that_two_configurations_have_is_one(void **state)
{
    struct fixture *f = *state;
    struct config *first = open_two(f);
    const struct config_function *of_second = function_named(f, "f");
    struct call c;

    assert_ptr_equal(f->pool->apis[0].functions[0], f->pool->apis[1].functions[of_second->index]);
    call(f, "by the second", &c);
    assert_result(f, &c, "by the second");
    call_fini(&c);
    assert_int_equal(scheduler_alive(f->pool->apis[0].functions[0]), 1);
    assert_ptr_equal(function_find(f->pool, SPAN("f")), &first->functions[0]);
    assert_ptr_equal(function_find(f->pool, SPAN("g")), function_named(f, "g"));
    assert_null(function_find(f->pool, SPAN("h")));
    assert_ptr_equal(function_pool_config(f->pool, 1), f->config);
    assert_null(function_pool_config(f->pool, 2));
    config_unref(first);
}

/* The second changes: what it shares with the first keeps its environments, also when it has it no more. */
static void a_shared_function_stays_when_one_of_its_configurations_changes(void **state)
{
    struct fixture *f = *state;
    struct config *first = open_two(f), *old = f->config;
    struct function *shared = f->pool->apis[0].functions[0], *own = f->pool->apis[1].functions[1];
    struct call c;

    call(f, "x", &c);
    call_fini(&c);
    f->config = load_functions(f, SHARED OWN_SLOW_ECHO);
    function_pool_reconfigure(f->pool, (struct config *[]){first, f->config}, 2);
    config_unref(old);
    assert_ptr_equal(f->pool->apis[1].functions[0], shared);
    assert_ptr_not_equal(f->pool->apis[1].functions[1], own);
    assert_int_equal(scheduler_alive(shared), 1);
    assert_false(shared->retired);
    invoke(f, "g", SPAN("as it is now"), &c);
    run_until(f, nothing_pending);
    assert_result(f, &c, "as it is now");
    call_fini(&c);
    config_unref(first);
}

/* A call that began with the first may ask for its function when only the second has it. */
static void a_function_of_a_configuration_that_is_gone_is_found_by_its_name(void **state)
{
    struct fixture *f = *state;
    struct config *first = open_two(f);
    struct config *second = f->config;
    struct call c;

    function_pool_reconfigure(f->pool, &second, 1);
    f->config = first;
    call(f, "late", &c);
    assert_result(f, &c, "late");
    call_fini(&c);
    f->config = second;
    config_unref(first);
}

static void a_plugin_file_that_never_was_is_named(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *path = path_in(f, "p.so");
    struct call c;

    copy_file(PLUGIN_DIR "/handler_suite.so", path);
    open_pool(f, "\"f\":{\"plugin\":\"p.so\",\"handler\":\"echo\"}");
    unlink(path);
    call(f, "", &c);
    assert_int_equal(c.outcome, INVOCATION_NOT_STARTED);
    assert_contains(buf_span(&c.error_message), path);
    assert_contains(buf_span(&c.error_message), "No such file or directory");
    call_fini(&c);
}

static void an_image_is_copied_once_and_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *path = path_in(f, "p.so");
    CLEANUP(buf_fini) struct buf error = {0};
    struct plugin_image *image = plugin_image_new(path);
    struct plugin_copy *one, *again, *three;
    struct stat st;

    assert_null(plugin_image_copy(image, &error));
    assert_contains(buf_span(&error), "No such file");
    write_file(path, SPAN("one"));
    one = plugin_image_copy(image, &error);
    again = plugin_image_copy(image, &error);
    assert_ptr_equal(one, again);
    assert_int_equal(pwrite(one->fd, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(one->fd, 1), -1);
    write_file(path, SPAN("three"));
    three = plugin_image_copy(image, &error);
    assert_true(three->serial > one->serial);
    fstat(three->fd, &st);
    assert_int_equal(st.st_size, 5);
    fstat(one->fd, &st); /* whoever has loaded it keeps it */
    assert_int_equal(st.st_size, 3);
    plugin_copy_unref(one);
    plugin_copy_unref(again);
    plugin_copy_unref(three);
    plugin_image_free(image);

    image = plugin_image_new(f->folder);
    buf_clear(&error, 0);
    assert_null(plugin_image_copy(image, &error));
    assert_contains(buf_span(&error), "is not a file");
    plugin_image_free(image);
}

/* ---- what handlers see ---- */

static void handlers_see_lambdas_variables_and_their_own_only(void **state)
{
    static const struct {
        const char *name;
        const char *value;
    } variables[] = {
        {"_HANDLER", "env"},
        {"AWS_REGION", "us-east-1"},
        {"AWS_DEFAULT_REGION", "us-east-1"},
        {"AWS_LAMBDA_FUNCTION_NAME", "f"},
        {"AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"},
        {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"},
        {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
        {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"},
        {"LAMBDA_TASK_ROOT", PLUGIN_DIR},
        {"ROOM", "lobby"},
        {"LANG", "of its own"},
        {"TZ", ":UTC"},
        {"PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
        {"PWD", PLUGIN_DIR},
        {"TEST_POOL_SECRET", ""},
        {"HOME", ""},
        {"UBSAN_OPTIONS", "color=never"},
    };
    struct fixture *f = *state;

    setenv("TEST_POOL_SECRET", "do not look", 1);
    setenv("HOME", "/", 1);
    setenv("LANG", "C", 1);
    setenv("UBSAN_OPTIONS", "color=never", 1);
    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"env\",\"memorySize\":256,"
                 "\"environment\":{\"ROOM\":\"lobby\",\"LANG\":\"of its own\"}}");
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        assert_answers(f, variables[i].name, variables[i].value);
}

static void what_handlers_print_is_tagged_with_their_request(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf log = {0};
    struct call c;

    open_suite(f, "print");
    call(f, "xyz", &c);
    assert_result(f, &c, "printed");
    call_fini(&c);
    close_pool(f);
    read_log(f, &log);
    assert_contains(buf_span(&log), "| stdout xyz\n");
    assert_contains(buf_span(&log), "| stderr xyz\n");
    assert_contains(buf_span(&log), "| raw stdout xyz\n");
    assert_contains(buf_span(&log), "| two pieces xyz\n");
    assert_contains(buf_span(&log), "| WARN logged\n");
    assert_contains(buf_span(&log), "| stderr without newline xyz\n");
    assert_contains(buf_span(&log), " f ");
}

struct asked {
    struct fixture *fixture;
    unsigned posts;
    char id[32];
    size_t data_len;
};

static int take_post(void *arg, struct span id, struct span data)
{
    struct asked *asked = arg;

    asked->posts++;
    asked->data_len = data.len;
    assert_true(id.len < sizeof(asked->id));
    memcpy(asked->id, id.ptr, id.len);
    return data.len > 1000 ? APIGW_TOO_LARGE : APIGW_GONE;
}

static int take_get(void *arg, struct span id, struct function_connection *ret)
{
    (void)arg;
    (void)id;
    *ret = (struct function_connection){1, 2, SPAN("10.0.0.1"), SPAN("agent")};
    return APIGW_OK;
}

static int take_delete(void *arg, struct span id)
{
    (void)arg;
    (void)id;
    return APIGW_FORBIDDEN;
}

static void what_handlers_ask_for_is_answered_with_the_outcome(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {.fixture = f};
    const struct function_services services = {take_post, take_get, take_delete, &asked};
    struct call c;

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"post_self\"},"
                 "\"big\":{\"plugin\":\"handler_suite.so\",\"handler\":\"big_post\"},"
                 "\"get\":{\"plugin\":\"handler_suite.so\",\"handler\":\"get\"},"
                 "\"delete\":{\"plugin\":\"handler_suite.so\",\"handler\":\"delete\"}");
    assert_answers(f, "hi", "-500"); /* nobody is there to do it */
    function_pool_set_services(f->pool, &services);
    assert_answers(f, "hi", "-410");
    assert_int_equal(asked.posts, 1);
    assert_int_equal(asked.data_len, 2);
    assert_string_equal(asked.id, "AAAAAAAAAAAAAAA=");
    invoke(f, "big", SPAN("1000000"), &c);
    run_until(f, nothing_pending);
    assert_result(f, &c, "-413");
    assert_int_equal(asked.data_len, 1000000);
    call_fini(&c);
    invoke(f, "get", SPAN("x"), &c);
    run_until(f, nothing_pending);
    assert_result(f, &c,
                  "{\"result\":0,\"connectedAt\":1,\"lastActiveAt\":2,\"sourceIp\":\"10.0.0.1\","
                  "\"userAgent\":\"agent\"}");
    call_fini(&c);
    invoke(f, "delete", SPAN("x"), &c);
    run_until(f, nothing_pending);
    assert_result(f, &c, "-403");
    call_fini(&c);
}

/* ---- closing ---- */

static void closing_lets_idle_environments_finish(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *path = path_in(f, "fini");

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\","
                 "\"environment\":{\"FINI_FILE\":\"#/fini\"}}");
    assert_answers(f, "x", "x");
    assert_int_equal(access(path, F_OK), -1);
    close_pool(f);
    assert_int_equal(access(path, F_OK), 0);
}

static void closing_ends_what_runs_and_what_waits(void **state)
{
    struct fixture *f = *state;
    struct call calls[3], late;

    open_gates(f, 1);
    for (size_t i = 0; i < 3; i++)
        invoke(f, "f", SPAN("a"), &calls[i]);
    await_entered(f, "a");
    function_pool_close(f->pool, on_closed, f);
    invoke(f, "f", SPAN("late"), &late);
    run_until(f, is_closed);
    assert_int_equal(late.outcome, INVOCATION_STOPPED);
    call_fini(&late);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(calls[i].done, 1);
        assert_int_equal(calls[i].outcome, INVOCATION_STOPPED);
        call_fini(&calls[i]);
    }
    function_pool_free(TAKE(f->pool));
}

static void a_pool_that_did_nothing_closes(void **state)
{
    open_suite(*state, "echo");
    close_pool(*state);
}

/* ---- helpers of what follows ---- */

static bool is_logged(struct fixture *f)
{
    return count_in_log(f, f->until_arg) >= f->until_count;
}

static bool something_is_slow(struct fixture *f)
{
    return f->pool->apis[0].functions[0]->environments[ENVIRONMENT_SLOW].count > 0;
}

static bool call_is_done(struct fixture *f)
{
    return ((const struct call *)f->until_arg)->done > 0;
}

/* With invocations that still run. */
static void close_pool_with(struct fixture *f, struct call *calls, size_t count)
{
    close_pool(f);
    for (size_t i = 0; i < count; i++)
        call_fini(&calls[i]);
}

/* ---- the log that comes with an answer ---- */

/* Like `pattern`, where '#' stands for anything on the same line, and '~' for any lines. */
static bool is_like(const char *text, const char *pattern)
{
    for (; *pattern; text++, pattern++) {
        if (*pattern == '#' || *pattern == '~') {
            size_t most = *pattern == '#' ? strcspn(text, "\n") : strlen(text);
            for (size_t i = 0; i <= most; i++)
                if (is_like(text + i, pattern + 1))
                    return true;
            return false;
        }
        if (*text != *pattern)
            return false;
    }
    return *text == '\0';
}

static void assert_log_like(struct call *c, const char *pattern)
{
    if (!is_like(buf_terminate(&c->log), pattern))
        fail_msg("the log is not like this:\n%s---- but\n%s", pattern, buf_terminate(&c->log));
}

#define REPORT \
    "REPORT RequestId: #\tDuration: #.## ms\tBilled Duration: # ms\tMemory Size: 128 MB\tMax Memory Used: # MB\t"

static void an_answer_comes_with_its_log_if_that_is_wanted(void **state)
{
    struct fixture *f = *state;
    struct call first, second, third;

    open_suite(f, "print");
    want_logs = true;
    call(f, "one", &first);
    call(f, "two", &second);
    want_logs = false;
    call(f, "three", &third);
    /* What is written to the descriptors comes by another way, and may overtake what streams and the log had before. */
    assert_log_like(&first, "START RequestId: # Version: $LATEST\n"
                            "~stdout one\n~stderr one\n~two pieces one\n~WARN logged\n"
                            "~stdout without newline one\n~stderr without newline one\n~END RequestId: #\n" REPORT
                            "Init Duration: #.## ms\t\n");
    assert_log_like(&second, "START RequestId: # Version: $LATEST\n~stdout two\n~END RequestId: #\n" REPORT "\n");
    assert_contains(buf_span(&first.log), "\nraw stdout one\nraw stderr one\n"); /* its own, not the next one's */
    assert_int_equal(third.log.len, 0);
    assert_true(first.init_ns > 0 && second.init_ns == 0);
    assert_true(first.duration_ns > 0 && third.duration_ns > 0);
    assert_in_range(third.memory_max_kb, 512, 1024 * 1024);
    call_fini(&first);
    call_fini(&second);
    call_fini(&third);
}

static void a_log_that_comes_with_an_answer_is_its_last_four_kilobytes(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_suite(f, "flood_log");
    want_logs = true;
    call(f, "5000", &c);
    want_logs = false;
    assert_int_equal(c.log.len, LOG_TAIL_BYTES);
    assert_contains(buf_span(&c.log), "flood 4999 of stdout");
    assert_contains(buf_span(&c.log), "\nEND RequestId: ");
    call_fini(&c);
}

static void a_failure_has_its_line_between_start_and_end(void **state)
{
    static const struct {
        const char *handler;
        const char *lines;
        const char *status;
    } failures[] = {
        {"crash", "~RequestId: # Error: Runtime exited with error: signal: #\nRuntime.ExitError\n",
         "Status: error\tError Type: Runtime.ExitError\n"},
        {"exit0", "RequestId: # Error: Runtime exited without providing a reason\nRuntime.ExitError\n",
         "Status: error\tError Type: Runtime.ExitError\n"},
        {"fail", "[ERROR] SuiteError: x\n", "Status: error\tError Type: Function.Unknown\n"},
        {"error", "[ERROR] Runtime.HandlerError: handler returned 1\n",
         "Status: error\tError Type: Runtime.HandlerError\n"},
    };
    struct fixture *f = *state;

    want_logs = true;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        CLEANUP(free)
        char *pattern =
            mem_printf("START RequestId: # Version: $LATEST\n%sEND RequestId: #\n" REPORT "Init Duration: # ms\t%s",
                       failures[i].lines, failures[i].status);
        struct call c;
        open_suite(f, failures[i].handler);
        call(f, "x", &c);
        assert_log_like(&c, pattern);
        call_fini(&c);
        close_pool(f);
        config_unref(TAKE(f->config));
    }
    want_logs = false;
}

static void a_timeout_has_lambdas_lines(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_suite(f, "hang");
    want_logs = true;
    invoke(f, "f", SPAN(""), &c);
    want_logs = false;
    run_until(f, something_is_slow);
    clock_advance_ms(3001);
    run_until(f, nothing_pending);
    assert_log_like(&c, "START RequestId: # Version: $LATEST\nINFO hanging\n"
                        "#-#-#T#:#:#.#Z # Task timed out after 3.00 seconds\nEND RequestId: #\n"
                        "REPORT RequestId: #\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\t"
                        "Max Memory Used: # MB\tInit Duration: # ms\tStatus: timeout\n");
    assert_int_equal(c.duration_ns, UINT64_C(3000000000));
    call_fini(&c);
}

static void an_init_that_ends_the_process_has_lambdas_words(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_pool(f, "\"f\":{\"plugin\":\"sandbox.so\",\"handler\":\"ask\",\"environment\":{\"INIT_END\":\"exit\"}}");
    want_logs = true;
    call(f, "1", &c);
    want_logs = false;
    assert_text(&c.error_type, "Runtime.ExitError");
    assert_true(
        is_like(buf_terminate(&c.error_message), "RequestId: # Error: Runtime exited with error: exit status 4"));
    assert_log_like(&c, "START RequestId: # Version: $LATEST\n"
                        "RequestId: # Error: Runtime exited with error: exit status 4\nRuntime.ExitError\n"
                        "END RequestId: #\n" REPORT "Status: error\tError Type: Runtime.ExitError\n");
    call_fini(&c);
}

/* ---- memory ---- */

#ifndef __SANITIZE_ADDRESS__
static void open_sandbox(struct fixture *f, const char *handler, const char *more)
{
    CLEANUP(free)
    char *functions = mem_printf("\"f\":{\"plugin\":\"sandbox.so\",\"handler\":\"%s\"%s}", handler, more);
    open_pool(f, functions);
}

static void assert_out_of_memory(struct fixture *f, struct call *c)
{
    if (c->outcome != INVOCATION_ERROR)
        show_log(f);
    assert_int_equal(c->outcome, INVOCATION_ERROR);
    assert_text(&c->error_type, "Runtime.OutOfMemory");
    assert_true(
        is_like(buf_terminate(&c->error_message), "RequestId: # Error: Runtime exited with error: signal: killed"));
}

static void an_environment_that_keeps_too_much_memory_is_killed(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_sandbox(f, "keep", "");
    assert_answers(f, "60", "kept");
    assert_answers(f, "40", "kept");
    want_logs = true;
    call(f, "60", &c);
    want_logs = false;
    assert_out_of_memory(f, &c);
    assert_log_like(&c,
                    "START RequestId: # Version: $LATEST\n"
                    "RequestId: # Error: Runtime exited with error: signal: killed\nRuntime.OutOfMemory\n"
                    "END RequestId: #\nREPORT RequestId: #\tDuration: # ms\tBilled Duration: # ms\t"
                    "Memory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory\n");
    call_fini(&c);
    assert_int_equal(count_in_log(f, "signal: killed, it had more memory in use than its 128 MB (raise memorySize"), 1);
    assert_answers(f, "60", "kept"); /* a new one */
}

static void a_handler_that_never_stops_taking_memory_is_killed(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_sandbox(f, "devour", ",\"timeout\":900");
    call(f, "", &c);
    assert_out_of_memory(f, &c);
    call_fini(&c);
}

static void memory_size_gives_more(void **state)
{
    struct fixture *f = *state;

    open_sandbox(f, "keep", ",\"memorySize\":256");
    assert_answers(f, "200", "kept");
}

static void what_is_asked_for_and_not_used_counts_only_when_it_is_far_too_much(void **state)
{
    struct fixture *f = *state;

    open_sandbox(f, "ask", "");
    assert_answers(f, "400", "memory");
    assert_answers(f, "2000", "NULL");
}

static void an_init_that_takes_too_much_memory_fails(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_sandbox(f, "ask", ",\"environment\":{\"INIT_MB\":\"140\"}");
    call(f, "1", &c);
    assert_int_equal(c.outcome, INVOCATION_NOT_STARTED);
    assert_text(&c.error_type, "Runtime.OutOfMemory");
    call_fini(&c);
}
#endif

static void the_events_that_wait_in_an_environment_are_few_megabytes(void **state)
{
    enum { COUNT = 8 };
    struct fixture *f = *state;
    size_t size = 400u * 1024;
    CLEANUP(free) char *bytes = mem_zalloc(size);
    struct call calls[COUNT];

    memcpy(bytes, "a", 1);
    open_gates(f, 1);
    for (unsigned i = 0; i < COUNT; i++)
        invoke(f, "f", i == 0 ? SPAN("a") : span_of(bytes, size), &calls[i]);
    await_entered(f, "a");
    assert_in_range(busy_environment(f)->handed_bytes, 1, ENVIRONMENT_HANDED_BYTES_MAX + size + 4096);
    close_pool_with(f, calls, COUNT);
}

/* ---- how many environments ---- */

static void a_reserve_of_none_throttles_everything(void **state)
{
    struct fixture *f = *state;
    struct call calls[3];

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\",\"reservedConcurrency\":0}");
    for (unsigned i = 0; i < 3; i++)
        call(f, "x", &calls[i]);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(calls[i].outcome, INVOCATION_THROTTLED);
        assert_text(&calls[i].error_type, "TooManyRequestsException");
        assert_text(&calls[i].error_message, "Rate Exceeded.");
        call_fini(&calls[i]);
    }
    assert_int_equal(alive(f, "f"), 0);
    assert_int_equal(count_in_log(f, "throttled, its reserved concurrency of 0 is used up (1 refused"), 1);
    clock_advance_ms(1001);
    call(f, "x", &calls[0]);
    call_fini(&calls[0]);
    assert_int_equal(count_in_log(f, "throttled, its reserved concurrency of 0 is used up (3 refused"), 1);
}

static void over_its_reserve_a_function_is_throttled_and_under_it_not(void **state)
{
    struct fixture *f = *state;
    struct call held[2], refused, after;

    open_pool(f, "\"f\":{\"plugin\":\"gate.so\",\"handler\":\"gate\",\"timeout\":60,\"reservedConcurrency\":2,"
                 "\"environment\":{\"GATE_FOLDER\":\"#\"}}");
    invoke(f, "f", SPAN("a"), &held[0]);
    invoke(f, "f", SPAN("b"), &held[1]);
    await_entered(f, "a");
    await_entered(f, "b");
    invoke(f, "f", SPAN("c"), &refused);
    f->until_arg = &refused;
    run_until(f, call_is_done);
    assert_int_equal(refused.outcome, INVOCATION_THROTTLED);
    open_gate(f, "a");
    open_gate(f, "b");
    open_gate(f, "d");
    run_until(f, nothing_pending);
    call(f, "d", &after);
    assert_int_equal(after.outcome, INVOCATION_RESULT);
    call_fini(&held[0]);
    call_fini(&held[1]);
    call_fini(&refused);
    call_fini(&after);
}

static void what_waits_for_long_is_told(void **state)
{
    struct fixture *f = *state;
    struct call calls[3];

    open_gates(f, 1);
    invoke(f, "f", SPAN("a"), &calls[0]);
    await_entered(f, "a");
    invoke(f, "f", SPAN("b"), &calls[1]);
    invoke(f, "f", SPAN("b"), &calls[2]);
    run_until(f, something_is_slow);
    clock_advance_ms(1000);
    f->until_arg = (void *)(uintptr_t) "invocations wait, the first for 1.";
    f->until_count = 1;
    run_until(f, is_logged);
    assert_int_equal(count_in_log(f, "1 of at most 1 environments are at work (raise concurrency"), 1);
    close_pool_with(f, calls, 3);
}

static bool is_empty(struct fixture *f)
{
    return scheduler_alive(f->pool->apis[0].functions[0]) +
               f->pool->apis[0].functions[0]->environments[ENVIRONMENT_ENDING].count ==
           0;
}

static void an_environment_that_is_idle_for_long_is_retired(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *path = path_in(f, "fini");

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\",\"idleTimeout\":60,"
                 "\"environment\":{\"FINI_FILE\":\"#/fini\"}}");
    assert_answers(f, "x", "x");
    loop_advance(f->loop, 59000);
    assert_answers(f, "y", "y"); /* it counts from the last */
    loop_advance(f->loop, 59000);
    assert_int_equal(alive(f, "f"), 1);
    assert_false(function_pool_is_ending(f->pool));
    loop_advance(f->loop, 1500);
    assert_int_equal(alive(f, "f"), 0);
    run_until(f, is_empty);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(count_in_log(f, "while no handler ran"), 0);
    assert_answers(f, "z", "z");
    assert_int_equal(alive(f, "f"), 1);
}

static void functions_retire_each_at_its_own_time(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\",\"idleTimeout\":600},"
                 "\"g\":{\"plugin\":\"handler_suite.so\",\"handler\":\"echo\",\"idleTimeout\":10}");
    assert_answers(f, "x", "x");
    invoke(f, "g", SPAN("x"), &c);
    run_until(f, nothing_pending);
    call_fini(&c);
    loop_advance(f->loop, 11000);
    assert_int_equal(alive(f, "g"), 0);
    assert_int_equal(alive(f, "f"), 1);
    loop_advance(f->loop, 600000);
    assert_int_equal(alive(f, "f"), 0);
}

static bool three_are_idle(struct fixture *f)
{
    return f->pool->apis[0].functions[0]->environments[ENVIRONMENT_IDLE].count == 3;
}

static void provisioned_environments_start_ahead_and_stay(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_pool(f, "\"f\":{\"plugin\":\"handler_suite.so\",\"handler\":\"env\",\"provisioned\":3,\"idleTimeout\":1}");
    assert_int_equal(alive(f, "f"), 0);
    function_pool_start(f->pool);
    run_until(f, three_are_idle);
    loop_advance(f->loop, 3600000);
    assert_int_equal(alive(f, "f"), 3);
    assert_answers(f, "AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency");
    want_logs = true;
    call(f, "x", &c);
    want_logs = false;
    assert_log_like(&c,
                    "START RequestId: # Version: $LATEST\nEND RequestId: #\n" REPORT "\n"); /* init was told before */
    call_fini(&c);
    kill(LIST_ENTRY(list_first(&f->pool->apis[0].functions[0]->environments[ENVIRONMENT_IDLE].list), struct environment,
                    link)
             ->pid,
         SIGKILL);
    f->until_arg = (void *)(uintptr_t) "signal: killed while no handler ran";
    f->until_count = 1;
    run_until(f, is_logged);
    run_until(f, three_are_idle);
}

static void provisioned_environments_that_fail_are_tried_ever_more_seldom(void **state)
{
    struct fixture *f = *state;

    open_pool(f, "\"f\":{\"plugin\":\"init_fails.so\",\"handler\":\"init_fails\",\"provisioned\":1}");
    function_pool_start(f->pool);
    f->until_arg = (void *)(uintptr_t) "no environment could be started: Runtime.InitError";
    for (f->until_count = 1; f->until_count <= 4; f->until_count++) { /* pauses of 1, 2, 4 seconds */
        run_until(f, is_logged);
        run_until(f, is_empty);
        loop_advance(f->loop, 900u << (f->until_count - 1));
        assert_int_equal(alive(f, "f"), 0);
        loop_advance(f->loop, 200u << (f->until_count - 1));
        assert_int_equal(alive(f, "f"), 1);
    }
}

/* ---- a host that is not what it should be ---- */

static void a_host_that_breaks_the_protocol_is_killed_and_named(void **state)
{
    static const struct {
        const char *mischief;
        enum invocation_outcome outcome;
        const char *log;
    } kinds[] = {
        {"old_version", INVOCATION_NOT_STARTED, "of another version"},
        {"unknown_frame", INVOCATION_ERROR, "a frame of unknown type"},
        {"frame_to_host", INVOCATION_ERROR, "a frame of unknown type"},
        {"large_frame", INVOCATION_ERROR, "a frame that is too large"},
        {"wrong_sequence", INVOCATION_ERROR, "an answer to what it was not running"},
        {"answer_twice", INVOCATION_RESULT, "an answer to what it was not running"},
        {"ready_twice", INVOCATION_ERROR, "an unexpected READY"},
        {"started_late", INVOCATION_ERROR, "an unexpected STARTED"},
        {"short_result", INVOCATION_ERROR, "a result of the wrong form"},
        {"body_too_long", INVOCATION_ERROR, "a result of the wrong form"},
        {"headers_too_many", INVOCATION_ERROR, "a result of the wrong form"},
        {"unknown_call", INVOCATION_ERROR, "a call of the wrong form"},
        {"posts_too_many", INVOCATION_ERROR, "a call of the wrong form"},
        {"posts_cut_short", INVOCATION_ERROR, "a call of the wrong form"},
        {"posts_left_over", INVOCATION_ERROR, "a call of the wrong form"},
        {"call_flood", INVOCATION_ERROR, "a call before the last one was answered"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        CLEANUP(free)
        char *functions =
            mem_printf("\"f\":{\"plugin\":\"gate.so\",\"handler\":\"%s\",\"concurrency\":1}", kinds[i].mischief);
        unsigned before = count_in_log(f, kinds[i].log);
        struct call c;
        open_pool_with(f, "/proc/self/exe", functions);
        call(f, "x", &c);
        if (c.outcome != kinds[i].outcome)
            fail_msg("%s: outcome %d", kinds[i].mischief, c.outcome);
        call_fini(&c);
        f->until_arg = (void *)(uintptr_t)kinds[i].log;
        f->until_count = before + 1;
        run_until(f, is_logged);
        close_pool(f);
        config_unref(TAKE(f->config));
        if (count_in_log(f, kinds[i].log) != before + 1) {
            show_log(f);
            fail_msg("%s: no single line \"%s\"", kinds[i].mischief, kinds[i].log);
        }
    }
}

static void a_host_cannot_have_taken_longer_than_it_was_waited_for(void **state)
{
    struct fixture *f = *state;
    uint64_t before_ns = clock_mono_ns();
    struct call c;

    open_pool_with(f, "/proc/self/exe", "\"f\":{\"plugin\":\"gate.so\",\"handler\":\"usage_lies\"}");
    want_logs = true;
    call(f, "x", &c);
    want_logs = false;
    assert_int_equal(c.outcome, INVOCATION_RESULT);
    assert_true(c.duration_ns <= clock_mono_ns() - before_ns);
    assert_contains(buf_span(&c.log), "\tMax Memory Used: 128 MB\t");
    call_fini(&c);
}

static void an_environment_that_dies_before_it_begins_is_tried_a_few_times(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_pool_with(f, "/proc/self/exe", "\"f\":{\"plugin\":\"gate.so\",\"handler\":\"die_when_ready\"}");
    call(f, "x", &c);
    assert_int_equal(c.outcome, INVOCATION_ERROR);
    assert_contains(buf_span(&c.error_message), "exit status 9");
    call_fini(&c);
}

static void a_host_cannot_put_off_a_timeout_by_stamping_anew(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_pool_with(f, "/proc/self/exe", "\"f\":{\"plugin\":\"gate.so\",\"handler\":\"stamp_anew\"}");
    f->config->functions[0].timeout_ms = 100;
    call(f, "x", &c);
    assert_int_equal(c.outcome, INVOCATION_TIMED_OUT);
    call_fini(&c);
}

/* The supervisor has seen an invocation that waits at the front of its environment. */
static bool oldest_is_watched(struct fixture *f)
{
    struct list *node = list_first(&f->pool->apis[0].functions[0]->environments[ENVIRONMENT_BUSY].list);
    return f->pending == 0 || (node && LIST_ENTRY(node, struct environment, link)->watched_sequence > 0);
}

static bool none_is_watched(struct fixture *f)
{
    return f->pending == 0 || list_empty(&f->pool->apis[0].functions[0]->environments[ENVIRONMENT_BUSY].list);
}

static void a_host_that_begins_nothing_is_given_up(void **state)
{
    struct fixture *f = *state;
    struct call c;

    open_pool_with(f, "/proc/self/exe", "\"f\":{\"plugin\":\"gate.so\",\"handler\":\"begin_nothing\"}");
    invoke(f, "f", SPAN("x"), &c);
    while (c.done == 0) {
        run_until(f, oldest_is_watched);
        if (c.done == 0)
            clock_advance_ms(FUNCTION_INIT_MS_MAX + f->config->functions[0].timeout_ms + 1);
        run_until(f, none_is_watched);
    }
    assert_int_equal(c.outcome, INVOCATION_ERROR);
    assert_int_equal(count_in_log(f, "does not take its next invocation"), 3);
    call_fini(&c);
}

/* ---- probing ---- */

static void a_probe_names_the_handlers(void **state)
{
    CLEANUP(buf_fini) struct buf names = {0}, error = {0};
    char host[] = HOST_PATH;

    (void)state;
    assert_int_equal(function_probe_plugin(host, PLUGIN_DIR "/gate.so", &names, &error), 0);
    assert_int_equal(names.len, sizeof("gate\0authorizer"));
    assert_memory_equal(names.ptr, "gate\0authorizer", names.len);
    buf_clear(&names, 0);
    assert_int_equal(function_probe_plugin(host, PLUGIN_DIR "/handler_suite.so", &names, &error), 0);
    assert_memory_equal(names.ptr, "echo\0crash\0abort\0", 17);
    assert_int_equal(names.ptr[names.len - 1], '\0');
}

static void a_probe_says_what_is_wrong_with_a_plugin(void **state)
{
    static const struct {
        const char *host;
        const char *plugin;
        const char *words;
    } probes[] = {
        {HOST_PATH, PLUGIN_DIR "/wrong_magic.so", "plugin"},
        {HOST_PATH, PLUGIN_DIR "/constructor_crashes.so", "crashes while it is loaded (segmentation fault)"},
        {HOST_PATH, "/nonexistent/p.so", "cannot be opened: No such file or directory"},
        {"/nonexistent/apigw-host", PLUGIN_DIR "/gate.so",
         "cannot run /nonexistent/apigw-host: No such file or directory"},
        {"/bin/true", PLUGIN_DIR "/gate.so", "ends the process while it is loaded (exit status 0)"},
        {"/proc/self/exe", "shout", "has more handlers than fit"},
        {"/proc/self/exe", "grumble", "the last words"},
        {"/proc/self/exe", "no_newline", "ends the process while it is loaded (exit status 0)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        CLEANUP(buf_fini) struct buf names = {0}, error = {0};
        CLEANUP(free) char *host = mem_strdup(probes[i].host);
        assert_int_equal(function_probe_plugin(host, probes[i].plugin, &names, &error), -1);
        assert_contains(buf_span(&error), probes[i].words);
        assert_int_equal(names.len, 0);
    }
}

/* ---- the mischievous host ---- */

static struct channel *fake_channel;

static void fake_read(void *out, size_t size)
{
    size_t got = 0;

    while (got < size) {
        int64_t n = channel_read(fake_channel, (char *)out + got, size - got);
        if (n < 0)
            _exit(8);
        got += (size_t)n;
        if (n == 0)
            channel_wait(fake_channel, false, -1);
    }
}

static void fake_send(uint32_t type, const void *payload, size_t size)
{
    struct protocol_frame frame = {type, (uint32_t)size};

    channel_write(fake_channel, span_of((const char *)&frame, sizeof(frame)));
    channel_write(fake_channel, span_of(payload, size));
    channel_flush(fake_channel);
}

static void fake_ready(uint32_t version)
{
    struct protocol_ready ready = {.version = version};
    fake_send(PROTOCOL_READY, &ready, sizeof(ready));
}

/* Takes one invocation, and begins it. */
static struct protocol_invoke fake_begin(void)
{
    struct protocol_frame frame;
    struct protocol_invoke invoke;

    fake_read(&frame, sizeof(frame));
    fake_read(&invoke, sizeof(invoke));
    for (size_t left = frame.size - sizeof(invoke); left > 0; left--) {
        char byte;
        fake_read(&byte, 1);
    }
    channel_slot_claim(fake_channel, invoke.slot);
    return invoke;
}

static void fake_result(struct protocol_result result)
{
    fake_send(PROTOCOL_RESULT, &result, sizeof(result));
}

static void do_old_version(void)
{
    fake_ready(PROTOCOL_VERSION + 1);
}

static void do_unknown_frame(void)
{
    fake_begin();
    fake_send(99, "", 0);
}

static void do_frame_to_host(void)
{
    fake_begin();
    fake_send(PROTOCOL_SHUTDOWN, "", 0);
}

static void do_large_frame(void)
{
    struct protocol_frame frame = {PROTOCOL_LOG, PROTOCOL_FRAME_MAX + 1};
    fake_begin();
    channel_write(fake_channel, span_of((const char *)&frame, sizeof(frame)));
    channel_flush(fake_channel);
}

static void do_wrong_sequence(void)
{
    fake_result((struct protocol_result){.sequence = fake_begin().sequence + 1});
}

static void do_answer_twice(void)
{
    struct protocol_result result = {.sequence = fake_begin().sequence};
    fake_result(result);
    fake_result(result);
}

static void do_started_late(void)
{
    const struct protocol_started started = {0};

    fake_begin();
    fake_send(PROTOCOL_STARTED, &started, sizeof(started));
}

static void do_usage_lies(void)
{
    fake_result((struct protocol_result){
        .sequence = fake_begin().sequence,
        .usage = {.duration_ns = UINT64_MAX, .memory_max_kb = UINT32_MAX, .memory_kb = UINT32_MAX},
    });
}

static void do_ready_twice(void)
{
    fake_begin();
    fake_ready(PROTOCOL_VERSION);
}

static void do_short_result(void)
{
    fake_begin();
    fake_send(PROTOCOL_RESULT, "abc", 3);
}

static void do_body_too_long(void)
{
    fake_result((struct protocol_result){.sequence = fake_begin().sequence, .has_body = 1, .body_len = 1000});
}

static void do_headers_too_many(void)
{
    fake_result((struct protocol_result){.sequence = fake_begin().sequence, .header_count = 65535});
}

static void do_unknown_call(void)
{
    struct protocol_call c = {.op = 77};
    fake_begin();
    fake_send(PROTOCOL_CALL, &c, sizeof(c));
}

static void do_posts_too_many(void)
{
    struct protocol_call c = {.op = CALL_POST_ALL, .id_count = PROTOCOL_POSTS_MAX + 1};
    fake_begin();
    fake_send(PROTOCOL_CALL, &c, sizeof(c));
}

static void do_posts_cut_short(void)
{
    struct {
        struct protocol_call call;
        uint32_t len;
        char id[4];
    } c = {.call = {.op = CALL_POST_ALL, .id_len = 8, .id_count = 1}, .len = 5};
    fake_begin();
    fake_send(PROTOCOL_CALL, &c, sizeof(c));
}

static void do_posts_left_over(void)
{
    struct {
        struct protocol_call call;
        uint32_t len;
        char id[4];
    } c = {.call = {.op = CALL_POST_ALL, .id_len = 8, .id_count = 1}, .len = 3};
    fake_begin();
    fake_send(PROTOCOL_CALL, &c, sizeof(c));
}

/* Asks and asks, and never reads an answer. */
static void do_call_flood(void)
{
    struct protocol_call c = {.op = CALL_GET};

    fake_begin();
    for (;;) {
        while (channel_room(fake_channel) < 1024)
            channel_wait(fake_channel, true, 1);
        fake_send(PROTOCOL_CALL, &c, sizeof(c));
    }
}

static void do_die_when_ready(void)
{
    char byte;
    fake_read(&byte, 1);
    _exit(9);
}

static void do_stamp_anew(void)
{
    struct protocol_invoke invoke = fake_begin();

    for (;;) {
        channel_slot_offer(fake_channel, invoke.slot);
        channel_slot_claim(fake_channel, invoke.slot);
    }
}

static void do_begin_nothing(void)
{
    char byte;

    for (;;)
        fake_read(&byte, 1);
}

static void do_shout(void)
{
    for (unsigned i = 0; i < 100000; i++)
        printf("handler%u\n", i);
    exit(0);
}

static void do_grumble(void)
{
    for (unsigned i = 0; i < 100000; i++)
        fprintf(stderr, "grumble %u\n", i);
    fprintf(stderr, "the last words\n");
    exit(1);
}

static void do_no_newline(void)
{
    printf("half a na");
    exit(0);
}

static const struct mischief {
    const char *name;
    void (*run)(void);
} mischiefs[] = {
    {"unknown_frame", do_unknown_frame},
    {"frame_to_host", do_frame_to_host},
    {"large_frame", do_large_frame},
    {"wrong_sequence", do_wrong_sequence},
    {"answer_twice", do_answer_twice},
    {"ready_twice", do_ready_twice},
    {"started_late", do_started_late},
    {"usage_lies", do_usage_lies},
    {"short_result", do_short_result},
    {"body_too_long", do_body_too_long},
    {"headers_too_many", do_headers_too_many},
    {"unknown_call", do_unknown_call},
    {"posts_too_many", do_posts_too_many},
    {"posts_cut_short", do_posts_cut_short},
    {"posts_left_over", do_posts_left_over},
    {"call_flood", do_call_flood},
    {"die_when_ready", do_die_when_ready},
    {"stamp_anew", do_stamp_anew},
    {"begin_nothing", do_begin_nothing},
    {"shout", do_shout},
    {"grumble", do_grumble},
    {"no_newline", do_no_newline},
};

static _Noreturn void be_fake(const char *name)
{
    for (size_t i = 0; i < sizeof(mischiefs) / sizeof(mischiefs[0]); i++)
        if (strcmp(mischiefs[i].name, name) == 0)
            mischiefs[i].run();
    for (;;)
        pause(); /* until the pool has had enough */
}

static int be_host(const char *name)
{
    const struct channel_fds fds = {PROTOCOL_FD_MEMORY, PROTOCOL_FD_BELL};

    if (channel_open(&fds, CHANNEL_HOST, &fake_channel) < 0)
        return 7;
    if (strcmp(name, "old_version") == 0)
        do_old_version();
    else
        fake_ready(PROTOCOL_VERSION);
    be_fake(name);
}

int main(int argc, char **argv)
{

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        POOL_TEST(an_event_is_answered_later),
        POOL_TEST(environments_are_reused),
        POOL_TEST(every_invocation_has_a_new_request_id),
        POOL_TEST(a_raw_result_comes_as_json),
        POOL_TEST(no_answer_is_null),
        POOL_TEST(events_and_answers_may_be_larger_than_the_rings),
        POOL_TEST(a_burst_is_answered_each_with_its_own),
        POOL_TEST(a_handler_that_ends_its_process_fails_in_lambdas_words),
        POOL_TEST(a_handler_that_fails_keeps_its_environment),
        POOL_TEST(a_timeout_ends_the_invocation_and_its_environment),
        POOL_TEST(a_timeout_counts_from_the_start_of_the_handler),
        POOL_TEST(a_crash_fails_only_what_ran),
        POOL_TEST(a_plugin_that_overwrites_shared_memory_fails_alone),
        POOL_TEST(a_plugin_that_closes_all_descriptors_harms_only_itself),
        POOL_TEST(a_slow_invocation_does_not_hold_up_others),
        POOL_TEST(environments_are_never_more_than_the_limit),
        POOL_TEST(a_mix_of_slow_and_quick_is_answered_each_with_its_own),
        POOL_TEST(environments_do_not_grow_when_it_is_not_they_who_are_busy),
        POOL_TEST(environments_grow_when_each_handler_takes_a_little),
        POOL_TEST(what_waits_is_bounded),
        POOL_TEST(the_bytes_that_wait_are_bounded),
        POOL_TEST(an_event_over_lambdas_limit_is_refused),
        POOL_TEST(a_flood_of_lines_holds_up_nobody),
        POOL_TEST(an_environment_that_does_not_start_fails_what_waits),
        POOL_TEST(an_unknown_handler_is_named),
        POOL_TEST(an_init_that_hangs_is_ended_after_ten_seconds),
        POOL_TEST(a_program_that_is_no_host_is_told_so),
        POOL_TEST(a_rebuilt_plugin_is_loaded_by_new_environments),
        POOL_TEST(a_plugin_file_that_has_vanished_still_serves),
        POOL_TEST(a_function_that_two_configurations_have_is_one),
        POOL_TEST(a_shared_function_stays_when_one_of_its_configurations_changes),
        POOL_TEST(a_function_of_a_configuration_that_is_gone_is_found_by_its_name),
        POOL_TEST(a_plugin_file_that_never_was_is_named),
        POOL_TEST(an_image_is_copied_once_and_cannot_be_written),
        POOL_TEST(handlers_see_lambdas_variables_and_their_own_only),
        POOL_TEST(what_handlers_print_is_tagged_with_their_request),
        POOL_TEST(what_handlers_ask_for_is_answered_with_the_outcome),
        POOL_TEST(closing_lets_idle_environments_finish),
        POOL_TEST(closing_ends_what_runs_and_what_waits),
        POOL_TEST(a_pool_that_did_nothing_closes),
        POOL_TEST(an_answer_comes_with_its_log_if_that_is_wanted),
        POOL_TEST(a_log_that_comes_with_an_answer_is_its_last_four_kilobytes),
        POOL_TEST(a_failure_has_its_line_between_start_and_end),
        POOL_TEST(a_timeout_has_lambdas_lines),
        POOL_TEST(an_init_that_ends_the_process_has_lambdas_words),
#ifndef __SANITIZE_ADDRESS__
        POOL_TEST(an_environment_that_keeps_too_much_memory_is_killed),
        POOL_TEST(a_handler_that_never_stops_taking_memory_is_killed),
        POOL_TEST(memory_size_gives_more),
        POOL_TEST(what_is_asked_for_and_not_used_counts_only_when_it_is_far_too_much),
        POOL_TEST(an_init_that_takes_too_much_memory_fails),
#endif
        POOL_TEST(the_events_that_wait_in_an_environment_are_few_megabytes),
        POOL_TEST(a_reserve_of_none_throttles_everything),
        POOL_TEST(over_its_reserve_a_function_is_throttled_and_under_it_not),
        POOL_TEST(what_waits_for_long_is_told),
        POOL_TEST(an_environment_that_is_idle_for_long_is_retired),
        POOL_TEST(functions_retire_each_at_its_own_time),
        POOL_TEST(provisioned_environments_start_ahead_and_stay),
        POOL_TEST(provisioned_environments_that_fail_are_tried_ever_more_seldom),
        POOL_TEST(a_host_that_breaks_the_protocol_is_killed_and_named),
        POOL_TEST(a_host_cannot_have_taken_longer_than_it_was_waited_for),
        POOL_TEST(an_environment_that_dies_before_it_begins_is_tried_a_few_times),
        POOL_TEST(a_host_cannot_put_off_a_timeout_by_stamping_anew),
        POOL_TEST(a_host_that_begins_nothing_is_given_up),
        POOL_TEST(a_probe_names_the_handlers),
        POOL_TEST(a_probe_says_what_is_wrong_with_a_plugin),
    };

    if (argc == 3 && strcmp(argv[1], "--serve") == 0)
        return be_host(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--handlers") == 0)
        be_fake(argv[2]);
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
