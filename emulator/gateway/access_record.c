/* access_record.c - see access_record.h: each variable has its writer in one table. */
#include "gateway/access_record.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "gateway/text.h"

#define UNSET SPAN("-")

/* ---- values ---- */

static void write_text(struct span text, struct buf *out)
{
    CLEANUP(buf_fini) struct buf repaired = {0};

    if (text.len == 0)
        buf_append(out, UNSET);
    else
        json_escape(out, text_repaired(text, &repaired));
}

static void write_number(uint64_t number, bool known, struct buf *out)
{
    if (known)
        buf_printf(out, "%" PRIu64, number);
    else
        buf_append(out, UNSET);
}

/* A member of an object's members; what has no text of its own, such as a number, as it is written. */
static void write_member(struct span members, struct span name, struct buf *out)
{
    CLEANUP(buf_fini) struct buf object = {0};
    CLEANUP(buf_fini) struct buf text = {0};
    struct json_value root, value;

    buf_append_char(&object, '{');
    buf_append(&object, members);
    buf_append_char(&object, '}');
    if (json_parse(buf_span(&object), &root, NULL) < 0 || !json_get(root, name, &value)) {
        buf_append(out, UNSET);
        return;
    }
    if (value.type == JSON_STRING)
        json_unescape(value, &text);
    else if (value.type != JSON_NULL)
        buf_append(&text, value.raw);
    write_text(buf_span(&text), out);
}

/* ---- one writer for each variable ---- */

typedef void writer_fn(const struct access_record *r, struct span name, struct buf *out);

#define TEXT_WRITER(member)                                                                      \
    static void write_##member(const struct access_record *r, struct span name, struct buf *out) \
    {                                                                                            \
        write_text(r->member, out);                                                              \
    }

TEXT_WRITER(api_id)
TEXT_WRITER(stage)
TEXT_WRITER(event_type)
TEXT_WRITER(route_key)
TEXT_WRITER(connection_id)
TEXT_WRITER(request_id)
TEXT_WRITER(message_id)
TEXT_WRITER(domain_name)
TEXT_WRITER(error_message)

#define PHASE_WRITERS(phase)                                                                              \
    static void write_##phase##_error(const struct access_record *r, struct span name, struct buf *out)   \
    {                                                                                                     \
        write_text(r->phase.error, out);                                                                  \
    }                                                                                                     \
    static void write_##phase##_latency(const struct access_record *r, struct span name, struct buf *out) \
    {                                                                                                     \
        write_number(r->phase.latency_ms, r->phase.ran, out);                                             \
    }                                                                                                     \
    static void write_##phase##_status(const struct access_record *r, struct span name, struct buf *out)  \
    {                                                                                                     \
        write_number(r->phase.status, r->phase.status > 0, out);                                          \
    }

#define ENDPOINT_WRITERS(phase)                                                                                   \
    PHASE_WRITERS(phase)                                                                                          \
    static void write_##phase##_endpoint_status(const struct access_record *r, struct span name, struct buf *out) \
    {                                                                                                             \
        write_number(r->phase.endpoint_status, r->phase.endpoint_status > 0, out);                                \
    }                                                                                                             \
    static void write_##phase##_request_id(const struct access_record *r, struct span name, struct buf *out)      \
    {                                                                                                             \
        write_text(r->phase.request_id, out);                                                                     \
    }

PHASE_WRITERS(authenticate)
PHASE_WRITERS(authorize)
ENDPOINT_WRITERS(authorizer_phase)
ENDPOINT_WRITERS(integration)

/* What the emulator has nothing to say about: Cognito, organizations, WAF, request models. */
static void write_unset(const struct access_record *r, struct span name, struct buf *out)
{
    buf_append(out, UNSET);
}

static void write_status(const struct access_record *r, struct span name, struct buf *out)
{
    write_number(r->status, r->status > 0, out);
}

