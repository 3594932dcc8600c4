/* gateway.c - the state of the APIs, what they send, and what @connections may ask of them. */
#include "gateway/gateway.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "gateway/attempt.h"
#include "gateway/gateway_private.h"
#include "gateway/observation.h"
#include "gateway/report.h"
#include "gateway/text.h"

static void on_expired(void *arg, struct connection *connection, enum rule_id rule, uint64_t elapsed_ms)
{
    gateway_close(arg, connection, rule, elapsed_ms);
}

static uint64_t quiet_ms(void *arg, const struct connection *connection)
{
    const struct gateway *gw = arg;
    if (!connection->link || rule_choice(RULE_PING_RESETS_IDLE) != PING_RESETS)
        return UINT64_MAX;
    return gw->wire->quiet_ms(connection->link);
}

void gateway_reconfigure(struct gateway *gw, const struct config *old, struct config *config)
{
    CLEANUP(buf_fini) struct buf error = {0};

    for (size_t i = 0; i < gw->api_count; i++)
        if (gw->apis[i].config == old)
            api_reconfigure(&gw->apis[i], config);
    if (gateway_open_logs(gw, &error) < 0)
        log_error(LOG_GATEWAY, "%s", buf_terminate(&error));
}

static bool has_access_log(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->api_count; i++)
        for (size_t j = 0; j < gw->apis[i].stage_count; j++)
            if (gw->apis[i].stages[j].config->access_log.set)
                return true;
    return false;
}

int gateway_open_logs(struct gateway *gw, struct buf *ret_error)
{
    int r = 0;

    if (!gw->access_logs && has_access_log(gw))
        gw->access_logs = access_logs_new(gw->loop);
    for (size_t i = 0; i < gw->api_count; i++) {
        CLEANUP(buf_fini) struct buf error = {0};

        if (api_open_logs(&gw->apis[i], gw->access_logs, &error) < 0 && r == 0) {
            buf_append(ret_error, buf_span(&error));
            r = -1;
        }
    }
    return r;
}

struct gateway *gateway_new(struct loop *loop, struct config *const *configs, size_t count, struct function_pool *pool,
                            const struct wire_ops *wire)
{
    struct gateway *gw = mem_zalloc(sizeof(*gw));

    gw->loop = loop;
    gw->wire = wire;
    gw->runner = integration_runner_new(loop, pool);
    gw->authorizers = authorizer_runner_new(loop, pool);
    list_init(&gw->attempts);
    list_init(&gw->calls);
    gw->registry = registry_new(id_new_connection);
    deadlines_init(&gw->deadlines, loop, quiet_ms, on_expired, gw);
    throttle_init(&gw->throttle);
    gw->apis = mem_alloc(count * sizeof(*gw->apis));
    gw->api_count = count;
    for (size_t i = 0; i < count; i++)
        api_init(&gw->apis[i], configs[i]);
    return gw;
}

static void leave_deadlines(void *arg, struct connection *connection)
{
    deadlines_remove(connection);
}

/* Their results come no more: the runners are gone. */
static void forget_calls(struct gateway *gw)
{
    struct list *node;

    while ((node = list_first(&gw->calls)))
        gateway_end_call(LIST_ENTRY(node, struct call, link));
    while ((node = list_first(&gw->attempts)))
        attempt_free(LIST_ENTRY(node, struct attempt, link));
}

static void free_scratch(struct gateway *gw)
{
    struct buf *scratch[] = {&gw->selected_key, &gw->event_head, &gw->event_tail, &gw->frame, &gw->repaired};

    for (size_t i = 0; i < sizeof(scratch) / sizeof(scratch[0]); i++)
        buf_fini(scratch[i]);
}

void gateway_free(struct gateway *gw)
{
    if (!gw)
        return;
    integration_runner_free(gw->runner);
    authorizer_runner_free(gw->authorizers);
    forget_calls(gw);
    registry_for_each(gw->registry, leave_deadlines, NULL);
    registry_free(gw->registry);
    deadlines_fini(&gw->deadlines);
    for (size_t i = 0; i < gw->api_count; i++)
        api_fini(&gw->apis[i]);
    free(gw->apis);
    access_logs_free(gw->access_logs);
    free_scratch(gw);
    free(gw);
}

/* ---- invocations ---- */

