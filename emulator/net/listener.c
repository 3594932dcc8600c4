/* listener.c - accepting, peeking and deciding; see listener.h. */
#include "net/listener.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/report.h"
#include "gateway/response.h"
#include "net/head.h"
#include "net/refusal.h"
#include "net/tls.h"

#define ACCEPTS_PER_TURN 64
#define ACCEPT_RETRY_MS 100 /* when the kernel, not our own count, is out of descriptors */
#define LINGER_MS 1000      /* for a client to read its refusal before the socket is closed */

#define SOURCE_IP_SIZE (INET6_ADDRSTRLEN + IF_NAMESIZE) /* and the scope of an address of a link */

/* A client socket before it is a WebSocket or an HTTP connection. */
struct incoming {
    struct listener *listener;
    struct list node;  /* in waiting, lingering or pending */
    struct list hello; /* in hellos, if there was no room for TLS */
    int fd;
    struct tls_link *tls; /* whose plain end fd is; NULL: a plain client */
    struct loop_watch
        *watch;           /* NULL while the gateway decides, and with TLS, whose link tells; made when it is needed */
    uint64_t deadline_ms; /* of the system's clock: whoever connects while ours is moved has done nothing wrong */
    size_t seen;          /* bytes of the head peeked at so far */
    int low_water;        /* of the socket: so many bytes make it readable */
    uint64_t read_bytes;  /* of heads that were consumed */
    bool lingering;       /* refused; only waits for the client to read why */
    bool has_asked;       /* this is not its first request */
    struct sockaddr_storage peer;
    socklen_t peer_len;
    char source_ip[SOURCE_IP_SIZE];
    char key[HEAD_WEBSOCKET_KEY_LEN];
};

/* One of the listening sockets. */
struct door {
    struct listener *listener;
    struct loop_watch *watch;
};

struct listener {
    struct loop *loop;
    struct port port;
    struct door doors[PORT_ADDRESSES_MAX];
    bool open;
    size_t sockets_max;
    size_t sockets; /* open ones, handed on or not */
    bool paused;
    bool said_full;
    struct tls_server *tls; /* NULL: it is not served */
    struct loop_timer *deadlines;
    struct loop_timer *retry;
    struct list hellos;    /* clients that wait for descriptors for TLS */
    struct list waiting;   /* for a head, in order of their deadlines */
    struct list lingering; /* refused, in order of their deadlines */
    struct list pending;   /* handshakes that the gateway decides on */
    struct gateway *gateway;
    struct websocket_server *websockets;
    struct http_server *http;
    struct head head; /* of the socket that is being looked at */
    char *peeked;     /* its bytes, head_bytes_max() + 1 of them */
};

static size_t head_bytes_max(void)
{
    return (size_t)rule_get(RULE_HEAD_TOO_LARGE)->limit;
}

/* ---- room for sockets ---- */

static void begin_tls(struct incoming *in);

static void say_full(struct listener *l, const char *why)
{
    if (!l->said_full)
        log_warn(LOG_NET, "%s; new clients wait until others leave rule=%s open=%zu", why,
                 rule_get(RULE_DESCRIPTORS_EXHAUSTED)->id, l->sockets);
    l->said_full = true;
}

static void pause_accepting(struct listener *l, const char *why)
{
    say_full(l, why);
    l->paused = true;
    for (size_t i = 0; i < l->port.count; i++)
        loop_watch_pause(l->doors[i].watch);
}

static void resume_accepting(void *arg)
{
    struct listener *l = arg;

    if (!l->paused || !l->open)
        return;
    l->paused = false;
    for (size_t i = 0; i < l->port.count; i++)
        loop_watch_resume(l->doors[i].watch);
}

static bool has_room_for_tls(const struct listener *l)
{
    return l->sockets + TLS_DESCRIPTORS <= l->sockets_max;
}

static void on_room(struct listener *l)
{
    struct list *first;

    while ((first = list_first(&l->hellos)) && has_room_for_tls(l)) {
        list_remove(first);
        begin_tls(LIST_ENTRY(first, struct incoming, hello));
    }
    if (l->paused && l->sockets < l->sockets_max)
        resume_accepting(l);
}

