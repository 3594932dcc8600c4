/* load_echo.c - every message comes back: how many a second, and how long each takes. */
#include <stdio.h>
#include <string.h>

#include "swarm.h"

struct member {
    uint64_t *sent_ns; /* a ring: answers come in the order of the questions */
    size_t oldest;
    size_t due; /* answers of this read, to be followed by as many questions */
};

struct echo {
    const struct load_options *options;
    struct loop loop;
    struct swarm swarm;
    struct member *members;
    char *message;
    char *frames; /* one more than can be on their way, so that a place in the period can be anywhere */
    size_t frame_len;
    struct load_window window;
    size_t outstanding; /* questions without an answer yet */
};

static void send_messages(struct echo *e, struct websocket *ws, size_t count, uint64_t now_ns)
{
    struct member *m = &e->members[ws->index];
    size_t i;

    for (i = 0; i < count; i++) {
        m->sent_ns[m->oldest] = now_ns;
        m->oldest = m->oldest + 1 == e->options->inflight ? 0 : m->oldest + 1;
    }
    e->outstanding += count;
    stream_send(&ws->stream, e->frames, e->frame_len, count * e->frame_len);
}

static void on_message(struct websocket *ws, const struct websocket_message *message)
{
    struct echo *e = swarm_of(ws)->scenario;

    if (message->len != e->options->size || memcmp(message->prefix, e->message, message->prefix_len) != 0)
        load_die("connection %zu: not an echo, but %llu bytes: '%.*s'", ws->index, (unsigned long long)message->len,
                 (int)message->prefix_len, message->prefix);
    e->members[ws->index].due++;
}

static void after_input(struct websocket *ws)
{
    struct echo *e = swarm_of(ws)->scenario;
    struct member *m = &e->members[ws->index];
    size_t count = m->due;
    uint64_t now_ns;
    size_t i;

    if (count == 0)
        return;
    if (count > e->options->inflight)
        load_die("connection %zu: more answers than questions", ws->index);
    now_ns = loop_now_ns();
    for (i = 0; i < count; i++)
        load_window_record(&e->window, m->sent_ns[(m->oldest + i) % e->options->inflight], now_ns);
    m->due = 0;
    e->outstanding -= count;
    if (now_ns < e->window.end_ns)
        send_messages(e, ws, count, now_ns);
}

/* The last questions are waited for too: one that was lost shows here. */
static bool is_over(void *arg)
{
    const struct echo *e = arg;

    return load_window_is_over(&e->window) && e->outstanding == 0;
}

static void prepare(struct echo *e)
{
    size_t i;

    e->message = load_message("echo", e->options->size);
    e->frames = load_alloc(e->options->inflight + 1, e->options->size + WEBSOCKET_FRAME_EXTRA);
    for (i = 0; i <= e->options->inflight; i++)
        e->frame_len = websocket_frame(e->frames + i * e->frame_len, WEBSOCKET_TEXT, e->message, e->options->size);
    e->members = load_alloc(e->options->connections, sizeof(*e->members));
    for (i = 0; i < e->options->connections; i++)
        e->members[i].sent_ns = load_alloc(e->options->inflight, sizeof(uint64_t));
}

static int report(const struct echo *e)
{
    const struct histogram *h = &e->window.latency;
    double rate = (double)h->count / load_window_seconds(&e->window);
    double p50 = (double)histogram_percentile(h, 50) / 1000;
    double p99 = (double)histogram_percentile(h, 99) / 1000;

    printf("echo, %u connections, %u in flight on each, %u bytes\n", e->options->connections, e->options->inflight,
           e->options->size);
    printf("  %.0f messages/s, p50 %.1f us, p99 %.1f us, %llu messages\n", rate, p50, p99,
           (unsigned long long)h->count);
    printf("{\"scenario\":\"echo\",\"rate\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"count\":%llu}\n", rate, p50, p99,
           (unsigned long long)h->count);
    return h->count > 0 ? 0 : 1;
}

int load_echo(const struct load_options *o)
{
    static const struct websocket_ops ops = {.on_message = on_message, .after_input = after_input};
    static struct echo e;
    size_t i;

    e.options = o;
    loop_init(&e.loop);
    prepare(&e);
    swarm_init(&e.swarm, o, &e.loop, &ops, o->connections, &e);
    swarm_open(&e.swarm, o->connections);
    load_window_open(&e.window, o);
    for (i = 0; i < o->connections; i++)
        send_messages(&e, &e.swarm.members[i], o->inflight, loop_now_ns());
    if (!loop_run(&e.loop, is_over, &e, e.window.end_ns + o->limit_ms * 1000000ull))
        load_die("%zu messages were never answered", e.outstanding);
    return report(&e);
}
