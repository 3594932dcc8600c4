/* load_fanout.c - one sender, many receivers: the server passes each message of the sender to every receiver and then
 * answers how many there were. The next message goes when all of that has come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fanout_message.h"
#include "swarm.h"

struct fanout {
    const struct load_options *options;
    struct loop loop;
    struct swarm swarm; /* member 0 sends */
    char *frame;
    size_t frame_len;
    uint64_t sent_ns;
    size_t arrived; /* deliveries of the present message */
    uint64_t *seen; /* by receiver: deliveries of all messages */
    uint64_t sent;
    bool answered;
    bool finished;      /* the window is over and the last message was delivered whole */
    uint64_t delivered; /* in the window */
    struct load_window window;
};

static void send_next(struct fanout *f)
{
    f->arrived = 0;
    f->answered = false;
    f->sent++;
    f->sent_ns = loop_now_ns();
    websocket_send(&f->swarm.members[0], f->frame, f->frame_len);
}

static void take_answer(struct fanout *f, const struct websocket_message *message)
{
    char expected[16];
    int len = snprintf(expected, sizeof(expected), "%u", f->options->receivers);

    if (message->len != (uint64_t)len || memcmp(message->prefix, expected, (size_t)len) != 0)
        load_die("the sender was answered '%.*s', not %s", (int)message->prefix_len, message->prefix, expected);
    f->answered = true;
}

static void take_delivery(struct fanout *f, const struct websocket *ws, const struct websocket_message *message)
{
    if (message->len != f->options->size || message->prefix[0] != 'x')
        load_die("connection %zu: delivered were %llu bytes: '%.*s'", ws->index, (unsigned long long)message->len,
                 (int)message->prefix_len, message->prefix);
    if (++f->seen[ws->index] > f->sent)
        load_die("connection %zu: a message was delivered twice", ws->index);
    f->arrived++;
    if (load_window_contains(&f->window, loop_now_ns()))
        f->delivered++;
}

static void on_message(struct websocket *ws, const struct websocket_message *message)
{
    struct fanout *f = swarm_of(ws)->scenario;

    if (ws->index == 0)
        take_answer(f, message);
    else
        take_delivery(f, ws, message);
    if (!f->answered || f->arrived < f->options->receivers)
        return;
    load_window_record(&f->window, f->sent_ns, loop_now_ns());
    if (load_window_is_over(&f->window))
        f->finished = true;
    else
        send_next(f);
}

static char *write_message(const struct fanout *f)
{
    size_t count = f->swarm.count - 1;
    size_t room = count * SWARM_ID_SIZE + f->options->size + 128;
    char *text = load_alloc(room, 1);
    size_t len = (size_t)snprintf(text, room, "{\"action\":\"fanout\",\"ids\":\"");
    size_t i;

    for (i = 1; i <= count; i++)
        len += (size_t)snprintf(text + len, room - len, "%s%s", i > 1 ? "," : "", f->swarm.ids[i]);
    len += (size_t)snprintf(text + len, room - len, "\",\"data\":\"");
    memset(text + len, 'x', f->options->size);
    len += f->options->size;
    snprintf(text + len, room - len, "\"}");
    return text;
}

static void prepare_frame(struct fanout *f)
{
    char *text = write_message(f);
    size_t len = strlen(text);

    if (len > FANOUT_MESSAGE_MAX)
        load_die("a message of %zu bytes is too long; take fewer receivers or a smaller size", len);
    f->frame = load_alloc(len + WEBSOCKET_FRAME_EXTRA, 1);
    f->frame_len = websocket_frame(f->frame, WEBSOCKET_TEXT, text, len);
    free(text);
}

static bool is_finished(void *arg)
{
    const struct fanout *f = arg;

    return f->finished;
}

static int report(const struct fanout *f)
{
    double rate = (double)f->delivered / load_window_seconds(&f->window);
    double p50 = (double)histogram_percentile(&f->window.latency, 50) / 1000;
    double p99 = (double)histogram_percentile(&f->window.latency, 99) / 1000;

    printf("fanout, %u receivers, %u bytes\n  %.0f deliveries/s, all of one message p50 %.1f us, p99 %.1f us\n",
           f->options->receivers, f->options->size, rate, p50, p99);
    printf("{\"scenario\":\"fanout\",\"rate\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"count\":%llu}\n", rate, p50, p99,
           (unsigned long long)f->delivered);
    return f->delivered > 0 ? 0 : 1;
}

int load_fanout(const struct load_options *o)
{
    static const struct websocket_ops ops = {.on_message = on_message};
    static struct fanout f;

    if (!o->receivers)
        load_die("fanout needs --receivers");
    f.options = o;
    loop_init(&f.loop);
    swarm_init(&f.swarm, o, &f.loop, &ops, o->receivers + 1, &f);
    swarm_open(&f.swarm, f.swarm.count);
    swarm_learn_ids(&f.swarm, 1);
    prepare_frame(&f);
    f.seen = load_alloc(f.swarm.count, sizeof(*f.seen));
    load_window_open(&f.window, o);
    send_next(&f);
    if (!loop_run(&f.loop, is_finished, &f, f.window.end_ns + o->limit_ms * 1000000ull))
        load_die("a message reached %zu of %u receivers%s", f.arrived, o->receivers,
                 f.answered ? "" : ", and its sender was not answered");
    return report(&f);
}