static void write_connected_at(const struct access_record *r, struct span name, struct buf *out)
{
    write_number(r->connected_at_ms, r->connected_at_ms > 0, out);
}

static void write_request_time_epoch(const struct access_record *r, struct span name, struct buf *out)
{
    write_number(r->request_time_ms, true, out);
}

static void write_request_time(const struct access_record *r, struct span name, struct buf *out)
{
    char text[CLOCK_CLF_SIZE];

    clock_format_clf(r->request_time_ms, text);
    buf_append_str(out, text);
}

/* The first label of the name, as of a tenant with a wildcard domain. */
static void write_domain_prefix(const struct access_record *r, struct span name, struct buf *out)
{
    size_t len = 0;

    while (len < r->domain_name.len && r->domain_name.ptr[len] != '.')
        len++;
    write_text(span_of(r->domain_name.ptr, len), out);
}

static void write_error_response_type(const struct access_record *r, struct span name, struct buf *out)
{
    write_text(span_of_str(r->error_response_type), out);
}

static void write_error_message_string(const struct access_record *r, struct span name, struct buf *out)
{
    if (r->error_message.len > 0)
        buf_append_char(out, '"');
    write_text(r->error_message, out);
    if (r->error_message.len > 0)
        buf_append_char(out, '"');
}

static void write_authorizer_property(const struct access_record *r, struct span name, struct buf *out)
{
    write_member(r->authorizer, name, out);
}

#define IDENTITY_WRITER(id, member)                                                                   \
    static void write_identity_##id(const struct access_record *r, struct span name, struct buf *out) \
    {                                                                                                 \
        write_member(r->identity, SPAN(member), out);                                                 \
    }

IDENTITY_WRITER(account_id, "accountId")
IDENTITY_WRITER(api_key, "apiKey")
IDENTITY_WRITER(api_key_id, "apiKeyId")
IDENTITY_WRITER(caller, "caller")
IDENTITY_WRITER(source_ip, "sourceIp")
IDENTITY_WRITER(user, "user")
IDENTITY_WRITER(user_agent, "userAgent")
IDENTITY_WRITER(user_arn, "userArn")

