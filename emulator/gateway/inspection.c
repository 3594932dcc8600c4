/* inspection.c - see inspection.h. */
#include "gateway/inspection.h"

#include "gateway/deadlines.h"
#include "gateway/gateway_private.h"

struct connection *inspection_first(const struct gateway *gw, uint64_t after)
{
    struct connection *connection = registry_next(gw->registry, NULL);

    while (connection && connection->number <= after)
        connection = registry_next(gw->registry, connection);
    return connection;
}

struct connection *inspection_next(const struct gateway *gw, const struct connection *connection)
{
    return registry_next(gw->registry, connection);
}

struct connection *inspection_find(const struct gateway *gw, struct span connection_id)
{
    return registry_find(gw->registry, connection_id);
}

bool inspection_fits(const struct connection *connection, const struct connection_filter *filter)
{
    const struct stage *stage = connection->stage;
    const struct config *api = stage->api->config;

    return (filter->stage.len == 0 || span_equal(filter->stage, span_of_str(stage->config->name))) &&
           (filter->api.len == 0 || span_equal(filter->api, span_of_str(api->name)) ||
            span_equal(filter->api, span_of_str(api->api_id)));
}

static void describe_open(struct gateway *gw, struct connection *connection, struct connection_details *ret)
{
    deadlines_sample_one(&gw->deadlines, connection);
    ret->is_open = true;
    ret->idle_left_ms = deadlines_idle_left_ms(connection);
    ret->lifetime_left_ms = deadlines_lifetime_left_ms(connection);
    ret->queue = gw->wire->queue(connection->link);
}

void inspection_describe(struct gateway *gw, struct connection *connection, struct buf *scratch,
                         struct connection_details *ret)
{
    const struct event_source *source = connection->source;

    *ret = (struct connection_details){
        .id = connection_id(connection),
        .stage = connection->stage,
        .number = connection->number,
        .state = connection_state_name(connection),
        .secure = connection->secure,
        .connected_at_ms = connection->connected_at_ms,
        .source_ip = event_source_ip(source),
        .source_port = connection->source_port,
        .user_agent = event_source_user_agent(source),
        .domain_name = event_source_domain(source),
        .principal_id = event_source_principal(source, scratch),
        .received = connection->received,
        .sent = connection->sent,
    };
    if (connection->state == CONNECTION_OPEN && connection->link)
        describe_open(gw, connection, ret);
    ret->last_active_at_ms = connection_last_active_ms(connection);
}
