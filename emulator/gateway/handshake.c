/* handshake.c - who may connect: the steps from a request to a connection, in AWS's order.
 *
 * The connection is registered before the first function runs, so that its id is taken, but nobody can post to it: AWS
 * answers such posts with 410. */
#include <apigw/plugin.h>
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/attempt.h"
#include "gateway/gateway_private.h"
#include "gateway/observation.h"

/* ---- before there is a connection ---- */

static enum attempt_progress check_closing(struct attempt *a)
{
    if (!a->gw->closing)
        return ATTEMPT_GOES_ON;
    return attempt_refuse(a, &(struct attempt_refusal){.rule = rule_get(RULE_GOING_AWAY)});
}

/* The path ends with the stage, or the key of an API mapping, and perhaps a slash; AWS decodes nothing here. */
static enum attempt_progress check_stage(struct attempt *a)
{
    const struct gateway *gw = a->gw;
    struct directory_place place = directory_find(gw->apis, gw->api_count, a->request.host, a->request.path, false);
    CLEANUP(buf_fini) struct buf detail = {0};

    if (place.stage && (place.rest.len == 0 || span_equal(place.rest, SPAN("/")))) {
        a->stage = place.stage;
        a->config = config_ref(place.stage->api->config);
        a->route = config_find_route(a->config, SPAN("$connect"));
        a->function = a->route ? stage_function(a->stage, a->route) : NULL;
        if (place.multi_level) /* as on AWS (developer guide, "Use API mappings … for WebSocket APIs") */
            attempt_lower_header_names(a);
        return ATTEMPT_GOES_ON;
    }
    directory_explain(gw->apis, gw->api_count, place.result, a->request.host, a->request.path, &detail);
    return attempt_refuse(a,
                          &(struct attempt_refusal){.rule = rule_get(RULE_STAGE_UNKNOWN), .detail = buf_span(&detail)});
}

static enum attempt_progress check_rates(struct attempt *a)
{
    CLEANUP(buf_fini) struct buf detail = {0};
    const struct rule *rule = throttle_handshake(&a->gw->throttle, &a->stage->rates, a->route);

    if (!rule)
        return ATTEMPT_GOES_ON;
    throttle_explain(rule, &a->stage->rates, a->route, &detail);
    return attempt_refuse(a, &(struct attempt_refusal){.rule = rule, .detail = buf_span(&detail)});
}

/* ---- the connection ---- */

static struct event_source *make_source(const struct attempt *a, struct span connection_id, uint64_t connected_at_ms)
{
    const struct event_peer peer = {
        .connection_id = connection_id,
        .domain_name = a->request.host,
        .source_ip = a->request.source_ip,
        .user_agent = a->request.user_agent,
        .connected_at_ms = connected_at_ms,
        .identity = a->identity,
        .authorizer = buf_span(&a->authorizer),
    };

    return event_source_new(&a->stage->event, &peer);
}

struct event_source *attempt_make_source(const struct attempt *a)
{
    return make_source(a, a->connection ? connection_id(a->connection) : SPAN(""), a->time_ms);
}

static enum attempt_progress register_connection(struct attempt *a)
{
    char id[ID_SIZE];

    a->time_ms = clock_wall_ms();
    registry_unused_id(a->gw->registry, id);
    a->connection = connection_new(id, a->stage, make_source(a, span_of(id, ID_LEN), a->time_ms), a->time_ms);
    a->connection->source_port = a->request.source_port;
    a->connection->secure = a->request.secure;
    registry_add(a->gw->registry, a->connection);
    return ATTEMPT_GOES_ON;
}

/* From here on events say what authorization found out. */
static enum attempt_progress introduce(struct attempt *a)
{
    struct connection *connection = a->connection;

    event_source_unref(connection->source);
    connection->source = attempt_make_source(a);
    return ATTEMPT_GOES_ON;
}

/* ---- the answer of a $connect ---- */

