/* load_echo.c - every message comes back: how many a second, and how long each takes. Messages are numbered, so one
 * that is lost, comes twice or is overtaken shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process_tree.h"
#include "swarm.h"

/* As many numbers are in use as could be on their way twice over: one that is overtaken holds up no others at once. */
#define SLOTS_PER_INFLIGHT 2
#define ABSENT 0 /* in sent_ns: nothing of this number is on its way */

struct member {
    uint64_t *sent_ns;  /* by number */
    size_t next;        /* number of the next message */
    size_t oldest;      /* and of the one that is to come back first */
    size_t outstanding; /* questions without an answer yet */
};

struct echo {
    const struct load_options *options;
    bool burst; /* everything is sent once, at once */
    struct loop loop;
    struct swarm swarm; /* those behind the members are silent */
    struct member *members;
    size_t slots;
    char (*prefixes)[WEBSOCKET_PREFIX]; /* of the messages, by number */
    char *frames;                       /* by number; and again, as far as a place in the period can reach */
    size_t frame_len;
    size_t *answered; /* numbers, of one read */
    size_t answered_count;
    struct load_window window;
    size_t outstanding;
    struct {
        bool begun;
        bool ended;
        uint64_t cpu_ns; /* of the server, at the beginning of the window; then during it */
        uint64_t total;  /* the same of answers */
    } used;
    uint64_t total;     /* answers, in all */
    uint64_t reordered; /* of those, the ones that came before an older one */
};

/* Sends as much as may be on its way, in the order of the numbers. */
static void send_messages(struct echo *e, struct websocket *ws, uint64_t now_ns)
{
    struct member *m = &e->members[ws->index];
    size_t first = m->next;
    size_t count = 0;

    while (m->outstanding < e->options->inflight && m->sent_ns[m->next] == ABSENT) {
        m->sent_ns[m->next] = now_ns;
        m->next = (m->next + 1) % e->slots;
        m->outstanding++;
        count++;
    }
    e->outstanding += count;
    if (count > 0)
        stream_send_from(&ws->stream, e->frames, e->slots * e->frame_len, first * e->frame_len, count * e->frame_len);
}

static void on_message(struct websocket *ws, const struct websocket_message *message)
{
    struct echo *e = swarm_of(ws)->scenario;
    size_t number = load_message_number(message->prefix, message->prefix_len);

    if (ws->index >= e->options->connections)
        load_die("connection %zu was silent, and got %llu bytes", ws->index, (unsigned long long)message->len);
    if (message->len != e->options->size || number >= e->slots ||
        memcmp(message->prefix, e->prefixes[number], message->prefix_len) != 0)
        load_die("connection %zu: not an echo, but %llu bytes: '%.*s'", ws->index, (unsigned long long)message->len,
                 (int)message->prefix_len, message->prefix);
    if (e->members[ws->index].sent_ns[number] == ABSENT || e->answered_count == e->slots)
        load_die("connection %zu: message %zu came twice", ws->index, number);
    e->answered[e->answered_count++] = number;
}

static void take_answer(struct echo *e, struct member *m, size_t number, uint64_t now_ns)
{
    load_window_record(&e->window, m->sent_ns[number], now_ns);
    m->sent_ns[number] = ABSENT;
    m->outstanding--;
    e->outstanding--;
    e->total++;
    if (number != m->oldest)
        e->reordered++;
    if (m->outstanding == 0)
        m->oldest = m->next;
    while (m->outstanding > 0 && m->sent_ns[m->oldest] == ABSENT)
        m->oldest = (m->oldest + 1) % e->slots;
}

static void after_input(struct websocket *ws)
{
    struct echo *e = swarm_of(ws)->scenario;
    uint64_t now_ns;
    size_t i;

    if (e->answered_count == 0)
        return;
    now_ns = loop_now_ns();
    for (i = 0; i < e->answered_count; i++)
        take_answer(e, &e->members[ws->index], e->answered[i], now_ns);
    e->answered_count = 0;
    if (!e->burst && now_ns < e->window.end_ns)
        send_messages(e, ws, now_ns);
}

/* What the server uses is looked at when the window opens and when it closes, so that its start, and the opening of
 * connections, are no part of it. */
static void note_usage(struct echo *e, bool over)
{
    bool begins = !e->used.begun && loop_now_ns() >= e->window.start_ns;
    uint64_t cpu_ns;

    if (!e->options->server_pid || e->used.ended || !(begins || over))
        return;
    cpu_ns = process_tree_cpu_ns(e->options->server_pid);
    e->used.cpu_ns = cpu_ns - e->used.cpu_ns;
    e->used.total = e->total - e->used.total;
    e->used.ended = !begins;
    e->used.begun = true;
}

