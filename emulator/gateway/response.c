/* response.c - AWS's two shapes of an error. The first comes from a template of theirs with uneven spacing (observed in
 * every capture), so it is put together piece by piece. */
#include "gateway/response.h"

#include "base/json.h"
#include "base/mem.h"
#include "gateway/text.h"

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

static void write_member(struct buf *out, const char *key, struct span message)
{
    struct json_writer w = {.out = out};

    json_object_begin(&w);
    json_key(&w, key);
    if (message.ptr)
        json_string(&w, message);
    else
        json_raw(&w, SPAN("null"));
    json_object_end(&w);
}

void response_write_message(struct buf *out, struct span message)
{
    write_member(out, "message", message);
}

void response_write_refusal(struct buf *out, const struct rule *rule, struct span message)
{
    CLEANUP(buf_fini) struct buf repaired = {0};

    if (message.ptr)
        message = text_repaired(message, &repaired);
    write_member(out, rule->message_key ? rule->message_key : "message", message);
}

void response_fill(struct buf *out, const char *message, const struct span *values)
{
    const char *hole;

    for (; (hole = strstr(message, "{}")); message = hole + 2) {
        buf_append(out, span_of(message, (size_t)(hole - message)));
        buf_append(out, *values++);
    }
    buf_append_str(out, message);
}
