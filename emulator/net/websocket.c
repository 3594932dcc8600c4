/* websocket.c - the only file that knows libwebsockets.
 *
 * A message leaves at once when nothing is queued and the socket takes it; only what does not fit is queued, up to a
 * limit, and sent when the socket is writable again. (The library's usual way, to ask for a callback for each message,
 * costs four epoll_ctl calls.) A frame is at most 32 KB, either way. */
#include "net/websocket.h"

#include <assert.h>
#include <libwebsockets.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "gateway/text.h"
#include "net/tcp.h"

/* A whole frame in one read. The library allocates as much for each connection, but touches it for few of them. */
#define READ_CHUNK_BYTES (32 * 1024)
/* The kernel would let a client that does not read pile up megabytes; our own queue has the limit that counts. */
#define SOCKET_SEND_BYTES (128 * 1024)
/* For a client that does not answer a close frame, or does not read what comes before it. */
#define CLOSE_PATIENCE_S 5

struct websocket_server {
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct gateway *gateway;
    socket_closed_fn *on_socket_closed;
    void *arg;
    struct list links;
    size_t count;
    struct opening *opening; /* during websocket_open */
    char *frame;             /* LWS_PRE and one frame, for direct writes */
    struct buf repaired;     /* a message that was not UTF-8 */
    bool closed;
};

/* What the callbacks need to know of the handshake that is being completed. */
struct opening {
    struct connection *connection;
    struct span subprotocol;
    struct tls_link *tls;
    bool established;
};

