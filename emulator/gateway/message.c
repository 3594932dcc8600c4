/* message.c - a message: route → event → invocation → result → frame. */
#include <apigw/plugin.h>
#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/gateway_private.h"
#include "gateway/observation.h"
#include "gateway/report.h"
#include "gateway/response.h"
#include "gateway/route.h"

static void reply_error(struct gateway *gw, struct connection *connection, struct metrics_route *metrics,
                        struct span request_id, const char *message)
{
    buf_clear(&gw->frame, GATEWAY_SCRATCH_KEEP_BYTES);
    response_write_error(&gw->frame, message, connection_id(connection), request_id);
    gateway_reply(gw, connection, metrics, request_id, buf_span(&gw->frame));
}

/* ---- what comes back ---- */

static struct metrics_route *metrics_of(const struct call *call)
{
    return stage_metrics(call->stage, call->config, call->route);
}

static void fail(struct call *call, struct connection *connection, const struct rule *rule, struct span detail)
{
    struct span request_id = span_of(call->request_id, ID_LEN);

    report_write(LOG_WARN, &(struct report){
                               .rule = rule,
                               .happened = "a message failed",
                               .detail = detail,
                               .connection_id = span_of(call->connection_id, ID_LEN),
                               .request_id = request_id,
                               .frame = connection ? rule->message : NULL,
                           });
    if (connection)
        reply_error(call->gw, connection, metrics_of(call), request_id, rule->message);
}

/* A reply is a message too. What AWS does with one that is over the limit is not known; an integration whose payload
 * cannot be used is an internal error everywhere else. */
static void refuse_reply(const struct call *call, struct connection *connection, size_t value)
{
    struct span request_id = span_of(call->request_id, ID_LEN);

    report_write(LOG_WARN, &(struct report){
                               .rule = rule_get(RULE_MESSAGE_TOO_LARGE),
                               .happened = "refused the reply of a function",
                               .value = value,
                               .connection_id = connection_id(connection),
                               .request_id = request_id,
                               .frame = rule_get(RULE_INTEGRATION_FAILED)->message,
                           });
    reply_error(call->gw, connection, metrics_of(call), request_id, rule_get(RULE_INTEGRATION_FAILED)->message);
}

static void refuse_status(const struct call *call, struct connection *connection, int status_code)
{
    struct span request_id = span_of(call->request_id, ID_LEN);
    const struct rule *rule = rule_get(RULE_TWO_WAY_STATUS);
    CLEANUP(buf_fini) struct buf detail = {0};

    buf_printf(&detail, "%s answered with statusCode %d", call->function->name, status_code);
    report_write(LOG_WARN, &(struct report){
                               .rule = rule,
                               .happened = "refused the reply of a function",
                               .detail = buf_span(&detail),
                               .connection_id = connection_id(connection),
                               .request_id = request_id,
                               .frame = rule->message,
                           });
    reply_error(call->gw, connection, metrics_of(call), request_id, rule->message);
}

/* Whatever the status; without a body the client gets an empty message. Both unless the rules are tuned. Returns the
 * rule that the client was told of instead; NULL: none. */
static const struct rule *reply_body(const struct call *call, struct connection *connection,
                                     const struct integration_result *result)
{
    struct span body = result->has_body ? result->body : SPAN("");

    if (result->status_code >= 400 && rule_choice(RULE_TWO_WAY_STATUS) == STATUS_FAILS) {
        refuse_status(call, connection, result->status_code);
        return rule_get(RULE_TWO_WAY_STATUS);
    }
    if (!result->has_body && rule_choice(RULE_TWO_WAY_NO_BODY) == NO_BODY_NOTHING)
        return NULL;
    if (body.len > rule_get(RULE_MESSAGE_TOO_LARGE)->limit) {
        refuse_reply(call, connection, body.len);
        return rule_get(RULE_INTEGRATION_FAILED);
    }
    gateway_reply(call->gw, connection, metrics_of(call), span_of(call->request_id, ID_LEN), body);
    return NULL;
}

static void on_message_done(void *arg, const struct integration_result *result)
{
    struct call *call = arg;
    struct connection *connection = gateway_find_open(call->gw, span_of(call->connection_id, ID_LEN));
    const struct rule *refused = NULL;

    if (result->failure)
        fail(call, connection, result->failure, result->detail);
    else if (connection && call->route->route_response)
        refused = reply_body(call, connection, result);
    observe_result(call, result, refused);
    if (!connection)
        log_event(LOG_DEBUG, LOG_GATEWAY, SPAN("an invocation outlived its connection"),
                  LOG_FIELDS({.name = "conn", .text = span_of_str(call->connection_id)},
                             {.name = "req", .text = span_of_str(call->request_id)}),
                  NULL);
    gateway_end_call(call);
}

