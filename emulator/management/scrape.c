/* scrape.c - see scrape.h: a table of families, each written for all APIs, stages and routes in turn. */
#include "management/scrape.h"

#include <stdio.h>

#include "base/mem.h"
#include "function/inspection.h"
#include "gateway/metrics.h"
#include "gateway/stage.h"
#include "management/control_private.h"
#include "management/exposition.h"

/* ---- what is labelled ---- */

static struct exposition_labels labels_of_stage(const struct stage *stage)
{
    struct exposition_labels labels = {0};

    exposition_label(&labels, "api_id", stage->event.api_id);
    exposition_label(&labels, "stage", stage->event.stage);
    return labels;
}

/* ---- per route ---- */

typedef void route_writer_fn(const struct exposition_family *family, unsigned which, const struct metrics_route *route,
                             struct exposition_labels labels, struct buf *out);

static void write_count(const struct exposition_family *family, unsigned which, const struct metrics_route *route,
                        struct exposition_labels labels, struct buf *out)
{
    exposition_value(family, &labels, route->counts[which], out);
}

/* Two counters of one family: `which`, from clients, and the one behind it, to them. */
static void write_both_ways(const struct exposition_family *family, unsigned which, const struct metrics_route *route,
                            struct exposition_labels labels, struct buf *out)
{
    struct exposition_labels outward = labels;

    exposition_label(&labels, "direction", SPAN("in"));
    exposition_value(family, &labels, route->counts[which], out);
    exposition_label(&outward, "direction", SPAN("out"));
    exposition_value(family, &outward, route->counts[which + 1], out);
}

/* Of a route that no integration was called for, its twenty lines would say nothing. */
static void write_latency(const struct exposition_family *family, unsigned which, const struct metrics_route *route,
                          struct exposition_labels labels, struct buf *out)
{
    if (histogram_up_to(&route->latency, HISTOGRAM_BUCKETS) > 0)
        exposition_histogram(family, &labels, &route->latency, out);
}

_Static_assert(METRIC_MESSAGES_OUT == METRIC_MESSAGES_IN + 1 && METRIC_BYTES_OUT == METRIC_BYTES_IN + 1,
               "write_both_ways writes a counter and the next one");

/* clang-format off */
static const struct {
    struct exposition_family family;
    unsigned which; /* enum metric */
    route_writer_fn *write;
} route_families[] = {
    {{"apigw_connect_count_total", EXPOSITION_COUNTER,
      "ConnectCount: messages sent to the $connect integration."}, METRIC_CONNECT_COUNT, write_count},
    {{"apigw_message_count_total", EXPOSITION_COUNTER,
      "MessageCount: messages from clients (in) and to them (out)."}, METRIC_MESSAGES_IN, write_both_ways},
    {{"apigw_integration_error_total", EXPOSITION_COUNTER,
      "IntegrationError: requests that the integration answered with 4XX or 5XX."}, METRIC_INTEGRATION_ERROR,
     write_count},
    {{"apigw_client_error_total", EXPOSITION_COUNTER,
      "ClientError: requests that were answered with 4XX before an integration was invoked."}, METRIC_CLIENT_ERROR,
     write_count},
    {{"apigw_execution_error_total", EXPOSITION_COUNTER,
      "ExecutionError: errors when calling the integration."}, METRIC_EXECUTION_ERROR, write_count},
    {{"apigw_integration_latency_seconds", EXPOSITION_HISTOGRAM,
      "IntegrationLatency: from sending a request to the integration to its response."}, 0, write_latency},
    {{"apigw_message_bytes_total", EXPOSITION_COUNTER,
      "Bytes of those messages."}, METRIC_BYTES_IN, write_both_ways},
};
/* clang-format on */

static void write_routes(size_t index, const struct stage *stage, struct buf *out)
{
    const struct metrics *metrics = stage->metrics;

    for (size_t i = 0; i <= metrics->route_count; i++) {
        struct exposition_labels labels = labels_of_stage(stage);

        exposition_label(&labels, "route", span_of_str(metrics->routes[i].key));
        route_families[index].write(&route_families[index].family, route_families[index].which, &metrics->routes[i],
                                    labels, out);
    }
}

/* ---- per stage ---- */

static const struct exposition_family handshakes = {"apigw_handshakes_total", EXPOSITION_COUNTER,
                                                    "Handshakes by the status of their answers."};
static const struct exposition_family connections = {"apigw_connections", EXPOSITION_GAUGE,
                                                     "Connections that are open."};

