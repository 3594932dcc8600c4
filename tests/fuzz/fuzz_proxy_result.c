/* fuzz_proxy_result.c - what a function returns (integration/proxy_result.h). */
#include "base/json.h"
#include "base/mem.h"
#include "fuzz.h"
#include "integration/proxy_result.h"

static bool is_header_value(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') /* a char is signed or not; both refuse what is no ASCII */
            return false;
    return true;
}

/* Read in one pass, a body is what a look for that member alone finds. */
static void check_body(struct json_value object, const struct proxy_result *result)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct json_value body;

    if (!json_get(object, SPAN("body"), &body) || body.type == JSON_NULL) {
        assert(!result->has_body);
        return;
    }
    assert(result->has_body && body.type == JSON_STRING);
    json_unescape(body, &text);
    assert(span_equal(result->body, buf_span(&text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span json = span_of((const char *)data, size);
    CLEANUP(buf_fini) struct buf text = {0};
    struct proxy_result result = {.status_code = -77};
    struct json_value value;
    const char *why = NULL;

    if (proxy_result_parse(json, &text, &result, &why) < 0) {
        assert(why && *why && result.status_code == -77);
        return 0;
    }
    assert(json_parse(json, &value, NULL) == 0 && value.type == JSON_OBJECT);
    check_body(value, &result);
    if (!json_get(value, SPAN("statusCode"), &value) || value.type == JSON_NULL)
        assert(result.status_code == 200);
    assert(result.has_body || !result.body.len);
    assert(fuzz_within(result.body, json) || fuzz_within(result.body, buf_span(&text)));
    assert(fuzz_within(result.subprotocol, json) || fuzz_within(result.subprotocol, buf_span(&text)) ||
           span_equal(result.subprotocol, SPAN("true")) || span_equal(result.subprotocol, SPAN("false")));
    assert(is_header_value(result.subprotocol));
    return 0;
}
