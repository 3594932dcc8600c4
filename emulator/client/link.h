/* link.h - one WebSocket connection of a client: connected and shaken hands by link_open, which blocks; from then on it
 * goes with poll(2).
 *
 * Owner: who opened it. Frames are wslay's, TCP and TLS libcurl's. What is sent is queued without a limit of its own:
 * who has much to send looks at link_queued_bytes. A message that is longer than LINK_MESSAGE_MAX is answered with
 * 1009. */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include <stdint.h>

#include "client/handshake.h"
#include "client/transfer.h"

#define LINK_MESSAGE_MAX ((size_t)64 * 1024 * 1024)
#define LINK_CONTROL_MAX 125u /* bytes in a ping, RFC 6455, section 5.5 */
#define LINK_REASON_MAX 123u  /* and in the reason of a close */

/* Called from link_turn; spans are valid during the call. */
struct link_events {
    void (*on_message)(void *arg, struct span text, bool binary);
    void (*on_pong)(void *arg, struct span payload);
};

/* How it ended. */
struct link_end {
    unsigned code;      /* 1006: there was no close frame; 1005: there was, without a code */
    bool by_us;         /* we asked for it */
    bool breach;        /* we had to: the server has broken the protocol */
    const char *reason; /* of the frame that came; else what broke. Never NULL, may be anything */
};

struct link_settings {
    const struct url *url;
    const struct transfer_options *transfer;
    const struct handshake_wish *wish;
    const struct link_events *events;
    void *arg; /* of the events */
    /* NULL: nobody wants to see it */
    void (*on_request)(void *arg, struct span head);
};

struct link;

/* A link with answer->status 101; or NULL with a sentence in `ret_error`; or NULL without one: the server has refused,
 * as the answer says. The caller calls handshake_answer_fini in any case. */
struct link *link_open(const struct link_settings *settings, struct handshake_answer *ret_answer,
                       struct buf *ret_error);
void link_free(struct link *l);

int link_descriptor(const struct link *l);
short link_poll_events(const struct link *l);
bool link_has_more(const struct link *l); /* what has arrived was not all read: do not wait */

/* Reads and writes what can be; false when the link has ended. */
bool link_turn(struct link *l);

void link_send(struct link *l, struct span text, bool fragment);
void link_ping(struct link *l, struct span payload);
void link_close(struct link *l, unsigned code, struct span reason);

bool link_is_closing(const struct link *l); /* a close frame was queued or has come */
size_t link_queued_bytes(const struct link *l);
struct link_end link_end(const struct link *l);

unsigned link_local_port(const struct link *l);
const char *link_peer_address(const struct link *l);

#endif
