/* websocket.c - WebSockets on libwebsockets, which only contexts.c knows too.
 *
 * Messages for one client that come one after another are gathered, and leave in one write when another client's turn
 * comes, or before the loop goes on to something else. Only what the socket does not take is queued, up to a limit, and
 * sent when it is writable again. (The library's usual way, to ask for a callback for each message, costs four
 * epoll_ctl calls, and one write for each.) A frame is at most 32 KB, either way. */
#include "net/websocket.h"

#include <assert.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "gateway/text.h"
#include "net/contexts.h"
#include "net/frame_head.h"
#include "net/tcp.h"

/* Frames of one client that leave in one write: the largest, and as much again of others. */
#define OUT_BYTES (64 * 1024)
/* The kernel would let a client that does not read pile up megabytes; our own queue has the limit that counts. */
#define SOCKET_SEND_BYTES (128 * 1024)
/* Messages that wait, however small: an empty one takes memory too, and no bytes of the limit. */
#define QUEUED_MAX 65536u

struct websocket_server {
    struct contexts contexts;
    struct gateway *gateway;
    socket_closed_fn *on_socket_closed;
    void *arg;
    struct list links;
    size_t count;
    struct opening *opening; /* during websocket_open */
    struct {
        struct wire_link *link; /* whose frames it holds; NULL: nobody's */
        size_t len;
        size_t size; /* OUT_BYTES, or as much as a frame may have that rules let be larger */
        char *bytes;
    } out;
    struct buf repaired; /* a message that was not UTF-8 */
    bool closed;
};

/* What the callbacks need to know of the handshake that is being completed. */
struct opening {
    struct connection *connection;
    struct span subprotocol;
    const struct websocket_client *client;
    bool established;
};

/* A message, or what is left of it, on its way to a client that reads slowly. */
struct queued {
    struct list node;
    size_t len;
    size_t sent;
    char text[];
};

struct wire_link {
    struct list node; /* in server->links */
    struct lws *wsi;
    struct tls_link *tls; /* whose plain end the socket is; NULL: a plain client */
    struct websocket_server *server;
    struct connection *connection; /* NULL once a close has begun: the gateway has forgotten us */
    struct buf message;            /* fragments so far */
    uint64_t frame_bytes;          /* of the current data frame so far */
    uint64_t frame_left;           /* and still to come */
    struct list queue;
    size_t queued_bytes;
    uint32_t queued_count;
    bool closing; /* by us: a close frame goes out after what is queued */
    bool close_begun;
    bool failed;
    enum rule_id breach; /* what on_library_close is to say */
    unsigned close_code;
    struct span close_reason;
    /* Bytes that the socket has given: those of the handshake, those of frames with data if they were masked, and how
     * many others we know of, which were pings and pongs. */
    uint64_t handshake_bytes;
    uint64_t data_bytes;
    uint64_t control_bytes;
    uint32_t frames; /* with data */
};

/* ---- the socket ---- */

static bool read_state(const struct wire_link *link, struct tcp_state *ret)
{
    const int fd = lws_get_socket_fd(link->wsi);

    return link->tls ? tls_read_state(link->tls, fd, ret) : tcp_read_state(fd, ret);
}

static void limit_send_buffer(int fd)
{
    const int send_bytes = SOCKET_SEND_BYTES;

    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
}

/* Accepted sockets inherit all of it on Linux, which saves each of them seven system calls. */
void websocket_prepare_listening(int fd)
{
    const int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    limit_send_buffer(fd);
    tcp_set_vanish_limit(fd, rule_get(RULE_CLIENT_VANISHED)->limit);
}

/* ---- to the client ---- */

static size_t frame_bytes_max(void)
{
    return (size_t)rule_get(RULE_FRAME_TOO_LARGE)->limit;
}