/* clang-format off */
static writer_fn *const writers[ACCESS_VARIABLE_COUNT] = {
    [ACCESS_API_ID]                         = write_api_id,
    [ACCESS_AUTHENTICATE_ERROR]             = write_authenticate_error,
    [ACCESS_AUTHENTICATE_LATENCY]           = write_authenticate_latency,
    [ACCESS_AUTHENTICATE_STATUS]            = write_authenticate_status,
    [ACCESS_AUTHORIZE_ERROR]                = write_authorize_error,
    [ACCESS_AUTHORIZE_LATENCY]              = write_authorize_latency,
    [ACCESS_AUTHORIZE_STATUS]               = write_authorize_status,
    [ACCESS_AUTHORIZER_ERROR]               = write_authorizer_phase_error,
    [ACCESS_AUTHORIZER_INTEGRATION_LATENCY] = write_authorizer_phase_latency,
    [ACCESS_AUTHORIZER_INTEGRATION_STATUS]  = write_authorizer_phase_endpoint_status,
    [ACCESS_AUTHORIZER_LATENCY]             = write_authorizer_phase_latency,
    [ACCESS_AUTHORIZER_PROPERTY]            = write_authorizer_property,
    [ACCESS_AUTHORIZER_REQUEST_ID]          = write_authorizer_phase_request_id,
    [ACCESS_AUTHORIZER_STATUS]              = write_authorizer_phase_status,
    [ACCESS_AWS_ENDPOINT_REQUEST_ID]        = write_integration_request_id,
    [ACCESS_CONNECTED_AT]                   = write_connected_at,
    [ACCESS_CONNECTION_ID]                  = write_connection_id,
    [ACCESS_DOMAIN_NAME]                    = write_domain_name,
    [ACCESS_DOMAIN_PREFIX]                  = write_domain_prefix,
    [ACCESS_ERROR_MESSAGE]                  = write_error_message,
    [ACCESS_ERROR_MESSAGE_STRING]           = write_error_message_string,
    [ACCESS_ERROR_RESPONSE_TYPE]            = write_error_response_type,
    [ACCESS_ERROR_VALIDATION_ERROR_STRING]  = write_unset,
    [ACCESS_EVENT_TYPE]                     = write_event_type,
    [ACCESS_EXTENDED_REQUEST_ID]            = write_request_id,
    [ACCESS_IDENTITY_ACCOUNT_ID]            = write_identity_account_id,
    [ACCESS_IDENTITY_API_KEY]               = write_identity_api_key,
    [ACCESS_IDENTITY_API_KEY_ID]            = write_identity_api_key_id,
    [ACCESS_IDENTITY_CALLER]                = write_identity_caller,
    [ACCESS_IDENTITY_COGNITO_PROVIDER]      = write_unset,
    [ACCESS_IDENTITY_COGNITO_TYPE]          = write_unset,
    [ACCESS_IDENTITY_COGNITO_ID]            = write_unset,
    [ACCESS_IDENTITY_COGNITO_POOL_ID]       = write_unset,
    [ACCESS_IDENTITY_PRINCIPAL_ORG_ID]      = write_unset,
    [ACCESS_IDENTITY_SOURCE_IP]             = write_identity_source_ip,
    [ACCESS_IDENTITY_USER]                  = write_identity_user,
    [ACCESS_IDENTITY_USER_AGENT]            = write_identity_user_agent,
    [ACCESS_IDENTITY_USER_ARN]              = write_identity_user_arn,
    [ACCESS_INTEGRATION_ERROR]              = write_integration_error,
    [ACCESS_INTEGRATION_INTEGRATION_STATUS] = write_integration_endpoint_status,
    [ACCESS_INTEGRATION_LATENCY]            = write_integration_latency,
    [ACCESS_INTEGRATION_LATENCY_ALONE]      = write_integration_latency,
    [ACCESS_INTEGRATION_REQUEST_ID]         = write_integration_request_id,
    [ACCESS_INTEGRATION_STATUS]             = write_integration_status,
    [ACCESS_INTEGRATION_STATUS_ALONE]       = write_integration_status,
    [ACCESS_MESSAGE_ID]                     = write_message_id,
    [ACCESS_REQUEST_ID]                     = write_request_id,
    [ACCESS_REQUEST_TIME]                   = write_request_time,
    [ACCESS_REQUEST_TIME_EPOCH]             = write_request_time_epoch,
    [ACCESS_ROUTE_KEY]                      = write_route_key,
    [ACCESS_STAGE]                          = write_stage,
    [ACCESS_STATUS]                         = write_status,
    [ACCESS_UNKNOWN]                        = write_unset,
    [ACCESS_WAF_ERROR]                      = write_unset,
    [ACCESS_WAF_LATENCY]                    = write_unset,
    [ACCESS_WAF_STATUS]                     = write_unset,
};
/* clang-format on */

/* ---- the line ---- */

/* Cuts what was appended from `start` on, between two characters. */
static void cut(struct buf *out, size_t start)
{
    size_t len = start + ACCESS_LINE_MAX;

    while (len > start && ((unsigned char)out->ptr[len] & 0xc0) == 0x80)
        len--;
    out->len = len;
}

void access_record_write(const struct access_format *format, const struct access_record *record, struct buf *out)
{
    const size_t start = out->len;

    for (size_t i = 0; i < format->count && out->len - start <= ACCESS_LINE_MAX; i++) {
        const struct access_token *token = &format->tokens[i];

        if (token->variable == ACCESS_TEXT)
            buf_append(out, token->text);
        else
            writers[token->variable](record, token->text, out);
    }
    if (out->len - start > ACCESS_LINE_MAX)
        cut(out, start);
}
