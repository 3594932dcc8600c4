/* gateway.c - the state of one API, what it sends, and what @connections may ask of it. */
#include "gateway/gateway.h"

#include <assert.h>

#include "authorization/api_keys.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/attempt.h"
#include "gateway/gateway_private.h"
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

static struct event_variable *borrow_variables(const struct config_variables *variables)
{
    struct event_variable *borrowed = mem_alloc((variables->count + 1) * sizeof(*borrowed));

    for (size_t i = 0; i < variables->count; i++) {
        borrowed[i].name = span_of_str(variables->items[i].name);
        borrowed[i].value = span_of_str(variables->items[i].value);
    }
    return borrowed;
}

/* Everything that is made from the configuration. */
static void adopt_config(struct gateway *gw, struct config *config)
{
    gw->config = config_ref(config);
    throttle_init(&gw->throttle, config);
    gw->api_keys = api_keys_new(config);
    gw->stage_variables = borrow_variables(&config->stage_variables);
    gw->api = (struct event_api){
        .api_id = span_of_str(config->api_id),
        .stage = span_of_str(config->stage),
        .stage_variables = gw->stage_variables,
        .stage_variable_count = config->stage_variables.count,
    };
}

static void drop_config(struct gateway *gw)
{
    throttle_fini(&gw->throttle);
    api_keys_free(gw->api_keys);
    free(gw->stage_variables);
    config_unref(gw->config);
}

void gateway_reconfigure(struct gateway *gw, struct config *config)
{
    assert(strcmp(config->stage, gw->config->stage) == 0 && strcmp(config->api_id, gw->config->api_id) == 0);
    drop_config(gw);
    adopt_config(gw, config);
}

struct gateway *gateway_new(struct loop *loop, struct config *config, struct function_pool *pool,
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
    adopt_config(gw, config);
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
    drop_config(gw);
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
    fields[FIELD_STAGE] = gw->api.stage;
    fields[FIELD_API_ID] = gw->api.api_id;
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
    call->config = config_ref(gw->config);
    call->route = route;
    memcpy(call->connection_id, connection->id, ID_SIZE);
    memcpy(call->request_id, request->request_id.ptr, ID_LEN);
    fill_invocation(gw, connection, route, request, invocation);
    call->number = ++gw->invocations;
    list_append(&gw->calls, &call->link);
    gw->busy++;
    return call;
}

struct call *gateway_invoke(struct gateway *gw, const struct connection *connection, const struct config_route *route,
                            const struct event_request *request, struct invocation_request *invocation,
                            integration_done_fn *on_done)
{
    struct call *call = gateway_begin_call(gw, connection, route, request, invocation);

    assert(route->function);
    integration_invoke(gw->runner, route, invocation, on_done, call);
    return call;
}

void gateway_end_call(struct call *call)
{
    assert(call->gw->busy > 0);
    call->gw->busy--;
    list_remove(&call->link);
    config_unref(call->config);
    free(call);
}

const struct config_route *gateway_special_route(const struct gateway *gw, struct span key)
{
    const struct config_route *route = config_find_route(gw->config, key);
    return route && route->function ? route : NULL;
}

/* ---- an open connection ---- */

void gateway_on_open(struct gateway *gw, struct connection *connection, struct wire_link *link)
{
    connection_set_state(connection, CONNECTION_OPEN);
    connection->link = link;
    deadlines_add(&gw->deadlines, connection);
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

enum wire_sent gateway_push(struct gateway *gw, struct connection *connection, struct span text)
{
    enum wire_sent sent = gw->wire->send(connection->link, text_repaired(text, &gw->repaired));

    if (sent == WIRE_SENT) {
        connection->queue_full = false;
        deadlines_touch(&gw->deadlines, connection);
    }
    return sent;
}

void gateway_reply(struct gateway *gw, struct connection *connection, struct span request_id, struct span text)
{
    if (gateway_push(gw, connection, text) == WIRE_SENT || connection->queue_full)
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

enum connection_result gateway_post(struct gateway *gw, struct span connection_id, struct span text)
{
    struct connection *connection = gateway_find_open(gw, connection_id);

    if (!connection)
        return CONNECTION_GONE;
    return gateway_push(gw, connection, text) == WIRE_SENT ? CONNECTION_OK : CONNECTION_QUEUE_FULL;
}

enum connection_result gateway_get(struct gateway *gw, struct span connection_id, struct connection_info *ret)
{
    const struct connection *connection = gateway_find_open(gw, connection_id);

    if (!connection)
        return CONNECTION_GONE;
    *ret = (struct connection_info){
        .connected_at_ms = connection->connected_at_ms,
        .last_active_at_ms = connection_last_active_ms(connection),
        .source_ip = event_source_ip(connection->source),
        .user_agent = event_source_user_agent(connection->source),
    };
    return CONNECTION_OK;
}

enum connection_result gateway_delete(struct gateway *gw, struct span connection_id)
{
    struct connection *connection = gateway_find_open(gw, connection_id);

    if (!connection)
        return CONNECTION_GONE;
    gateway_close(gw, connection, RULE_CLOSED_BY_BACKEND, 0);
    return CONNECTION_OK;
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

const struct config *gateway_config(const struct gateway *gw)
{
    return gw->config;
}
