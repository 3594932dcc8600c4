/* websocket.c - see websocket.h. */
#include "websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define HEAD_MAX 4096
#define FIN 0x80
#define MASKED 0x80
#define LENGTH_16 126
#define LENGTH_64 127

/* RFC 6455, section 1.3: a key is 16 bytes in base64, and is answered with the SHA-1 of it and of this. */
#define KEY_FIELD "Sec-WebSocket-Key: "
#define KEY_LEN 24
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

char *websocket_request(unsigned port, const char *path)
{
    char *request;

    if (asprintf(&request,
                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\n" KEY_FIELD "%*s\r\n\r\n",
                 path, port, KEY_LEN, "") < 0)
        load_die("out of memory");
    return request;
}

/* Writes the key of connection `serial` into its request, and notes what must come of it. */
static void choose_key(struct websocket *ws, char *request, uint64_t serial)
{
    unsigned char nonce[16] = {0};
    unsigned char text[KEY_LEN + sizeof(GUID)];
    unsigned char digest[SHA_DIGEST_LENGTH];

    memcpy(nonce, &serial, sizeof(serial));
    EVP_EncodeBlock(text, nonce, sizeof(nonce));
    memcpy(strstr(request, KEY_FIELD) + sizeof(KEY_FIELD) - 1, text, KEY_LEN);
    memcpy(text + KEY_LEN, GUID, sizeof(GUID));
    SHA1(text, sizeof(text) - 1, digest);
    EVP_EncodeBlock((unsigned char *)ws->accept, digest, sizeof(digest));
}

static size_t put_length(unsigned char *out, size_t len)
{
    unsigned bytes = len < LENGTH_16 ? 0 : len <= UINT16_MAX ? 2 : 8;
    unsigned i;

    out[0] = (unsigned char)(MASKED | (bytes == 0 ? len : bytes == 2 ? LENGTH_16 : LENGTH_64));
    for (i = 0; i < bytes; i++)
        out[1 + i] = (unsigned char)((uint64_t)len >> (8 * (bytes - 1 - i)));
    return 1 + bytes;
}

size_t websocket_frame(char *out, unsigned opcode, const char *payload, size_t len)
{
    static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    unsigned char *p = (unsigned char *)out;
    size_t i;

    *p++ = (unsigned char)(FIN | opcode);
    p += put_length(p, len);
    memcpy(p, mask, sizeof(mask));
    p += sizeof(mask);
    for (i = 0; i < len; i++)
        p[i] = (unsigned char)payload[i] ^ mask[i % sizeof(mask)];
    return (size_t)(p - (unsigned char *)out) + len;
}

void websocket_send(struct websocket *ws, const char *frame, size_t len)
{
    stream_send(&ws->stream, frame, len, len);
}

static void head_check(const struct websocket *ws)
{
    if (strncmp(ws->head, "HTTP/1.1 101 ", 13) != 0 || !strstr(ws->head, ws->accept) || ws->stream.out.bytes > 0)
        load_die("connection %zu: the upgrade was answered with: %.*s", ws->index, (int)strcspn(ws->head, "\r\n"),
                 ws->head);
}

/* How many bytes of `data` belong to the response's head. Opens the connection when it is whole. */
static size_t head_take(struct websocket *ws, const char *data, size_t len)
{
    size_t room = HEAD_MAX - ws->head_len;
    size_t before = ws->head_len;
    size_t n = len < room ? len : room;
    const char *end;

    memcpy(ws->head + ws->head_len, data, n);
    ws->head_len += n;
    ws->head[ws->head_len] = '\0';
    end = strstr(ws->head, "\r\n\r\n");
    if (!end && ws->head_len == HEAD_MAX)
        load_die("connection %zu: the response to the upgrade is too long", ws->index);
    if (!end)
        return n;
    n = (size_t)(end + 4 - ws->head) - before;
    head_check(ws);
    free(ws->head);
    ws->head = NULL;
    ws->ops->on_open(ws);
    return n;
}

