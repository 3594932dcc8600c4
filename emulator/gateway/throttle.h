/* throttle.h - how many requests an account, and a route, may have.
 *
 * One account has all APIs here. Its rate counts handshakes, messages and @connections together; new connections, and
 * the routes of each stage, have rates of their own besides. Each bucket is a rule's or a route's; a rule that is "off"
 * lets everything through.
 *
 * Owner    route_rates_init to route_rates_fini. Threads: loop thread only. */
#ifndef GATEWAY_THROTTLE_H
#define GATEWAY_THROTTLE_H

#include "base/buf.h"
#include "config/config.h"
#include "gateway/rules.h"
#include "gateway/token_bucket.h"

/* The account's. */
struct throttle {
    struct token_bucket account;
    struct token_bucket connections;
};

/* A stage's. */
struct route_rates {
    const struct config *config; /* both outlive this */
    const struct config_stage *stage;
    struct token_bucket *buckets; /* one for each route */
};

/* Every bucket is full. After rules_apply. */
void throttle_init(struct throttle *throttle);
void route_rates_init(struct route_rates *rates, const struct config *config, const struct config_stage *stage);
void route_rates_fini(struct route_rates *rates);

/* May one more of these pass, now? NULL, or the rule that refuses it. `route` is the $connect route, or the message's;
 * NULL: there is none. */
const struct rule *throttle_handshake(struct throttle *throttle, struct route_rates *rates,
                                      const struct config_route *route);
const struct rule *throttle_message(struct throttle *throttle, struct route_rates *rates,
                                    const struct config_route *route);

/* The same for a request to @connections; its refusals have a rule of their own. */
const struct rule *throttle_callback(struct throttle *throttle);

/* Appends which rate it was, as one sentence for the log. */
void throttle_explain(const struct rule *rule, const struct route_rates *rates, const struct config_route *route,
                      struct buf *out);

#endif
