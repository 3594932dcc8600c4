/* link.h - the host's end of the channel: whole frames in and out, waiting where that is needed.
 *
 * Invocations that arrive while another runs are kept here until their turn; the gateway hands over CHANNEL_SLOTS at
 * most. A channel that the plugin has destroyed ends the process with one sentence: nothing could be answered any more.
 *
 * Owner    the runtime; one per process.
 * Threads  the one that called link_open. link_usable tells callers that may be on another. */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/span.h"
#include "function/channel.h"
#include "function/protocol.h"

/* A frame that arrived. Free with free(). */
struct message {
    struct list node;
    struct protocol_frame head;
    char bytes[];
};

struct link {
    struct channel *channel;
    uint64_t sequence; /* of the invocation that runs, 0: none; it goes into every line of the log */
    struct {
        struct protocol_frame head;
        struct message *message; /* NULL while the head is incomplete */
        size_t got;              /* of the head, then of its bytes */
    } partial;
    struct list invocations;
    struct message *call_result;
    bool shutdown;
    bool busy;
};

/* Takes the descriptors. 0 or -errno. */
int link_open(struct link *l, const struct channel_fds *fds);

/* May this thread use the link now? Not from another thread, a forked child, or a signal handler that interrupted it.
 */
bool link_usable(const struct link *l);

/* Is this the thread, and the process, that opened the link? */
bool link_is_ours(void);

/* Sends one frame of the concatenated parts, waiting for room where there is none. */
void link_send(struct link *l, uint32_t type, const struct span *parts, size_t count);

/* Sends one line for the log, as several if it is over PROTOCOL_LOG_LINE_MAX. */
void link_log(struct link *l, int level, struct span line);

/* Wakes the gateway if it sleeps. What was sent is only certain to be seen after this. */
void link_flush(struct link *l);

/* The next invocation in order, waiting for one. NULL: shutdown was asked for and none is left. */
struct message *link_next_invocation(struct link *l);

/* Waits for the answer to the call that was sent. */
struct message *link_wait_call_result(struct link *l);

#endif