void listener_socket_closed(void *listener)
{
    struct listener *l = listener;

    assert(l->sockets > 0);
    l->sockets--;
    on_room(l);
}

static void on_tls_ended(void *arg)
{
    struct listener *l = arg;

    assert(l->sockets >= TLS_DESCRIPTORS);
    l->sockets -= TLS_DESCRIPTORS;
    on_room(l);
}

bool listener_is_full(const struct listener *l)
{
    return l->paused || l->sockets >= l->sockets_max;
}

/* ---- incoming sockets ---- */

/* Lets go of the socket itself: it has a new owner, or is closed. */
static void incoming_free(struct incoming *in)
{
    list_remove(&in->node);
    list_remove(&in->hello);
    loop_watch_free(in->watch);
    if (in->tls)
        tls_follow(in->tls, NULL, NULL);
    tls_unref(in->tls);
    free(in);
}

static void incoming_close(struct incoming *in)
{
    struct listener *l = in->listener;
    int fd = in->fd;

    incoming_free(in);
    close(fd);
    listener_socket_closed(l);
}

/* The earliest deadline of both queues; UINT64_MAX if there is none. */
static uint64_t next_deadline(const struct listener *l)
{
    const struct list *heads[] = {list_first(&l->waiting), list_first(&l->lingering)};
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < 2; i++)
        if (heads[i] && LIST_ENTRY(heads[i], struct incoming, node)->deadline_ms < next)
            next = LIST_ENTRY(heads[i], struct incoming, node)->deadline_ms;
    return next;
}

static void arm_deadlines(struct listener *l)
{
    uint64_t next = next_deadline(l), now = clock_system_ms();

    if (next != UINT64_MAX && !loop_timer_active(l->deadlines))
        loop_timer_start(l->deadlines, next > now ? next - now : 0);
}

static void wait_in(struct incoming *in, struct list *queue, uint64_t wait_ms)
{
    list_remove(&in->node);
    list_append(queue, &in->node);
    in->deadline_ms = clock_system_ms() + wait_ms;
    arm_deadlines(in->listener);
}

/* Wakes us when more than `bytes` are there: a peeked socket stays readable, and would spin. A TLS link tells once. */
static void wait_for_more(struct incoming *in, size_t bytes)
{
    const int low_water = (int)bytes + 1;

    if (in->tls || low_water == in->low_water)
        return;
    in->low_water = low_water;
    setsockopt(in->fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof(low_water));
}

static void on_incoming_ready(void *arg, bool readable, bool hung_up);

/* It has looked as far as it can. Most requests are there when the socket is accepted, and never wait. */
static void wait_for_news(struct incoming *in)
{
    if (!in->tls && !in->watch)
        in->watch = loop_watch_new(in->listener->loop, in->fd, on_incoming_ready, in);
    if (!in->tls && !in->watch)
        incoming_close(in);
}

/* Refuses by a rule of ours and ends the connection, but lets the client read why. */
static void refuse_and_close(struct incoming *in, enum rule_id id, const char *why, uint64_t value)
{
    const struct rule *rule = rule_get(id);
    CLEANUP(buf_fini) struct buf body = {0}, detail = {0};
    struct refusal refusal = {
        .status = rule->http_status,
        .error_type = span_of_str(rule->error_type),
        .say_version = id == RULE_HANDSHAKE_INVALID,
    };

    response_write_refusal(&body, rule, span_of_str(rule->message));
    refusal.body = buf_span(&body);
    buf_printf(&detail, "%s (from %s)", why, in->source_ip);
    report_write(LOG_WARN, &(struct report){
                               .rule = rule,
                               .happened = "refused a request",
                               .detail = buf_span(&detail),
                               .value = value,
                               .http_status = rule->http_status,
                           });
    if (!refusal_write(in->fd, &refusal)) {
        incoming_close(in);
        return;
    }
    shutdown(in->fd, SHUT_WR);
    in->lingering = true;
    wait_for_more(in, 0);
    wait_in(in, &in->listener->lingering, LINGER_MS);
    wait_for_news(in);
}

