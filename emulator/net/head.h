/* head.h - the head of an HTTP request, as the listener reads it before it knows whose request it is.
 *
 * Pure: bytes in, spans into them out. Names keep their case and order. */
#ifndef NET_HEAD_H
#define NET_HEAD_H

#include "base/span.h"
#include "event/event.h"

#define HEAD_HEADERS_MAX 128
#define HEAD_WEBSOCKET_KEY_LEN 24

struct head {
    struct span method;
    struct span target; /* as sent */
    struct span path;   /* before '?' */
    struct span query;  /* after '?'; NULL ptr: there was none */
    unsigned http_major, http_minor;
    struct event_header headers[HEAD_HEADERS_MAX];
    size_t header_count;
    size_t size; /* bytes, the empty line included */
};

enum head_status {
    HEAD_COMPLETE,
    HEAD_INCOMPLETE, /* no empty line yet */
    HEAD_MALFORMED   /* not HTTP/1; *ret_why says what is wrong */
};

enum head_status head_parse(struct span bytes, struct head *ret, const char **ret_why);

/* The value of the first header of that name (any case); NULL ptr: there is none. */
struct span head_find(const struct head *head, struct span name);

/* Does a comma-separated header hold this token, in any case? */
bool head_has_token(const struct head *head, struct span name, struct span token);

/* Does it ask for a WebSocket at all? */
bool head_wants_websocket(const struct head *head);

/* Is it an opening handshake by RFC 6455, section 4.2.1? NULL, or what is wrong with it in a sentence. */
const char *head_check_handshake(const struct head *head);

#endif
