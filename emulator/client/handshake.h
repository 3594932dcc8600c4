/* handshake.h - the opening handshake of RFC 6455, section 4.1, as text: the request, and whether the answer will do.
 * Pure. */
#ifndef CLIENT_HANDSHAKE_H
#define CLIENT_HANDSHAKE_H

#include "base/buf.h"
#include "client/url.h"

#define HANDSHAKE_HEADERS_MAX 100u
#define HANDSHAKE_BODY_MAX 65536u /* of a refusal; the rest is not read */
#define HANDSHAKE_KEY_SIZE 25u

/* What the command line asks for. */
struct handshake_wish {
    const char *headers[HANDSHAKE_HEADERS_MAX]; /* "Name: value" each */
    size_t header_count;
    const char *subprotocols[HANDSHAKE_HEADERS_MAX];
    size_t subprotocol_count;
    bool sign;
};

/* Is this a header that may be added? Else a sentence. */
bool handshake_header_is_fine(const char *header, struct buf *ret_error);
bool handshake_subprotocol_is_fine(const char *name, struct buf *ret_error);

/* Appends the request, and writes a new key to `ret_key`. */
void handshake_write(struct buf *out, const struct url *url, const struct handshake_wish *wish,
                     char ret_key[HANDSHAKE_KEY_SIZE]);

struct handshake_header {
    struct buf name;
    struct buf value;
};

struct handshake_answer {
    unsigned status;
    struct buf reason;
    struct handshake_header headers[HANDSHAKE_HEADERS_MAX];
    size_t header_count;
    struct buf body;
};

struct handshake_reader;

struct handshake_reader *handshake_reader_new(struct handshake_answer *answer);
void handshake_reader_free(struct handshake_reader *r);

/* Takes more of what the server sent; at its end, no bytes. 1: the answer is whole, and *ret_used bytes were part of
 * it; 0: more must come; -1: it is none, with a sentence. */
int handshake_read(struct handshake_reader *r, struct span bytes, size_t *ret_used, struct buf *ret_error);

/* The value of a header, or NULL ptr. */
struct span handshake_find(const struct handshake_answer *answer, const char *name);

/* Is it a 101 that answers the request with that key? Else a sentence. */
bool handshake_check(const struct handshake_answer *answer, const char *key, const struct handshake_wish *wish,
                     struct buf *ret_error);

void handshake_answer_fini(struct handshake_answer *answer);

#endif