/* It never asked for anything. */
static void give_up(struct incoming *in)
{
    CLEANUP(buf_fini) struct buf detail = {0};

    if (in->tls && !tls_is_established(in->tls)) {
        buf_printf(&detail, "its TLS handshake took too long (from %s)", in->source_ip);
        report_write(LOG_WARN, &(struct report){.rule = rule_get(RULE_HEAD_TIMEOUT),
                                                .happened = "closed a connection",
                                                .detail = buf_span(&detail)});
    }
    incoming_close(in);
}

static void on_deadline(void *arg)
{
    struct listener *l = arg;
    uint64_t now = clock_system_ms();
    struct list *first;

    while ((first = list_first(&l->lingering)) && LIST_ENTRY(first, struct incoming, node)->deadline_ms <= now)
        incoming_close(LIST_ENTRY(first, struct incoming, node));
    while ((first = list_first(&l->waiting)) && LIST_ENTRY(first, struct incoming, node)->deadline_ms <= now) {
        struct incoming *in = LIST_ENTRY(first, struct incoming, node);

        if (in->seen == 0)
            give_up(in);
        else
            refuse_and_close(in, RULE_HEAD_TIMEOUT, "the request's head took too long", 0);
    }
    arm_deadlines(l);
}

/* ---- handshakes ---- */

static void on_plain_text(void *arg)
{
    on_incoming_ready(arg, true, false);
}

static void begin_request(struct incoming *in)
{
    in->seen = 0;
    wait_in(in, &in->listener->waiting, rule_get(RULE_HEAD_TIMEOUT)->limit);
}

/* Back to waiting for a request on the same socket. */
static void await_request(struct incoming *in)
{
    begin_request(in);
    if (in->tls)
        tls_follow(in->tls, on_plain_text, in);
    wait_for_news(in);
}

static void on_answered(void *arg, const struct handshake_answer *answer)
{
    struct incoming *in = arg;
    struct listener *l = in->listener;
    struct refusal refusal = {
        .status = answer->http_status, .error_type = answer->error_type, .body = answer->body, .keep_alive = true};
    char key[HEAD_WEBSOCKET_KEY_LEN];

    if (answer->accepted) {
        struct websocket_client client = {.fd = in->fd, .tls = TAKE(in->tls), .read_bytes = in->read_bytes};

        memcpy(key, in->key, sizeof(key));
        incoming_free(in);
        websocket_open(l->websockets, &client, span_of(key, sizeof(key)), answer->subprotocol, answer->connection);
    } else if (!refusal_write(in->fd, &refusal) || !l->open) {
        incoming_close(in);
    } else {
        in->has_asked = true;
        await_request(in);
    }
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    /* It is at the same place in the addresses of both families. */
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

static void ask_gateway(struct incoming *in)
{
    struct listener *l = in->listener;
    const struct head *head = &l->head;
    struct handshake_request request = {
        .path = head->path,
        .query = head->query,
        .headers = head->headers,
        .header_count = head->header_count,
        .host = head_find(head, SPAN("host")),
        .user_agent = head_find(head, SPAN("user-agent")),
        .source_ip = span_of_str(in->source_ip),
        .source_port = port_of(&in->peer),
        .local_port = l->port.number,
        .secure = in->tls != NULL,
    };

    loop_watch_free(TAKE(in->watch));
    if (in->tls)
        tls_follow(in->tls, NULL, NULL);
    list_remove(&in->node);
    list_append(&l->pending, &in->node);
    wait_for_more(in, 0);
    /* Only the head: what follows belongs to whoever gets the socket next. */
    if (recv(in->fd, l->peeked, head->size, 0) != (ssize_t)head->size) {
        incoming_close(in);
        return;
    }
    in->read_bytes += head->size;
    memcpy(in->key, head_find(head, SPAN("sec-websocket-key")).ptr, sizeof(in->key));
    gateway_on_handshake(l->gateway, &request, on_answered, in);
}

static void hand_to_http(struct incoming *in)
{
    struct listener *l = in->listener;
    struct sockaddr_storage peer = in->peer;
    socklen_t peer_len = in->peer_len;
    int fd = in->fd;

    wait_for_more(in, 0);
    incoming_free(in);
    http_server_adopt(l->http, fd, (const struct sockaddr *)&peer, peer_len);
}

static void on_head(struct incoming *in)
{
    struct head *head = &in->listener->head;
    const char *why;

    if (!head_wants_websocket(head)) {
        hand_to_http(in);
        return;
    }
    why = head_check_handshake(head);
    if (why)
        refuse_and_close(in, RULE_HANDSHAKE_INVALID, why, 0);
    else if (head->target.len > rule_get(RULE_URL_TOO_LONG)->limit)
        refuse_and_close(in, RULE_URL_TOO_LONG, "the URL is too long", head->target.len);
    else
        ask_gateway(in);
}

static void look_at_head(struct incoming *in, size_t len, bool hung_up)
{
    struct listener *l = in->listener;
    const char *why = NULL;
    enum head_status status = head_parse(span_of(l->peeked, len), &l->head, &why);

    if (status == HEAD_COMPLETE && l->head.size <= head_bytes_max())
        on_head(in);
    else if (status == HEAD_MALFORMED)
        refuse_and_close(in, RULE_HANDSHAKE_INVALID, why, 0);
    else if (len > head_bytes_max() || status == HEAD_COMPLETE)
        refuse_and_close(in, RULE_HEAD_TOO_LARGE, "the request's head is too large", len);
    else if (hung_up || len == in->seen)
        incoming_close(in); /* half closed: the rest will not come */
    else {
        in->seen = len;
        wait_for_more(in, len);
        wait_for_news(in);
    }
}

/* A refused client may still be sending; read it away, or closing would reset the connection under its answer. */
static void drain(struct incoming *in)
{
    ssize_t n = recv(in->fd, in->listener->peeked, head_bytes_max(), MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN))
        incoming_close(in);
}