/* In microseconds for a message; 0: it was not looked at. */
static double usage_us(const struct echo *e)
{
    return e->used.ended && e->used.total > 0 ? (double)e->used.cpu_ns / 1000 / (double)e->used.total : 0;
}

/* The last questions are waited for too: one that was lost shows here. */
static bool is_over(void *arg)
{
    struct echo *e = arg;
    bool over = load_window_is_over(&e->window);

    note_usage(e, over);
    return (e->burst || over) && e->outstanding == 0;
}

/* With several actions the messages go round, so that each route has its share. */
static const char *action_of(const struct echo *e, size_t number)
{
    static char name[16];

    if (e->options->actions == 0)
        return "echo";
    snprintf(name, sizeof(name), "r%03zu", number % e->options->actions);
    return name;
}

static void write_frames(struct echo *e)
{
    size_t size = e->options->size;
    size_t i;

    e->prefixes = load_alloc(e->slots, sizeof(*e->prefixes));
    e->frames = load_alloc(e->slots + e->options->inflight, size + WEBSOCKET_FRAME_EXTRA);
    for (i = 0; i < e->slots; i++) {
        char *text = load_message(e->burst ? "slow" : action_of(e, i), size, i);

        memcpy(e->prefixes[i], text, size < WEBSOCKET_PREFIX ? size : WEBSOCKET_PREFIX);
        e->frame_len = websocket_frame(e->frames + i * e->frame_len, WEBSOCKET_TEXT, text, size);
        free(text);
    }
    memcpy(e->frames + e->slots * e->frame_len, e->frames, e->options->inflight * e->frame_len);
}

static void prepare(struct echo *e)
{
    size_t i;

    e->slots = SLOTS_PER_INFLIGHT * e->options->inflight;
    if (e->slots < e->options->actions)
        e->slots = e->options->actions;
    e->answered = load_alloc(e->slots, sizeof(*e->answered));
    write_frames(e);
    e->members = load_alloc(e->options->connections, sizeof(*e->members));
    for (i = 0; i < e->options->connections; i++) {
        e->members[i].sent_ns = load_alloc(e->slots, sizeof(uint64_t));
        e->members[i].next = e->members[i].oldest = i % e->slots;
    }
}

static int report(const struct echo *e)
{
    const struct histogram *h = &e->window.latency;
    double rate = (double)h->count / load_window_seconds(&e->window);
    double p50 = (double)histogram_percentile(h, 50) / 1000;
    double p99 = (double)histogram_percentile(h, 99) / 1000;

    printf("%s, %u connections, %u in flight on each, %u bytes, %u silent connections beside\n",
           e->burst ? "burst" : "echo", e->options->connections, e->options->inflight, e->options->size,
           e->options->silent);
    printf("  %.0f messages/s, p50 %.1f us, p99 %.1f us, %llu messages, server CPU %.2f us each\n", rate, p50, p99,
           (unsigned long long)h->count, usage_us(e));
    printf("{\"scenario\":\"%s\",\"rate\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"count\":%llu,\"total\":%llu,"
           "\"reordered\":%llu,\"cpu_us\":%.3f}\n",
           e->burst ? "burst" : "echo", rate, p50, p99, (unsigned long long)h->count, (unsigned long long)e->total,
           (unsigned long long)e->reordered, usage_us(e));
    return h->count > 0 ? 0 : 1;
}

static int run(const struct load_options *o, bool burst)
{
    static const struct websocket_ops ops = {.on_message = on_message, .after_input = after_input};
    static struct echo e;
    uint64_t limit_ns;
    size_t i;

    e.options = o;
    e.burst = burst;
    loop_init(&e.loop);
    prepare(&e);
    swarm_init(&e.swarm, o, &e.loop, &ops, (size_t)o->connections + o->silent, &e);
    swarm_open(&e.swarm, e.swarm.count);
    load_window_open(&e.window, o);
    limit_ns = e.window.end_ns + o->limit_ms * 1000000ull;
    if (burst)
        e.window = (struct load_window){.start_ns = loop_now_ns(), .end_ns = UINT64_MAX};
    for (i = 0; i < o->connections; i++)
        send_messages(&e, &e.swarm.members[i], loop_now_ns());
    if (!loop_run(&e.loop, is_over, &e, limit_ns))
        load_die("%zu messages were never answered", e.outstanding);
    if (burst)
        e.window.end_ns = loop_now_ns();
    return report(&e);
}

int load_echo(const struct load_options *o)
{
    return run(o, false);
}

int load_burst(const struct load_options *o)
{
    return run(o, true);
}
