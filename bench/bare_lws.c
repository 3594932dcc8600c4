/* bare_lws.c - libwebsockets and nothing else: echoes every message, and passes the data of a fan-out message to all
 * other connections. What the emulator is compared with.
 *
 *     bare-lws [direct | uv | poll] [PORT]
 *
 * direct  on libuv, written the fast way: a message that has come whole is sent back from the receive callback, which
 *         costs no epoll_ctl; only when the socket does not take it is there a queue
 * uv      on libuv, as the library's manual has it: every message is queued, and one is written in each callback that
 *         was asked for
 * poll    the same on libwebsockets' own loop
 *
 * Prints {"port":N}. */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "fanout_message.h"

#define LIFETIME_S 900 /* nobody leaves it running for ever */
#define MESSAGE_MAX (128 * 1024)
#define QUEUED_MAX (1024 * 1024) /* bytes for one connection; more are refused */

/* Unless told, lws reads and writes 4 KB at a time, and each further piece of a message costs it a turn of the loop:
 * at 16 KB it is five times slower then. Room that is not used costs an idle connection no memory. */
#define BUFFER_SIZE (32 * 1024)

struct queued {
    struct queued *next;
    size_t len;
    unsigned char bytes[]; /* LWS_PRE, then the message */
};

struct session {
    struct lws *wsi;
    struct session *next;
    struct session **link; /* what points to this one */
    char *partial;         /* a message that came in pieces */
    size_t partial_len;
    struct queued *first;
    struct queued **last;
    size_t queued_bytes;
};

static bool writes_directly; /* else as the manual has it */
static struct session *sessions;
static unsigned char outgoing[LWS_PRE + MESSAGE_MAX];

static void fail(const char *what)
{
    fprintf(stderr, "bare-lws: %s failed\n", what);
    exit(1);
}

static void *allocate(size_t size)
{
    void *p = malloc(size);

    if (!p)
        fail("malloc");
    return p;
}

static int write_text(struct session *s, unsigned char *bytes, size_t len)
{
    return lws_write(s->wsi, bytes + LWS_PRE, len, LWS_WRITE_TEXT) < (int)len ? -1 : 0;
}

static int queue(struct session *s, const char *text, size_t len)
{
    struct queued *q;

    if (s->queued_bytes + len > QUEUED_MAX)
        return -1;
    q = allocate(sizeof(*q) + LWS_PRE + len);
    q->next = NULL;
    q->len = len;
    memcpy(q->bytes + LWS_PRE, text, len);
    *s->last = q;
    s->last = &q->next;
    s->queued_bytes += len;
    lws_callback_on_writable(s->wsi);
    return 0;
}

/* lws keeps what the socket does not take of one write, so a socket that is full is seen by that. */
static int send_text(struct session *s, const char *text, size_t len)
{
    if (!writes_directly || s->first || lws_partial_buffered(s->wsi))
        return queue(s, text, len);
    memcpy(outgoing + LWS_PRE, text, len);
    return write_text(s, outgoing, len);
}

static int on_writable(struct session *s)
{
    bool one_more = true;

    while (s->first && one_more && !lws_partial_buffered(s->wsi)) {
        struct queued *q = s->first;
        int result = write_text(s, q->bytes, q->len);

        s->first = q->next;
        s->queued_bytes -= q->len;
        if (!s->first)
            s->last = &s->first;
        free(q);
        if (result < 0)
            return result;
        one_more = writes_directly;
    }
    if (s->first)
        lws_callback_on_writable(s->wsi);
    return 0;
}

static int fan_out(struct session *sender, const char *data, size_t len)
{
    char answer[16];
    int count = 0;
    struct session *s;

    for (s = sessions; s; s = s->next)
        if (s != sender && send_text(s, data, len) == 0)
            count++;
    return send_text(sender, answer, (size_t)snprintf(answer, sizeof(answer), "%d", count));
}