static void fill_invocation(const struct gateway *gw, const struct connection *connection,
                            const struct config_route *route, const struct event_request *request,
                            struct invocation_request *invocation)
{
    struct span *fields = invocation->fields;

    fields[FIELD_CONNECTION_ID] = connection_id(connection);
    fields[FIELD_ROUTE_KEY] = span_of_str(route->key);
    fields[FIELD_REQUEST_ID] = request->request_id;
    fields[FIELD_STAGE] = connection->stage->event.stage;
    fields[FIELD_API_ID] = connection->stage->event.api_id;
    fields[FIELD_DOMAIN_NAME] = event_source_domain(connection->source);
    fields[FIELD_SOURCE_IP] = event_source_ip(connection->source);
    fields[FIELD_USER_AGENT] = event_source_user_agent(connection->source);
    fields[FIELD_EVENT_HEAD] = buf_span(&gw->event_head);
    fields[FIELD_EVENT_TAIL] = buf_span(&gw->event_tail);
    invocation->connected_at_ms = connection->connected_at_ms;
    invocation->request_time_ms = request->time_ms;
}

void gateway_clear_event(struct gateway *gw)
{
    buf_clear(&gw->event_head, GATEWAY_SCRATCH_KEEP_BYTES);
    buf_clear(&gw->event_tail, GATEWAY_SCRATCH_KEEP_BYTES);
}

struct call *gateway_begin_call(struct gateway *gw, const struct connection *connection,
                                const struct config_route *route, const struct event_request *request,
                                struct invocation_request *invocation)
{
    struct call *call = mem_zalloc(sizeof(*call));

    assert(request->request_id.len == ID_LEN);
    call->gw = gw;
    call->stage = connection->stage;
    call->config = config_ref(connection->stage->api->config);
    call->route = route;
    memcpy(call->connection_id, connection->id, ID_SIZE);
    memcpy(call->request_id, request->request_id.ptr, ID_LEN);
    call->observation = observation_new(connection, request, invocation);
    fill_invocation(gw, connection, route, request, invocation);
    call->number = ++gw->invocations;
    list_append(&gw->calls, &call->link);
    gw->busy++;
    return call;
}

struct call *gateway_invoke(struct gateway *gw, const struct connection *connection, const struct config_route *route,
                            const struct config_function *function, const struct event_request *request,
                            struct invocation_request *invocation, integration_done_fn *on_done)
{
    struct call *call = gateway_begin_call(gw, connection, route, request, invocation);

    call->function = function;
    integration_invoke(gw->runner, route, function, invocation, on_done, call);
    return call;
}

void gateway_end_call(struct call *call)
{
    assert(call->gw->busy > 0);
    call->gw->busy--;
    list_remove(&call->link);
    config_unref(call->config);
    observation_free(call->observation);
    free(call);
}

const struct config_route *gateway_special_route(const struct api *api, struct span key)
{
    const struct config_route *route = config_find_route(api->config, key);
    return route && route->function ? route : NULL;
}

/* ---- an open connection ---- */

void gateway_on_open(struct gateway *gw, struct connection *connection, struct wire_link *link)
{
    connection_set_state(connection, CONNECTION_OPEN);
    connection->link = link;
    deadlines_add(&gw->deadlines, connection);
    connection->stage->open_connections++;
    if (gw->closing && link)
        gateway_close(gw, connection, RULE_GOING_AWAY, 0);
}

void gateway_on_ping(struct gateway *gw, struct connection *connection)
{
    if (rule_choice(RULE_PING_RESETS_IDLE) == PING_RESETS)
        deadlines_touch(&gw->deadlines, connection);
}

void gateway_sample_pings(struct gateway *gw)
{
    deadlines_sample(&gw->deadlines);
}

enum wire_sent gateway_push(struct gateway *gw, struct connection *connection, struct metrics_route *metrics,
                            struct span text)
{
    enum wire_sent sent = gw->wire->send(connection->link, text_repaired(text, &gw->repaired));

    if (sent == WIRE_SENT) {
        connection->queue_full = false;
        connection_count(&connection->sent, text.len);
        metrics_add(metrics, METRIC_MESSAGES_OUT, 1);
        metrics_add(metrics, METRIC_BYTES_OUT, text.len);
        deadlines_touch(&gw->deadlines, connection);
    }
    return sent;
}

