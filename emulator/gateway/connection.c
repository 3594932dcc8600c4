/* connection.c - a connection's life: three states and the ways between them. */
#include "gateway/connection.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* clang-format off */
static const bool transition_ok[CONNECTION_STATE_COUNT][CONNECTION_STATE_COUNT] = {
    /* from                      to  */
    [CONNECTION_CONNECTING] = {[CONNECTION_OPEN] = true, [CONNECTION_CLOSED] = true},
    [CONNECTION_OPEN]       = {[CONNECTION_CLOSED] = true},
};

static const char *const state_names[CONNECTION_STATE_COUNT] = {
    [CONNECTION_CONNECTING] = "connecting",
    [CONNECTION_OPEN]       = "open",
    [CONNECTION_CLOSED]     = "closed",
};
/* clang-format on */

struct connection *connection_new(const char id[ID_SIZE], struct stage *stage, struct event_source *source,
                                  uint64_t connected_at_ms)
{
    struct connection *connection = mem_zalloc(sizeof(*connection));

    memcpy(connection->id, id, ID_SIZE);
    connection->state = CONNECTION_CONNECTING;
    connection->stage = stage;
    connection->source = source;
    connection->connected_at_ms = connected_at_ms;
    connection->connected_at_mono_ms = clock_mono_ms();
    connection->last_active_mono_ms = connection->connected_at_mono_ms;
    list_init(&connection->idle);
    list_init(&connection->lifetime);
    return connection;
}

void connection_free(struct connection *connection)
{
    if (!connection)
        return;
    assert(list_empty(&connection->idle) && list_empty(&connection->lifetime));
    event_source_unref(connection->source);
    free(connection);
}

void connection_set_state(struct connection *connection, enum connection_state to)
{
    assert(transition_ok[connection->state][to]);
    if (log_enabled(LOG_DEBUG))
        log_event(LOG_DEBUG, LOG_GATEWAY, SPAN("the connection changed its state"),
                  LOG_FIELDS({.name = "from", .text = span_of_str(state_names[connection->state])},
                             {.name = "to", .text = span_of_str(state_names[to])},
                             {.name = "conn", .text = connection_id(connection)}),
                  NULL);
    connection->state = (uint8_t)to;
}

const char *connection_state_name(const struct connection *connection)
{
    return state_names[connection->state];
}

uint64_t connection_last_active_ms(const struct connection *connection)
{
    return connection->connected_at_ms + (connection->last_active_mono_ms - connection->connected_at_mono_ms);
}
