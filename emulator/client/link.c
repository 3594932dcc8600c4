/* link.c - see link.h. */
#include "client/link.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

#define OUT_BYTES 65536u
#define TURN_BYTES_MAX (256u * 1024) /* read in one turn, so that the keyboard is heard beside a flood */

struct link {
    struct transfer transfer;
    int fd;
    char *peer_address;
    unsigned local_port;
    const struct link_events *events;
    void *arg;
    wslay_event_context_ptr frames;
    struct buf early; /* came behind the answer of the handshake */

    /* What goes out. A TLS record that did not fit is offered again as it was: nothing is added meanwhile. */
    char out[OUT_BYTES];
    size_t out_start, out_end;
    bool out_is_stuck;

    size_t turn_bytes;
    bool has_more;
    struct list pieces; /* of messages that are sent in fragments */
    size_t pieces_bytes;
    bool closed_by_us;
    bool close_came;
    bool in_close_frame;
    struct buf close_frame;
    bool broken;
    unsigned code;
    struct buf reason;
};

/* A message on its way in pieces; wslay asks for one after another. */
struct pieces {
    struct list node; /* of the link's */
    struct link *link;
    size_t at, len;
    char text[];
};

static void pieces_free(struct pieces *p)
{
    p->link->pieces_bytes -= p->len;
    list_remove(&p->node);
    free(p);
}

/* ---- bytes ---- */

/* Bytes read, 0 at the end, -1 when there are none for now, -2 when it broke. */
static ssize_t receive(struct link *l, void *data, size_t size)
{
    size_t n = 0;
    const CURLcode code = curl_easy_recv(l->transfer.curl, data, size, &n);

    if (code == CURLE_OK)
        return (ssize_t)n;
    return code == CURLE_AGAIN ? -1 : -2;
}

static void note_broken(struct link *l, const char *why)
{
    if (!l->broken && !l->reason.len)
        buf_append_str(&l->reason, why);
    l->broken = true;
}

/* False: it broke, or does not take more for now. */
static bool flush(struct link *l)
{
    while (l->out_start < l->out_end) {
        size_t n = 0;
        const CURLcode code = curl_easy_send(l->transfer.curl, l->out + l->out_start, l->out_end - l->out_start, &n);

        l->out_is_stuck = code == CURLE_AGAIN;
        if (code != CURLE_OK && code != CURLE_AGAIN)
            note_broken(l, "the connection does not take what is sent");
        if (code != CURLE_OK)
            return false;
        l->out_start += n;
    }
    l->out_start = l->out_end = 0;
    return true;
}

/* ---- what wslay asks for ---- */