void gateway_reply(struct gateway *gw, struct connection *connection, struct metrics_route *metrics,
                   struct span request_id, struct span text)
{
    if (gateway_push(gw, connection, metrics, text) == WIRE_SENT || connection->queue_full)
        return;
    connection->queue_full = true;
    report_write(LOG_WARN, &(struct report){
                               .rule = rule_get(RULE_SEND_QUEUE_FULL),
                               .happened = "dropped a reply, and drops those that follow until the client reads",
                               .connection_id = connection_id(connection),
                               .request_id = request_id,
                           });
}

struct connection *gateway_find_open(const struct gateway *gw, struct span connection_id)
{
    struct connection *connection = registry_find(gw->registry, connection_id);
    return connection && connection->state == CONNECTION_OPEN ? connection : NULL;
}

/* ---- @connections ---- */

const struct rule *gateway_admit_callback(struct gateway *gw)
{
    return throttle_callback(&gw->throttle);
}

/* Its connection, through *ret; or why it is not to be had. */
static enum connection_result find(const struct gateway *gw, const struct stage *stage, struct span connection_id,
                                   struct connection **ret)
{
    struct connection *connection = gateway_find_open(gw, connection_id);

    if (!connection)
        return CONNECTION_GONE;
    if (stage && connection->stage != stage)
        return CONNECTION_ELSEWHERE;
    *ret = connection;
    return CONNECTION_OK;
}

enum connection_result gateway_post(struct gateway *gw, const struct stage *stage, struct span connection_id,
                                    struct span text)
{
    struct connection *connection;
    enum connection_result result = find(gw, stage, connection_id, &connection);

    if (result != CONNECTION_OK)
        return result;
    return gateway_push(gw, connection, stage_metrics(connection->stage, NULL, NULL), text) == WIRE_SENT
               ? CONNECTION_OK
               : CONNECTION_QUEUE_FULL;
}

enum connection_result gateway_get(struct gateway *gw, const struct stage *stage, struct span connection_id,
                                   struct connection_info *ret)
{
    struct connection *connection;
    enum connection_result result = find(gw, stage, connection_id, &connection);

    if (result != CONNECTION_OK)
        return result;
    *ret = (struct connection_info){
        .connected_at_ms = connection->connected_at_ms,
        .last_active_at_ms = connection_last_active_ms(connection),
        .source_ip = event_source_ip(connection->source),
        .user_agent = event_source_user_agent(connection->source),
    };
    return CONNECTION_OK;
}

enum connection_result gateway_delete(struct gateway *gw, const struct stage *stage, struct span connection_id)
{
    struct connection *connection;
    enum connection_result result = find(gw, stage, connection_id, &connection);

    if (result != CONNECTION_OK)
        return result;
    gateway_close(gw, connection, RULE_CLOSED_BY_BACKEND, 0);
    return CONNECTION_OK;
}

const struct stage *gateway_stage_of(const struct gateway *gw, struct span connection_id)
{
    const struct connection *connection = gateway_find_open(gw, connection_id);
    return connection ? connection->stage : NULL;
}

size_t gateway_connection_count(const struct gateway *gw)
{
    return registry_count(gw->registry);
}

size_t gateway_busy(const struct gateway *gw)
{
    return gw->busy;
}

uint64_t gateway_invocations(const struct gateway *gw)
{
    return gw->invocations;
}

bool gateway_is_busy_with(const struct gateway *gw, uint64_t after, uint64_t up_to)
{
    /* The newest first: those in question are among them. */
    for (const struct list *node = gw->calls.prev; node != &gw->calls; node = node->prev) {
        const struct call *call = LIST_ENTRY(node, struct call, link);

        if (call->number <= up_to)
            return call->number > after;
    }
    return false;
}

/* ---- which API ---- */

struct directory_place gateway_find_place(const struct gateway *gw, struct span host, struct span path)
{
    return directory_find(gw->apis, gw->api_count, host, path, true);
}

void gateway_explain_place(const struct gateway *gw, enum directory_result result, struct span host, struct span path,
                           struct buf *out)
{
    directory_explain(gw->apis, gw->api_count, result, host, path, out);
}

bool gateway_wants_signatures(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->api_count; i++)
        if (gw->apis[i].config->connections_iam)
            return true;
    return false;
}

const struct api *gateway_apis(const struct gateway *gw, size_t *ret_count)
{
    *ret_count = gw->api_count;
    return gw->apis;
}
