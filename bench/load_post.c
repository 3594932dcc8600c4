/* load_post.c - HTTP POSTs from many clients, each with one on its way, and their delivery to WebSocket receivers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_client.h"
#include "swarm.h"

#define PATH_SIZE 1024

struct post {
    const struct load_options *options;
    struct loop loop;
    struct swarm swarm; /* the receivers, if any */
    struct http_client *clients;
    char *message;
    uint64_t accepted; /* answered 200, in all */
    uint64_t refused;  /* answered otherwise */
    unsigned refusal;  /* the last one's status */
    uint64_t arrived;  /* at receivers, in all */
    uint64_t arrived_in_window;
    size_t outstanding;
    struct load_window window;
};

static void on_delivery(struct websocket *ws, const struct websocket_message *message)
{
    struct post *p = swarm_of(ws)->scenario;

    if (message->len != p->options->size || memcmp(message->prefix, p->message, message->prefix_len) != 0)
        load_die("connection %zu: delivered were %llu bytes: '%.*s'", ws->index, (unsigned long long)message->len,
                 (int)message->prefix_len, message->prefix);
    p->arrived++;
    if (load_window_contains(&p->window, loop_now_ns()))
        p->arrived_in_window++;
}

static void send_next(struct post *p, struct http_client *client)
{
    p->outstanding++;
    http_client_send(client);
}

static void count_response(struct post *p, const struct http_client *client, unsigned status, uint64_t now_ns)
{
    if (status != 200) {
        p->refused++;
        p->refusal = status;
        return;
    }
    p->accepted++;
    load_window_record(&p->window, client->sent_ns, now_ns);
}

static void on_response(struct http_client *client, unsigned status)
{
    struct post *p = client->owner;
    uint64_t now_ns = loop_now_ns();

    p->outstanding--;
    count_response(p, client, status, now_ns);
    if (now_ns < p->window.end_ns)
        send_next(p, client);
}

/* Everything that was accepted is waited for: a message that was lost shows here. */
static bool is_over(void *arg)
{
    const struct post *p = arg;

    return load_window_is_over(&p->window) && p->outstanding == 0 &&
           (p->options->receivers == 0 || p->arrived == p->accepted);
}

/* An id as an AWS SDK writes it into the path: its last character is '=', which is escaped there. */
static void write_path(char *out, const char *template, const char *id)
{
    const char *mark = strstr(template, "{id}");
    int id_len = (int)strcspn(id, "=");
    int before = mark ? (int)(mark - template) : (int)strlen(template);
    int len =
        mark ? snprintf(out, PATH_SIZE, "%.*s%.*s%s%s", before, template, id_len, id, id[id_len] ? "%3D" : "", mark + 4)
             : snprintf(out, PATH_SIZE, "%s", template);

    if (len < 0 || len >= PATH_SIZE)
        load_die("--post-path is too long");
}

static void open_receivers(struct post *p)
{
    static const struct websocket_ops ops = {.on_message = on_delivery};

    if (p->options->receivers == 0) {
        if (strstr(p->options->post_path, "{id}"))
            load_die("a --post-path with {id} needs --receivers");
        return;
    }
    swarm_init(&p->swarm, p->options, &p->loop, &ops, p->options->receivers, p);
    swarm_open(&p->swarm, p->swarm.count);
    swarm_learn_ids(&p->swarm, 0);
}

static void open_clients(struct post *p)
{
    char path[PATH_SIZE];
    size_t i;

    p->clients = load_alloc(p->options->clients, sizeof(*p->clients));
    for (i = 0; i < p->options->clients; i++) {
        struct http_client *client = &p->clients[i];

        client->on_response = on_response;
        client->owner = p;
        write_path(path, p->options->post_path, p->swarm.count ? p->swarm.ids[i % p->swarm.count] : "");
        http_client_connect(client, &p->loop, p->options->port, i, path, p->message);
    }
}

static int report(const struct post *p)
{
    const struct histogram *h = &p->window.latency;
    double seconds = load_window_seconds(&p->window);
    double rate = (double)h->count / seconds;
    double delivered = (double)p->arrived_in_window / seconds;
    double p50 = (double)histogram_percentile(h, 50) / 1000;
    double p99 = (double)histogram_percentile(h, 99) / 1000;

    printf("post, %u clients, %u receivers, %u bytes\n", p->options->clients, p->options->receivers, p->options->size);
    printf("  %.0f accepted/s, %.0f delivered/s, p50 %.1f us, p99 %.1f us, %llu refused", rate, delivered, p50, p99,
           (unsigned long long)p->refused);
    printf(p->refused ? ", the last with %u\n" : "\n", p->refusal);
    printf("{\"scenario\":\"post\",\"rate\":%.1f,\"delivered_rate\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,"
           "\"refused\":%llu}\n",
           rate, delivered, p50, p99, (unsigned long long)p->refused);
    return h->count > 0 ? 0 : 1;
}

int load_post(const struct load_options *o)
{
    static struct post p;
    size_t i;

    p.options = o;
    p.message = load_message("post", o->size);
    loop_init(&p.loop);
    open_receivers(&p);
    open_clients(&p);
    load_window_open(&p.window, o);
    for (i = 0; i < o->clients; i++)
        send_next(&p, &p.clients[i]);
    if (!loop_run(&p.loop, is_over, &p, p.window.end_ns + o->limit_ms * 1000000ull))
        load_die("%zu POSTs were not answered; %llu of %llu accepted ones were delivered", p.outstanding,
                 (unsigned long long)p.arrived, (unsigned long long)p.accepted);
    return report(&p);
}
