/* payload.c - one writer for each outcome of an invocation. */
#include "management/payload.h"

#include "base/json.h"
#include "base/mem.h"
#include "gateway/text.h"

static void write_text(struct json_writer *w, struct span text)
{
    CLEANUP(buf_fini) struct buf repaired = {0};

    json_string(w, text_repaired(text, &repaired));
}

/* Of headers with one name the last counts: an object has each name once. */
static bool is_last_of_name(const struct invocation_result *result, size_t at)
{
    for (size_t i = at + 1; i < result->header_count; i++)
        if (span_equal_nocase(result->headers[i].name, result->headers[at].name))
            return false;
    return true;
}

static void write_headers(struct json_writer *w, const struct invocation_result *result)
{
    json_key(w, "headers");
    json_object_begin(w);
    for (size_t i = 0; i < result->header_count; i++) {
        CLEANUP(buf_fini) struct buf repaired = {0};

        if (!is_last_of_name(result, i))
            continue;
        json_key_span(w, text_repaired(result->headers[i].name, &repaired));
        write_text(w, result->headers[i].value);
    }
    json_object_end(w);
}

static void write_typed(const struct invocation_result *result, struct buf *out)
{
    struct json_writer w = {.out = out};

    json_object_begin(&w);
    if (result->status_code != 0) {
        json_key(&w, "statusCode");
        json_int(&w, result->status_code);
    }
    if (result->header_count > 0)
        write_headers(&w, result);
    if (result->has_body) {
        json_key(&w, "body");
        write_text(&w, result->body);
    }
    if (result->is_base64_encoded) {
        json_key(&w, "isBase64Encoded");
        json_bool(&w, true);
    }
    json_object_end(&w);
}

static void write_json(const struct invocation_result *result, struct buf *out)
{
    buf_append(out, result->json);
}

static void write_error(const struct invocation_result *result, struct buf *out)
{
    struct json_writer w = {.out = out};

    json_object_begin(&w);
    json_key(&w, "errorType");
    write_text(&w, result->error_type);
    json_key(&w, "errorMessage");
    write_text(&w, result->error_message);
    json_object_end(&w);
}

typedef void write_fn(const struct invocation_result *result, struct buf *out);

static const struct {
    write_fn *write;
    bool is_error;
} outcomes[] = {
    [INVOCATION_RESULT] = {write_typed, false},     [INVOCATION_RESULT_JSON] = {write_json, false},
    [INVOCATION_ERROR] = {write_error, true},       [INVOCATION_TIMED_OUT] = {write_error, true},
    [INVOCATION_THROTTLED] = {write_error, false},  [INVOCATION_STOPPED] = {write_error, false},
    [INVOCATION_NOT_STARTED] = {write_error, true},
};

bool payload_is_error(const struct invocation_result *result)
{
    return outcomes[result->outcome].is_error;
}

void payload_write(const struct invocation_result *result, struct buf *out)
{
    outcomes[result->outcome].write(result, out);
}
