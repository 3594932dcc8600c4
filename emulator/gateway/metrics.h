/* metrics.h - what one stage has done, in AWS's six WebSocket metrics and a few of ours (API Gateway developer guide,
 * "Monitor WebSocket API execution with CloudWatch metrics").
 *
 * Each route of the configuration has its counters; what has no route, or comes from @connections, has one more. So it
 * is bounded, whatever clients send. management/metrics.c shows them, docs/metrics.md says what they mean.
 *
 * Owner    the stage; metrics_new to metrics_free. Threads: loop thread only. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "config/config.h"
#include "gateway/rules.h"

/* AWS's counters. */
/* clang-format off */
enum metric {
    METRIC_CONNECT_COUNT,     /* $connect handed to its integration */
    METRIC_MESSAGES_IN,       /* MessageCount: from clients */
    METRIC_MESSAGES_OUT,      /* MessageCount: to clients: answers, error frames, and what @connections posts */
    METRIC_INTEGRATION_ERROR, /* the integration answered with 4xx or 5xx */
    METRIC_CLIENT_ERROR,      /* the gateway answered with 4xx before an integration ran */
    METRIC_EXECUTION_ERROR,   /* the integration could not be called, or gave no usable answer */
    METRIC_BYTES_IN,          /* ours: of those messages */
    METRIC_BYTES_OUT,
    METRIC_COUNT
};
/* clang-format on */

struct metrics_route {
    char *key; /* "": of no route */
    uint64_t counts[METRIC_COUNT];
    struct histogram latency; /* IntegrationLatency */
};

#define METRICS_STATUS_MIN 100
#define METRICS_STATUS_MAX 599

struct metrics {
    struct metrics_route *routes; /* one for each of the configuration's, in its order; then the one of no route */
    size_t route_count;           /* without that */
    uint64_t handshakes[METRICS_STATUS_MAX - METRICS_STATUS_MIN + 1]; /* by the status of their answers */
};

struct metrics *metrics_new(const struct config *config);
void metrics_free(struct metrics *metrics); /* NULL is fine */

/* Another configuration of the same stage: routes that it has, too, go on counting. */
void metrics_reconfigure(struct metrics *metrics, const struct config *config);

/* The counters of a route, by its place in the configuration that metrics_new or metrics_reconfigure was given last;
 * any other index, or none: those of no route. */
#define METRICS_NO_ROUTE SIZE_MAX
struct metrics_route *metrics_route(struct metrics *metrics, size_t index);

static inline void metrics_add(struct metrics_route *route, enum metric metric, uint64_t n)
{
    route->counts[metric] += n;
}

/* An integration has ended, after `latency_ns`: with `failure`, or with the status that it answered. */
void metrics_integration(struct metrics_route *route, const struct rule *failure, int status_code, uint64_t latency_ns);

/* The gateway has refused a request with this status, before an integration ran. */
void metrics_refused(struct metrics_route *route, unsigned http_status);

void metrics_handshake(struct metrics *metrics, unsigned http_status);

#endif
