/* closing.c - how a connection ends, whoever ends it. The connection leaves the registry first: a post that races the
 * close, or comes from its $disconnect, finds nobody (410). Then $disconnect runs, once. */
#include <apigw/plugin.h>
#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/gateway_private.h"
#include "gateway/observation.h"
#include "gateway/report.h"
#include "gateway/text.h"

/* Nobody waits for what $disconnect answers, and its connection is gone. */
static void on_disconnect_done(void *arg, const struct integration_result *result)
{
    struct call *call = arg;

    observe_result(call, result, NULL);
    if (result->failure)
        report_write(LOG_WARN, &(struct report){
                                   .rule = result->failure,
                                   .happened = "$disconnect failed",
                                   .detail = result->detail,
                                   .connection_id = span_of(call->connection_id, ID_LEN),
                                   .request_id = span_of(call->request_id, ID_LEN),
                               });
    gateway_end_call(call);
}

static void run_disconnect(struct gateway *gw, const struct connection *connection, unsigned code, struct span reason)
{
    const struct config_route *route = gateway_special_route(connection->stage->api, SPAN("$disconnect"));
    char request_id[ID_SIZE];
    struct event_request event = {.request_id = {request_id, ID_LEN}, .time_ms = clock_wall_ms()};
    struct invocation_request invocation = {.event_type = APIGW_DISCONNECT, .disconnect_status_code = code};

    if (!route) {
        observe_uncalled(connection,
                         &(struct observed){.event_type = SPAN("DISCONNECT"), .route_key = SPAN("$disconnect")});
        return;
    }
    id_new_request(request_id);
    reason = text_repaired(reason, &gw->repaired);
    gateway_clear_event(gw);
    event_write_disconnect(connection->source, &event, code, reason, &gw->event_head);
    invocation.fields[FIELD_DISCONNECT_REASON] = reason;
    gateway_invoke(gw, connection, route, stage_function(connection->stage, route), &event, &invocation,
                   on_disconnect_done);
}

/* The socket is closed, or closing, by now. */
static void end(struct gateway *gw, struct connection *connection, unsigned code, struct span reason)
{
    connection_set_state(connection, CONNECTION_CLOSED);
    connection->link = NULL;
    deadlines_remove(connection);
    connection->stage->open_connections--;
    registry_take(gw->registry, connection);
    run_disconnect(gw, connection, code, reason);
    connection_free(connection);
}

static void close_by_rule(struct gateway *gw, struct connection *connection, enum rule_id id, uint64_t value,
                          struct span detail, enum log_level level)
{
    const struct rule *rule = rule_get(id);
    struct span reason = span_of_str(rule->close_reason);

    assert(connection->state == CONNECTION_OPEN && rule->close_code > 0);
    report_write(level, &(struct report){
                            .rule = rule,
                            .happened = "closed a connection",
                            .detail = detail,
                            .value = value,
                            .connection_id = connection_id(connection),
                            .close_code = rule->close_code,
                        });
    gw->wire->close(connection->link, rule->close_code, reason);
    end(gw, connection, rule->close_code, reason);
}

void gateway_close(struct gateway *gw, struct connection *connection, enum rule_id rule, uint64_t value)
{
    close_by_rule(gw, connection, rule, value, SPAN(""), LOG_INFO);
}

void gateway_on_violation(struct gateway *gw, struct connection *connection, enum rule_id rule, uint64_t value)
{
    close_by_rule(gw, connection, rule, value, SPAN(""), LOG_WARN);
}

void gateway_close_over_rate(struct gateway *gw, struct connection *connection, struct span detail)
{
    close_by_rule(gw, connection, RULE_THROTTLED_MESSAGE, 0, detail, LOG_WARN);
}

/* Codes that come without a reason of the client's own, and how loudly each is told. A code of 1002 is also what net/
 * makes of a close frame with a code that must not be sent. */
static const struct {
    enum rule_id rule;
    enum log_level level;
} unexplained[] = {
    {RULE_CLOSE_WITHOUT_CODE, LOG_DEBUG},
    {RULE_CONNECTION_LOST, LOG_INFO},
    {RULE_PROTOCOL_ERROR, LOG_WARN},
};

/* Says what happened; returns the reason that $disconnect is given. */
static struct span explain_close(const struct connection *connection, unsigned code, struct span reason)
{
    for (size_t i = 0; i < sizeof(unexplained) / sizeof(unexplained[0]); i++) {
        const struct rule *rule = rule_get(unexplained[i].rule);
        if (rule->close_code != code || reason.len > 0)
            continue;
        report_write(unexplained[i].level, &(struct report){
                                               .rule = rule,
                                               .happened = "a connection ended",
                                               .connection_id = connection_id(connection),
                                           });
        return span_of_str(rule->close_reason);
    }
    log_event(LOG_DEBUG, LOG_GATEWAY, SPAN("the client closed"),
              LOG_FIELDS({.name = "code", .number = code}, {.name = "reason", .text = reason},
                         {.name = "conn", .text = connection_id(connection)}),
              NULL);
    return reason;
}

void gateway_on_closed(struct gateway *gw, struct connection *connection, unsigned code, struct span reason)
{
    assert(connection->state == CONNECTION_OPEN);
    end(gw, connection, code, explain_close(connection, code, reason));
}

static void close_if_open(void *arg, struct connection *connection)
{
    if (connection->state == CONNECTION_OPEN)
        gateway_close(arg, connection, RULE_GOING_AWAY, 0);
}

void gateway_close_all(struct gateway *gw)
{
    gw->closing = true;
    registry_for_each(gw->registry, close_if_open, gw);
}
