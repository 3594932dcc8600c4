/* metrics.c - see metrics.h. */
#include "gateway/metrics.h"

#include <string.h>

#include "base/mem.h"

/* ---- life ---- */

static void make_routes(struct metrics *metrics, const struct config *config)
{
    metrics->route_count = config->route_count;
    metrics->routes = mem_zalloc((config->route_count + 1) * sizeof(*metrics->routes));
    for (size_t i = 0; i < config->route_count; i++)
        metrics->routes[i].key = mem_strdup(config->routes[i].key);
    metrics->routes[config->route_count].key = mem_strdup("");
}

static void free_routes(struct metrics_route *routes, size_t count)
{
    for (size_t i = 0; i <= count; i++)
        free(routes[i].key);
    free(routes);
}

struct metrics *metrics_new(const struct config *config)
{
    struct metrics *metrics = mem_zalloc(sizeof(*metrics));

    make_routes(metrics, config);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    free_routes(metrics->routes, metrics->route_count);
    free(metrics);
}

/* Takes over what `from` has counted for the route of the same key. */
static void inherit(struct metrics_route *to, const struct metrics_route *from, size_t count)
{
    for (size_t i = 0; i <= count; i++) {
        if (strcmp(from[i].key, to->key) != 0)
            continue;
        memcpy(to->counts, from[i].counts, sizeof(to->counts));
        to->latency = from[i].latency;
        return;
    }
}

void metrics_reconfigure(struct metrics *metrics, const struct config *config)
{
    struct metrics_route *old = metrics->routes;
    const size_t old_count = metrics->route_count;

    make_routes(metrics, config);
    for (size_t i = 0; i <= metrics->route_count; i++)
        inherit(&metrics->routes[i], old, old_count);
    free_routes(old, old_count);
}

/* ---- counting ---- */

struct metrics_route *metrics_route(struct metrics *metrics, size_t index)
{
    return &metrics->routes[index < metrics->route_count ? index : metrics->route_count];
}

void metrics_integration(struct metrics_route *route, const struct rule *failure, int status_code, uint64_t latency_ns)
{
    histogram_add(&route->latency, latency_ns);
    if (failure)
        metrics_add(route, METRIC_EXECUTION_ERROR, 1);
    else if (status_code >= 400 && status_code <= 599)
        metrics_add(route, METRIC_INTEGRATION_ERROR, 1);
}

void metrics_refused(struct metrics_route *route, unsigned http_status)
{
    if (http_status >= 400 && http_status <= 499)
        metrics_add(route, METRIC_CLIENT_ERROR, 1);
}

void metrics_handshake(struct metrics *metrics, unsigned http_status)
{
    if (http_status >= METRICS_STATUS_MIN && http_status <= METRICS_STATUS_MAX)
        metrics->handshakes[http_status - METRICS_STATUS_MIN]++;
}