/* ---- TLS ---- */

static void begin_tls(struct incoming *in)
{
    struct listener *l = in->listener;

    in->tls = tls_accept(l->tls, in->fd, in->source_ip, &in->fd);
    if (!in->tls) {
        incoming_close(in);
        return;
    }
    l->sockets += TLS_DESCRIPTORS;
    tls_follow(in->tls, on_plain_text, in);
}

/* The hello stays where it is. Without descriptors it waits for them, up to its deadline. */
static void on_hello(struct incoming *in)
{
    struct listener *l = in->listener;

    if (!l->tls) {
        log_warn(LOG_NET, "closed a TLS connection (from %s): TLS is not served, the start of the log says why",
                 in->source_ip);
        incoming_close(in);
        return;
    }
    wait_for_more(in, 0);
    loop_watch_free(TAKE(in->watch));
    if (has_room_for_tls(l)) {
        begin_tls(in);
    } else {
        say_full(l, "the limit of open descriptors is reached");
        list_append(&l->hellos, &in->hello);
    }
}

/* Some clients look at a certificate after the handshake, and hang up without a word. Who was refused has been told of.
 */
static void on_silent_end(struct incoming *in)
{
    if (in->tls && !in->has_asked && tls_is_established(in->tls))
        log_info(LOG_NET, "a TLS client asked for nothing (from %s); if it did not trust the certificate: apigw ca",
                 in->source_ip);
    incoming_close(in);
}

/* ---- heads ---- */

static void on_incoming_ready(void *arg, bool readable, bool hung_up)
{
    struct incoming *in = arg;
    ssize_t n;

    if (in->lingering) {
        drain(in);
        return;
    }
    n = recv(in->fd, in->listener->peeked, head_bytes_max() + 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0 && in->listener->peeked[0] == TLS_FIRST_BYTE && !in->tls && !in->has_asked)
        on_hello(in);
    else if (n > 0)
        look_at_head(in, (size_t)n, hung_up);
    else if (n == 0 || errno != EAGAIN)
        on_silent_end(in);
    else
        wait_for_news(in);
}

/* ---- accepting ---- */

/* A socket on `::` shows IPv4 clients as IPv6 ones (RFC 4291, 2.5.5.2). */
static void unmap(struct sockaddr_storage *address, socklen_t *len)
{
    const struct sockaddr_in6 mapped = *(struct sockaddr_in6 *)address;
    struct sockaddr_in plain = {.sin_family = AF_INET, .sin_port = mapped.sin6_port};

    if (address->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&mapped.sin6_addr))
        return;
    memcpy(&plain.sin_addr, &mapped.sin6_addr.s6_addr[12], sizeof(plain.sin_addr));
    memcpy(address, &plain, sizeof(plain));
    *len = sizeof(plain);
}

