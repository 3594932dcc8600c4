/* listener.c - accepting, peeking and deciding; see listener.h. */
#include "net/listener.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

#define BACKLOG 1024
#define ACCEPTS_PER_TURN 64
#define ACCEPT_RETRY_MS 100 /* when the kernel, not our own count, is out of descriptors */
#define LINGER_MS 1000      /* for a client to read its refusal before the socket is closed */

/* A client socket before it is a WebSocket or an HTTP connection. */
struct incoming {
    struct listener *listener;
    struct list node; /* in waiting, lingering or pending */
    int fd;
    struct loop_watch *watch; /* NULL while the gateway decides */
    uint64_t deadline_ms;     /* of the system's clock: whoever connects while ours is moved has done nothing wrong */
    size_t seen;              /* bytes of the head peeked at so far */
    bool lingering;           /* refused; only waits for the client to read why */
    struct sockaddr_storage peer;
    socklen_t peer_len;
    char source_ip[NI_MAXHOST];
    char key[HEAD_WEBSOCKET_KEY_LEN];
};

struct listener {
    struct loop *loop;
    int fd;
    uint16_t port;
    size_t sockets_max;
    size_t sockets; /* open ones, handed on or not */
    bool paused;
    bool said_full;
    struct loop_watch *watch;
    struct loop_timer *deadlines;
    struct loop_timer *retry;
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

static void pause_accepting(struct listener *l, const char *why)
{
    if (!l->said_full)
        log_warn(LOG_NET, "%s; new clients wait until others leave rule=%s open=%zu", why,
                 rule_get(RULE_DESCRIPTORS_EXHAUSTED)->id, l->sockets);
    l->said_full = true;
    l->paused = true;
    loop_watch_pause(l->watch);
}

static void resume_accepting(void *arg)
{
    struct listener *l = arg;

    if (!l->paused || !l->watch)
        return;
    l->paused = false;
    loop_watch_resume(l->watch);
}

void listener_socket_closed(void *listener)
{
    struct listener *l = listener;

    assert(l->sockets > 0);
    l->sockets--;
    if (l->paused && l->sockets < l->sockets_max)
        resume_accepting(l);
}

/* ---- incoming sockets ---- */

/* Lets go of the socket itself: it has a new owner, or is closed. */
static void incoming_free(struct incoming *in)
{
    list_remove(&in->node);
    loop_watch_free(in->watch);
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

/* Wakes us when more than `bytes` are there: a peeked socket stays readable, and would spin. */
static void wait_for_more(struct incoming *in, size_t bytes)
{
    const int low_water = (int)bytes + 1;

    setsockopt(in->fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof(low_water));
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
            incoming_close(in); /* it never asked for anything */
        else
            refuse_and_close(in, RULE_HEAD_TIMEOUT, "the request's head took too long", 0);
    }
    arm_deadlines(l);
}

/* ---- handshakes ---- */

static void on_incoming_ready(void *arg, bool readable, bool hung_up);

/* Back to waiting for a request on the same socket. */
static void await_request(struct incoming *in)
{
    in->seen = 0;
    in->watch = loop_watch_new(in->listener->loop, in->fd, on_incoming_ready, in);
    if (!in->watch) {
        incoming_close(in);
        return;
    }
    wait_in(in, &in->listener->waiting, rule_get(RULE_HEAD_TIMEOUT)->limit);
}

static void on_answered(void *arg, const struct handshake_answer *answer)
{
    struct incoming *in = arg;
    struct listener *l = in->listener;
    struct refusal refusal = {
        .status = answer->http_status, .error_type = answer->error_type, .body = answer->body, .keep_alive = true};
    char key[HEAD_WEBSOCKET_KEY_LEN];
    int fd = in->fd;

    if (answer->accepted) {
        memcpy(key, in->key, sizeof(key));
        incoming_free(in);
        websocket_open(l->websockets, fd, span_of(key, sizeof(key)), answer->subprotocol, answer->connection);
    } else if (!refusal_write(fd, &refusal) || !l->watch) {
        incoming_close(in);
    } else {
        await_request(in);
    }
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
        .local_port = l->port,
    };

    loop_watch_free(TAKE(in->watch));
    list_remove(&in->node);
    list_append(&l->pending, &in->node);
    wait_for_more(in, 0);
    /* Only the head: what follows belongs to whoever gets the socket next. */
    if (recv(in->fd, l->peeked, head->size, 0) != (ssize_t)head->size) {
        incoming_close(in);
        return;
    }
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
    }
}

/* A refused client may still be sending; read it away, or closing would reset the connection under its answer. */
static void drain(struct incoming *in)
{
    ssize_t n = recv(in->fd, in->listener->peeked, head_bytes_max(), MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN))
        incoming_close(in);
}

