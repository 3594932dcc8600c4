/* fuzz_expression.c - a selection expression, the first line of the input, and the message it is evaluated on, the rest
 * (config/expression.h). */
#include "base/json.h"
#include "base/mem.h"
#include "config/expression.h"
#include "fuzz.h"

static void expression_free_ptr(struct expression **e)
{
    expression_free(*e);
}

static void evaluate(const struct expression *e, struct span body, struct span null_text)
{
    CLEANUP(buf_fini) struct buf out = {0}, again = {0};
    struct json_value value;
    const bool is_json = json_parse(body, &value, NULL) == 0;
    const enum expression_result result = expression_evaluate(e, body, null_text, &out);

    assert(expression_evaluate(e, body, null_text, &again) == result);
    assert(span_equal(buf_span(&out), buf_span(&again)));
    if (result == EXPRESSION_NOT_JSON)
        assert(!is_json && out.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = span_of((const char *)data, size);
    const struct span text = fuzz_line(&body);
    CLEANUP(expression_free) struct expression *e = NULL;
    struct expression_error error = {0};

    if (expression_compile(text, &e, &error) < 0) {
        assert(error.len >= 1 && error.offset <= text.len && error.what[0]);
        assert(memchr(error.what, '\0', sizeof(error.what)));
        return 0;
    }
    evaluate(e, body, SPAN(""));
    evaluate(e, body, SPAN("null"));
    evaluate(e, SPAN("{\"action\":\"a\",\"list\":[1,[2,{\"k\":null}],\"\\u00e4\"],\"o\":{\"k\":{\"k\":true}}}"),
             SPAN(""));
    return 0;
}
