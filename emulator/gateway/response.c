/* response.c - AWS's two shapes of an error. The first comes from a template of theirs with uneven spacing (observed in
 * every capture), so it is put together piece by piece. */
#include "gateway/response.h"

#include "base/json.h"

void response_write_error(struct buf *out, const char *message, struct span connection_id, struct span request_id)
{
    buf_append(out, SPAN("{\"message\": \""));
    json_escape(out, span_of_str(message));
    buf_append(out, SPAN("\", \"connectionId\":\""));
    json_escape(out, connection_id);
    buf_append(out, SPAN("\", \"requestId\":\""));
    json_escape(out, request_id);
    buf_append(out, SPAN("\"}"));
}

void response_write_message(struct buf *out, struct span message)
{
    struct json_writer w = {.out = out};

    json_object_begin(&w);
    json_key(&w, "message");
    json_string(&w, message);
    json_object_end(&w);
}
