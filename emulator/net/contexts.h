/* contexts.h - libwebsockets on our loop: its contexts, each for a range of descriptors.
 *
 * The library has a table with a place for each descriptor that the process may have. It clears that at its start, and
 * as built for Debian, with its assertions, reads all of it whenever a socket is closed: where a million descriptors
 * are allowed, eight megabytes. So there is a context with a small table for low descriptors, and others for those
 * above, each made when there is the first. The kernel always gives the lowest that is free: most of us never need the
 * second.
 *
 * Owner    contexts_init to the second contexts_destroy.
 * Threads  loop thread only. */
#ifndef NET_CONTEXTS_H
#define NET_CONTEXTS_H

#include <libwebsockets.h>

#include "net/loop.h"

/* A whole frame in one read. The library allocates as much for each connection, but touches it for few of them; see
 * receive_buffers.h. */
#define CONTEXTS_READ_BYTES (32 * 1024)

/* For a client that does not answer a close frame, or does not read what comes before it. */
#define CONTEXTS_PATIENCE_S 5

#define CONTEXTS_MAX 4

struct contexts {
    struct loop *loop;
    const struct lws_protocols *protocols;
    void *user;
    struct {
        struct lws_context *library; /* NULL: not made yet */
        struct lws_vhost *vhost;
    } items[CONTEXTS_MAX];
};

/* Makes the first. `protocols` stay the caller's, `user` is what lws_context_user tells of each. -1 if the library
 * cannot be started; contexts_destroy is due in any case. */
int contexts_init(struct contexts *c, struct loop *loop, const struct lws_protocols *protocols, void *user);

/* Where a socket of that number is to be opened; NULL if the library cannot be started for it. */
struct lws_vhost *contexts_find(struct contexts *c, int fd);

/* To be called twice, for the library's loop is not its own: the first time it closes its handles, the second, when the
 * loop has let go of them, it frees. */
void contexts_destroy(struct contexts *c);

#endif
