/* load_post.c - HTTP POSTs from many clients, each with one on its way, and their delivery to WebSocket receivers.
 *
 * Messages are numbered: the client and how many it has sent before. So a delivery tells which POST it is of, and one
 * that is lost, comes twice or is overtaken shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_client.h"
#include "swarm.h"

#define PATH_SIZE 1024
#define SERIALS 4096u /* most POSTs of a client that may wait for their delivery */

/* What one client has sent, and what of that was delivered. */
struct sender {
    uint64_t sent_ns[SERIALS];
    uint64_t sent;
    uint64_t delivered;
};

struct post {
    const struct load_options *options;
    struct loop loop;
    struct swarm swarm; /* the receivers, if any */
    struct http_client *clients;
    struct sender *senders; /* by client */
    char *message;
    uint64_t accepted; /* answered 200 or 204, in all */
    uint64_t refused;  /* answered otherwise */
    unsigned refusal;  /* the last one's status */
    uint64_t arrived;  /* at receivers, in all */
    uint64_t arrived_in_window;
    size_t outstanding;
    uint64_t reordered;
    struct load_window window;
    struct histogram delivery; /* from the POST to the receiver */
};

/* A client's next POST goes when the last was answered, so its messages are delivered in their order. */
static void take_delivery(struct post *p, size_t client, size_t serial, uint64_t now_ns)
{
    struct sender *s = &p->senders[client];

    if (s->sent_ns[serial] == 0)
        load_die("client %zu: message %zu was delivered twice", client, serial);
    if (serial != s->delivered % SERIALS)
        p->reordered++;
    if (load_window_contains(&p->window, now_ns))
        histogram_record(&p->delivery, now_ns - s->sent_ns[serial]);
    s->sent_ns[serial] = 0;
    s->delivered++;
}

static void on_delivery(struct websocket *ws, const struct websocket_message *message)
{
    struct post *p = swarm_of(ws)->scenario;

    size_t number = load_message_number(message->prefix, message->prefix_len);
    uint64_t now_ns = loop_now_ns();

    if (message->len != p->options->size || number == LOAD_NO_NUMBER || number / SERIALS >= p->options->clients)
        load_die("connection %zu: delivered were %llu bytes: '%.*s'", ws->index, (unsigned long long)message->len,
                 (int)message->prefix_len, message->prefix);
    take_delivery(p, number / SERIALS, number % SERIALS, now_ns);
    p->arrived++;
    if (load_window_contains(&p->window, now_ns))
        p->arrived_in_window++;
}

static void send_next(struct post *p, struct http_client *client)
{
    size_t index = (size_t)(client - p->clients);
    struct sender *s = &p->senders[index];
    size_t serial = (size_t)(s->sent++ % SERIALS);
    char *text = load_message("post", p->options->size, index * SERIALS + serial);

    if (p->options->receivers > 0 && s->sent_ns[serial])
        load_die("client %zu: %u POSTs were accepted before the first was delivered", index, SERIALS);
    s->sent_ns[serial] = loop_now_ns();
    p->outstanding++;
    http_client_set_body(client, text);
    free(text);
    http_client_send(client);
}

static void count_response(struct post *p, const struct http_client *client, unsigned status, uint64_t now_ns)
{
    if (status != 200 && status != 204) { /* serverless-offline says 204 */
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
    p->senders = load_alloc(p->options->clients, sizeof(*p->senders));
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
    double delivery_p50 = (double)histogram_percentile(&p->delivery, 50) / 1000;
    double delivery_p99 = (double)histogram_percentile(&p->delivery, 99) / 1000;

    printf("post, %u clients, %u receivers, %u bytes\n", p->options->clients, p->options->receivers, p->options->size);
    printf("  %.0f accepted/s, %.0f delivered/s, p50 %.1f us, p99 %.1f us, %llu refused", rate, delivered, p50, p99,
           (unsigned long long)p->refused);
    printf(p->refused ? ", the last with %u\n" : "\n", p->refusal);
    printf("  delivered after p50 %.1f us, p99 %.1f us\n", delivery_p50, delivery_p99);
    printf("{\"scenario\":\"post\",\"rate\":%.1f,\"delivered_rate\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,"
           "\"delivery_p50_us\":%.2f,\"delivery_p99_us\":%.2f,\"total\":%llu,\"refused\":%llu,"
           "\"reordered\":%llu}\n",
           rate, delivered, p50, p99, delivery_p50, delivery_p99, (unsigned long long)(p->accepted + p->refused),
           (unsigned long long)p->refused, (unsigned long long)p->reordered);
    return h->count > 0 ? 0 : 1;
}

int load_post(const struct load_options *o)
{
    static struct post p;
    size_t i;

    p.options = o;
    p.message = load_message("post", o->size, 0);
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