/* What a $connect's result means: NULL accepts. */
static const struct rule *judge_connect(const struct gateway *gw, const struct integration_result *result)
{
    if (result->failure)
        return result->failure;
    if (result->status_code < 200 || result->status_code > 599)
        return rule_get(RULE_RESULT_MALFORMED);
    if (result->status_code > 299)
        return rule_get(RULE_CONNECT_REFUSED);
    return gw->closing ? rule_get(RULE_GOING_AWAY) : NULL;
}

static void explain_refusal(const struct attempt *a, const struct rule *rule, const struct integration_result *result,
                            struct buf *out)
{
    if (result->failure)
        buf_append(out, result->detail);
    else if (rule == rule_get(RULE_RESULT_MALFORMED) || rule == rule_get(RULE_CONNECT_REFUSED))
        buf_printf(out, "%s answered $connect with statusCode %d", a->function->name, result->status_code);
}

/* A status that the function chose goes out alone; what the gateway has to say itself has a body. */
static void refuse_connect(struct attempt *a, const struct rule *rule, const struct integration_result *result)
{
    CLEANUP(buf_fini) struct buf detail = {0};
    const bool decided = rule == rule_get(RULE_CONNECT_REFUSED);

    explain_refusal(a, rule, result, &detail);
    attempt_refuse(a, &(struct attempt_refusal){
                          .rule = rule,
                          .http_status = decided ? (unsigned)result->status_code : 0,
                          .names_ids = !decided,
                          .decided = decided,
                          .detail = buf_span(&detail),
                      });
}

static void on_connect_done(void *arg, const struct integration_result *result)
{
    struct call *call = arg;
    struct attempt *a = call->attempt;
    const struct rule *rule = judge_connect(call->gw, result);

    assert(a->connection && a->connection->state == CONNECTION_CONNECTING);
    observe_connect_result(a, result, rule == rule_get(RULE_RESULT_MALFORMED) ? rule : result->failure);
    if (rule)
        refuse_connect(a, rule, result);
    else
        attempt_accept(a, result->subprotocol);
    gateway_end_call(call);
}

/* ---- the $connect function ---- */

void attempt_describe(const struct attempt *a, char port[ATTEMPT_PORT_SIZE], struct event_connect *ret)
{
    snprintf(port, ATTEMPT_PORT_SIZE, "%" PRIu16, a->request.local_port);
    *ret = (struct event_connect){
        .headers = a->request.headers,
        .header_count = a->request.header_count,
        .query = a->request.query,
        .trace_id = span_of_str(a->trace_id),
        .forwarded_port = span_of_str(port),
        .forwarded_proto = a->request.secure ? SPAN("https") : SPAN("http"),
        .authorizer_ms = a->authorizer_ms,
    };
}

static enum attempt_progress ask_function(struct attempt *a)
{
    struct gateway *gw = a->gw;
    char port[ATTEMPT_PORT_SIZE];
    struct event_connect connect;
    struct event_request event = {.request_id = {a->request_id, ID_LEN}, .time_ms = a->time_ms};
    struct invocation_request invocation = {.event_type = APIGW_CONNECT};

    if (!a->function)
        return attempt_accept(a, SPAN(""));
    observe_connect_call(a);
    attempt_describe(a, port, &connect);
    gateway_clear_event(gw);
    event_write_connect(a->connection->source, &event, &connect, &gw->event_head);
    gateway_invoke(gw, a->connection, a->route, a->function, &event, &invocation, on_connect_done)->attempt = a;
    return ATTEMPT_WAITS;
}

/* ---- the way through ---- */

static attempt_step_fn *const steps[] = {
    check_closing,          check_stage,           check_rates, register_connection, attempt_check_signature,
    attempt_ask_authorizer, attempt_check_api_key, introduce,   ask_function,
};

void attempt_continue(struct attempt *a)
{
    enum attempt_progress progress;

    do {
        assert(a->step < sizeof(steps) / sizeof(steps[0]));
        progress = steps[a->step++](a);
    } while (progress == ATTEMPT_GOES_ON);
}

void gateway_on_handshake(struct gateway *gw, const struct handshake_request *request,
                          handshake_answered_fn *on_answered, void *arg)
{
    attempt_continue(attempt_new(gw, request, on_answered, arg));
}
