/* wire.h - how the gateway reaches the network, without knowing what is there.
 *
 * net/ implements it; tests implement it with arrays. A struct wire_link is one WebSocket as net/ sees it: the gateway
 * keeps the pointer from the moment the link is accepted until it has said or heard that it is closed. None of these
 * calls back into the gateway before it returns. */
#ifndef GATEWAY_WIRE_H
#define GATEWAY_WIRE_H

#include <stdint.h>

#include "base/span.h"

struct wire_link;

enum wire_sent {
    WIRE_SENT,      /* on its way, or in the queue */
    WIRE_QUEUE_FULL /* the client does not read; nothing was queued */
};

/* What has been queued for a client that reads slowly; the first message may be on its way in part. */
struct wire_queue {
    size_t messages;
    size_t bytes;
};

struct wire_ops {
    /* One text message, copied before the call returns; it leaves in frames of at most 32 KB. */
    enum wire_sent (*send)(struct wire_link *link, struct span text);

    /* Starts the closing handshake. The reason's bytes stay where they are, as a rule's do. The link is not to be used
     * any more; no on_closed will come for it. */
    void (*close)(struct wire_link *link, unsigned code, struct span reason);

    /* Milliseconds since the client was last heard of, if it has sent something that was no message, such as a ping,
     * since this was last asked; else UINT64_MAX. Asked only when a connection seems to be idle, or the clock is moved,
     * so that a ping costs nothing. */
    uint64_t (*quiet_ms)(struct wire_link *link);

    struct wire_queue (*queue)(const struct wire_link *link);
};

#endif
