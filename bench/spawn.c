/* spawn.c - how long an execution environment takes from its start to being ready, and how long a trivial host does.
 *
 *     bench-spawn COUNT APIGW_HOST TRIVIAL_HOST ROUTES
 *
 * The environment is the emulator's own (function/environment.h), on its loop: process, memory, variables, the plugin's
 * init. Both are started in turns, so that the machine's moods are shared. The last line printed is the result. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "function/environment.h"
#include "function/function.h"
#include "gateway/rules.h"
#include "histogram.h"

#define COUNT_MAX 10000
#define LIMIT_MS 60000

extern char **environ;

struct bench {
    const char *host_path;
    const char *trivial_path;
    struct loop *loop;
    struct config *config;
    const struct config_function *function;
    struct plugin_image *image;
    struct environment_shelf shelves[ENVIRONMENT_STATES];
    struct function_services services;
    struct loop_timer *limit;
    uint64_t ready_ns;
    bool ended;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "bench-spawn: %s: %s\n", what, why);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the emulator's environment ---- */

static void on_room(void *owner, struct environment *env)
{
    struct bench *b = owner;

    b->ready_ns = now_ns();
    environment_shut_down(env, END_BY_ITSELF);
}

static void on_answer(void *owner, struct environment *env, struct invocation *inv,
                      const struct invocation_result *result)
{
    die("an environment", "answered what it was not asked");
}

static void on_end(void *owner, struct environment *env, const siginfo_t *exit)
{
    struct bench *b = owner;

    b->ended = true;
    environment_free(env);
    loop_stop(b->loop);
}

static void on_limit(void *arg)
{
    die("an environment", "was not ready and gone in time");
}

static uint64_t start_environment(struct bench *b)
{
    static const struct environment_owner_ops ops = {.on_room = on_room, .on_answer = on_answer, .on_end = on_end};
    CLEANUP(buf_fini) struct buf error = {0};
    struct environment_setup setup = {
        .loop = b->loop,
        .host_path = b->host_path,
        .config = b->config,
        .function = b->function,
        .services = &b->services,
        .shelves = b->shelves,
        .ops = &ops,
        .owner = b,
    };
    uint64_t started_ns = now_ns();
    struct environment *env;

    setup.copy = plugin_image_copy(b->image, &error);
    if (!setup.copy || environment_start(&setup, &error, &env) < 0)
        die("an environment", buf_terminate(&error));
    b->ready_ns = 0;
    b->ended = false;
    loop_timer_start(b->limit, LIMIT_MS);
    while (!b->ended)
        loop_run(b->loop);
    loop_timer_stop(b->limit);
    plugin_copy_unref(setup.copy);
    if (!b->ready_ns)
        die("an environment", "ended before it was ready");
    return b->ready_ns - started_ns;
}

/* ---- the trivial host ---- */

static uint64_t start_trivial(const struct bench *b)
{
    char *arguments[] = {(char *)"trivial-host", b->function->plugin_path, NULL};
    posix_spawn_file_actions_t actions;
    uint64_t started_ns = now_ns();
    int in[2], out[2], status, error;
    uint64_t ready_ns;
    pid_t pid;
    char byte;

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        die("pipe", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    error = posix_spawn(&pid, b->trivial_path, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        die(b->trivial_path, strerror(error));
    close(in[0]);
    close(out[1]);
    if (read(out[0], &byte, 1) != 1)
        die(b->trivial_path, "was not ready");
    ready_ns = now_ns();
    close(in[1]);
    close(out[0]);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        die(b->trivial_path, "did not end as it should");
    return ready_ns - started_ns;
}

/* ---- both ---- */

static void load(struct bench *b, const char *path)
{
    const struct config_options options = {
        .probe_plugin = function_probe_plugin, .arg = (void *)b->host_path, .check_rule = rule_check_setting};
    CLEANUP(buf_fini) struct buf diagnostics = {0};

    if (config_load(path, &options, &diagnostics, &b->config) < 0)
        die(path, buf_terminate(&diagnostics));
    b->function = &b->config->functions[0];
    b->image = plugin_image_new(b->function->plugin_path);
    for (size_t i = 0; i < ENVIRONMENT_STATES; i++)
        list_init(&b->shelves[i].list);
    b->loop = loop_new();
    if (!b->loop)
        die("the loop", strerror(errno));
    b->limit = loop_timer_new(b->loop, on_limit, b);
}

static double median_us(const struct histogram *h)
{
    return (double)histogram_percentile(h, 50) / 1000;
}

int main(int argc, char **argv)
{
    static struct histogram ours, trivial;
    static struct bench b;
    unsigned long count = argc == 5 ? strtoul(argv[1], NULL, 10) : 0;

    if (count < 1 || count > COUNT_MAX)
        die("usage", "bench-spawn COUNT APIGW_HOST TRIVIAL_HOST ROUTES, 1 to 10000 times");
    signal(SIGPIPE, SIG_IGN);
    b.host_path = argv[2];
    b.trivial_path = argv[3];
    load(&b, argv[4]);
    start_environment(&b); /* the plugin's copy is made by the first */
    start_trivial(&b);
    while (count-- > 0) {
        histogram_record(&ours, start_environment(&b));
        histogram_record(&trivial, start_trivial(&b));
    }
    printf("{\"scenario\":\"spawn\",\"p50_us\":%.2f,\"trivial_p50_us\":%.2f,\"count\":%llu}\n", median_us(&ours),
           median_us(&trivial), (unsigned long long)ours.count);
    loop_timer_free(b.limit);
    loop_free(b.loop);
    plugin_image_free(b.image);
    config_unref(b.config);
    return 0;
}
