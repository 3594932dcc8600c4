/* swarm.h - many WebSocket connections to one server, opened together and counted. */
#ifndef BENCH_SWARM_H
#define BENCH_SWARM_H

#include "load.h"
#include "websocket.h"

#define SWARM_ID_SIZE (WEBSOCKET_PREFIX + 1)

struct swarm {
    const struct load_options *options;
    struct loop *loop;
    void *scenario; /* of the user */
    struct websocket_ops ops;
    struct websocket *members;
    size_t count;
    size_t started;
    size_t open;
    size_t wanted; /* open by the end of the present swarm_open */
    size_t asked;  /* for their id */
    size_t answered;
    char *request;
    char (*ids)[SWARM_ID_SIZE];
    char *question; /* the frame that asks for an id */
    size_t question_len;
};

/* `ops` without on_open, which is the swarm's. */
void swarm_init(struct swarm *s, const struct load_options *o, struct loop *loop, const struct websocket_ops *ops,
                size_t count, void *scenario);

/* Opens members until `wanted` of them are open; a few at a time. */
void swarm_open(struct swarm *s, size_t wanted);

/* Fills `ids` of members from `first` on: with what the server answers, or, if it need not be asked, with texts of the
 * same length. Their on_message belongs to the swarm meanwhile. */
void swarm_learn_ids(struct swarm *s, size_t first);

struct swarm *swarm_of(const struct websocket *ws);

#endif
