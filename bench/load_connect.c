/* load_connect.c - connections opened and closed with a close frame each way: how many a second, and how long an
 * upgrade takes. */
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

    if (load_window_contains(&r->window, loop_now_ns()))
        r->closed++;
    websocket_close(ws);
    slot_start(r, ws);
}

static bool is_over(void *arg)
{
    const struct connect_run *r = arg;

    return load_window_is_over(&r->window);
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
