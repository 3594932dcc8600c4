/* fuzz_frame.c - what an apigw-host sends (function/frame.h). The first byte of the input says which frame it is. */
#include "apigw/plugin.h"
#include "function/frame.h"
#include "fuzz.h"

static void check_headers(const struct frame_answer *answer, struct span payload)
{
    assert(answer->result.header_count <= PROTOCOL_HEADERS_MAX);
    for (size_t i = 0; i < answer->result.header_count; i++)
        assert(fuzz_within(answer->headers[i].name, payload) && fuzz_within(answer->headers[i].value, payload));
}

static void check_answer(int (*read)(struct span payload, struct frame_answer *ret), struct span payload)
{
    struct frame_answer answer = {0};

    if (read(payload, &answer) < 0)
        return;
    assert(fuzz_within(answer.result.body, payload) && fuzz_within(answer.result.json, payload));
    assert(fuzz_within(answer.result.error_type, payload) && fuzz_within(answer.result.error_message, payload));
    assert(answer.result.has_body || !answer.result.body.len);
    check_headers(&answer, payload);
}

/* The ids of a call for many are its bytes and nothing else. */
static void check_call(struct span payload)
{
    struct span ids[PROTOCOL_POSTS_MAX];
    struct frame_call call = {0};
    size_t bytes = 0;

    if (frame_read_call(payload, &call) < 0)
        return;
    assert(fuzz_within(call.id, payload) && fuzz_within(call.data, payload));
    assert(call.id_count <= PROTOCOL_POSTS_MAX);
    if (frame_read_ids(&call, ids) < 0)
        return;
    for (uint32_t i = 0; i < call.id_count; i++) {
        assert(fuzz_within(ids[i], call.id));
        bytes += sizeof(uint32_t) + ids[i].len;
    }
    assert(bytes == call.id.len);
}

static void check_log(struct span payload)
{
    struct frame_log log = {0};

    if (frame_read_log(payload, &log) == 0)
        assert(fuzz_within(log.line, payload) && log.line.len <= PROTOCOL_LOG_LINE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span payload = span_of((const char *)data + 1, size - 1);

    if (size == 0)
        return 0;
    switch (data[0] % 5) {
    case 0: check_answer(frame_read_result, payload); break;
    case 1: check_answer(frame_read_result_json, payload); break;
    case 2: check_answer(frame_read_error, payload); break;
    case 3: check_call(payload); break;
    default: check_log(payload);
    }
    return 0;
}
