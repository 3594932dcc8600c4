/* frame.c - takes the host's frames apart: a fixed struct, then spans that must end exactly where the frame does. */
#include "function/frame.h"

/* Moves `size` bytes from the front of *rest to `out`; they need not be aligned. */
static int take_struct(struct span *rest, void *out, size_t size)
{
    if (rest->len < size)
        return -1;
    memcpy(out, rest->ptr, size);
    *rest = span_from(*rest, size);
    return 0;
}

static int take_span(struct span *rest, size_t len, struct span *ret)
{
    if (rest->len < len)
        return -1;
    *ret = span_of(rest->ptr, len);
    *rest = span_from(*rest, len);
    return 0;
}

int frame_read_started(struct span payload, struct protocol_started *ret)
{
    return take_struct(&payload, ret, sizeof(*ret)) == 0 && payload.len == 0 ? 0 : -1;
}

int frame_read_ready(struct span payload, struct protocol_ready *ret)
{
    return take_struct(&payload, ret, sizeof(*ret)) == 0 && payload.len == 0 ? 0 : -1;
}

static int take_headers(struct span *rest, size_t count, struct frame_answer *ret)
{
    struct {
        uint32_t name_len;
        uint32_t value_len;
    } lengths;

    for (size_t i = 0; i < count; i++) {
        struct invocation_header *h = &ret->headers[i];
        if (take_struct(rest, &lengths, sizeof(lengths)) < 0 || take_span(rest, lengths.name_len, &h->name) < 0 ||
            take_span(rest, lengths.value_len, &h->value) < 0)
            return -1;
    }
    return 0;
}

int frame_read_result(struct span payload, struct frame_answer *ret)
{
    struct protocol_result fixed;
    struct span body;

    if (take_struct(&payload, &fixed, sizeof(fixed)) < 0 || fixed.body_len > PROTOCOL_PAYLOAD_MAX ||
        fixed.header_count > PROTOCOL_HEADERS_MAX || take_span(&payload, fixed.body_len, &body) < 0 ||
        take_headers(&payload, fixed.header_count, ret) < 0 || payload.len > 0)
        return -1;
    if (!fixed.has_body && body.len > 0)
        return -1;
    ret->sequence = fixed.sequence;
    ret->usage = fixed.usage;
    ret->result = (struct invocation_result){
        .outcome = INVOCATION_RESULT,
        .status_code = fixed.status_code,
        .has_body = fixed.has_body != 0,
        .is_base64_encoded = fixed.is_base64_encoded != 0,
        .body = body,
        .headers = ret->headers,
        .header_count = fixed.header_count,
    };
    return 0;
}

int frame_read_result_json(struct span payload, struct frame_answer *ret)
{
    struct protocol_result_json fixed;
    struct span json;

    if (take_struct(&payload, &fixed, sizeof(fixed)) < 0 || fixed.json_len > PROTOCOL_PAYLOAD_MAX ||
        take_span(&payload, fixed.json_len, &json) < 0 || payload.len > 0)
        return -1;
    ret->sequence = fixed.sequence;
    ret->usage = fixed.usage;
    ret->result = (struct invocation_result){.outcome = INVOCATION_RESULT_JSON, .json = json};
    return 0;
}

int frame_read_error(struct span payload, struct frame_answer *ret)
{
    struct protocol_error fixed;
    struct span type, message;

    if (take_struct(&payload, &fixed, sizeof(fixed)) < 0 || fixed.type_len > PROTOCOL_ERROR_MAX ||
        fixed.message_len > PROTOCOL_ERROR_MAX || take_span(&payload, fixed.type_len, &type) < 0 ||
        take_span(&payload, fixed.message_len, &message) < 0 || payload.len > 0)
        return -1;
    ret->sequence = fixed.sequence;
    ret->usage = fixed.usage;
    ret->result = (struct invocation_result){.outcome = INVOCATION_ERROR, .error_type = type, .error_message = message};
    return 0;
}

int frame_read_call(struct span payload, struct frame_call *ret)
{
    struct protocol_call fixed;
    struct frame_call call = {0};

    if (take_struct(&payload, &fixed, sizeof(fixed)) < 0 || take_span(&payload, fixed.id_len, &call.id) < 0 ||
        take_span(&payload, fixed.data_len, &call.data) < 0 || payload.len > 0 || fixed.id_count > PROTOCOL_POSTS_MAX)
        return -1;
    call.op = fixed.op;
    call.id_count = fixed.id_count;
    *ret = call;
    return 0;
}

int frame_read_ids(const struct frame_call *call, struct span ret[PROTOCOL_POSTS_MAX])
{
    struct span rest = call->id;

    for (uint32_t i = 0; i < call->id_count; i++) {
        uint32_t len;

        if (take_struct(&rest, &len, sizeof(len)) < 0 || take_span(&rest, len, &ret[i]) < 0)
            return -1;
    }
    return rest.len == 0 ? 0 : -1;
}

int frame_read_log(struct span payload, struct frame_log *ret)
{
    struct protocol_log fixed;
    struct span line;

    if (take_struct(&payload, &fixed, sizeof(fixed)) < 0 || fixed.line_len > PROTOCOL_LOG_LINE_MAX ||
        take_span(&payload, fixed.line_len, &line) < 0 || payload.len > 0)
        return -1;
    *ret = (struct frame_log){fixed.sequence, fixed.level, line};
    return 0;
}
