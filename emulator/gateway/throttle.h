/* throttle.h - how many requests an account, and a route, may have.
 *
 * One account serves one API here. Its rate counts handshakes, messages and @connections together; new connections and
 * routes have rates of their own besides. Each bucket is a rule's or a route's; a rule that is "off" lets everything
 * through.
 *
 * Owner    throttle_init to throttle_fini. Threads: loop thread only. */
#ifndef GATEWAY_THROTTLE_H
#define GATEWAY_THROTTLE_H

#include "base/buf.h"
#include "config/config.h"
#include "gateway/rules.h"
#include "gateway/token_bucket.h"

struct throttle {
    const struct config *config; /* outlives this */
    struct token_bucket account;
    struct token_bucket connections;
    struct token_bucket *routes; /* one for each of config's */
};

/* Every bucket is full. After rules_apply. */
void throttle_init(struct throttle *throttle, const struct config *config);
void throttle_fini(struct throttle *throttle);

/* May one more of these pass, now? NULL, or the rule that refuses it. `route` is the $connect route, or the message's;
 * NULL: there is none. */
const struct rule *throttle_handshake(struct throttle *throttle, const struct config_route *route);
const struct rule *throttle_message(struct throttle *throttle, const struct config_route *route);

/* The same for a request to @connections; its refusals have a rule of their own. */
const struct rule *throttle_callback(struct throttle *throttle);

/* Appends which rate it was, as one sentence for the log. */
void throttle_explain(const struct rule *rule, const struct config_route *route, struct buf *out);

#endif