static ssize_t on_receive(wslay_event_context_ptr frames, uint8_t *data, size_t len, int flags, void *arg)
{
    struct link *l = arg;
    ssize_t n;

    if (l->early.len) {
        n = (ssize_t)(len < l->early.len ? len : l->early.len);
        memcpy(data, l->early.ptr, (size_t)n);
        buf_consume(&l->early, (size_t)n);
        return n;
    }
    l->has_more = l->turn_bytes >= TURN_BYTES_MAX;
    n = l->has_more ? -1 : receive(l, data, len);
    if (n > 0) {
        l->turn_bytes += (size_t)n;
        return n;
    }
    if (n == 0 || n == -2)
        note_broken(l,
                    n == 0 ? "the server has ended the connection without a close frame" : "the connection was reset");
    wslay_event_set_error(frames, n == -1 ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t len, int flags, void *arg)
{
    struct link *l = arg;
    size_t room;

    if (l->out_is_stuck || (l->out_end == OUT_BYTES && !flush(l))) {
        wslay_event_set_error(frames, l->broken ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    room = OUT_BYTES - l->out_end;
    room = len < room ? len : room;
    memcpy(l->out + l->out_end, data, room);
    l->out_end += room;
    return (ssize_t)room;
}

static int on_mask(wslay_event_context_ptr frames, uint8_t *data, size_t len, void *arg)
{
    const ssize_t n = getrandom(data, len, 0);

    assert(n == (ssize_t)len); /* four bytes come whole */
    return 0;
}

/* Payload: nothing, or a code and a reason. */
static void on_close_frame(struct link *l, struct span payload)
{
    const unsigned char *code = (const unsigned char *)payload.ptr;

    l->close_came = true;
    l->code = payload.len >= 2 ? (unsigned)(code[0] << 8 | code[1]) : 1005;
    buf_clear(&l->reason, SIZE_MAX);
    if (payload.len > 2)
        buf_append(&l->reason, span_from(payload, 2));
}

/* wslay takes the codes that were registered after RFC 6455 (1012 to 1014, IANA's WebSocket Close Code Number Registry)
 * for a breach, and does not tell of them. So close frames are seen as they come in, too. */
static void on_frame_start(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_start_arg *frame,
                           void *arg)
{
    struct link *l = arg;

    l->in_close_frame = frame->opcode == WSLAY_CONNECTION_CLOSE;
    buf_clear(&l->close_frame, SIZE_MAX);
}

static void on_frame_piece(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_chunk_arg *piece,
                           void *arg)
{
    struct link *l = arg;

    if (l->in_close_frame && l->close_frame.len + piece->data_length <= LINK_CONTROL_MAX)
        buf_append(&l->close_frame, span_of((const char *)piece->data, piece->data_length));
}

static void on_frame_end(wslay_event_context_ptr frames, void *arg)
{
    struct link *l = arg;
    const unsigned char *code = (const unsigned char *)l->close_frame.ptr;

    if (l->in_close_frame && l->close_frame.len >= 2 && code[0] << 8 == (1012 & 0xff00) && code[1] >= (1012 & 0xff) &&
        code[1] <= (1014 & 0xff))
        on_close_frame(l, buf_span(&l->close_frame));
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
    struct link *l = arg;
    const struct span bytes = span_of((const char *)message->msg, message->msg_length);

    switch (message->opcode) {
    case WSLAY_TEXT_FRAME: l->events->on_message(l->arg, bytes, false); return;
    case WSLAY_BINARY_FRAME: l->events->on_message(l->arg, bytes, true); return;
    case WSLAY_PONG: l->events->on_pong(l->arg, bytes); return;
    case WSLAY_CONNECTION_CLOSE: on_close_frame(l, bytes); return;
    default: return; /* a ping is answered by wslay */
    }
}

/* ---- opening ---- */

static int wait_for(struct link *l, short events, uint64_t deadline_ms)
{
    const uint64_t now = clock_mono_ms();
    struct pollfd p = {.fd = l->fd, .events = events};

    if (now >= deadline_ms)
        return -1;
    return poll(&p, 1, (int)(deadline_ms - now)) > 0 || errno == EINTR ? 0 : -1;
}

static int connect_to(struct link *l, const struct url *url, struct buf *ret_error)
{
    char *address = NULL;
    long port = 0;
    curl_socket_t fd = CURL_SOCKET_BAD;
    CURLcode code;

    curl_easy_setopt(l->transfer.curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(l->transfer.curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
    code = curl_easy_perform(l->transfer.curl);
    if (code != CURLE_OK) {
        transfer_explain(&l->transfer, url, code, ret_error);
        return -1;
    }
    curl_easy_getinfo(l->transfer.curl, CURLINFO_ACTIVESOCKET, &fd);
    curl_easy_getinfo(l->transfer.curl, CURLINFO_LOCAL_PORT, &port);
    curl_easy_getinfo(l->transfer.curl, CURLINFO_PRIMARY_IP, &address);
    l->fd = (int)fd;
    l->local_port = (unsigned)port;
    l->peer_address = mem_strdup(address ? address : "");
    return 0;
}

static int send_head(struct link *l, struct span head, uint64_t deadline_ms, struct buf *ret_error)
{
    while (head.len || l->out_end) {
        const size_t room = l->out_end == 0 ? (head.len < OUT_BYTES ? head.len : OUT_BYTES) : 0;

        memcpy(l->out + l->out_end, head.ptr, room);
        l->out_end += room;
        head = span_from(head, room);
        if (!flush(l) && (l->broken || wait_for(l, POLLOUT, deadline_ms) < 0)) {
            buf_append_str(ret_error, "the server does not take the handshake");
            return -1;
        }
    }
    return 0;
}

static int receive_answer(struct link *l, struct handshake_reader *reader, uint64_t deadline_ms, struct buf *ret_error)
{
    char data[16384];

    for (;;) {
        const ssize_t n = receive(l, data, sizeof(data));
        size_t used;
        int r;

        if (n == -1) {
            if (wait_for(l, POLLIN, deadline_ms) == 0)
                continue;
            buf_append_str(ret_error, "the handshake was not answered in time");
            return -1;
        }
        r = handshake_read(reader, span_of(data, n > 0 ? (size_t)n : 0), &used, ret_error);
        if (r == 1 && n > 0)
            buf_append(&l->early, span_of(data + used, (size_t)n - used));
        if (r != 0)
            return r < 0 ? -1 : 0;
    }
}

static int shake_hands(struct link *l, const struct link_settings *settings, struct handshake_answer *ret_answer,
                       struct buf *ret_error)
{
    const uint64_t deadline_ms = clock_mono_ms() + (uint64_t)settings->transfer->timeout_ms;
    CLEANUP(buf_fini) struct buf head = {0};
    char key[HANDSHAKE_KEY_SIZE];
    struct handshake_reader *reader;
    int r;

    handshake_write(&head, settings->url, settings->wish, key);
    if (settings->on_request)
        settings->on_request(settings->arg, buf_span(&head));
    if (send_head(l, buf_span(&head), deadline_ms, ret_error) < 0)
        return -1;
    reader = handshake_reader_new(ret_answer);
    r = receive_answer(l, reader, deadline_ms, ret_error);
    handshake_reader_free(reader);
    if (r < 0 || ret_answer->status != 101)
        return -1;
    return handshake_check(ret_answer, key, settings->wish, ret_error) ? 0 : -1;
}

struct link *link_open(const struct link_settings *settings, struct handshake_answer *ret_answer, struct buf *ret_error)
{
    static const struct wslay_event_callbacks callbacks = {.recv_callback = on_receive,
                                                           .send_callback = on_send,
                                                           .genmask_callback = on_mask,
                                                           .on_frame_recv_start_callback = on_frame_start,
                                                           .on_frame_recv_chunk_callback = on_frame_piece,
                                                           .on_frame_recv_end_callback = on_frame_end,
                                                           .on_msg_recv_callback = on_message};
    struct link *l = mem_zalloc(sizeof(*l));

    *ret_answer = (struct handshake_answer){0};
    l->fd = -1;
    list_init(&l->pieces);
    l->events = settings->events;
    l->arg = settings->arg;
    if (transfer_init(&l->transfer, settings->url, settings->transfer, ret_error) < 0 ||
        connect_to(l, settings->url, ret_error) < 0 || shake_hands(l, settings, ret_answer, ret_error) < 0 ||
        wslay_event_context_client_init(&l->frames, &callbacks, l) != 0) {
        link_free(l);
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(l->frames, LINK_MESSAGE_MAX);
    return l;
}

void link_free(struct link *l)
{
    if (!l)
        return;
    for (struct list *node; (node = list_first(&l->pieces));)
        pieces_free(LIST_ENTRY(node, struct pieces, node));
    if (l->frames)
        wslay_event_context_free(l->frames);
    transfer_fini(&l->transfer);
    buf_fini(&l->early);
    buf_fini(&l->close_frame);
    buf_fini(&l->reason);
    free(l->peer_address);
    free(l);
}

/* ---- a turn ---- */

int link_descriptor(const struct link *l)
{
    return l->fd;
}

short link_poll_events(const struct link *l)
{
    const bool write = l->out_is_stuck || l->out_end > 0 || wslay_event_want_write(l->frames);

    return (short)(POLLIN | (write ? POLLOUT : 0));
}

bool link_has_more(const struct link *l)
{
    return l->has_more || l->early.len > 0;
}

/* wslay has nothing more to do when both close frames are through, or after a breach when ours is. */
static bool is_over(const struct link *l)
{
    return l->broken || (!wslay_event_want_read(l->frames) && !wslay_event_want_write(l->frames) && l->out_end == 0);
}

bool link_turn(struct link *l)
{
    l->turn_bytes = 0;
    l->has_more = false;
    if (!is_over(l) && wslay_event_want_read(l->frames))
        wslay_event_recv(l->frames); /* what goes wrong is noted by on_receive, or makes wslay queue a close */
    if (l->broken && l->close_came)  /* the answer to its close frame is not waited for by every server */
        return false;
    if (!l->broken && flush(l) && wslay_event_want_write(l->frames) && wslay_event_send(l->frames) != 0)
        note_broken(l, "frames cannot be sent");
    if (!l->broken)
        flush(l);
    return !is_over(l);
}

/* ---- sending ---- */

static ssize_t on_piece(wslay_event_context_ptr frames, uint8_t *data, size_t len,
                        const union wslay_event_msg_source *source, int *eof, void *arg)
{
    struct pieces *p = source->data;
    const size_t n = len < p->len - p->at ? len : p->len - p->at;

    memcpy(data, p->text + p->at, n);
    p->at += n;
    *eof = p->at == p->len;
    if (*eof)
        pieces_free(p);
    return (ssize_t)n;
}

static void queue_pieces(struct link *l, struct span text)
{
    struct pieces *p = mem_zalloc(sizeof(*p) + text.len);
    const struct wslay_event_fragmented_msg message = {
        .opcode = WSLAY_TEXT_FRAME, .source = {.data = p}, .read_callback = on_piece};

    p->link = l;
    p->len = text.len;
    memcpy(p->text, text.ptr, text.len);
    list_append(&l->pieces, &p->node);
    l->pieces_bytes += text.len;
    if (wslay_event_queue_fragmented_msg(l->frames, &message) != 0)
        pieces_free(p);
}

static void queue(struct link *l, uint8_t opcode, struct span bytes)
{
    const struct wslay_event_msg message = {
        .opcode = opcode, .msg = (const uint8_t *)(bytes.ptr ? bytes.ptr : ""), .msg_length = bytes.len};

    wslay_event_queue_msg(l->frames, &message); /* fails when a close was queued: then it has no place to go */
}

void link_send(struct link *l, struct span text, bool fragment)
{
    if (fragment && text.len)
        queue_pieces(l, text);
    else
        queue(l, WSLAY_TEXT_FRAME, text);
}

void link_ping(struct link *l, struct span payload)
{
    assert(payload.len <= LINK_CONTROL_MAX);
    queue(l, WSLAY_PING, payload);
}

void link_close(struct link *l, unsigned code, struct span reason)
{
    assert(reason.len <= LINK_REASON_MAX);
    if (link_is_closing(l))
        return;
    l->closed_by_us = true;
    wslay_event_queue_close(l->frames, (uint16_t)code, (const uint8_t *)(reason.ptr ? reason.ptr : ""), reason.len);
}

bool link_is_closing(const struct link *l)
{
    return l->closed_by_us || l->close_came;
}

size_t link_queued_bytes(const struct link *l)
{
    return wslay_event_get_queued_msg_length(l->frames) + l->pieces_bytes + (l->out_end - l->out_start);
}

struct link_end link_end(const struct link *l)
{
    const unsigned queued = wslay_event_get_status_code_sent(l->frames), sent = queued == 1005 ? 0 : queued;
    const bool breach = !l->closed_by_us && !l->close_came && wslay_event_get_close_sent(l->frames);
    struct buf *reason = (struct buf *)&l->reason; /* only a terminator is added */
    struct link_end end = {.code = l->close_came ? l->code
                                   : !breach     ? 1006
                                   : sent        ? sent
                                                 : 1002,
                           .by_us = l->closed_by_us,
                           .breach = breach,
                           .reason = buf_terminate(reason)};

    return end;
}

unsigned link_local_port(const struct link *l)
{
    return l->local_port;
}

const char *link_peer_address(const struct link *l)
{
    return l->peer_address;
}
