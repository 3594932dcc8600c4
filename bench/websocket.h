/* websocket.h - the client's side of RFC 6455, as much of it as load needs: whole frames out, whole frames in.
 *
 * A fragmented or masked message is an error, a ping is not answered: a run is shorter than any server's patience. */
#ifndef BENCH_WEBSOCKET_H
#define BENCH_WEBSOCKET_H

#include "stream.h"

#define WEBSOCKET_TEXT 1
#define WEBSOCKET_CLOSE 8
#define WEBSOCKET_FRAME_EXTRA 14 /* the most that a frame adds to its payload */
#define WEBSOCKET_PREFIX 64      /* bytes kept of each message */
#define WEBSOCKET_ACCEPT_LEN 28  /* of a SHA-1 in base64 */

/* What has come. Of the payload only the beginning is kept. */
struct websocket_message {
    uint64_t len;
    const char *prefix;
    size_t prefix_len;
};

struct websocket;

struct websocket_ops {
    void (*on_open)(struct websocket *ws);
    void (*on_message)(struct websocket *ws, const struct websocket_message *message);
    void (*on_close)(struct websocket *ws);    /* the server's close frame; NULL: it must not come */
    void (*after_input)(struct websocket *ws); /* after the last message of one read; may be NULL */
};

struct websocket {
    struct stream stream; /* first: a stream of ours is one of these */
    const struct websocket_ops *ops;
    void *owner;
    size_t index; /* among its owner's */
    char *head;   /* of the response to the upgrade, until it is whole; behind it the request */
    size_t head_len;
    char accept[WEBSOCKET_ACCEPT_LEN + 1]; /* what the server must have made of our key */
    struct {
        unsigned char header[10];
        unsigned header_len;
        bool in_payload;
        uint64_t len;
        uint64_t left;
        char prefix[WEBSOCKET_PREFIX];
        size_t prefix_len;
    } in;
};

/* The upgrade request, to be given to every websocket_connect: there each gets a key of its own, as some servers tell
 * connections apart by it. */
char *websocket_request(unsigned port, const char *path);

void websocket_connect(struct websocket *ws, struct loop *loop, unsigned port, const char *request, uint64_t serial);

/* Writes one masked frame to `out` (room for len + WEBSOCKET_FRAME_EXTRA) and returns its size. */
size_t websocket_frame(char *out, unsigned opcode, const char *payload, size_t len);

/* Sends one whole frame that outlives the sending. */
void websocket_send(struct websocket *ws, const char *frame, size_t len);

void websocket_close(struct websocket *ws);

#endif
