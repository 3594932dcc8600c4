/* load_idle.c - connections that do nothing: what the memory of the server and its children grows by for each, and
 * whether they still work.
 *
 * The first hundred are opened and used before the memory is looked at, so that what a server sets up once is not
 * counted. */
#include <stdio.h>
#include <string.h>

#include "process_tree.h"
#include "swarm.h"

#define WARM_MAX 100
#define SAMPLE_MAX 200
#define MESSAGE_SIZE 64

struct idle {
    const struct load_options *options;
    struct loop loop;
    struct swarm swarm;
    char *message;
    char frame[MESSAGE_SIZE + WEBSOCKET_FRAME_EXTRA];
    size_t frame_len;
    size_t answers;
    size_t questions;
};

static void on_message(struct websocket *ws, const struct websocket_message *message)
{
    struct idle *idle = swarm_of(ws)->scenario;

    if (message->len != MESSAGE_SIZE || memcmp(message->prefix, idle->message, message->prefix_len) != 0)
        load_die("connection %zu: not an echo: '%.*s'", ws->index, (int)message->prefix_len, message->prefix);
    idle->answers++;
}

static bool all_answered(void *arg)
{
    const struct idle *idle = arg;

    return idle->answers == idle->questions;
}

/* One message on each of at most `sample` connections, evenly spread over those that are open. */
static void echo_on_some(struct idle *idle, size_t sample)
{
    size_t open = idle->swarm.open;
    size_t count = open < sample ? open : sample;
    size_t i;

    idle->answers = 0;
    idle->questions = count;
    for (i = 0; i < count; i++)
        websocket_send(&idle->swarm.members[i * open / count], idle->frame, idle->frame_len);
    if (!loop_run(&idle->loop, all_answered, idle, load_deadline_ns(idle->options)))
        load_die("of %zu open connections, %zu were asked and %zu answered", open, count, idle->answers);
}

static int report(const struct idle *idle, size_t counted, unsigned long long before, unsigned long long after)
{
    double each = counted && after > before ? (double)(after - before) / (double)counted : 0;

    printf("idle, %u connections\n  %.0f bytes for each (%llu before, %llu after), %zu of %zu echoed\n",
           idle->options->connections, each, before, after, idle->answers, idle->questions);
    printf("{\"scenario\":\"idle\",\"bytes\":%.1f,\"open\":%zu,\"echoed\":%zu,\"asked\":%zu,\"before\":%llu,"
           "\"after\":%llu}\n",
           each, idle->swarm.open, idle->answers, idle->questions, before, after);
    return 0;
}

int load_idle(const struct load_options *o)
{
    static const struct websocket_ops ops = {.on_message = on_message};
    static struct idle idle;
    size_t warm = o->connections / 2 < WARM_MAX ? o->connections / 2 : WARM_MAX;
    unsigned long long before, after;

    if (!o->server_pid)
        load_die("idle needs --server-pid");
    idle.options = o;
    loop_init(&idle.loop);
    idle.message = load_message("echo", MESSAGE_SIZE, 0);
    idle.frame_len = websocket_frame(idle.frame, WEBSOCKET_TEXT, idle.message, MESSAGE_SIZE);
    swarm_init(&idle.swarm, o, &idle.loop, &ops, o->connections, &idle);
    swarm_open(&idle.swarm, warm);
    echo_on_some(&idle, warm);
    before = process_tree_bytes(o->server_pid);
    swarm_open(&idle.swarm, o->connections);
    after = process_tree_bytes(o->server_pid);
    echo_on_some(&idle, SAMPLE_MAX);
    return report(&idle, o->connections - warm, before, after);
}
