/* fuzz_access_format.c - a format of access logs, the first line of the input, and what somebody has put into its
 * values, the rest (config/access_format.h, gateway/access_record.h). */
#include "base/mem.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "gateway/access_record.h"

/* What a client, a handler and an authorizer have a say in. */
static struct access_record record_of(struct span values, struct span members)
{
    const struct access_phase phase = {.ran = true,
                                       .latency_ms = values.len,
                                       .status = 200,
                                       .endpoint_status = 200,
                                       .request_id = values,
                                       .error = values};

    return (struct access_record){
        .event_type = SPAN("MESSAGE"),
        .route_key = values,
        .domain_name = values,
        .error_message = values,
        .identity = members,
        .authorizer = members,
        .authenticate = phase,
        .authorize = phase,
        .authorizer_phase = phase,
        .integration = phase,
    };
}

static void check_tokens(const struct access_format *format, struct span text)
{
    for (size_t i = 0; i < format->count; i++) {
        const struct access_token *token = &format->tokens[i];

        assert(token->variable < ACCESS_VARIABLE_COUNT && token->text.len > 0);
        assert(token->variable == ACCESS_TEXT || (token->len > 0 && token->offset + token->len <= text.len));
        if (token->variable == ACCESS_UNKNOWN)
            access_format_nearest(token->text);
    }
}

static void check_line(const struct access_format *format, struct span text, struct span values, struct span members)
{
    const struct access_record record = record_of(values, members);
    CLEANUP(buf_fini) struct buf line = {0};

    access_record_write(format, &record, &line);
    assert(line.len <= ACCESS_LINE_MAX);
    assert(line.len == 0 || (!memchr(line.ptr, '\n', line.len) && !memchr(line.ptr, '\r', line.len)));
    if (utf8_valid_prefix(text) == text.len)
        assert(utf8_valid_prefix(buf_span(&line)) == line.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span values = span_of((const char *)data, size);
    const struct span text = fuzz_line(&values);
    struct access_format *format = access_format_compile(text);

    check_tokens(format, text);
    check_line(format, text, values, values);
    check_line(format, text, values, SPAN("\"principalId\":\"me\\n\",\"userAgent\":\"\\u0000\\ud800\",\"n\":1"));
    access_format_free(format);
    return 0;
}