/* ---- what comes in ---- */

/* No integration is asked: for `rule`, or as the route has none. */
static void observe(const struct connection *connection, struct span request_id, const struct config_route *route,
                    const struct rule *rule)
{
    observe_uncalled(connection, &(struct observed){
                                     .event_type = SPAN("MESSAGE"),
                                     .request_id = request_id,
                                     .route_key = span_of_str(route ? route->key : NULL),
                                     .rule = rule,
                                 });
}

static void forbid(struct gateway *gw, struct connection *connection, struct metrics_route *metrics,
                   struct span request_id, const struct route_choice *choice)
{
    CLEANUP(buf_fini) struct buf detail = {0};
    const struct rule *rule = rule_get(RULE_ROUTE_NOT_FOUND);

    route_explain(connection->stage->api->config, choice, &detail);
    report_write(LOG_WARN, &(struct report){
                               .rule = rule,
                               .happened = "refused a message",
                               .detail = buf_span(&detail),
                               .connection_id = connection_id(connection),
                               .request_id = request_id,
                               .frame = rule->message,
                           });
    metrics_refused(metrics, rule->http_status);
    observe(connection, request_id, NULL, rule);
    reply_error(gw, connection, metrics, request_id, rule->message);
}

static void refuse_over_rate(struct gateway *gw, struct connection *connection, struct metrics_route *metrics,
                             struct span request_id, const struct config_route *route, const struct rule *rule)
{
    CLEANUP(buf_fini) struct buf detail = {0};
    const bool closes = rule_choice(RULE_THROTTLED_MESSAGE) == THROTTLED_CLOSE;

    throttle_explain(rule, &connection->stage->rates, route, &detail);
    report_write(LOG_WARN, &(struct report){
                               .rule = rule,
                               .happened = "refused a message",
                               .detail = buf_span(&detail),
                               .connection_id = connection_id(connection),
                               .request_id = request_id,
                               .frame = closes ? NULL : rule->message,
                           });
    metrics_refused(metrics, rule->http_status);
    observe(connection, request_id, route, rule);
    if (closes)
        gateway_close_over_rate(gw, connection, buf_span(&detail));
    else
        reply_error(gw, connection, metrics, request_id, rule->message);
}

static void invoke(struct gateway *gw, struct connection *connection, const struct config_route *route,
                   struct span request_id, struct span body)
{
    char message_id[ID_SIZE];
    struct event_request event = {.request_id = request_id, .time_ms = clock_wall_ms()};
    struct invocation_request invocation = {.event_type = APIGW_MESSAGE};

    id_new_message(connection->id, message_id);
    gateway_clear_event(gw);
    event_write_message_head(connection->source, &event, span_of_str(route->key), span_of(message_id, ID_LEN),
                             &gw->event_head);
    event_write_message_tail(connection->source, &gw->event_tail);
    invocation.fields[FIELD_MESSAGE_ID] = span_of(message_id, ID_LEN);
    invocation.fields[FIELD_BODY] = body;
    gateway_invoke(gw, connection, route, stage_function(connection->stage, route), &event, &invocation,
                   on_message_done);
}

static void count(struct metrics_route *metrics, struct span body)
{
    metrics_add(metrics, METRIC_MESSAGES_IN, 1);
    metrics_add(metrics, METRIC_BYTES_IN, body.len);
}

void gateway_on_message(struct gateway *gw, struct connection *connection, struct span body)
{
    struct stage *stage = connection->stage;
    char request_id[ID_SIZE];
    const struct span id = {request_id, ID_LEN};
    struct metrics_route *metrics;
    struct route_choice choice;
    const struct rule *over_rate;

    assert(connection->state == CONNECTION_OPEN);
    deadlines_touch(&gw->deadlines, connection);
    connection_count(&connection->received, body.len);
    id_new_request(request_id);
    choice = route_select(stage->api->config, body, &gw->selected_key);
    metrics = stage_metrics(stage, stage->api->config, choice.route);
    count(metrics, body);
    over_rate = throttle_message(&gw->throttle, &stage->rates, choice.route);
    if (over_rate)
        refuse_over_rate(gw, connection, metrics, id, choice.route, over_rate);
    else if (!choice.route)
        forbid(gw, connection, metrics, id, &choice);
    else if (choice.route->function)
        invoke(gw, connection, choice.route, id, body);
    else
        observe(connection, id, choice.route, NULL);
}
