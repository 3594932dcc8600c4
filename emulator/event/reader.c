/* reader.c - one table of where the fields stand in a document.
 *
 * What makes a document an event of a WebSocket API is its requestContext.eventType; one with a methodArn is an
 * authorizer's. */
#include "event/reader.h"

#include <apigw/plugin.h>

/* The objects that fields are members of. */
enum place { IN_DOCUMENT, IN_CONTEXT, IN_IDENTITY, PLACE_COUNT };

static const struct {
    struct span name;
    uint32_t type;
} event_types[] = {
    {{"CONNECT", 7}, APIGW_CONNECT},
    {{"MESSAGE", 7}, APIGW_MESSAGE},
    {{"DISCONNECT", 10}, APIGW_DISCONNECT},
};

/* clang-format off */
static const struct {
    enum place place;
    const char *name;
    size_t offset;
} texts[] = {
    {IN_CONTEXT,  "connectionId",     offsetof(struct event_view, connection_id)},
    {IN_CONTEXT,  "routeKey",         offsetof(struct event_view, route_key)},
    {IN_CONTEXT,  "requestId",        offsetof(struct event_view, request_id)},
    {IN_CONTEXT,  "messageId",        offsetof(struct event_view, message_id)},
    {IN_CONTEXT,  "stage",            offsetof(struct event_view, stage)},
    {IN_CONTEXT,  "apiId",            offsetof(struct event_view, api_id)},
    {IN_CONTEXT,  "domainName",       offsetof(struct event_view, domain_name)},
    {IN_IDENTITY, "sourceIp",         offsetof(struct event_view, source_ip)},
    {IN_IDENTITY, "userAgent",        offsetof(struct event_view, user_agent)},
    {IN_CONTEXT,  "disconnectReason", offsetof(struct event_view, disconnect_reason)},
    {IN_DOCUMENT, "body",             offsetof(struct event_view, body)},
};
/* clang-format on */

static bool get(struct json_value object, const char *name, enum json_type type, struct json_value *ret)
{
    return object.type == JSON_OBJECT && json_get(object, span_of_str(name), ret) && ret->type == type;
}

/* `text` has room for everything that is unescaped, so no span into it moves. */
static struct span take_text(struct json_value string, struct buf *text)
{
    struct span plain;
    size_t start = text->len;

    if (json_string_plain(string, &plain))
        return plain;
    json_unescape(string, text);
    return span_of(text->ptr + start, text->len - start);
}

static uint64_t take_number(struct json_value context, const char *name, uint64_t max)
{
    struct json_value number;
    int64_t value;

    if (!get(context, name, JSON_NUMBER, &number) || json_int_value(number, &value) < 0 || value < 0 ||
        (uint64_t)value > max)
        return 0;
    return (uint64_t)value;
}

static uint32_t find_type(const struct json_value *places)
{
    struct json_value arn, name;

    if (!get(places[IN_CONTEXT], "eventType", JSON_STRING, &name))
        return APIGW_OTHER;
    for (size_t i = 0; i < sizeof(event_types) / sizeof(event_types[0]); i++)
        if (json_raw_equal(span_of(name.raw.ptr + 1, name.raw.len - 2), event_types[i].name))
            return get(places[IN_DOCUMENT], "methodArn", JSON_STRING, &arn) ? APIGW_AUTHORIZER : event_types[i].type;
    return APIGW_OTHER;
}

struct event_view event_read(struct json_value document, struct buf *text)
{
    struct json_value places[PLACE_COUNT] = {document};
    struct event_view view = {0};
    struct json_value string;

    buf_clear(text, 0);
    buf_reserve(text, document.raw.len);
    get(document, "requestContext", JSON_OBJECT, &places[IN_CONTEXT]);
    get(places[IN_CONTEXT], "identity", JSON_OBJECT, &places[IN_IDENTITY]);
    view.type = find_type(places);
    if (view.type == APIGW_OTHER)
        return view;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (get(places[texts[i].place], texts[i].name, JSON_STRING, &string))
            *(struct span *)((char *)&view + texts[i].offset) = take_text(string, text);
    view.disconnect_status_code = (uint32_t)take_number(places[IN_CONTEXT], "disconnectStatusCode", UINT32_MAX);
    view.connected_at_ms = take_number(places[IN_CONTEXT], "connectedAt", INT64_MAX);
    view.request_time_ms = take_number(places[IN_CONTEXT], "requestTimeEpoch", INT64_MAX);
    return view;
}
