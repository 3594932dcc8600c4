/* document.c - the document goes in whole; a body is in it already, and once more as the handler's field. */
#include "function/document.h"

#include "base/utf8.h"
#include "event/reader.h"

static const struct {
    enum protocol_field field;
    size_t offset;
} places[] = {
    {FIELD_CONNECTION_ID, offsetof(struct event_view, connection_id)},
    {FIELD_ROUTE_KEY, offsetof(struct event_view, route_key)},
    {FIELD_REQUEST_ID, offsetof(struct event_view, request_id)},
    {FIELD_MESSAGE_ID, offsetof(struct event_view, message_id)},
    {FIELD_STAGE, offsetof(struct event_view, stage)},
    {FIELD_API_ID, offsetof(struct event_view, api_id)},
    {FIELD_DOMAIN_NAME, offsetof(struct event_view, domain_name)},
    {FIELD_SOURCE_IP, offsetof(struct event_view, source_ip)},
    {FIELD_USER_AGENT, offsetof(struct event_view, user_agent)},
    {FIELD_DISCONNECT_REASON, offsetof(struct event_view, disconnect_reason)},
    {FIELD_BODY, offsetof(struct event_view, body)},
};

int document_parse(struct span text, struct json_value *ret, struct json_error *ret_error)
{
    const size_t valid = utf8_valid_prefix(text);

    if (json_parse(text, ret, ret_error) < 0)
        return -1;
    if (valid == text.len)
        return 0;
    *ret_error = (struct json_error){.offset = valid, .what = "a byte that is not UTF-8"};
    return -1;
}

void invocation_request_from_document(struct invocation_request *ret, struct span whole, struct json_value document,
                                      struct buf *text)
{
    const struct event_view view = event_read(document, text);

    *ret = (struct invocation_request){
        .event_type = view.type,
        .disconnect_status_code = view.disconnect_status_code,
        .connected_at_ms = view.connected_at_ms,
        .request_time_ms = view.request_time_ms,
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        ret->fields[places[i].field] = *(const struct span *)((const char *)&view + places[i].offset);
    ret->fields[FIELD_EVENT_HEAD] = whole;
}
