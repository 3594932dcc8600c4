/* load_connect.c - connections opened: how many a second, and how long an upgrade takes. Either each is closed, with a
 * close frame each way, or all stay open until the end. */
#include <stdio.h>

#include "load.h"
#include "websocket.h"

struct connect_run {
    const struct load_options *options;
    struct loop loop;
    struct websocket *slots;
    uint64_t *started_ns;
    uint64_t serial;
    uint64_t closed;
    char *request;
    char frame[WEBSOCKET_FRAME_EXTRA + 2];
    size_t frame_len;
    struct load_window window;
};

static void slot_start(struct connect_run *r, struct websocket *ws)
{
    r->started_ns[ws->index] = loop_now_ns();
    websocket_connect(ws, &r->loop, r->options->port, r->request, r->serial++);
}

static void on_open(struct websocket *ws)
{
    struct connect_run *r = ws->owner;

    load_window_record(&r->window, r->started_ns[ws->index], loop_now_ns());
    websocket_send(ws, r->frame, r->frame_len);
}

static void on_message(struct websocket *ws, const struct websocket_message *message)
{
    load_die("connection %zu: a message that nobody asked for: '%.*s'", ws->index, (int)message->prefix_len,
             message->prefix);
}

static void on_close(struct websocket *ws)
{
    struct connect_run *r = ws->owner;

    if (load_window_contains(&r->window, loop_now_ns()) || (load_window_is_over(&r->window) && r->closed == 0))
        r->closed++;
    websocket_close(ws);
    slot_start(r, ws);
}

static bool is_over(void *arg)
{
    const struct connect_run *r = arg;

    return load_window_is_over(&r->window) && r->closed > 0;
}

static int report(const struct connect_run *r)
{
    double rate = (double)r->closed / load_window_seconds(&r->window);
    double p50 = (double)histogram_percentile(&r->window.latency, 50) / 1000;
    double p99 = (double)histogram_percentile(&r->window.latency, 99) / 1000;

    printf("connect, %u at once\n  %.0f connections/s, upgrade p50 %.1f us, p99 %.1f us\n", r->options->concurrency,
           rate, p50, p99);
    printf("{\"scenario\":\"connect\",\"rate\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"count\":%llu}\n", rate, p50, p99,
           (unsigned long long)r->closed);
    return r->closed > 0 ? 0 : 1;
}

int load_connect(const struct load_options *o)
{
    static const struct websocket_ops ops = {.on_open = on_open, .on_message = on_message, .on_close = on_close};
    static const char normal_closure[2] = {0x03, (char)0xe8};
    static struct connect_run r;
    size_t i;

    r.options = o;
    loop_init(&r.loop);
    r.request = websocket_request(o->port, o->path);
    r.frame_len = websocket_frame(r.frame, WEBSOCKET_CLOSE, normal_closure, sizeof(normal_closure));
    r.slots = load_alloc(o->concurrency, sizeof(*r.slots));
    r.started_ns = load_alloc(o->concurrency, sizeof(*r.started_ns));
    load_window_open(&r.window, o);
    for (i = 0; i < o->concurrency; i++) {
        r.slots[i].ops = &ops;
        r.slots[i].owner = &r;
        r.slots[i].index = i;
        slot_start(&r, &r.slots[i]);
    }
    loop_run(&r.loop, is_over, &r, UINT64_MAX);
    return report(&r);
}

/* ---- all stay open ---- */

struct open_run {
    const struct load_options *options;
    struct loop loop;
    struct websocket *slots;
    uint64_t *started_ns;
    char *request;
    size_t started;
    size_t open;
    size_t wanted;
    struct histogram latency;
};

static void open_next(struct open_run *r)
{
    struct websocket *ws = &r->slots[r->started];

    r->started_ns[r->started] = loop_now_ns();
    websocket_connect(ws, &r->loop, r->options->port, r->request, r->started);
    r->started++;
}

static void on_stays_open(struct websocket *ws)
{
    struct open_run *r = ws->owner;

    histogram_record(&r->latency, loop_now_ns() - r->started_ns[ws->index]);
    r->open++;
    if (r->started < r->wanted)
        open_next(r);
}

static bool all_open(void *arg)
{
    const struct open_run *r = arg;

    return r->open == r->wanted;
}

/* How long it took until so many were open, in seconds. */
static double open_until(struct open_run *r, size_t wanted)
{
    uint64_t start_ns = loop_now_ns();

    histogram_reset(&r->latency);
    r->wanted = wanted;
    while (r->started < wanted && r->started - r->open < r->options->concurrency)
        open_next(r);
    if (!loop_run(&r->loop, all_open, r, load_deadline_ns(r->options)))
        load_die("only %zu of %zu connections were open after %u ms", r->open, wanted, r->options->limit_ms);
    return (double)(loop_now_ns() - start_ns) / 1e9;
}

/* A tenth of them before the time is taken, so that what a server does once is not counted. */
int load_open(const struct load_options *o)
{
    static const struct websocket_ops ops = {.on_open = on_stays_open, .on_message = on_message};
    static struct open_run r;
    size_t before = o->connections / 10;
    double seconds, rate, p50, p99;
    size_t i;

    r.options = o;
    loop_init(&r.loop);
    r.request = websocket_request(o->port, o->path);
    r.slots = load_alloc(o->connections, sizeof(*r.slots));
    r.started_ns = load_alloc(o->connections, sizeof(*r.started_ns));
    for (i = 0; i < o->connections; i++)
        r.slots[i] = (struct websocket){.ops = &ops, .owner = &r, .index = i};
    open_until(&r, before);
    seconds = open_until(&r, o->connections);
    rate = (double)(o->connections - before) / seconds;
    p50 = (double)histogram_percentile(&r.latency, 50) / 1000;
    p99 = (double)histogram_percentile(&r.latency, 99) / 1000;
    printf("open, %u connections, %u at once\n  %.0f handshakes/s, p50 %.1f us, p99 %.1f us\n", o->connections,
           o->concurrency, rate, p50, p99);
    printf("{\"scenario\":\"open\",\"rate\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"count\":%llu}\n", rate, p50, p99,
           (unsigned long long)r.latency.count);
    return 0;
}
