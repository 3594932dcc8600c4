/* test_access_format.c - what a format of access logs is made of, and what a line says of an event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "config/access_format.h"
#include "gateway/access_record.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One of which everything is known. */
static const struct access_record full = {
    .api_id = {"a1b2c3d4e5", 10},
    .stage = {"dev", 3},
    .event_type = {"MESSAGE", 7},
    .route_key = {"say", 3},
    .connection_id = {"L0SM9cOFvHcCIhw=", 16},
    .request_id = {"eHrjDEuVPHcFWMg=", 16},
    .message_id = {"eHrjDdQ6PHcCE-w=", 16},
    .domain_name = {"acme.example.com", 16},
    .identity =
        {"\"apiKey\":\"key of twenty chars!\",\"userArn\":\"arn:aws:iam::123456789012:user/ann\",\"apiKeyId\":\"k1\","
         "\"accountId\":\"123456789012\",\"caller\":\"AIDA\",\"sourceIp\":\"192.0.2.7\",\"userAgent\":\"agent/"
         "1.0\",\"user\":\"AIDU\"",
         0},
    .authorizer = {"\"principalId\":\"me\",\"key\":\"value\",\"numKey\":1,\"boolKey\":true,\"nothing\":null", 0},
    .request_time_ms = 1642404541000,
    .connected_at_ms = 1642404540123,
    .status = 502,
    .error_message = {"Internal server error", 21},
    .error_response_type = "INTEGRATION_FAILURE",
    .authenticate = {.ran = true, .latency_ms = 1, .status = 200},
    .authorize = {.ran = true, .latency_ms = 2, .status = 403, .error = {"no", 2}},
    .authorizer_phase = {.ran = true,
                         .latency_ms = 42,
                         .status = 500,
                         .endpoint_status = 200,
                         .request_id = {"11111111-2222-3333-4444-555555555555", 36},
                         .error = {"broken", 6}},
    .integration = {.ran = true,
                    .latency_ms = 7,
                    .status = 418,
                    .endpoint_status = 200,
                    .request_id = {"99999999-2222-3333-4444-555555555555", 36},
                    .error = {"Boom: it \"broke\"", 16}},
};

static struct access_record full_record(void)
{
    struct access_record record = full;

    record.identity = span_of_str(full.identity.ptr);
    record.authorizer = span_of_str(full.authorizer.ptr);
    return record;
}

static void render(const char *text, const struct access_record *record, struct buf *out)
{
    struct access_format *format = access_format_compile(span_of_str(text));

    access_record_write(format, record, out);
    access_format_free(format);
}

static void check_line(const char *text, const struct access_record *record, const char *expected)
{
    CLEANUP(buf_fini) struct buf line = {0};

    render(text, record, &line);
    assert_string_equal(buf_terminate(&line), expected);
}

/* ---- AWS's samples ---- */

/* Developer guide, "Configure logging for WebSocket APIs", as they are printed there. */
#define SAMPLE_CLF                                                                                                  \
    "$context.identity.sourceIp $context.identity.caller \\\n"                                                      \
    "$context.identity.user [$context.requestTime] \"$context.eventType $context.routeKey $context.connectionId\" " \
    "\\\n"                                                                                                          \
    "$context.status $context.requestId\n"
#define SAMPLE_JSON                                  \
    "{\n"                                            \
    "\"requestId\":\"$context.requestId\", \\\n"     \
    "\"ip\": \"$context.identity.sourceIp\", \\\n"   \
    "\"caller\":\"$context.identity.caller\", \\\n"  \
    "\"user\":\"$context.identity.user\", \\\n"      \
    "\"requestTime\":\"$context.requestTime\", \\\n" \
    "\"eventType\":\"$context.eventType\", \\\n"     \
    "\"routeKey\":\"$context.routeKey\", \\\n"       \
    "\"status\":\"$context.status\", \\\n"           \
    "\"connectionId\":\"$context.connectionId\"\n"   \
    "}\n"
#define SAMPLE_XML                                            \
    "<request id=\"$context.requestId\"> \\\n"                \
    "<ip>$context.identity.sourceIp</ip> \\\n"                \
    "<caller>$context.identity.caller</caller> \\\n"          \
    "<user>$context.identity.user</user> \\\n"                \
    "<requestTime>$context.requestTime</requestTime> \\\n"    \
    "<eventType>$context.eventType</eventType> \\\n"          \
    "<routeKey>$context.routeKey</routeKey> \\\n"             \
    "<status>$context.status</status> \\\n"                   \
    "<connectionId>$context.connectionId</connectionId> \\\n" \
    "</request>\n"