static int on_message(struct session *s, const char *text, size_t len)
{
    static const char fanout[] = "{\"action\":\"fanout\"";
    const char *data;
    size_t data_len;

    if (len < sizeof(fanout) || memcmp(text, fanout, sizeof(fanout) - 1) != 0)
        return send_text(s, text, len);
    data = fanout_member(text, len, "\"data\":\"", &data_len);
    return data ? fan_out(s, data, data_len) : -1;
}

static int on_receive(struct session *s, const char *data, size_t len)
{
    bool whole = lws_is_final_fragment(s->wsi) && lws_remaining_packet_payload(s->wsi) == 0;
    int result;

    if (whole && s->partial_len == 0)
        return on_message(s, data, len);
    if (len > MESSAGE_MAX - s->partial_len)
        return -1;
    if (!s->partial)
        s->partial = allocate(MESSAGE_MAX);
    memcpy(s->partial + s->partial_len, data, len);
    s->partial_len += len;
    if (!whole)
        return 0;
    result = on_message(s, s->partial, s->partial_len);
    s->partial_len = 0;
    return result;
}

static int on_open(struct session *s, struct lws *wsi)
{
    *s = (struct session){.wsi = wsi, .next = sessions, .link = &sessions};
    s->last = &s->first;
    if (sessions)
        sessions->link = &s->next;
    sessions = s;
    return 0;
}

/* lws also calls this for a client that was gone before it was told of the upgrade, and so never opened. */
static int on_closed(struct session *s)
{
    if (!s->wsi)
        return 0;
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    while (s->first) {
        struct queued *q = s->first;

        s->first = q->next;
        free(q);
    }
    free(s->partial);
    return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: return on_open(user, wsi);
    case LWS_CALLBACK_RECEIVE: return on_receive(user, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE: return on_writable(user);
    case LWS_CALLBACK_CLOSED: return on_closed(user);
    default: return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

static int serve(struct lws_context *context, bool on_uv)
{
    if (on_uv)
        return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    while (lws_service(context, 0) >= 0)
        ;
    return 1;
}

static void choose(int argc, char **argv, bool *ret_on_uv, int *ret_port)
{
    const char *way = argc > 1 ? argv[1] : "direct";

    writes_directly = strcmp(way, "direct") == 0;
    *ret_on_uv = writes_directly || strcmp(way, "uv") == 0;
    *ret_port = argc > 2 ? atoi(argv[2]) : 0;
    if (!*ret_on_uv && strcmp(way, "poll") != 0)
        fail("the way: direct, uv or poll");
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {
        {"echo", callback, sizeof(struct session), BUFFER_SIZE, 0, NULL, MESSAGE_MAX}, {NULL, NULL, 0, 0, 0, NULL, 0}};
    /* lws pings a silent client after five minutes, and for that keeps all connections in one sorted list: with 10,000
     * of them that is most of the cost of one more. */
    static const lws_retry_bo_t no_pings = {.secs_since_valid_ping = 0, .secs_since_valid_hangup = 0};
    void *loops[] = {uv_default_loop()};
    struct lws_context_creation_info info = {.pt_serv_buf_size = BUFFER_SIZE,
                                             .retry_and_idle_policy = &no_pings,
                                             .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS};
    struct lws_context *context;
    struct lws_vhost *vhost;
    bool on_uv;

    choose(argc, argv, &on_uv, &info.port);
    if (on_uv) {
        info.options |= LWS_SERVER_OPTION_LIBUV;
        info.foreign_loops = loops;
    }
    alarm(LIFETIME_S);
    lws_set_log_level(LLL_ERR, NULL);
    context = lws_create_context(&info);
    if (!context)
        fail("lws_create_context");
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    vhost = lws_create_vhost(context, &info);
    if (!vhost)
        fail("lws_create_vhost");
    printf("{\"port\":%d}\n", lws_get_vhost_listen_port(vhost));
    fflush(stdout);
    return serve(context, on_uv);
}