/* A message, or what is left of it, on its way to a client that reads slowly. */
struct queued {
    struct list node;
    size_t len;
    size_t sent;
    char text[]; /* LWS_PRE bytes of headroom, then the message */
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

static void set_vanish_limit(const struct wire_link *link, uint64_t limit_ms)
{
    if (link->tls)
        tls_set_vanish_limit(link->tls, limit_ms);
    else
        tcp_set_vanish_limit(lws_get_socket_fd(link->wsi), limit_ms);
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

/* Writes the next frame of a message of which `sent` bytes are gone. `frame` has LWS_PRE bytes of headroom. */
static size_t write_frame(struct wire_link *link, char *frame, size_t sent, size_t len)
{
    size_t left = len - sent, n = left < frame_bytes_max() ? left : frame_bytes_max();
    int kind = (sent ? LWS_WRITE_CONTINUATION : LWS_WRITE_TEXT) | (n < left ? LWS_WRITE_NO_FIN : 0);

    if (lws_write(link->wsi, (unsigned char *)frame, n, (enum lws_write_protocol)kind) < 0)
        fail_link(link);
    return n;
}

static bool can_write(struct wire_link *link)
{
    return !link->failed && list_empty(&link->queue) && !lws_partial_buffered(link->wsi);
}

static void enqueue(struct wire_link *link, struct span text, size_t sent)
{
    struct queued *q = mem_alloc(sizeof(*q) + LWS_PRE + text.len);

    q->len = text.len;
    q->sent = sent;
    memcpy(q->text + LWS_PRE, text.ptr, text.len);
    list_append(&link->queue, &q->node);
    link->queued_bytes += text.len;
    lws_callback_on_writable(link->wsi);
}

static void dequeue(struct wire_link *link, struct queued *q)
{
    link->queued_bytes -= q->len;
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
    if (link->queued_bytes + text.len > rule_get(RULE_SEND_QUEUE_FULL)->limit)
        return WIRE_QUEUE_FULL;
    while (can_write(link)) {
        size_t n = text.len - sent < frame_bytes_max() ? text.len - sent : frame_bytes_max();

        memcpy(link->server->frame + LWS_PRE, text.ptr + sent, n);
        sent += write_frame(link, link->server->frame + LWS_PRE, sent, text.len);
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
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_OK, CLOSE_PATIENCE_S);
    lws_callback_on_writable(link->wsi); /* whose callback sends the frame */
}

/* The library keeps it where it keeps the payload of a ping, so as late as possible. */
static void prepare_close_frame(struct wire_link *link)
{
    link->close_begun = true;
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

/* The socket takes more. -1 ends the connection at once. */
static int on_writable(struct wire_link *link)
{
    struct list *first;

    while ((first = list_first(&link->queue)) && !link->failed && !lws_partial_buffered(link->wsi)) {
        struct queued *q = LIST_ENTRY(first, struct queued, node);

        /* The headroom of a later frame is the tail of the one before it, which is gone. */
        q->sent += write_frame(link, q->text + LWS_PRE + q->sent, q->sent, q->len);
        if (q->sent == q->len)
            dequeue(link, q);
    }
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

const struct wire_ops websocket_wire_ops = {.send = link_send, .close = link_close, .quiet_ms = link_quiet_ms};

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
    gateway_on_message(link->server->gateway, link->connection, text);
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
    const int send_bytes = SOCKET_SEND_BYTES;
    struct tcp_state state;

    /* The library has set it to its read buffer's size. */
    setsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
    link->wsi = wsi;
    link->tls = server->opening->tls;
    set_vanish_limit(link, rule_get(RULE_CLIENT_VANISHED)->limit);
    link->server = server;
    link->connection = server->opening->connection;
    link->breach = RULE_PROTOCOL_ERROR;
    if (read_state(link, &state))
        link->handshake_bytes = state.read_bytes;
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

void websocket_open(struct websocket_server *server, int fd, struct tls_link *tls, struct span key,
                    struct span subprotocol, struct connection *connection)
{
    struct opening opening = {.connection = connection, .subprotocol = subprotocol, .tls = tls};
    char head[256];
    struct lws *wsi;
    int n = snprintf(head, sizeof(head),
                     "GET / HTTP/1.1\r\nHost: apigw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: " SPAN_FMT "\r\nSec-WebSocket-Version: 13\r\n\r\n",
                     SPAN_ARG(key));

    assert(n > 0 && (size_t)n < sizeof(head));
    server->opening = &opening;
    wsi = lws_adopt_socket_vhost_readbuf(server->vhost, fd, head, (size_t)n);
    server->opening = NULL;
    if (opening.established)
        return;
    tls_unref(tls);
    /* The client went away before its 101. Its $connect has run, so it gets its $disconnect. */
    gateway_on_open(server->gateway, connection, NULL);
    gateway_on_closed(server->gateway, connection, 1006, SPAN(""));
    if (wsi)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* ---- the server ---- */

static void on_library_log(int level, const char *line)
{
    struct span text = span_of_str(line);

    while (text.len && text.ptr[text.len - 1] == '\n')
        text.len--;
    /* The library calls the adoption of a socket an error. */
    log_debug(LOG_NET, "libwebsockets: " SPAN_FMT, SPAN_ARG(text));
}

struct websocket_server *websocket_server_new(struct loop *loop, socket_closed_fn *on_socket_closed, void *arg)
{
    static const struct lws_protocols protocols[] = {
        {.name = "apigw",
         .callback = callback,
         .per_session_data_size = sizeof(struct wire_link),
         .rx_buffer_size = READ_CHUNK_BYTES,
         .tx_packet_size = 2 * READ_CHUNK_BYTES},
        {.name = NULL},
    };
    /* No pings and no idle limit of the library's: AWS has its own, and its list of them is sorted by insertion. */
    static const lws_retry_bo_t no_keep_alive = {0};
    struct websocket_server *server = mem_zalloc(sizeof(*server));
    void *loops[] = {loop_uv(loop)};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = server,
        .gid = -1,
        .uid = -1,
        .timeout_secs = CLOSE_PATIENCE_S,
        .pt_serv_buf_size = READ_CHUNK_BYTES,
        .retry_and_idle_policy = &no_keep_alive,
    };

    list_init(&server->links);
    server->on_socket_closed = on_socket_closed;
    server->arg = arg;
    server->frame = mem_alloc(LWS_PRE + frame_bytes_max());
    lws_set_log_level(LLL_ERR | LLL_WARN, on_library_log);
    server->context = lws_create_context(&info);
    if (server->context)
        server->vhost = lws_create_vhost(server->context, &info);
    if (!server->vhost) {
        log_error(LOG_NET, "libwebsockets cannot run on libuv; is the package libwebsockets-evlib-uv installed?");
        websocket_server_free(server);
        return NULL;
    }
    return server;
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

    server->closed = true;
    if (server->context && !closed)
        lws_context_destroy(server->context);
}

void websocket_server_free(struct websocket_server *server)
{
    if (!server)
        return;
    if (server->context)
        lws_context_destroy(server->context);
    buf_fini(&server->repaired);
    free(server->frame);
    free(server);
}