static unsigned header_size(const struct websocket *ws)
{
    unsigned len = ws->in.header[1];

    return ws->in.header_len < 2 ? 2 : len < LENGTH_16 ? 2 : len == LENGTH_16 ? 4 : 10;
}

static void header_finish(struct websocket *ws)
{
    unsigned i;

    if (!(ws->in.header[0] & FIN) || ws->in.header[1] & MASKED)
        load_die("connection %zu: a frame that is fragmented or masked", ws->index);
    ws->in.len = ws->in.header[1] < LENGTH_16 ? ws->in.header[1] : 0;
    for (i = 2; i < ws->in.header_len; i++)
        ws->in.len = ws->in.len << 8 | ws->in.header[i];
    ws->in.left = ws->in.len;
    ws->in.prefix_len = 0;
    ws->in.in_payload = true;
}

static size_t header_take(struct websocket *ws, const char *data, size_t len)
{
    size_t taken = 0;

    while (taken < len && !ws->in.in_payload) {
        ws->in.header[ws->in.header_len++] = (unsigned char)data[taken++];
        if (ws->in.header_len >= 2 && ws->in.header_len == header_size(ws))
            header_finish(ws);
    }
    return taken;
}

static size_t payload_take(struct websocket *ws, const char *data, size_t len)
{
    size_t n = len < ws->in.left ? len : (size_t)ws->in.left;
    size_t keep = WEBSOCKET_PREFIX - ws->in.prefix_len;

    keep = keep < n ? keep : n;
    memcpy(ws->in.prefix + ws->in.prefix_len, data, keep);
    ws->in.prefix_len += keep;
    ws->in.left -= n;
    return n;
}

static unsigned close_code(const struct websocket *ws)
{
    const unsigned char *p = (const unsigned char *)ws->in.prefix;

    return ws->in.prefix_len < 2 ? 1005 : (unsigned)p[0] << 8 | p[1];
}

/* False if the connection is over. */
static bool frame_finish(struct websocket *ws)
{
    struct websocket_message message = {ws->in.len, ws->in.prefix, ws->in.prefix_len};
    unsigned opcode = ws->in.header[0] & 0x0f;

    ws->in.in_payload = false;
    ws->in.header_len = 0;
    if (opcode == WEBSOCKET_TEXT) {
        ws->ops->on_message(ws, &message);
        return true;
    }
    if (opcode != WEBSOCKET_CLOSE)
        return true;
    if (!ws->ops->on_close)
        load_die("connection %zu: the server closed with %u", ws->index, close_code(ws));
    ws->ops->on_close(ws);
    return false;
}

static void on_data(struct stream *s, const char *data, size_t len)
{
    struct websocket *ws = (struct websocket *)s;
    size_t n = ws->head ? head_take(ws, data, len) : 0;

    while (n < len) {
        n += header_take(ws, data + n, len - n);
        if (!ws->in.in_payload)
            break;
        n += payload_take(ws, data + n, len - n);
        if (ws->in.left == 0 && !frame_finish(ws))
            return;
    }
    if (ws->ops->after_input)
        ws->ops->after_input(ws);
}

static void on_end(struct stream *s, const char *why)
{
    const struct websocket *ws = (const struct websocket *)s;

    load_die("connection %zu: %s", ws->index, why);
}

void websocket_connect(struct websocket *ws, struct loop *loop, unsigned port, const char *request, uint64_t serial)
{
    static const struct stream_ops ops = {.on_data = on_data, .on_end = on_end};
    size_t len = strlen(request);
    char *own;

    ws->head = malloc(HEAD_MAX + 1 + len + 1);
    if (!ws->head)
        load_die("out of memory");
    own = ws->head + HEAD_MAX + 1;
    memcpy(own, request, len + 1);
    choose_key(ws, own, serial);
    ws->head_len = 0;
    memset(&ws->in, 0, sizeof(ws->in));
    stream_connect(&ws->stream, loop, &ops, port, serial);
    stream_send(&ws->stream, own, len, len);
}

void websocket_close(struct websocket *ws)
{
    stream_close(&ws->stream);
    free(ws->head);
    ws->head = NULL;
}