static void fail_link(struct wire_link *link)
{
    link->failed = true;
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void forget_gathered(struct websocket_server *server)
{
    server->out.link = NULL;
    server->out.len = 0;
}

/* What was gathered leaves, in one write. What the socket does not take the library keeps, and sends before anything
 * else. */
static void send_gathered(void *arg)
{
    struct websocket_server *server = arg;
    struct wire_link *link = server->out.link;
    size_t len = server->out.len;

    if (!link)
        return;
    forget_gathered(server);
    /* "HTTP" is the library's word for bytes that are to have no frame put around them: these have theirs. */
    if (lws_write(link->wsi, (unsigned char *)server->out.bytes, len, LWS_WRITE_HTTP) < 0)
        fail_link(link);
}

static void send_gathered_of(struct wire_link *link)
{
    if (link->server->out.link == link)
        send_gathered(link->server);
}

/* Room for so many bytes of this link's, behind those that it has there already. */
static char *make_room(struct wire_link *link, size_t bytes)
{
    struct websocket_server *server = link->server;

    if (server->out.link != link || server->out.len + bytes > server->out.size)
        send_gathered(server);
    if (bytes > server->out.size) {
        server->out.size = bytes;
        server->out.bytes = mem_realloc(server->out.bytes, bytes);
    }
    server->out.link = link;
    return server->out.bytes + server->out.len;
}

/* Gathers the next frame of a message of which `sent` bytes are gone, and returns how many bytes of it that were. */
static size_t gather_frame(struct wire_link *link, struct span text, size_t sent)
{
    size_t left = text.len - sent, n = left < frame_bytes_max() ? left : frame_bytes_max(), head_bytes;
    char *at = make_room(link, FRAME_HEAD_MAX + n);

    head_bytes = frame_head_write(at, n, sent == 0, n == left);
    memcpy(at + head_bytes, text.ptr + sent, n);
    link->server->out.len += head_bytes + n;
    return n;
}

/* Not while there is something to be sent before. */
static bool can_gather(struct wire_link *link)
{
    return !link->failed && list_empty(&link->queue) && !lws_partial_buffered(link->wsi);
}

static void enqueue(struct wire_link *link, struct span text, size_t sent)
{
    struct queued *q = mem_alloc(sizeof(*q) + text.len);

    q->len = text.len;
    q->sent = sent;
    memcpy(q->text, text.ptr, text.len);
    list_append(&link->queue, &q->node);
    link->queued_bytes += text.len;
    link->queued_count++;
    lws_callback_on_writable(link->wsi);
}

static void dequeue(struct wire_link *link, struct queued *q)
{
    link->queued_bytes -= q->len;
    link->queued_count--;
    list_remove(&q->node);
    free(q);
}

static enum wire_sent link_send(struct wire_link *link, struct span text)
{
    size_t sent = 0;

    if (!text.len)
        text = SPAN(""); /* an empty span may have no pointer to copy from */
    if (link->failed)
        return WIRE_SENT; /* the socket is dead; its close is on its way */
    if (link->queued_bytes + text.len > rule_get(RULE_SEND_QUEUE_FULL)->limit || link->queued_count >= QUEUED_MAX)
        return WIRE_QUEUE_FULL;
    while (can_gather(link)) {
        sent += gather_frame(link, text, sent);
        if (sent == text.len)
            return WIRE_SENT;
    }
    enqueue(link, text, sent);
    return WIRE_SENT;
}

static void link_close(struct wire_link *link, unsigned code, struct span reason)
{
    link->connection = NULL;
    link->closing = true;
    link->close_code = code;
    link->close_reason = reason;
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_OK, CONTEXTS_PATIENCE_S);
    lws_callback_on_writable(link->wsi); /* whose callback sends the frame */
}

/* The library keeps it where it keeps the payload of a ping, so as late as possible. */
static void prepare_close_frame(struct wire_link *link)
{
    link->close_begun = true;
    send_gathered_of(link);
    lws_close_reason(link->wsi, (enum lws_close_status)link->close_code,
                     (unsigned char *)(uintptr_t)link->close_reason.ptr, link->close_reason.len);
}

/* Sends the close frame, and waits for the client's. To return -1 from a callback should do that too, but the library
 * as built for Debian closes twice then, and the second time cuts the connection before the frame has left. */
