/* reader.h - finds in an event's JSON what a handler is given besides it: for events that did not come from a
 * connection of ours, but from whoever calls a function directly. Pure. */
#ifndef EVENT_READER_H
#define EVENT_READER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/span.h"

/* The fields of struct apigw_event. What the document does not have, or has in another type, is empty or 0. */
struct event_view {
    uint32_t type; /* enum apigw_event_type; APIGW_OTHER: no event of a WebSocket API, and all else is empty */
    uint32_t disconnect_status_code;
    uint64_t connected_at_ms;
    uint64_t request_time_ms;
    struct span connection_id;
    struct span route_key;
    struct span request_id;
    struct span message_id;
    struct span stage;
    struct span api_id;
    struct span domain_name;
    struct span source_ip;
    struct span user_agent;
    struct span disconnect_reason;
    struct span body;
};

/* Looks through a document. Spans point into it and into `text`, which is emptied first and holds what had to be
 * unescaped. */
struct event_view event_read(struct json_value document, struct buf *text);

#endif
