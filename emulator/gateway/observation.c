/* observation.c - see observation.h. */
#include "gateway/observation.h"

#include <apigw/plugin.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/access_log.h"
#include "gateway/metrics.h"
#include "gateway/response_type.h"
#include "gateway/stage.h"

#define NS_PER_MS 1000000u
#define STATUS_OK 200 /* of a request that no integration has given another one */
#define STATUS_SWITCHING 101

struct observation {
    struct event_source *source; /* referenced: the connection may be gone */
    uint64_t connected_at_ms;
    uint64_t request_time_ms;
    uint32_t event_type;
    char message_id[ID_SIZE]; /* empty: it is no message */
};

static const struct span event_types[] = {
    [APIGW_CONNECT] = {"CONNECT", 7}, [APIGW_MESSAGE] = {"MESSAGE", 7}, [APIGW_DISCONNECT] = {"DISCONNECT", 10}};

/* ---- lines ---- */

static struct access_record describe(const struct stage *stage, const struct event_source *source)
{
    return (struct access_record){
        .api_id = stage->event.api_id,
        .stage = stage->event.stage,
        .domain_name = event_source_domain(source),
        .identity = event_source_identity(source),
        .authorizer = event_source_authorizer(source),
    };
}

static void write_line(const struct stage *stage, const struct access_record *record)
{
    struct buf *line = access_log_begin(stage->access_log);

    if (!line)
        return;
    access_record_write(stage->config->access_log.format, record, line);
    access_log_end(stage->access_log);
}

static void describe_error(struct access_record *record, const struct rule *rule, struct span message)
{
    record->error_message = message;
    record->error_response_type = response_type_of(rule);
}

static struct access_phase describe_integration(const struct integration_result *result)
{
    return (struct access_phase){
        .ran = true,
        .latency_ms = result->latency_ns / NS_PER_MS,
        .status = result->failure ? 0 : (unsigned)result->status_code,
        .endpoint_status = result->lambda_status,
        .request_id = result->request_id,
        .error = result->failure ? result->detail : SPAN(""),
    };
}

/* ---- handshakes ---- */

static struct metrics_route *connect_metrics(const struct attempt *a)
{
    return stage_metrics(a->stage, a->config, a->route);
}

/* The connection's id is not known before it is registered, nor is when it began. */
static void write_handshake(const struct attempt *a, struct access_record record, struct event_source *source)
{
    const uint64_t time_ms = a->connection ? a->time_ms : clock_wall_ms();
    const struct access_record whole = describe(a->stage, source);

    record.api_id = whole.api_id;
    record.stage = whole.stage;
    record.domain_name = whole.domain_name;
    record.identity = whole.identity;
    record.authorizer = whole.authorizer;
    record.event_type = event_types[APIGW_CONNECT];
    record.route_key = SPAN("$connect");
    record.connection_id = a->connection ? connection_id(a->connection) : SPAN("");
    record.connected_at_ms = a->connection ? a->connection->connected_at_ms : 0;
    record.request_id = span_of(a->request_id, ID_LEN);
    record.request_time_ms = time_ms;
    record.authenticate = a->trace.authenticate;
    record.authorize = a->trace.authorize;
    record.integration = a->trace.integration;
    write_line(a->stage, &record);
    event_source_unref(source);
}

void observe_acceptance(const struct attempt *a)
{
    const unsigned status = a->trace.integration.status;

    metrics_handshake(a->stage->metrics, STATUS_SWITCHING);
    if (a->stage->access_log)
        write_handshake(a,
                        (struct access_record){
                            .status = status > 0 ? status : STATUS_OK,
                            .authorizer_phase = a->trace.authorizer,
                        },
                        attempt_make_source(a));
}

/* What the client is told; a rule's own sentence, if its body tells nothing. A function that has decided so has a
 * status alone. */
static struct span message_of(const struct attempt_refusal *refusal)
{
    if (refusal->rule == rule_get(RULE_CONNECT_REFUSED))
        return SPAN("");
    return refusal->message.ptr ? refusal->message : span_of_str(refusal->rule->message);
}

/* The authorizer that has run, or would have, and has not let anybody in. */
static struct access_phase close_authorizer(const struct attempt *a, const struct attempt_refusal *refusal,
                                            unsigned http_status)
{
    struct access_phase phase = a->trace.authorizer;
    const bool was_asked_in_vain = phase.ran && phase.status == 0;

    if (!was_asked_in_vain && refusal->rule != rule_get(RULE_IDENTITY_SOURCE_MISSING))
        return phase;
    phase.status = http_status;
    phase.error = message_of(refusal);
    if (phase.error.len == 0)
        phase.error = refusal->detail;
    return phase;
}