static void begin_close(struct wire_link *link)
{
    prepare_close_frame(link);
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

/* Gathers what is queued, until it is all or the socket takes no more. */
static void send_queued(struct wire_link *link)
{
    struct list *first;

    while ((first = list_first(&link->queue)) && !link->failed && !lws_partial_buffered(link->wsi)) {
        struct queued *q = LIST_ENTRY(first, struct queued, node);

        q->sent += gather_frame(link, span_of(q->text, q->len), q->sent);
        if (q->sent == q->len)
            dequeue(link, q);
    }
    send_gathered_of(link);
}

/* The socket takes more. -1 ends the connection at once. */
static int on_writable(struct wire_link *link)
{
    send_queued(link);
    if (link->failed)
        return -1;
    if (!list_empty(&link->queue))
        lws_callback_on_writable(link->wsi);
    else if (link->closing && !link->close_begun)
        begin_close(link);
    return 0;
}

/* The library answers pings and tells nobody. So it is asked of the kernel whether more has come than messages. */
static uint64_t link_quiet_ms(struct wire_link *link)
{
    struct tcp_state state;
    uint64_t control_bytes;

    if (!read_state(link, &state))
        return UINT64_MAX;
    control_bytes = state.read_bytes - link->handshake_bytes - link->data_bytes;
    if (control_bytes == link->control_bytes)
        return UINT64_MAX;
    link->control_bytes = control_bytes;
    return state.quiet_ms;
}

static struct wire_queue link_queue(const struct wire_link *link)
{
    return (struct wire_queue){.messages = link->queued_count, .bytes = link->queued_bytes};
}

const struct wire_ops websocket_wire_ops = {
    .send = link_send, .close = link_close, .quiet_ms = link_quiet_ms, .queue = link_queue};

/* ---- from the client ---- */

static void violate(struct wire_link *link, enum rule_id rule, uint64_t value)
{
    buf_fini(&link->message);
    gateway_on_violation(link->server->gateway, link->connection, rule, value);
}

/* A new data frame begins; false if it breaks a rule. */
static bool check_frame(struct wire_link *link, uint64_t frame_bytes)
{
    if (lws_frame_is_binary(link->wsi) && rule_choice(RULE_BINARY_FRAME) == BINARY_CLOSE) {
        violate(link, RULE_BINARY_FRAME, 0);
        return false;
    }
    if (frame_bytes > rule_get(RULE_FRAME_TOO_LARGE)->limit) {
        violate(link, RULE_FRAME_TOO_LARGE, frame_bytes);
        return false;
    }
    if (link->message.len + frame_bytes > rule_get(RULE_MESSAGE_TOO_LARGE)->limit) {
        violate(link, RULE_MESSAGE_TOO_LARGE, link->message.len + frame_bytes);
        return false;
    }
    return true;
}

/* What a frame with that much data takes on the wire, if it is masked (RFC 6455, section 5.2). */
static uint64_t masked_frame_bytes(uint64_t data_bytes)
{
    const unsigned length_bytes = data_bytes > UINT16_MAX ? 8 : data_bytes > 125 ? 2 : 0;

    return 2 + length_bytes + 4 + data_bytes;
}

/* Is it worth asking the kernel? A client masks or does not, so the first frame tells; the others are there for one
 * that changes its mind, or whose next frame came with the first. */
static bool is_sample(uint32_t frames)
{
    return (frames & (frames - 1)) == 0;
}

/* A frame with data is complete; the library takes unmasked ones and does not say so. If the socket has given fewer
 * bytes than masked frames have, they were not masked. False: it was closed for that. */
static bool check_masked(struct wire_link *link, uint64_t frame_bytes)
{
    struct tcp_state state;

    link->data_bytes += masked_frame_bytes(frame_bytes);
    if (!is_sample(++link->frames) || !read_state(link, &state) ||
        state.read_bytes >= link->handshake_bytes + link->data_bytes)
        return true;
    violate(link, RULE_PROTOCOL_ERROR, 0);
    return false;
}

static void deliver(struct wire_link *link, struct span text)
{
    if (utf8_valid_prefix(text) != text.len) {
        if (rule_choice(RULE_TEXT_NOT_UTF8) == NOT_UTF8_CLOSE) {
            violate(link, RULE_TEXT_NOT_UTF8, 0);
            return;
        }
        text = text_repaired(text, &link->server->repaired);
    }
    clock_hold();
    gateway_on_message(link->server->gateway, link->connection, text);
    clock_release();
}

/* A piece of a data frame. A message that comes in one piece is handed on where it lies. */
static void on_receive(struct wire_link *link, struct span piece)
{
    uint64_t left = lws_remaining_packet_payload(link->wsi);
    bool new_frame = link->frame_left == 0;
    bool last = left == 0 && lws_is_final_fragment(link->wsi);

    if (new_frame)
        link->frame_bytes = 0;
    link->frame_bytes += piece.len;
    link->frame_left = left;
    if (!link->connection)
        return; /* closing: nobody wants it any more */
    if (new_frame && !check_frame(link, piece.len + left))
        return;
    if (left == 0 && !check_masked(link, link->frame_bytes))
        return;
    if (last && link->message.len == 0) {
        deliver(link, piece);
        return;
    }
    buf_append(&link->message, piece);
    if (last) {
        struct buf whole = link->message;

        link->message = (struct buf){0};
        deliver(link, buf_span(&whole));
        buf_fini(&whole);
    }
}

static void drop_queue(struct wire_link *link)
{
    struct list *first;

    while ((first = list_first(&link->queue)))
        dequeue(link, LIST_ENTRY(first, struct queued, node));
}

/* The library is about to close, for a breach of the protocol or because the socket is lost. For most breaches it has
 * prepared a close frame with a text of its own, for others none; ours takes its place, and nothing else follows. */
static void on_library_close(struct wire_link *link)
{
    if (!link->connection || link->failed || link->server->closed)
        return; /* it never was open, or its end is known */
    if (lws_get_close_length(link->wsi) < 2 && !tcp_is_open(lws_get_socket_fd(link->wsi)))
        return;
    violate(link, link->breach, 0);
    drop_queue(link);
    prepare_close_frame(link);
}

/* Does the client's close frame break a rule: is it unmasked, has it half a code, or a reason that is not UTF-8? */
static bool is_bad_close(struct wire_link *link, struct span payload)
{
    struct tcp_state state;

    if (payload.len > 2 && rule_choice(RULE_TEXT_NOT_UTF8) == NOT_UTF8_CLOSE &&
        utf8_valid_prefix(span_from(payload, 2)) != payload.len - 2) {
        link->breach = RULE_TEXT_NOT_UTF8;
        return true;
    }
    return payload.len == 1 ||
           (read_state(link, &state) &&
            state.read_bytes < link->handshake_bytes + link->data_bytes + masked_frame_bytes(payload.len));
}

/* The client's close frame: two bytes of code, then the reason; or nothing. The library answers it, unless -1 is
 * returned: then it closes by itself, which on_library_close does in our words. */
static int on_peer_close(struct wire_link *link, struct span payload)
{
    struct connection *connection = link->connection;
    unsigned code = 1005;
    struct span reason = SPAN("");

    if (!connection)
        return 0; /* both sides close at once */
    if (is_bad_close(link, payload))
        return -1;
    send_gathered_of(link);
    link->connection = NULL;
    if (payload.len >= 2) {
        code = (unsigned)((uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1]);
        reason = span_from(payload, 2);
    }
    gateway_on_closed(link->server->gateway, connection, code, reason);
    return 0;
}

/* The socket is gone. */
static void on_link_closed(struct wire_link *link)
{
    struct connection *connection;

    if (!link->server)
        return; /* the client went away before its 101: it never was open */
    connection = TAKE(link->connection);
    if (link->server->out.link == link)
        forget_gathered(link->server);
    drop_queue(link);
    buf_fini(&link->message);
    list_remove(&link->node);
    tls_unref(TAKE(link->tls));
    link->server->count--;
    if (connection)
        gateway_on_closed(link->server->gateway, connection, 1006, SPAN(""));
}

/* ---- the handshake ---- */

/* The answer as AWS's front end writes it, in place of the library's, which has other names and order. The library has
 * written its own up to here; if it looks different than expected, it stays. */
static void rewrite_switching_protocols(struct lws_process_html_args *args, struct span subprotocol)
{
    static const char theirs[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: ";
    const size_t accept_len = 28, written = sizeof(theirs) - 1 + accept_len + 2;
    char accept_value[28], date[CLOCK_HTTP_SIZE];
    char *start = args->p - written;
    int n;

    if (memcmp(start, theirs, sizeof(theirs) - 1) == 0) {
        memcpy(accept_value, start + sizeof(theirs) - 1, accept_len);
        clock_format_http(clock_wall_ms(), date);
        n = snprintf(start, written + (size_t)args->max_len,
                     "HTTP/1.1 101 Switching Protocols\r\nDate: %s\r\nConnection: upgrade\r\nupgrade: websocket\r\n"
                     "sec-websocket-accept: %.28s\r\n",
                     date, accept_value);
        args->p = start + n;
    }
    if (subprotocol.len) {
        n = snprintf(args->p, (size_t)args->max_len, "sec-websocket-protocol: " SPAN_FMT "\r\n", SPAN_ARG(subprotocol));
        args->p += n;
    }
}

static int on_add_headers(struct opening *opening, struct lws_process_html_args *args)
{
    /* Date and the changed names take less than 64 bytes more. */
    if (!opening || (size_t)args->max_len < opening->subprotocol.len + 128)
        return -1;
    rewrite_switching_protocols(args, opening->subprotocol);
    return 0;
}

static void on_established(struct websocket_server *server, struct lws *wsi, struct wire_link *link)
{
    const struct websocket_client *client = server->opening->client;

    link->wsi = wsi;
    link->tls = client->tls;
    if (link->tls)
        limit_send_buffer(client->fd); /* a socket pair's end was not accepted */
    link->server = server;
    link->connection = server->opening->connection;
    link->breach = RULE_PROTOCOL_ERROR;
    link->handshake_bytes = client->read_bytes;
    list_init(&link->queue);
    list_append(&server->links, &link->node);
    server->count++;
    server->opening->established = true;
    gateway_on_open(server->gateway, link->connection, link);
}

static struct websocket_server *server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct wire_link *link = user;

    switch (reason) {
    case LWS_CALLBACK_ADD_HEADERS: return on_add_headers(server_of(wsi)->opening, in);
    case LWS_CALLBACK_ESTABLISHED: on_established(server_of(wsi), wsi, link); return 0;
    case LWS_CALLBACK_RECEIVE: on_receive(link, span_of(in, len)); return link->failed ? -1 : 0;
    case LWS_CALLBACK_RECEIVE_PONG: return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: return on_writable(link);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return on_peer_close(link, span_of(in, len));
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL: on_library_close(link); return 0;
    case LWS_CALLBACK_CLOSED: on_link_closed(link); return 0;
    case LWS_CALLBACK_WSI_DESTROY: server_of(wsi)->on_socket_closed(server_of(wsi)->arg); return 0;
    default: return 0;
    }
}

/* ---- opening ---- */

static void end_unopened(struct websocket_server *server, struct connection *connection)
{
    gateway_on_open(server->gateway, connection, NULL);
    gateway_on_closed(server->gateway, connection, 1006, SPAN(""));
}

static void give_up(struct websocket_server *server, const struct websocket_client *client,
                    struct connection *connection)
{
    log_error(LOG_NET, "closed a connection: libwebsockets cannot be started for descriptors as high as %d",
              client->fd);
    close(client->fd);
    tls_unref(client->tls);
    server->on_socket_closed(server->arg);
    end_unopened(server, connection);
}

void websocket_open(struct websocket_server *server, const struct websocket_client *client, struct span key,
                    struct span subprotocol, struct connection *connection)
{
    struct opening opening = {.connection = connection, .subprotocol = subprotocol, .client = client};
    char head[256];
    struct lws_vhost *vhost = contexts_find(&server->contexts, client->fd);
    struct lws *wsi;
    int n = snprintf(head, sizeof(head),
                     "GET / HTTP/1.1\r\nHost: apigw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: " SPAN_FMT "\r\nSec-WebSocket-Version: 13\r\n\r\n",
                     SPAN_ARG(key));

    assert(n > 0 && (size_t)n < sizeof(head));
    if (!vhost) {
        give_up(server, client, connection);
        return;
    }
    server->opening = &opening;
    wsi = lws_adopt_socket_vhost_readbuf(vhost, client->fd, head, (size_t)n);
    server->opening = NULL;
    if (opening.established)
        return;
    tls_unref(client->tls);
    /* The client went away before its 101. Its $connect has run, so it gets its $disconnect. */
    end_unopened(server, connection);
    if (wsi)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* ---- the server ---- */

struct websocket_server *websocket_server_new(struct loop *loop, socket_closed_fn *on_socket_closed, void *arg)
{
    static const struct lws_protocols protocols[] = {
        {.name = "apigw",
         .callback = callback,
         .per_session_data_size = sizeof(struct wire_link),
         .rx_buffer_size = CONTEXTS_READ_BYTES,
         .tx_packet_size = OUT_BYTES},
        {.name = NULL},
    };
    struct websocket_server *server = mem_zalloc(sizeof(*server));

    list_init(&server->links);
    server->on_socket_closed = on_socket_closed;
    server->arg = arg;
    server->out.size = OUT_BYTES;
    server->out.bytes = mem_alloc(OUT_BYTES);
    loop_set_pause(loop, send_gathered, server);
    if (contexts_init(&server->contexts, loop, protocols, server) == 0)
        return server;
    log_error(LOG_NET, "libwebsockets cannot run on libuv; is the package libwebsockets-evlib-uv installed?");
    websocket_server_free(server);
    return NULL;
}

void websocket_server_bind(struct websocket_server *server, struct gateway *gateway)
{
    server->gateway = gateway;
}

size_t websocket_count(const struct websocket_server *server)
{
    return server->count;
}

/* On a loop that is not the library's own, a context is destroyed in two calls: the first closes its handles, the
 * second, when the loop has let go of them, frees. */
void websocket_server_close(struct websocket_server *server)
{
    const bool closed = server->closed;

    send_gathered(server);
    server->closed = true;
    if (!closed)
        contexts_destroy(&server->contexts);
}

void websocket_server_free(struct websocket_server *server)
{
    if (!server)
        return;
    contexts_destroy(&server->contexts);
    buf_fini(&server->repaired);
    free(server->out.bytes);
    free(server);
}