static void write_handshakes(size_t index, const struct stage *stage, struct buf *out)
{
    for (unsigned status = METRICS_STATUS_MIN; status <= METRICS_STATUS_MAX; status++) {
        const uint64_t count = stage->metrics->handshakes[status - METRICS_STATUS_MIN];
        struct exposition_labels labels = labels_of_stage(stage);
        char text[16];

        if (count == 0)
            continue;
        snprintf(text, sizeof(text), "%u", status);
        exposition_label(&labels, "status", span_of_str(text));
        exposition_value(&handshakes, &labels, count, out);
    }
}

static void write_connections(size_t index, const struct stage *stage, struct buf *out)
{
    struct exposition_labels labels = labels_of_stage(stage);

    exposition_value(&connections, &labels, stage->open_connections, out);
}

/* ---- per function ---- */

static uint64_t environments_of(const struct function_details *f)
{
    return f->environments;
}

static uint64_t queued_of(const struct function_details *f)
{
    return f->queued;
}

static uint64_t running_of(const struct function_details *f)
{
    return f->running;
}

static uint64_t invocations_of(const struct function_details *f)
{
    return f->counts.invocations;
}

static uint64_t errors_of(const struct function_details *f)
{
    return f->counts.errors;
}

static uint64_t throttles_of(const struct function_details *f)
{
    return f->counts.throttles;
}

static uint64_t cold_starts_of(const struct function_details *f)
{
    return f->counts.cold_starts;
}

/* clang-format off */
static const struct {
    struct exposition_family family;
    uint64_t (*value)(const struct function_details *f); /* NULL: the durations */
} function_families[] = {
    {{"apigw_function_invocations_total", EXPOSITION_COUNTER,
      "Invocations of functions that have ended; throttled ones apart."}, invocations_of},
    {{"apigw_function_errors_total", EXPOSITION_COUNTER, "Of those, the ones that failed."}, errors_of},
    {{"apigw_function_throttles_total", EXPOSITION_COUNTER, "Invocations that were refused."}, throttles_of},
    {{"apigw_function_cold_starts_total", EXPOSITION_COUNTER,
      "Invocations that an environment was started for."}, cold_starts_of},
    {{"apigw_function_duration_seconds", EXPOSITION_SUMMARY, "How long invocations ran."}, NULL},
    {{"apigw_function_running", EXPOSITION_GAUGE, "Invocations handed to environments."}, running_of},
    {{"apigw_function_queued", EXPOSITION_GAUGE, "Invocations that wait for an environment."}, queued_of},
    {{"apigw_function_environments", EXPOSITION_GAUGE, "Execution environments."}, environments_of},
};
/* clang-format on */

/* One that another of its name has replaced is not told of: a name has one line. */
static void write_functions(size_t index, const struct function_pool *pool, struct buf *out)
{
    const struct exposition_family *family = &function_families[index].family;
    struct function_details details;

    for (const struct function *f = inspection_next_function(pool, NULL); f; f = inspection_next_function(pool, f)) {
        struct exposition_labels labels = {0};

        inspection_describe_function(f, &details);
        if (details.retired)
            continue;
        exposition_label(&labels, "function", span_of_str(details.function->name));
        if (function_families[index].value)
            exposition_value(family, &labels, function_families[index].value(&details), out);
        else
            exposition_summary(family, &labels, details.counts.duration_ns, details.counts.timed, out);
    }
}

/* ---- everything ---- */

typedef void stage_writer_fn(size_t index, const struct stage *stage, struct buf *out);

static void for_each_stage(const struct gateway *gateway, stage_writer_fn *write, size_t index, struct buf *out)
{
    size_t count;
    const struct api *apis = gateway_apis(gateway, &count);

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < apis[i].stage_count; j++)
            write(index, &apis[i].stages[j], out);
}

void scrape_write(const struct gateway *gateway, const struct function_pool *pool, struct buf *out)
{
    for (size_t i = 0; i < sizeof(route_families) / sizeof(route_families[0]); i++) {
        exposition_begin(&route_families[i].family, out);
        for_each_stage(gateway, write_routes, i, out);
    }
    exposition_begin(&handshakes, out);
    for_each_stage(gateway, write_handshakes, 0, out);
    exposition_begin(&connections, out);
    for_each_stage(gateway, write_connections, 0, out);
    for (size_t i = 0; i < sizeof(function_families) / sizeof(function_families[0]); i++) {
        exposition_begin(&function_families[i].family, out);
        write_functions(i, pool, out);
    }
}

void control_get_metrics(const struct control_call *call)
{
    struct management_response answer = {.status = 200};

    scrape_write(call->control->setup.gateway, call->control->setup.pool, &answer.body);
    management_response_add_header(&answer, "Content-Type", SPAN(EXPOSITION_CONTENT_TYPE));
    control_send_response(call, &answer);
}
