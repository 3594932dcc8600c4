/* swarm.c - see swarm.h. */
#include "swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define DESCRIPTORS_SPARE 16
#define ASKED_AT_ONCE 4 /* for ids: some servers start a thread for each question */

struct swarm *swarm_of(const struct websocket *ws)
{
    return ws->owner;
}

static void start_next(struct swarm *s)
{
    struct websocket *ws = &s->members[s->started];

    ws->ops = &s->ops;
    ws->owner = s;
    ws->index = s->started;
    websocket_connect(ws, s->loop, s->options->port, s->request, s->started);
    s->started++;
}

static void on_open(struct websocket *ws)
{
    struct swarm *s = swarm_of(ws);

    s->open++;
    if (s->started < s->wanted)
        start_next(s);
}

static void check_descriptors(size_t count)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && count + DESCRIPTORS_SPARE > limit.rlim_cur)
        load_die("%zu connections need more descriptors than the limit of %llu", count,
                 (unsigned long long)limit.rlim_cur);
}

void swarm_init(struct swarm *s, const struct load_options *o, struct loop *loop, const struct websocket_ops *ops,
                size_t count, void *scenario)
{
    check_descriptors(count);
    *s = (struct swarm){.options = o, .loop = loop, .scenario = scenario, .ops = *ops, .count = count};
    s->ops.on_open = on_open;
    s->members = load_alloc(count, sizeof(*s->members));
    s->ids = load_alloc(count, sizeof(*s->ids));
    s->request = websocket_request(o->port, o->path);
}

static bool is_open(void *arg)
{
    const struct swarm *s = arg;

    return s->open >= s->wanted;
}

void swarm_open(struct swarm *s, size_t wanted)
{
    s->wanted = wanted;
    while (s->started < wanted && s->started - s->open < s->options->concurrency)
        start_next(s);
    if (!loop_run(s->loop, is_open, s, load_deadline_ns(s->options)))
        load_die("only %zu of %zu connections were open after %u ms", s->open, wanted, s->options->limit_ms);
}

static void ask_next(struct swarm *s)
{
    websocket_send(&s->members[s->asked++], s->question, s->question_len);
}

static void on_id(struct websocket *ws, const struct websocket_message *message)
{
    struct swarm *s = swarm_of(ws);

    if (message->len == 0 || message->len > WEBSOCKET_PREFIX || message->prefix[0] == '{')
        load_die("connection %zu: '%.*s' is no connection id", ws->index, (int)message->prefix_len, message->prefix);
    memcpy(s->ids[ws->index], message->prefix, message->prefix_len);
    s->answered++;
    if (s->asked < s->count)
        ask_next(s);
}

static bool all_answered(void *arg)
{
    const struct swarm *s = arg;

    return s->answered == s->count;
}

static void ask_ids(struct swarm *s, size_t first)
{
    static const char question[] = "{\"action\":\"whoami\"}";
    struct websocket_ops scenario_ops = s->ops;
    size_t i;

    s->question = load_alloc(sizeof(question) + WEBSOCKET_FRAME_EXTRA, 1);
    s->question_len = websocket_frame(s->question, WEBSOCKET_TEXT, question, sizeof(question) - 1);
    s->ops.on_message = on_id;
    s->answered = s->asked = first;
    for (i = 0; i < ASKED_AT_ONCE && s->asked < s->count; i++)
        ask_next(s);
    if (!loop_run(s->loop, all_answered, s, load_deadline_ns(s->options)))
        load_die("only %zu of %zu connections were told their id", s->answered - first, s->count - first);
    s->ops = scenario_ops;
}

void swarm_learn_ids(struct swarm *s, size_t first)
{
    size_t i;

    if (s->options->ask_id) {
        ask_ids(s, first);
        return;
    }
    for (i = first; i < s->count; i++)
        snprintf(s->ids[i], sizeof(s->ids[i]), "id%012zu=", i);
}