static void on_incoming_ready(void *arg, bool readable, bool hung_up)
{
    struct incoming *in = arg;
    ssize_t n;

    if (in->lingering) {
        drain(in);
        return;
    }
    n = recv(in->fd, in->listener->peeked, head_bytes_max() + 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0)
        look_at_head(in, (size_t)n, hung_up);
    else if (n == 0 || errno != EAGAIN)
        incoming_close(in);
}

/* ---- accepting ---- */

static void take(struct listener *l, int fd, const struct sockaddr_storage *peer, socklen_t peer_len)
{
    struct incoming *in = mem_zalloc(sizeof(*in));
    const int on = 1;

    l->sockets++;
    list_init(&in->node);
    in->listener = l;
    in->fd = fd;
    in->peer = *peer;
    in->peer_len = peer_len;
    if (getnameinfo((const struct sockaddr *)peer, peer_len, in->source_ip, sizeof(in->source_ip), NULL, 0,
                    NI_NUMERICHOST) != 0)
        snprintf(in->source_ip, sizeof(in->source_ip), "unknown");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    await_request(in);
}

static void on_accept_ready(void *arg, bool readable, bool hung_up)
{
    struct listener *l = arg;

    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage peer;
        socklen_t peer_len = sizeof(peer);
        int fd;

        if (l->sockets >= l->sockets_max) {
            pause_accepting(l, "the limit of open descriptors is reached");
            return;
        }
        fd = accept4(l->fd, (struct sockaddr *)&peer, &peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
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

static int bind_address(const struct addrinfo *address)
{
    const int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;

        close(fd);
        return -error;
    }
    return fd;
}

static void explain_bind(struct buf *out, const char *host, uint16_t port, int error)
{
    buf_printf(out, "cannot listen on %s port %u: %s", host, port, strerror(error));
    if (error == EADDRINUSE)
        buf_append_str(out, "; choose another with --port, or --port 0 for a free one");
    else if (error == EACCES)
        buf_append_str(out, "; ports below 1024 need root");
    else if (error == EADDRNOTAVAIL)
        buf_append_str(out, "; that address is not one of this machine");
}

static int bind_host(const char *host, uint16_t port, struct buf *ret_error)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses;
    char service[8];
    int fd, r;

    snprintf(service, sizeof(service), "%u", port);
    r = getaddrinfo(host, service, &hints, &addresses);
    if (r != 0) {
        buf_printf(ret_error, "cannot listen on %s: %s", host, gai_strerror(r));
        return -1;
    }
    fd = bind_address(addresses);
    freeaddrinfo(addresses);
    if (fd < 0)
        explain_bind(ret_error, host, port, -fd);
    return fd;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    int r = getsockname(fd, (struct sockaddr *)&address, &len);

    assert(r == 0);
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

struct listener *listener_open(struct loop *loop, const char *host, uint16_t port, size_t sockets_max,
                               struct buf *ret_error)
{
    int fd = bind_host(host, port, ret_error);
    struct listener *l;

    if (fd < 0)
        return NULL;
    l = mem_zalloc(sizeof(*l));
    l->loop = loop;
    l->fd = fd;
    l->port = bound_port(fd);
    l->sockets_max = sockets_max;
    l->peeked = mem_alloc(head_bytes_max() + 1);
    list_init(&l->waiting);
    list_init(&l->lingering);
    list_init(&l->pending);
    l->deadlines = loop_timer_new(loop, on_deadline, l);
    l->retry = loop_timer_new(loop, resume_accepting, l);
    return l;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

void listener_start(struct listener *listener, struct gateway *gateway, struct websocket_server *websockets,
                    struct http_server *http)
{
    listener->gateway = gateway;
    listener->websockets = websockets;
    listener->http = http;
    listener->watch = loop_watch_new(listener->loop, listener->fd, on_accept_ready, listener);
    assert(listener->watch); /* a listening socket can be watched */
}

static void close_all(struct list *queue)
{
    struct list *first;

    while ((first = list_first(queue)))
        incoming_close(LIST_ENTRY(first, struct incoming, node));
}

void listener_stop(struct listener *listener)
{
    if (listener->fd < 0)
        return;
    loop_watch_free(TAKE(listener->watch));
    close(listener->fd);
    listener->fd = -1;
    close_all(&listener->waiting);
    close_all(&listener->lingering);
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    listener_stop(listener);
    assert(list_empty(&listener->pending)); /* the gateway answers every handshake before it goes */
    loop_timer_free(listener->deadlines);
    loop_timer_free(listener->retry);
    free(listener->peeked);
    free(listener);
}