static void take(struct listener *l, int fd, const struct sockaddr_storage *peer, socklen_t peer_len)
{
    struct incoming *in = mem_zalloc(sizeof(*in));

    l->sockets++;
    list_init(&in->node);
    list_init(&in->hello);
    in->listener = l;
    in->fd = fd;
    in->low_water = 1; /* SO_RCVLOWAT of a new socket, socket(7) */
    in->peer = *peer;
    in->peer_len = peer_len;
    unmap(&in->peer, &in->peer_len);
    if (getnameinfo((const struct sockaddr *)&in->peer, in->peer_len, in->source_ip, sizeof(in->source_ip), NULL, 0,
                    NI_NUMERICHOST) != 0)
        snprintf(in->source_ip, sizeof(in->source_ip), "unknown");
    begin_request(in);
    on_incoming_ready(in, true, false);
}

static void on_accept_ready(void *arg, bool readable, bool hung_up)
{
    const struct door *door = arg;
    struct listener *l = door->listener;
    int listening = l->port.fds[door - l->doors];

    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage peer;
        socklen_t peer_len = sizeof(peer);
        int fd;

        if (!l->open)
            return; /* the one before has brought about our end */
        if (l->sockets >= l->sockets_max) {
            pause_accepting(l, "the limit of open descriptors is reached");
            return;
        }
        fd = accept4(listening, (struct sockaddr *)&peer, &peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(l, fd, &peer, peer_len);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(l, "the system has no descriptor or memory for another client");
            loop_timer_start(l->retry, ACCEPT_RETRY_MS);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* ---- the port ---- */

struct listener *listener_new(struct loop *loop, const struct port *port, struct identity *identity, size_t sockets_max)
{
    struct listener *l = mem_zalloc(sizeof(*l));

    l->loop = loop;
    l->port = *port;
    l->sockets_max = sockets_max;
    l->peeked = mem_alloc(head_bytes_max() + 1);
    list_init(&l->hellos);
    list_init(&l->waiting);
    list_init(&l->lingering);
    list_init(&l->pending);
    l->deadlines = loop_timer_new(loop, on_deadline, l);
    l->retry = loop_timer_new(loop, resume_accepting, l);
    for (size_t i = 0; i < port->count; i++)
        websocket_prepare_listening(port->fds[i]);
    if (identity)
        l->tls = tls_server_new(loop, identity, on_tls_ended, l);
    return l;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port.number;
}

void listener_start(struct listener *listener, struct gateway *gateway, struct websocket_server *websockets,
                    struct http_server *http)
{
    listener->gateway = gateway;
    listener->websockets = websockets;
    listener->http = http;
    listener->open = true;
    for (size_t i = 0; i < listener->port.count; i++) {
        struct door *door = &listener->doors[i];

        door->listener = listener;
        door->watch = loop_watch_new(listener->loop, listener->port.fds[i], on_accept_ready, door);
        assert(door->watch); /* a listening socket can be watched */
    }
}

static void close_all(struct list *queue)
{
    struct list *first;

    while ((first = list_first(queue)))
        incoming_close(LIST_ENTRY(first, struct incoming, node));
}

void listener_stop(struct listener *listener)
{
    listener->open = false;
    for (size_t i = 0; i < listener->port.count; i++)
        loop_watch_free(TAKE(listener->doors[i].watch));
    port_close(&listener->port);
    close_all(&listener->waiting);
    close_all(&listener->lingering);
}

void listener_close_tls(struct listener *listener)
{
    if (listener->tls)
        tls_server_close(listener->tls);
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    listener_stop(listener);
    assert(list_empty(&listener->pending)); /* the gateway answers every handshake before it goes */
    tls_server_free(listener->tls);
    loop_timer_free(listener->deadlines);
    loop_timer_free(listener->retry);
    free(listener->peeked);
    free(listener);
}
