/* throttle.c - see throttle.h. AWS does not say in which order it looks at its rates; here a request that one of them
 * refuses has used up what those before it count: the connections', the account's, the route's. */
#include "gateway/throttle.h"

#include "base/clock.h"
#include "base/mem.h"

void throttle_init(struct throttle *throttle)
{
    const double connections = (double)rule_get(RULE_CONNECTIONS_PER_SECOND)->limit;

    token_bucket_init(&throttle->account, (double)rule_get(RULE_ACCOUNT_THROTTLE)->limit,
                      (double)rule_get(RULE_ACCOUNT_BURST)->limit);
    token_bucket_init(&throttle->connections, connections, connections);
}

void route_rates_init(struct route_rates *rates, const struct config *config, const struct config_stage *stage)
{
    rates->config = config;
    rates->stage = stage;
    rates->buckets = mem_alloc((config->route_count + 1) * sizeof(*rates->buckets));
    for (size_t i = 0; i < config->route_count; i++)
        token_bucket_init(&rates->buckets[i], stage->throttles[i].rate_limit, stage->throttles[i].burst_limit);
}

void route_rates_fini(struct route_rates *rates)
{
    free(TAKE(rates->buckets));
}

static const struct config_throttle *throttle_of(const struct route_rates *rates, const struct config_route *route)
{
    return &rates->stage->throttles[route - rates->config->routes];
}

static bool admits(enum rule_id id, struct token_bucket *bucket, uint64_t now_ns)
{
    return rule_choice(id) == THROTTLE_OFF || token_bucket_take(bucket, now_ns);
}

static bool route_admits(struct route_rates *rates, const struct config_route *route, uint64_t now_ns)
{
    return !route || !throttle_of(rates, route)->set ||
           admits(RULE_ROUTE_THROTTLE, &rates->buckets[route - rates->config->routes], now_ns);
}

const struct rule *throttle_handshake(struct throttle *throttle, struct route_rates *rates,
                                      const struct config_route *route)
{
    if (!admits(RULE_CONNECTIONS_PER_SECOND, &throttle->connections, clock_mono_ns()))
        return rule_get(RULE_CONNECTIONS_PER_SECOND);
    return throttle_message(throttle, rates, route);
}

const struct rule *throttle_message(struct throttle *throttle, struct route_rates *rates,
                                    const struct config_route *route)
{
    const uint64_t now_ns = clock_mono_ns();

    if (!admits(RULE_ACCOUNT_THROTTLE, &throttle->account, now_ns))
        return rule_get(RULE_ACCOUNT_THROTTLE);
    return route_admits(rates, route, now_ns) ? NULL : rule_get(RULE_ROUTE_THROTTLE);
}

const struct rule *throttle_callback(struct throttle *throttle)
{
    return admits(RULE_ACCOUNT_THROTTLE, &throttle->account, clock_mono_ns()) ? NULL
                                                                              : rule_get(RULE_CALLBACK_THROTTLED);
}

void throttle_explain(const struct rule *rule, const struct route_rates *rates, const struct config_route *route,
                      struct buf *out)
{
    if (rule == rule_get(RULE_ROUTE_THROTTLE) && route)
        buf_printf(out, "the route %s has %g requests/s and a burst of %g", route->key,
                   throttle_of(rates, route)->rate_limit, throttle_of(rates, route)->burst_limit);
    else if (rule == rule_get(RULE_CONNECTIONS_PER_SECOND))
        buf_printf(out, "the account has %llu new connections/s", (unsigned long long)rule->limit);
    else
        buf_printf(out, "the account has %llu requests/s and a burst of %llu",
                   (unsigned long long)rule_get(RULE_ACCOUNT_THROTTLE)->limit,
                   (unsigned long long)rule_get(RULE_ACCOUNT_BURST)->limit);
}
