/* handshake.c - who may connect: the stage must be right, and the $connect function must say yes.
 *
 * The connection is registered while its $connect runs, so that its id is taken, but nobody can post to it: AWS answers
 * such posts with 410. A refused one has never been: no $disconnect follows. */
#include <apigw/plugin.h>
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/gateway_private.h"
#include "gateway/report.h"
#include "gateway/response.h"

/* The 101 response's head must hold it. A protocol's name is a token, and more than one is not for a server to send. */
#define SUBPROTOCOL_BYTES_MAX 1024u
#define PORT_SIZE sizeof("65535")

/* ---- refusals without a connection ---- */

/* The path is exactly "/{stage}" or "/{stage}/"; AWS decodes nothing here. */
static bool is_stage_path(const struct gateway *gw, struct span path)
{
    if (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path.len > 0 && path.ptr[0] == '/' && span_equal(span_from(path, 1), gw->api.stage);
}

static const struct rule *find_refusal(const struct gateway *gw, const struct handshake_request *request)
{
    if (gw->closing)
        return rule_get(RULE_GOING_AWAY);
    if (!is_stage_path(gw, request->path))
        return rule_get(RULE_STAGE_UNKNOWN);
    return NULL;
}

static void report_early_refusal(const struct gateway *gw, const struct handshake_request *request,
                                 const struct rule *rule)
{
    CLEANUP(buf_fini) struct buf detail = {0};

    if (rule == rule_get(RULE_STAGE_UNKNOWN))
        buf_printf(&detail, "the path is " SPAN_FMT ", and the one to connect to is /%s", SPAN_ARG(request->path),
                   gw->config->stage);
    report_write(LOG_WARN, &(struct report){
                               .rule = rule,
                               .happened = "refused a handshake",
                               .detail = buf_span(&detail),
                           });
}

static void refuse_early(const struct gateway *gw, const struct handshake_request *request, const struct rule *rule,
                         handshake_answered_fn *on_answered, void *arg)
{
    CLEANUP(buf_fini) struct buf body = {0};

    report_early_refusal(gw, request, rule);
    response_write_message(&body, span_of_str(rule->message));
    on_answered(arg, &(struct handshake_answer){
                         .rule = rule,
                         .http_status = rule->http_status,
                         .error_type = span_of_str(rule->error_type),
                         .body = buf_span(&body),
                     });
}

/* ---- the answer of a $connect ---- */

static void accept_connection(struct connection *connection, struct span subprotocol,
                              handshake_answered_fn *on_answered, void *arg)
{
    on_answered(arg, &(struct handshake_answer){
                         .accepted = true,
                         .connection = connection,
                         .subprotocol = subprotocol,
                     });
}

static void forget(struct gateway *gw, struct connection *connection)
{
    connection_set_state(connection, CONNECTION_CLOSED);
    connection_free(registry_take(gw->registry, connection));
}

/* A status that the function chose goes out alone; what the gateway has to say itself has a body. */
static void write_refusal(const struct call *call, const struct rule *rule, int status_code, struct buf *body,
                          struct handshake_answer *ret)
{
    *ret = (struct handshake_answer){.rule = rule, .http_status = rule->http_status};
    if (rule == rule_get(RULE_CONNECT_REFUSED)) {
        ret->http_status = (unsigned)status_code;
        return;
    }
    response_write_error(body, rule->message, span_of(call->connection_id, ID_LEN), span_of(call->request_id, ID_LEN));
    ret->error_type = span_of_str(rule->error_type);
    ret->body = buf_span(body);
}

/* The value becomes a header of the 101 response, so nothing that could end that header may be in it. */
static bool is_header_value(struct span value)
{
    if (value.len > SUBPROTOCOL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~')
            return false;
    return true;
}

/* What a $connect's result means: NULL accepts. */
static const struct rule *judge_connect(const struct gateway *gw, const struct integration_result *result)
{
    if (result->failure)
        return result->failure;
    if (result->status_code < 200 || result->status_code > 599 || !is_header_value(result->subprotocol))
        return rule_get(RULE_RESULT_MALFORMED);
    if (result->status_code > 299)
        return rule_get(RULE_CONNECT_REFUSED);
    return gw->closing ? rule_get(RULE_GOING_AWAY) : NULL;
}

static void report_connect_refusal(const struct call *call, const struct rule *rule,
                                   const struct integration_result *result)
{
    CLEANUP(buf_fini) struct buf detail = {0};

    if (result->failure)
        buf_append(&detail, result->detail);
    else if (rule == rule_get(RULE_RESULT_MALFORMED))
        buf_printf(&detail, "%s answered $connect with statusCode %d%s", call->route->function->name,
                   result->status_code,
                   is_header_value(result->subprotocol) ? "" : " and a Sec-WebSocket-Protocol that is no header value");
    else if (rule == rule_get(RULE_CONNECT_REFUSED))
        buf_printf(&detail, "%s answered $connect with statusCode %d", call->route->function->name,
                   result->status_code);
    report_write(rule == rule_get(RULE_CONNECT_REFUSED) ? LOG_INFO : LOG_WARN,
                 &(struct report){
                     .rule = rule,
                     .happened = "refused a handshake",
                     .detail = buf_span(&detail),
                     .connection_id = span_of(call->connection_id, ID_LEN),
                     .request_id = span_of(call->request_id, ID_LEN),
                 });
}

static void on_connect_done(void *arg, const struct integration_result *result)
{
    CLEANUP(buf_fini) struct buf body = {0};
    struct call *call = arg;
    struct gateway *gw = call->gw;
    struct connection *connection = registry_find(gw->registry, span_of(call->connection_id, ID_LEN));
    const struct rule *rule = judge_connect(gw, result);
    struct handshake_answer answer;

    assert(connection && connection->state == CONNECTION_CONNECTING);
    if (rule) {
        report_connect_refusal(call, rule, result);
        forget(gw, connection);
        write_refusal(call, rule, result->status_code, &body, &answer);
        call->on_answered(call->arg, &answer);
    } else {
        accept_connection(connection, result->subprotocol, call->on_answered, call->arg);
    }
    gateway_end_call(call);
}

/* ---- the handshake ---- */

static struct connection *register_connection(struct gateway *gw, const struct handshake_request *request)
{
    char id[ID_SIZE];
    struct event_peer peer;
    struct connection *connection;

    registry_unused_id(gw->registry, id);
    peer = (struct event_peer){
        .connection_id = span_of(id, ID_LEN),
        .domain_name = request->host,
        .source_ip = request->source_ip,
        .user_agent = request->user_agent,
        .connected_at_ms = clock_wall_ms(),
    };
    connection = connection_new(id, event_source_new(&gw->api, &peer), peer.connected_at_ms);
    registry_add(gw->registry, connection);
    return connection;
}

static void write_connect_event(struct gateway *gw, const struct connection *connection,
                                const struct handshake_request *request, const struct event_request *event)
{
    char port[PORT_SIZE];
    char trace_id[TRACE_ID_SIZE];

    snprintf(port, sizeof(port), "%" PRIu16, request->local_port);
    id_new_trace(trace_id);
    buf_clear(&gw->event_head, GATEWAY_SCRATCH_KEEP_BYTES);
    buf_clear(&gw->event_tail, GATEWAY_SCRATCH_KEEP_BYTES);
    event_write_connect(connection->source, event,
                        &(struct event_connect){
                            .headers = request->headers,
                            .header_count = request->header_count,
                            .query = request->query,
                            .trace_id = span_of_str(trace_id),
                            .forwarded_port = span_of_str(port),
                            .forwarded_proto = SPAN("http"),
                        },
                        &gw->event_head);
}

static void ask_function(struct gateway *gw, struct connection *connection, const struct config_route *route,
                         const struct handshake_request *request, handshake_answered_fn *on_answered, void *arg)
{
    char request_id[ID_SIZE];
    struct event_request event = {.request_id = {request_id, ID_LEN}, .time_ms = clock_wall_ms()};
    struct invocation_request invocation = {.event_type = APIGW_CONNECT};
    struct call *call;

    id_new_request(request_id);
    write_connect_event(gw, connection, request, &event);
    call = gateway_invoke(gw, connection, route, &event, &invocation, on_connect_done);
    call->on_answered = on_answered;
    call->arg = arg;
}

void gateway_on_handshake(struct gateway *gw, const struct handshake_request *request,
                          handshake_answered_fn *on_answered, void *arg)
{
    const struct config_route *route = gateway_special_route(gw, SPAN("$connect"));
    const struct rule *refusal = find_refusal(gw, request);
    struct connection *connection;

    if (refusal) {
        refuse_early(gw, request, refusal, on_answered, arg);
        return;
    }
    connection = register_connection(gw, request);
    if (route)
        ask_function(gw, connection, route, request, on_answered, arg);
    else
        accept_connection(connection, SPAN(""), on_answered, arg);
}