static void write_refusal(const struct attempt *a, const struct attempt_refusal *refusal, unsigned http_status)
{
    struct access_record record = {
        .status = http_status,
        .authorizer_phase = close_authorizer(a, refusal, http_status),
    };

    if (refusal->rule != rule_get(RULE_CONNECT_REFUSED))
        describe_error(&record, refusal->rule, message_of(refusal));
    write_handshake(a, record, attempt_make_source(a));
}

/* Without a stage there is nobody to tell. */
void observe_refusal(const struct attempt *a, const struct attempt_refusal *refusal, unsigned http_status)
{
    if (!a->stage)
        return;
    metrics_handshake(a->stage->metrics, http_status);
    if (!a->trace.integration.ran)
        metrics_refused(connect_metrics(a), http_status);
    if (a->stage->access_log)
        write_refusal(a, refusal, http_status);
}

void observe_connect_call(const struct attempt *a)
{
    metrics_add(connect_metrics(a), METRIC_CONNECT_COUNT, 1);
}

void observe_connect_result(struct attempt *a, const struct integration_result *result, const struct rule *failure)
{
    metrics_integration(connect_metrics(a), failure, result->status_code, result->latency_ns);
    a->trace.integration = describe_integration(result);
}

/* ---- messages, and $disconnect ---- */

struct observation *observation_new(const struct connection *connection, const struct event_request *request,
                                    const struct invocation_request *invocation)
{
    const struct span message_id = invocation->fields[FIELD_MESSAGE_ID];
    struct observation *o;

    if (!connection->stage->access_log ||
        (invocation->event_type != APIGW_MESSAGE && invocation->event_type != APIGW_DISCONNECT))
        return NULL;
    o = mem_zalloc(sizeof(*o));
    o->source = event_source_ref(connection->source);
    o->connected_at_ms = connection->connected_at_ms;
    o->request_time_ms = request->time_ms;
    o->event_type = invocation->event_type;
    if (message_id.len == ID_LEN)
        memcpy(o->message_id, message_id.ptr, ID_LEN);
    return o;
}

void observation_free(struct observation *observation)
{
    if (!observation)
        return;
    event_source_unref(observation->source);
    free(observation);
}

/* A rule without a status of its own leaves the integration's. */
static unsigned status_of(const struct integration_result *result, const struct rule *rule)
{
    const unsigned answered = result->status_code > 0 ? (unsigned)result->status_code : STATUS_OK;

    return rule && rule->http_status > 0 ? rule->http_status : answered;
}

static void write_result(const struct call *call, const struct integration_result *result, const struct rule *rule)
{
    const struct observation *o = call->observation;
    struct access_record record = describe(call->stage, o->source);

    record.event_type = event_types[o->event_type];
    record.route_key = span_of_str(call->route->key);
    record.connection_id = span_of_str(call->connection_id);
    record.connected_at_ms = o->connected_at_ms;
    record.request_id = span_of_str(call->request_id);
    record.message_id = span_of_str(o->message_id);
    record.request_time_ms = o->request_time_ms;
    record.status = status_of(result, rule);
    record.integration = describe_integration(result);
    if (rule)
        describe_error(&record, rule, span_of_str(rule->message));
    write_line(call->stage, &record);
}

void observe_result(const struct call *call, const struct integration_result *result, const struct rule *refused)
{
    metrics_integration(stage_metrics(call->stage, call->config, call->route), result->failure, result->status_code,
                        result->latency_ns);
    if (call->observation && call->stage->access_log)
        write_result(call, result, result->failure ? result->failure : refused);
}

static void write_uncalled(const struct connection *connection, const struct observed *observed)
{
    struct access_record record = describe(connection->stage, connection->source);
    char request_id[ID_SIZE] = "", message_id[ID_SIZE] = "";

    if (observed->request_id.len == 0)
        id_new_request(request_id);
    if (span_equal(observed->event_type, event_types[APIGW_MESSAGE]))
        id_new_message(connection->id, message_id);
    record.event_type = observed->event_type;
    record.route_key = observed->route_key;
    record.connection_id = connection_id(connection);
    record.connected_at_ms = connection->connected_at_ms;
    record.request_id = observed->request_id.len > 0 ? observed->request_id : span_of_str(request_id);
    record.message_id = span_of_str(message_id);
    record.request_time_ms = clock_wall_ms();
    record.status = observed->rule ? observed->rule->http_status : STATUS_OK;
    if (observed->rule)
        describe_error(&record, observed->rule, span_of_str(observed->rule->message));
    write_line(connection->stage, &record);
}

void observe_uncalled(const struct connection *connection, const struct observed *observed)
{
    if (connection->stage->access_log)
        write_uncalled(connection, observed);
}
