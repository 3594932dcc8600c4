/* load_start.c - how long a server takes from its exec to the first WebSocket connection that it accepts. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "websocket.h"

#define RETRY_NS 100000 /* between two attempts: leaves the CPU to the server */

extern char **environ;

struct start {
    const struct load_options *options;
    struct loop loop;
    bool open;
};

static void on_open(struct websocket *ws)
{
    struct start *s = ws->owner;

    s->open = true;
}

static void on_message(struct websocket *ws, const struct websocket_message *message)
{
    load_die("a message that nobody asked for: '%.*s'", (int)message->prefix_len, message->prefix);
}

static bool is_open(void *arg)
{
    const struct start *s = arg;

    return s->open;
}

static pid_t start_server(char **command)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO); /* our result is on the other */
    error = posix_spawn(&pid, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        load_die("%s: %s", command[0], strerror(error));
    return pid;
}

/* Does somebody listen there? */
static bool answers(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected;

    if (fd < 0)
        load_die("socket: %s", strerror(errno));
    connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return connected;
}

static void wait_for_listener(const struct start *s, pid_t pid, uint64_t deadline_ns)
{
    const struct timespec pause = {.tv_nsec = RETRY_NS};

    while (!answers(s->options->port)) {
        if (waitpid(pid, NULL, WNOHANG) == pid)
            load_die("the server ended before it accepted a connection");
        if (loop_now_ns() >= deadline_ns) {
            kill(pid, SIGKILL);
            load_die("the server accepted no connection in %u ms", s->options->limit_ms);
        }
        nanosleep(&pause, NULL);
    }
}

static void end_server(pid_t pid)
{
    int status;

    kill(pid, SIGTERM);
    if (waitpid(pid, &status, 0) != pid)
        load_die("waitpid: %s", strerror(errno));
    if (!(WIFEXITED(status) && WEXITSTATUS(status) == 0) && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM))
        load_die("the server ended with status %#x", (unsigned)status);
}

/* Leaves the duration in the histogram. */
static void start_once(struct start *s, struct histogram *durations, char *request, uint64_t serial)
{
    static const struct websocket_ops ops = {.on_open = on_open, .on_message = on_message};
    struct websocket ws = {.ops = &ops, .owner = s};
    uint64_t deadline_ns = load_deadline_ns(s->options);
    uint64_t started_ns = loop_now_ns();
    pid_t pid = start_server(s->options->command);

    wait_for_listener(s, pid, deadline_ns);
    s->open = false;
    websocket_connect(&ws, &s->loop, s->options->port, request, serial);
    if (!loop_run(&s->loop, is_open, s, deadline_ns)) {
        kill(pid, SIGKILL);
        load_die("the server did not answer the upgrade in %u ms", s->options->limit_ms);
    }
    histogram_record(durations, loop_now_ns() - started_ns);
    websocket_close(&ws);
    end_server(pid);
}

int load_start(const struct load_options *o)
{
    static struct histogram durations;
    static struct start s;
    char *request = websocket_request(o->port, o->path);
    double p50, p99;
    unsigned i;

    if (!o->command || !o->command[0])
        load_die("start needs -- COMMAND…");
    if (answers(o->port))
        load_die("something listens on port %u already", o->port);
    s.options = o;
    loop_init(&s.loop);
    histogram_reset(&durations);
    for (i = 0; i < o->starts; i++)
        start_once(&s, &durations, request, i);
    free(request);
    p50 = (double)histogram_percentile(&durations, 50) / 1000;
    p99 = (double)histogram_percentile(&durations, 99) / 1000;
    printf("start, %u times\n  p50 %.1f us, p99 %.1f us\n", o->starts, p50, p99);
    printf("{\"scenario\":\"start\",\"p50_us\":%.2f,\"p99_us\":%.2f,\"count\":%u}\n", p50, p99, o->starts);
    return 0;
}