#define SAMPLE_CSV                                                         \
    "$context.identity.sourceIp,$context.identity.caller, \\\n"            \
    "$context.identity.user,$context.requestTime,$context.eventType, \\\n" \
    "$context.routeKey,$context.connectionId,$context.status, \\\n"        \
    "$context.requestId\n"

static void the_samples_of_the_developer_guide_work_unchanged(void **state)
{
    static const struct {
        const char *format, *line;
    } samples[] = {
        {SAMPLE_CLF, "192.0.2.7 AIDA AIDU [17/Jan/2022:07:29:01 +0000] \"MESSAGE say L0SM9cOFvHcCIhw=\" 502 "
                     "eHrjDEuVPHcFWMg="},
        {SAMPLE_JSON, "{\"requestId\":\"eHrjDEuVPHcFWMg=\", \"ip\": \"192.0.2.7\", \"caller\":\"AIDA\", "
                      "\"user\":\"AIDU\", \"requestTime\":\"17/Jan/2022:07:29:01 +0000\", \"eventType\":\"MESSAGE\", "
                      "\"routeKey\":\"say\", \"status\":\"502\", \"connectionId\":\"L0SM9cOFvHcCIhw=\"}"},
        {SAMPLE_XML, "<request id=\"eHrjDEuVPHcFWMg=\"> <ip>192.0.2.7</ip> <caller>AIDA</caller> <user>AIDU</user> "
                     "<requestTime>17/Jan/2022:07:29:01 +0000</requestTime> <eventType>MESSAGE</eventType> "
                     "<routeKey>say</routeKey> <status>502</status> <connectionId>L0SM9cOFvHcCIhw=</connectionId> "
                     "</request>"},
        {SAMPLE_CSV, "192.0.2.7,AIDA, AIDU,17/Jan/2022:07:29:01 +0000,MESSAGE, say,L0SM9cOFvHcCIhw=,502, "
                     "eHrjDEuVPHcFWMg="},
        {ACCESS_FORMAT_DEFAULT,
         "{ \"requestId\":\"eHrjDEuVPHcFWMg=\", \"ip\": \"192.0.2.7\", \"caller\":\"AIDA\", \"user\":\"AIDU\","
         "\"requestTime\":\"17/Jan/2022:07:29:01 +0000\", \"eventType\":\"MESSAGE\",\"routeKey\":\"say\", "
         "\"status\":\"502\",\"connectionId\":\"L0SM9cOFvHcCIhw=\"}"},
    };
    const struct access_record record = full_record();

    for (size_t i = 0; i < COUNT(samples); i++)
        check_line(samples[i].format, &record, samples[i].line);
}

static void line_breaks_are_left_out_and_counted_but_for_the_last_one(void **state)
{
    static const struct {
        const char *text;
        size_t breaks;
        const char *line;
    } cases[] = {
        {"a\n", 0, "a"},         {"a\r\n", 0, "a"},     {"a\\n", 0, "a"},    {"a\nb", 1, "ab"},
        {"a \\\nb\n", 1, "a b"}, {"a\\\r\nb", 1, "ab"}, {"a\\b", 0, "a\\b"}, {"\n\n", 0, ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct access_format *format = access_format_compile(span_of_str(cases[i].text));

        assert_int_equal(format->breaks, cases[i].breaks);
        access_format_free(format);
        check_line(cases[i].text, &full, cases[i].line);
    }
}

/* ---- every variable ---- */

static void each_variable_prints_what_is_known_of_it(void **state)
{
    static const struct {
        const char *name, *value;
    } variables[] = {
        {"apiId", "a1b2c3d4e5"},
        {"authenticate.error", "-"},
        {"authenticate.latency", "1"},
        {"authenticate.status", "200"},
        {"authorize.error", "no"},
        {"authorize.latency", "2"},
        {"authorize.status", "403"},
        {"authorizer.error", "broken"},
        {"authorizer.integrationLatency", "42"},
        {"authorizer.integrationStatus", "200"},
        {"authorizer.latency", "42"},
        {"authorizer.requestId", "11111111-2222-3333-4444-555555555555"},
        {"authorizer.status", "500"},
        {"authorizer.principalId", "me"},
        {"authorizer.key", "value"},
        {"authorizer.numKey", "1"},
        {"authorizer.boolKey", "true"},
        {"authorizer.nothing", "-"},
        {"authorizer.absent", "-"},
        {"awsEndpointRequestId", "99999999-2222-3333-4444-555555555555"},
        {"connectedAt", "1642404540123"},
        {"connectionId", "L0SM9cOFvHcCIhw="},
        {"domainName", "acme.example.com"},
        {"domainPrefix", "acme"},
        {"error.message", "Internal server error"},
        {"error.messageString", "\"Internal server error\""},
        {"error.responseType", "INTEGRATION_FAILURE"},
        {"error.validationErrorString", "-"},
        {"eventType", "MESSAGE"},
        {"extendedRequestId", "eHrjDEuVPHcFWMg="},
        {"identity.accountId", "123456789012"},
        {"identity.apiKey", "key of twenty chars!"},
        {"identity.apiKeyId", "k1"},
        {"identity.caller", "AIDA"},
        {"identity.cognitoAuthenticationProvider", "-"},
        {"identity.cognitoAuthenticationType", "-"},
        {"identity.cognitoIdentityId", "-"},
        {"identity.cognitoIdentityPoolId", "-"},
        {"identity.principalOrgId", "-"},
        {"identity.sourceIp", "192.0.2.7"},
        {"identity.user", "AIDU"},
        {"identity.userAgent", "agent/1.0"},
        {"identity.userArn", "arn:aws:iam::123456789012:user/ann"},
        {"integration.error", "Boom: it \\\"broke\\\""},
        {"integration.integrationStatus", "200"},
        {"integration.latency", "7"},
        {"integration.requestId", "99999999-2222-3333-4444-555555555555"},
        {"integration.status", "418"},
        {"integrationLatency", "7"},
        {"integrationStatus", "418"},
        {"messageId", "eHrjDdQ6PHcCE-w="},
        {"requestId", "eHrjDEuVPHcFWMg="},
        {"requestTime", "17/Jan/2022:07:29:01 +0000"},
        {"requestTimeEpoch", "1642404541000"},
        {"routeKey", "say"},
        {"stage", "dev"},
        {"status", "502"},
        {"waf.error", "-"},
        {"waf.latency", "-"},
        {"waf.status", "-"},
        {"httpMethod", "-"},
    };
    const struct access_record record = full_record();

    for (size_t i = 0; i < COUNT(variables); i++) {
        CLEANUP(free) char *text = mem_printf("<$context.%s>", variables[i].name);
        CLEANUP(free) char *expected = mem_printf("<%s>", variables[i].value);

        check_line(text, &record, expected);
    }
}

/* So that the list above, and the table of writers, miss none. */
static void no_variable_is_without_a_writer_and_of_nothing_each_prints_a_dash(void **state)
{
#define NAME_(id, name) name,
    static const char *const names[] = {ACCESS_VARIABLES(NAME_)};
    const struct access_record nothing = {0};

    for (size_t i = 0; i < COUNT(names); i++) {
        CLEANUP(free) char *text = mem_printf("$context.%s", names[i]);
        CLEANUP(buf_fini) struct buf line = {0};

        render(text, &nothing, &line);
        if (strncmp(names[i], "requestTime", 11) == 0)
            assert_true(line.len > 0);
        else
            assert_string_equal(buf_terminate(&line), "-");
    }
    check_line("$context.authorizer.principalId", &nothing, "-");
}

/* ---- where a variable ends ---- */

static void a_variable_ends_where_its_name_does(void **state)
{
    static const struct {
        const char *format, *line;
    } cases[] = {
        {"$context.requestId-$context.stage", "eHrjDEuVPHcFWMg=-dev"},
        {"$context.stage.$context.status.", "dev.502."},
        {"$context.stage.x", "dev.x"},
        {"$context.status,", "502,"},
        {"$context.authorizer.error-x", "broken-x"},
        {"$context.authorizer.key.", "value."},
        {"$context.authorizer.a-b", "-"},
        {"$context.integrationLatency", "7"},
        {"$context.integrationLatencyy", "-"},
        {"$context.", "$context."},
        {"$context..stage", "$context..stage"},
        {"$context", "$context"},
        {"$$context.stage", "$dev"},
        {"$contextual.stage", "$contextual.stage"},
        {"$context.Stage", "-"},
        {"$context.authorizer", "-"},
        {"$context.error", "-"},
        {"", ""},
    };
    const struct access_record record = full_record();

    for (size_t i = 0; i < COUNT(cases); i++)
        check_line(cases[i].format, &record, cases[i].line);
}

static void an_unknown_variable_is_found_with_its_place_and_the_nearest_name(void **state)
{
    const char *text = "$context.requestId $context.conectionId $context.authorizer.anything";
    struct access_format *format = access_format_compile(span_of_str(text));
    const struct access_token *token = &format->tokens[2];

    assert_int_equal(format->count, 5);
    assert_int_equal(token->variable, ACCESS_UNKNOWN);
    assert_int_equal(token->offset, strlen("$context.requestId "));
    assert_int_equal(token->len, strlen("$context.conectionId"));
    assert_string_equal(access_format_nearest(token->text), "connectionId");
    assert_int_equal(format->tokens[4].variable, ACCESS_AUTHORIZER_PROPERTY);
    assert_true(access_format_has_request_id(format));
    access_format_free(format);
}

static void a_format_needs_one_of_the_two_request_ids(void **state)
{
    static const struct {
        const char *text;
        bool has;
    } cases[] = {{"$context.requestId", true},        {"x $context.extendedRequestId", true},
                 {"$context.requestTime", false},     {"requestId", false},
                 {"$context.requestIdentity", false}, {"$context.integration.requestId", false}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct access_format *format = access_format_compile(span_of_str(cases[i].text));

        assert_int_equal(access_format_has_request_id(format), cases[i].has);
        access_format_free(format);
    }
}

/* ---- hostile values ---- */

static void no_value_can_forge_a_line_or_a_field_of_json(void **state)
{
    struct access_record record = {
        .domain_name = SPAN("x\",\"status\":\"200\n192.0.2.9 \\ \x1b[31m\x01"),
        .request_id = SPAN("r"),
        .route_key = SPAN("\xff\xfe\xc3"),
    };
    CLEANUP(buf_fini) struct buf line = {0};
    CLEANUP(buf_fini) struct buf agent = {0};
    struct json_value root, value;

    render("{\"ua\":\"$context.domainName\",\"route\":\"$context.routeKey\",\"id\":\"$context.requestId\"}", &record,
           &line);
    assert_null(memchr(line.ptr, '\n', line.len));
    assert_int_equal(utf8_valid_prefix(buf_span(&line)), line.len);
    assert_int_equal(json_parse(buf_span(&line), &root, NULL), 0);
    assert_true(json_get(root, SPAN("ua"), &value));
    json_unescape(value, &agent);
    assert_true(span_equal(buf_span(&agent), record.domain_name));
    assert_false(json_get(root, SPAN("status"), &value));
}

static void a_line_is_cut_at_its_limit_between_two_characters(void **state)
{
    CLEANUP(buf_fini) struct buf agent = {0};
    CLEANUP(buf_fini) struct buf text = {0};
    CLEANUP(buf_fini) struct buf line = {0};
    struct access_record record = {0};

    for (size_t i = 0; i < 8192; i++)
        buf_append_str(&agent, "\xe2\x82\xac");
    record.domain_name = buf_span(&agent);
    for (size_t i = 0; i < 100; i++)
        buf_append_str(&text, "$context.domainName");
    buf_append_str(&line, "kept\n");
    render(buf_terminate(&text), &record, &line);
    assert_in_range(line.len, 5 + ACCESS_LINE_MAX - 3, 5 + ACCESS_LINE_MAX);
    assert_int_equal(utf8_valid_prefix(buf_span(&line)), line.len);
    assert_memory_equal(line.ptr, "kept\n", 5);
}

/* Every byte as the format, and every beginning of one. */
static void any_bytes_are_a_format(void **state)
{
    const char *whole = "\\\r\n$context.authorizer.-.x$context.error.messageString\\n";
    const struct access_record record = full_record();

    for (unsigned c = 1; c < 256; c++) {
        char text[] = {(char)c, (char)c, (char)c, 0};
        CLEANUP(buf_fini) struct buf line = {0};

        render(text, &record, &line);
    }
    for (size_t len = 0; len <= strlen(whole); len++) {
        CLEANUP(free) char *text = mem_span_dup(span_of(whole, len));
        CLEANUP(buf_fini) struct buf line = {0};

        render(text, &record, &line);
        assert_null(line.len > 0 ? memchr(line.ptr, '\n', line.len) : NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_samples_of_the_developer_guide_work_unchanged),
        cmocka_unit_test(line_breaks_are_left_out_and_counted_but_for_the_last_one),
        cmocka_unit_test(each_variable_prints_what_is_known_of_it),
        cmocka_unit_test(no_variable_is_without_a_writer_and_of_nothing_each_prints_a_dash),
        cmocka_unit_test(a_variable_ends_where_its_name_does),
        cmocka_unit_test(an_unknown_variable_is_found_with_its_place_and_the_nearest_name),
        cmocka_unit_test(a_format_needs_one_of_the_two_request_ids),
        cmocka_unit_test(no_value_can_forge_a_line_or_a_field_of_json),
        cmocka_unit_test(a_line_is_cut_at_its_limit_between_two_characters),
        cmocka_unit_test(any_bytes_are_a_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
