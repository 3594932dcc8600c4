/* test_event.c - the documents that handlers receive, byte for byte as AWS sends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "event/event.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void assert_text(const struct buf *actual, const char *expected)
{
    if (!span_equal(buf_span(actual), span_of_str(expected)))
        fail_msg("\n     got %.*s\nexpected %s", (int)actual->len, actual->ptr, expected);
}

static struct json_value parsed(const struct buf *document)
{
    struct json_value value;
    struct json_error error;

    assert_int_equal(utf8_valid_prefix(buf_span(document)), document->len);
    if (json_parse(buf_span(document), &value, &error) != 0)
        fail_msg("refused at %zu: %s: %.*s", error.offset, error.what, (int)document->len, document->ptr);
    return value;
}

/* The raw text of a top-level member, or an empty span. */
static struct span member(const struct buf *document, const char *key)
{
    struct json_value value;

    return json_get(parsed(document), span_of_str(key), &value) ? value.raw : (struct span){0};
}

static void assert_member(const struct buf *document, const char *key, const char *expected)
{
    const struct span raw = member(document, key);

    if (!span_equal(raw, span_of_str(expected)))
        fail_msg("%s\n     got " SPAN_FMT "\nexpected %s", key, SPAN_ARG(raw), expected);
}

/* ---- what the captures were made with ---- */

static const struct event_api api = {.api_id = {"asasasas", 8}, .stage = {"prod", 4}};

static const struct event_peer peer = {
    .connection_id = {"BFaT_fALIAMCKug=", 16},
    .domain_name = {"asasasas.execute-api.us-east-1.amazonaws.com", 44},
    .source_ip = {"166.90.225.1", 12},
    .connected_at_ms = 1731332735513,
};

static const struct event_request request = {{"BFHPhFe3IAMF95g=", 16}, 1731324924561};

static struct event_connect connect_of(const struct event_header *headers, size_t count)
{
    return (struct event_connect){
        .headers = headers,
        .header_count = count,
        .trace_id = SPAN("Root=1-6731ebfc-08e1e656421db73c5d2eef31"),
        .forwarded_port = SPAN("443"),
        .forwarded_proto = SPAN("https"),
    };
}

static void write_connect(const struct event_api *a, const struct event_peer *p, const struct event_connect *c,
                          struct buf *out)
{
    struct event_source *s = event_source_new(a, p);

    event_write_connect(s, &request, c, out);
    event_source_unref(s);
}

/* ---- the captures ---- */

static void a_connect_is_as_captured(void **state)
{
    static const struct event_header headers[] = {
        {SPAN("Sec-WebSocket-Version"), SPAN("13")},
        {SPAN("Sec-WebSocket-Key"), SPAN("+W5xw47OHh3OTFsWKjGu9Q==")},
        {SPAN("Connection"), SPAN("Upgrade")},
        {SPAN("upgrade"), SPAN("websocket")},
        {SPAN("content-length"), SPAN("0")},
        {SPAN("Sec-WebSocket-Extensions"), SPAN("permessage-deflate; client_max_window_bits")},
        {SPAN("Host"), SPAN("fjnq7njcv2.execute-api.us-east-1.amazonaws.com")},
    };
    const struct event_connect c = connect_of(headers, COUNT(headers));
    struct event_peer p = peer;
    CLEANUP(buf_fini) struct buf out = {0};

    p.connection_id = SPAN("BFHPhfCWIAMCKlQ=");
    p.connected_at_ms = 1731324924553;
    write_connect(&api, &p, &c, &out);
    assert_text(&out,
                "{\"headers\":{\"Host\":\"fjnq7njcv2.execute-api.us-east-1.amazonaws.com\","
                "\"Sec-WebSocket-Extensions\":\"permessage-deflate; client_max_window_bits\","
                "\"Sec-WebSocket-Key\":\"+W5xw47OHh3OTFsWKjGu9Q==\",\"Sec-WebSocket-Version\":\"13\","
                "\"X-Amzn-Trace-Id\":\"Root=1-6731ebfc-08e1e656421db73c5d2eef31\","
                "\"X-Forwarded-For\":\"166.90.225.1\",\"X-Forwarded-Port\":\"443\",\"X-Forwarded-Proto\":\"https\"},"
                "\"multiValueHeaders\":{\"Host\":[\"fjnq7njcv2.execute-api.us-east-1.amazonaws.com\"],"
                "\"Sec-WebSocket-Extensions\":[\"permessage-deflate; client_max_window_bits\"],"
                "\"Sec-WebSocket-Key\":[\"+W5xw47OHh3OTFsWKjGu9Q==\"],\"Sec-WebSocket-Version\":[\"13\"],"
                "\"X-Amzn-Trace-Id\":[\"Root=1-6731ebfc-08e1e656421db73c5d2eef31\"],"
                "\"X-Forwarded-For\":[\"166.90.225.1\"],\"X-Forwarded-Port\":[\"443\"],"
                "\"X-Forwarded-Proto\":[\"https\"]},"
                "\"requestContext\":{\"routeKey\":\"$connect\",\"eventType\":\"CONNECT\","
                "\"extendedRequestId\":\"BFHPhFe3IAMF95g=\",\"requestTime\":\"11/Nov/2024:11:35:24 +0000\","
                "\"messageDirection\":\"IN\",\"stage\":\"prod\",\"connectedAt\":1731324924553,"
                "\"requestTimeEpoch\":1731324924561,\"identity\":{\"sourceIp\":\"166.90.225.1\"},"
                "\"requestId\":\"BFHPhFe3IAMF95g=\","
                "\"domainName\":\"asasasas.execute-api.us-east-1.amazonaws.com\","
                "\"connectionId\":\"BFHPhfCWIAMCKlQ=\",\"apiId\":\"asasasas\"},\"isBase64Encoded\":false}");
}

static void a_message_is_as_captured(void **state)
{
    const struct event_request r = {SPAN("BFaVtH2HoAMFZEQ="), 1731332746514};
    struct event_source *s = event_source_new(&api, &peer);
    CLEANUP(buf_fini) struct buf out = {0};

    event_write_message_head(s, &r, SPAN("chat"), SPAN("BFaVtfGSIAMCKug="), &out);
    json_escape(&out, SPAN("{\"action\": \"chat\", \"message\": \"Hello from client\"}"));
    event_write_message_tail(s, &out);
    event_source_unref(s);
    assert_text(&out, "{\"requestContext\":{\"routeKey\":\"chat\",\"messageId\":\"BFaVtfGSIAMCKug=\","
                      "\"eventType\":\"MESSAGE\",\"extendedRequestId\":\"BFaVtH2HoAMFZEQ=\","
                      "\"requestTime\":\"11/Nov/2024:13:45:46 +0000\",\"messageDirection\":\"IN\","
                      "\"stage\":\"prod\",\"connectedAt\":1731332735513,\"requestTimeEpoch\":1731332746514,"
                      "\"identity\":{\"sourceIp\":\"166.90.225.1\"},\"requestId\":\"BFaVtH2HoAMFZEQ=\","
                      "\"domainName\":\"asasasas.execute-api.us-east-1.amazonaws.com\","
                      "\"connectionId\":\"BFaT_fALIAMCKug=\",\"apiId\":\"asasasas\"},"
                      "\"body\":\"{\\\"action\\\": \\\"chat\\\", \\\"message\\\": \\\"Hello from client\\\"}\","
                      "\"isBase64Encoded\":false}");
}

static void a_disconnect_is_as_captured(void **state)
{
    const struct event_request r = {SPAN("BFbOeE87IAMF31w="), 1731333109875};
    struct event_source *s = event_source_new(&api, &peer);
    CLEANUP(buf_fini) struct buf out = {0};

    event_write_disconnect(s, &r, 1005, SPAN("Client-side close frame status not set"), &out);
    event_source_unref(s);
    assert_text(&out, "{\"headers\":{\"Host\":\"asasasas.execute-api.us-east-1.amazonaws.com\",\"x-api-key\":\"\","
                      "\"X-Forwarded-For\":\"\",\"x-restapi\":\"\"},"
                      "\"multiValueHeaders\":{\"Host\":[\"asasasas.execute-api.us-east-1.amazonaws.com\"],"
                      "\"x-api-key\":[\"\"],\"X-Forwarded-For\":[\"\"],\"x-restapi\":[\"\"]},"
                      "\"requestContext\":{\"routeKey\":\"$disconnect\",\"disconnectStatusCode\":1005,"
                      "\"eventType\":\"DISCONNECT\",\"extendedRequestId\":\"BFbOeE87IAMF31w=\","
                      "\"requestTime\":\"11/Nov/2024:13:51:49 +0000\",\"messageDirection\":\"IN\","
                      "\"disconnectReason\":\"Client-side close frame status not set\",\"stage\":\"prod\","
                      "\"connectedAt\":1731332735513,\"requestTimeEpoch\":1731333109875,"
                      "\"identity\":{\"sourceIp\":\"166.90.225.1\"},\"requestId\":\"BFbOeE87IAMF31w=\","
                      "\"domainName\":\"asasasas.execute-api.us-east-1.amazonaws.com\","
                      "\"connectionId\":\"BFaT_fALIAMCKug=\",\"apiId\":\"asasasas\"},\"isBase64Encoded\":false}");
}

/* ---- headers ---- */

struct header_case {
    struct event_header headers[6];
    const char *plain;
    const char *multi;
};

#define TRACE_PLAIN "\"X-Amzn-Trace-Id\":\"Root=1-6731ebfc-08e1e656421db73c5d2eef31\","
#define TRACE_MULTI "\"X-Amzn-Trace-Id\":[\"Root=1-6731ebfc-08e1e656421db73c5d2eef31\"],"
#define ENDS_PLAIN "\"X-Forwarded-Port\":\"443\",\"X-Forwarded-Proto\":\"https\"}"
#define ENDS_MULTI "\"X-Forwarded-Port\":[\"443\"],\"X-Forwarded-Proto\":[\"https\"]}"
#define FOR_PLAIN "\"X-Forwarded-For\":\"166.90.225.1\","
#define FOR_MULTI "\"X-Forwarded-For\":[\"166.90.225.1\"],"

/* clang-format off */
static const struct header_case header_cases[] = {
    { /* none at all */
        {{{0}, {0}}},
        "{" TRACE_PLAIN FOR_PLAIN ENDS_PLAIN,
        "{" TRACE_MULTI FOR_MULTI ENDS_MULTI,
    },
    { /* sorted without regard to case, which is kept; a name before what it begins */
        {{SPAN("b-longer"), SPAN("1")}, {SPAN("zeta"), SPAN("2")}, {SPAN("B"), SPAN("3")}, {SPAN("a"), SPAN("4")},
         {SPAN("User-AGENT"), SPAN("5")}},
        "{\"a\":\"4\",\"B\":\"3\",\"b-longer\":\"1\",\"User-AGENT\":\"5\"," TRACE_PLAIN FOR_PLAIN
        "\"X-Forwarded-Port\":\"443\",\"X-Forwarded-Proto\":\"https\",\"zeta\":\"2\"}",
        "{\"a\":[\"4\"],\"B\":[\"3\"],\"b-longer\":[\"1\"],\"User-AGENT\":[\"5\"]," TRACE_MULTI FOR_MULTI
        "\"X-Forwarded-Port\":[\"443\"],\"X-Forwarded-Proto\":[\"https\"],\"zeta\":[\"2\"]}",
    },
    { /* repeated: one header that goes by its first name */
        {{SPAN("Cookie"), SPAN("z=1")}, {SPAN("A"), SPAN("")}, {SPAN("COOKIE"), SPAN("y=2")},
         {SPAN("cookie"), SPAN("x=3")}},
        "{\"A\":\"\",\"Cookie\":\"x=3\"," TRACE_PLAIN FOR_PLAIN ENDS_PLAIN,
        "{\"A\":[\"\"],\"Cookie\":[\"z=1\",\"y=2\",\"x=3\"]," TRACE_MULTI FOR_MULTI ENDS_MULTI,
    },
    { /* what concerns one hop only */
        {{SPAN("CONNECTION"), SPAN("keep-alive, Upgrade")}, {SPAN("Upgrade"), SPAN("websocket")},
         {SPAN("Content-Length"), SPAN("0")}, {SPAN("Transfer-Encoding"), SPAN("chunked")},
         {SPAN("keep-alive"), SPAN("5")}, {SPAN("te"), SPAN("trailers")}},
        "{" TRACE_PLAIN FOR_PLAIN ENDS_PLAIN,
        "{" TRACE_MULTI FOR_MULTI ENDS_MULTI,
    },
    { /* behind a proxy: its word comes first, port and protocol are ours */
        {{SPAN("x-forwarded-for"), SPAN("10.0.0.1")}, {SPAN("x-forwarded-port"), SPAN("80")},
         {SPAN("X-Forwarded-Proto"), SPAN("http")}, {SPAN("X-Forwarded-For"), SPAN("10.0.0.2, 10.0.0.3")},
         {SPAN("X-FORWARDED-FOR"), SPAN("")}},
        "{" TRACE_PLAIN "\"X-Forwarded-For\":\"10.0.0.1, 10.0.0.2, 10.0.0.3, 166.90.225.1\"," ENDS_PLAIN,
        "{" TRACE_MULTI "\"X-Forwarded-For\":[\"10.0.0.1, 10.0.0.2, 10.0.0.3, 166.90.225.1\"]," ENDS_MULTI,
    },
    { /* a client that is traced passes its trace on */
        {{SPAN("x-amzn-trace-id"), SPAN("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")}},
        "{\"x-amzn-trace-id\":\"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1\"," FOR_PLAIN ENDS_PLAIN,
        "{\"x-amzn-trace-id\":[\"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1\"]," FOR_MULTI ENDS_MULTI,
    },
    { /* UTF-8 passes, anything else is ISO 8859-1; quotes and controls are escaped */
        {{SPAN("a"), SPAN("caf\xc3\xa9")}, {SPAN("b"), SPAN("caf\xe9\xff\x80")}, {SPAN("c"), SPAN("\"\\\t\x7f")}},
        "{\"a\":\"caf\xc3\xa9\",\"b\":\"caf\xc3\xa9\xc3\xbf\xc2\x80\",\"c\":\"\\\"\\\\\\t\x7f\","
        TRACE_PLAIN FOR_PLAIN ENDS_PLAIN,
        "{\"a\":[\"caf\xc3\xa9\"],\"b\":[\"caf\xc3\xa9\xc3\xbf\xc2\x80\"],\"c\":[\"\\\"\\\\\\t\x7f\"],"
        TRACE_MULTI FOR_MULTI ENDS_MULTI,
    },
};
/* clang-format on */

static void headers_are_sorted_joined_and_completed(void **state)
{
    for (size_t i = 0; i < COUNT(header_cases); i++) {
        CLEANUP(buf_fini) struct buf out = {0};
        struct event_connect c = connect_of(header_cases[i].headers, 0);

        while (c.header_count < COUNT(header_cases[i].headers) && c.headers[c.header_count].name.ptr)
            c.header_count++;
        write_connect(&api, &peer, &c, &out);
        assert_member(&out, "headers", header_cases[i].plain);
        assert_member(&out, "multiValueHeaders", header_cases[i].multi);
    }
}

static void a_trace_without_a_root_is_not_one(void **state)
{
    static const struct event_header headers[] = {{SPAN("X-Amzn-Trace-Id"), SPAN("nonsense")}};
    const struct event_connect c = connect_of(headers, 1);
    CLEANUP(buf_fini) struct buf out = {0};

    write_connect(&api, &peer, &c, &out);
    assert_member(&out, "headers", "{" TRACE_PLAIN FOR_PLAIN ENDS_PLAIN);
    assert_member(&out, "multiValueHeaders", "{" TRACE_MULTI FOR_MULTI ENDS_MULTI);
}

/* ---- the query ---- */

struct query_case {
    struct span query;
    const char *plain; /* NULL: both maps are absent */
    const char *multi;
};

/* clang-format off */
static const struct query_case query_cases[] = {
    {{0}, NULL, NULL},
    {SPAN(""), NULL, NULL},
    {SPAN("&&"), NULL, NULL},
    {SPAN("a=1"), "{\"a\":\"1\"}", "{\"a\":[\"1\"]}"},
    {SPAN("&a=1&&b=2&"), "{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":[\"1\"],\"b\":[\"2\"]}"},
    {SPAN("a"), "{\"a\":\"\"}", "{\"a\":[\"\"]}"},
    {SPAN("a="), "{\"a\":\"\"}", "{\"a\":[\"\"]}"},
    {SPAN("=v"), "{\"\":\"v\"}", "{\"\":[\"v\"]}"},
    {SPAN("a=b=c"), "{\"a\":\"b=c\"}", "{\"a\":[\"b=c\"]}"},
    {SPAN("z=1&a=2&z=3&Z=4&a=5"), "{\"z\":\"3\",\"a\":\"5\",\"Z\":\"4\"}",
     "{\"z\":[\"1\",\"3\"],\"a\":[\"2\",\"5\"],\"Z\":[\"4\"]}"},
    {SPAN("a+b=c+d%2Be%26%3d"), "{\"a b\":\"c d+e&=\"}", "{\"a b\":[\"c d+e&=\"]}"},
    {SPAN("%61=1&a=2"), "{\"a\":\"2\"}", "{\"a\":[\"1\",\"2\"]}"},
    {SPAN("a=%"), "{\"a\":\"%\"}", "{\"a\":[\"%\"]}"},
    {SPAN("a=%4"), "{\"a\":\"%4\"}", "{\"a\":[\"%4\"]}"},
    {SPAN("a=%zz%4g%%41"), "{\"a\":\"%zz%4g%A\"}", "{\"a\":[\"%zz%4g%A\"]}"},
    {SPAN("a=%C3%A9%22%5C%0A"), "{\"a\":\"\xc3\xa9\\\"\\\\\\n\"}", "{\"a\":[\"\xc3\xa9\\\"\\\\\\n\"]}"},
    {SPAN("a=%00"), "{\"a\":\"\\u0000\"}", "{\"a\":[\"\\u0000\"]}"},
    {SPAN("a=x%E9%FFy"), "{\"a\":\"x\xef\xbf\xbd\xef\xbf\xbdy\"}", "{\"a\":[\"x\xef\xbf\xbd\xef\xbf\xbdy\"]}"},
    {SPAN("a=%ED%A0%80"), "{\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}",
     "{\"a\":[\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"]}"},
};
/* clang-format on */

static void queries_are_decoded_and_grouped(void **state)
{
    for (size_t i = 0; i < COUNT(query_cases); i++) {
        CLEANUP(buf_fini) struct buf out = {0};
        struct event_connect c = connect_of(NULL, 0);

        c.query = query_cases[i].query;
        write_connect(&api, &peer, &c, &out);
        assert_member(&out, "queryStringParameters", query_cases[i].plain ? query_cases[i].plain : "");
        assert_member(&out, "multiValueQueryStringParameters", query_cases[i].multi ? query_cases[i].multi : "");
    }
}

static void a_query_of_thousands_of_parameters_is_written(void **state)
{
    CLEANUP(buf_fini) struct buf query = {0};
    CLEANUP(buf_fini) struct buf out = {0};
    struct event_connect c = connect_of(NULL, 0);
    struct json_iter it;
    struct json_value value;
    struct span key;
    size_t count = 0;

    for (int i = 0; i < 6000; i++)
        buf_printf(&query, "%d=%d&", i % 3000, i);
    c.query = buf_span(&query);
    write_connect(&api, &peer, &c, &out);
    assert_true(json_get(parsed(&out), SPAN("queryStringParameters"), &value));
    for (json_iter_init(&it, value); json_iter_next(&it, &key, &value); count++) {
        CLEANUP(buf_fini) struct buf expected = {0};

        buf_printf(&expected, "\"%zu\"", count + 3000);
        assert_true(span_equal(value.raw, buf_span(&expected)));
    }
    assert_int_equal(count, 3000);
}

/* ---- authorizers ---- */

static void write_authorizer(const struct event_api *a, const struct event_peer *p, const struct event_connect *c,
                             struct buf *out)
{
    struct event_source *s = event_source_new(a, p);

    event_write_authorizer(s, &request, c, SPAN("arn:aws:execute-api:us-east-1:123456789012:asasasas/prod/$connect"),
                           out);
    event_source_unref(s);
}

#define AUTHORIZER_CONTEXT                                                                                \
    "\"requestContext\":{\"routeKey\":\"$connect\",\"eventType\":\"CONNECT\","                            \
    "\"extendedRequestId\":\"BFHPhFe3IAMF95g=\",\"requestTime\":\"11/Nov/2024:11:35:24 +0000\","          \
    "\"messageDirection\":\"IN\",\"stage\":\"prod\",\"connectedAt\":1731332735513,"                       \
    "\"requestTimeEpoch\":1731324924561,\"identity\":{\"sourceIp\":\"166.90.225.1\"},"                    \
    "\"requestId\":\"BFHPhFe3IAMF95g=\",\"domainName\":\"asasasas.execute-api.us-east-1.amazonaws.com\"," \
    "\"connectionId\":\"BFaT_fALIAMCKug=\",\"apiId\":\"asasasas\"}"

/* API Gateway developer guide, the sample event of a REQUEST authorizer of a WebSocket API. */
static void an_authorizers_event_is_as_documented(void **state)
{
    static const struct event_header headers[] = {
        {SPAN("Host"), SPAN("abcdef123.execute-api.us-east-1.amazonaws.com")},
        {SPAN("connection"), SPAN("keep-alive, Upgrade")},
        {SPAN("upgrade"), SPAN("WebSocket")},
        {SPAN("Sec-WebSocket-Version"), SPAN("13")},
        {SPAN("HeaderAuth1"), SPAN("headerValue1")},
    };
    struct event_connect c = connect_of(headers, COUNT(headers));
    CLEANUP(buf_fini) struct buf out = {0};

    c.query = SPAN("QueryString1=query%56alue1");
    write_authorizer(&api, &peer, &c, &out);
    assert_text(&out,
                "{\"type\":\"REQUEST\","
                "\"methodArn\":\"arn:aws:execute-api:us-east-1:123456789012:asasasas/prod/$connect\","
                "\"headers\":{\"Connection\":\"upgrade\",\"content-length\":\"0\",\"HeaderAuth1\":\"headerValue1\","
                "\"Host\":\"abcdef123.execute-api.us-east-1.amazonaws.com\",\"Sec-WebSocket-Version\":\"13\","
                "\"Upgrade\":\"websocket\"," TRACE_PLAIN FOR_PLAIN ENDS_PLAIN
                ",\"multiValueHeaders\":{\"Connection\":[\"upgrade\"],\"content-length\":[\"0\"],"
                "\"HeaderAuth1\":[\"headerValue1\"],\"Host\":[\"abcdef123.execute-api.us-east-1.amazonaws.com\"],"
                "\"Sec-WebSocket-Version\":[\"13\"],\"Upgrade\":[\"websocket\"]," TRACE_MULTI FOR_MULTI ENDS_MULTI
                ",\"queryStringParameters\":{\"QueryString1\":\"queryValue1\"},"
                "\"multiValueQueryStringParameters\":{\"QueryString1\":[\"queryValue1\"]},"
                "\"stageVariables\":{}," AUTHORIZER_CONTEXT "}");
}

static void an_authorizer_sees_empty_maps_where_others_see_none(void **state)
{
    static const struct span queries[] = {{NULL, 0}, SPAN(""), SPAN("&&")};

    for (size_t i = 0; i < COUNT(queries); i++) {
        struct event_connect c = connect_of(NULL, 0);
        CLEANUP(buf_fini) struct buf out = {0};

        c.query = queries[i];
        write_authorizer(&api, &peer, &c, &out);
        assert_member(&out, "queryStringParameters", "{}");
        assert_member(&out, "multiValueQueryStringParameters", "{}");
        assert_member(&out, "stageVariables", "{}");
        assert_member(&out, "body", "");
        assert_member(&out, "isBase64Encoded", "");
    }
}

static void an_authorizer_sees_the_stage_variables_there_are(void **state)
{
    static const struct event_variable variables[] = {{SPAN("level"), SPAN("test")}};
    struct event_api with_variables = api;
    const struct event_connect c = connect_of(NULL, 0);
    CLEANUP(buf_fini) struct buf out = {0};

    with_variables.stage_variables = variables;
    with_variables.stage_variable_count = 1;
    write_authorizer(&with_variables, &peer, &c, &out);
    assert_member(&out, "stageVariables", "{\"level\":\"test\"}");
}

/* The three documents of a connection whose peer is `p`. */
static void write_all(const struct event_peer *p, uint64_t authorizer_ms, struct buf out[3])
{
    struct event_connect c = connect_of(NULL, 0);
    struct event_source *s = event_source_new(&api, p);

    c.authorizer_ms = authorizer_ms;
    event_write_connect(s, &request, &c, &out[0]);
    event_write_message_head(s, &request, SPAN("chat"), SPAN("BFaVtfGSIAMCKug="), &out[1]);
    event_write_message_tail(s, &out[1]);
    event_write_disconnect(s, &request, 1001, SPAN("Going away"), &out[2]);
    event_source_unref(s);
}

static void free_all(struct buf out[3])
{
    for (int i = 0; i < 3; i++)
        buf_fini(&out[i]);
}

/* The raw text of a member of requestContext; empty if there is none. */
static struct span context_member(const struct buf *document, const char *key)
{
    struct json_value value;

    assert_true(json_get(parsed(document), SPAN("requestContext"), &value));
    return json_get(value, span_of_str(key), &value) ? value.raw : (struct span){0};
}

static void assert_context_member(const struct buf *document, const char *key, const char *expected)
{
    const struct span raw = context_member(document, key);

    if (!span_equal(raw, span_of_str(expected)))
        fail_msg("%s\n     got " SPAN_FMT "\nexpected %s", key, SPAN_ARG(raw), expected);
}

#define MEMBERS "\"principalId\":\"me\",\"tenant\":\"1\""

static void what_an_authorizer_returned_is_in_every_event_and_its_latency_in_the_first(void **state)
{
    struct event_peer p = peer;
    struct buf out[3] = {0};

    p.authorizer = SPAN(MEMBERS);
    write_all(&p, 42, out);
    assert_context_member(&out[0], "authorizer", "{" MEMBERS ",\"integrationLatency\":42}");
    assert_context_member(&out[1], "authorizer", "{" MEMBERS "}");
    assert_context_member(&out[2], "authorizer", "{" MEMBERS "}");
    free_all(out);
}

static void without_an_authorizer_no_event_has_a_member_for_it(void **state)
{
    struct buf out[3] = {0};

    write_all(&peer, 42, out);
    for (int i = 0; i < 3; i++)
        assert_context_member(&out[i], "authorizer", "");
    free_all(out);
}

static void assert_begins(const struct buf *document, const char *expected)
{
    const struct span text = member(document, "requestContext");

    if (!span_starts_with(text, span_of_str(expected)))
        fail_msg("\n     got " SPAN_FMT "\nexpected %s", SPAN_ARG(text), expected);
}

static void the_authorizer_stands_where_aws_has_it(void **state)
{
    struct event_peer p = peer;
    struct buf out[3] = {0};

    p.authorizer = SPAN("\"principalId\":\"me\"");
    write_all(&p, 0, out);
    assert_begins(&out[0],
                  "{\"routeKey\":\"$connect\",\"authorizer\":{\"principalId\":\"me\",\"integrationLatency\":0},"
                  "\"eventType\":");
    assert_begins(&out[1], "{\"routeKey\":\"chat\",\"authorizer\":{\"principalId\":\"me\"},\"messageId\":");
    assert_begins(&out[2], "{\"routeKey\":\"$disconnect\",\"disconnectStatusCode\":1001,"
                           "\"authorizer\":{\"principalId\":\"me\"},\"eventType\":");
    free_all(out);
}

/* ---- identity ---- */

struct identity_case {
    struct event_identity identity;
    struct span user_agent;
    const char *expected;
};

/* clang-format off */
static const struct identity_case identity_cases[] = {
    {.expected = "{\"sourceIp\":\"166.90.225.1\"}"},
    {{.api_key = SPAN("d41d8cd98f00b204e980"), .api_key_id = SPAN("a1b2c3d4e5")}, SPAN(""),
     "{\"apiKey\":\"d41d8cd98f00b204e980\",\"apiKeyId\":\"a1b2c3d4e5\",\"sourceIp\":\"166.90.225.1\"}"},
    {{.user_arn = SPAN("arn:aws:iam::123456789012:user/alice"), .account_id = SPAN("123456789012"),
      .caller = SPAN("AIDAEXAMPLE"), .access_key = SPAN("AKIDEXAMPLE"), .user = SPAN("AIDAEXAMPLE")}, SPAN(""),
     "{\"userArn\":\"arn:aws:iam::123456789012:user/alice\",\"accountId\":\"123456789012\",\"caller\":\"AIDAEXAMPLE\","
     "\"sourceIp\":\"166.90.225.1\",\"accessKey\":\"AKIDEXAMPLE\",\"user\":\"AIDAEXAMPLE\"}"},
    {{.api_key = SPAN("1"), .api_key_id = SPAN("2"), .user_arn = SPAN("3"), .account_id = SPAN("4"), .caller = SPAN("5"),
      .access_key = SPAN("6"), .user = SPAN("7")}, SPAN("wscat"),
     "{\"apiKey\":\"1\",\"userArn\":\"3\",\"apiKeyId\":\"2\",\"userAgent\":\"wscat\",\"accountId\":\"4\","
     "\"caller\":\"5\",\"sourceIp\":\"166.90.225.1\",\"accessKey\":\"6\",\"user\":\"7\"}"},
    {{.api_key = SPAN("\"}\xe9"), .user = SPAN("\"\xff")}, SPAN(""),
     "{\"apiKey\":\"\\\"}\xc3\xa9\",\"sourceIp\":\"166.90.225.1\",\"user\":\"\\\"\xef\xbf\xbd\"}"},
};
/* clang-format on */

static void the_identity_of_every_event_has_what_is_known_of_the_caller_in_the_order_of_aws(void **state)
{
    for (size_t i = 0; i < COUNT(identity_cases); i++) {
        struct event_peer p = peer;
        struct buf out[3] = {0};

        p.identity = identity_cases[i].identity;
        p.user_agent = identity_cases[i].user_agent;
        write_all(&p, 0, out);
        for (int document = 0; document < 3; document++)
            assert_context_member(&out[document], "identity", identity_cases[i].expected);
        free_all(out);
    }
}

/* ---- order and presence ---- */

static void top_level_members_stand_in_order(void **state)
{
    static const char *const expected[] = {
        "headers",        "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters",
        "stageVariables", "requestContext",    "isBase64Encoded"};
    static const struct event_variable variables[] = {{SPAN("table"), SPAN("rooms")}, {SPAN("a"), SPAN("\"b\"")}};
    struct event_api with_variables = api;
    struct event_connect c = connect_of(NULL, 0);
    CLEANUP(buf_fini) struct buf out = {0};
    struct json_iter it;
    struct json_value value;
    struct span key;

    with_variables.stage_variables = variables;
    with_variables.stage_variable_count = COUNT(variables);
    c.query = SPAN("a=1");
    write_connect(&with_variables, &peer, &c, &out);
    json_iter_init(&it, parsed(&out));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(json_iter_next(&it, &key, &value));
        assert_true(span_equal(key, span_of_str(expected[i])));
    }
    assert_false(json_iter_next(&it, &key, &value));
    assert_member(&out, "stageVariables", "{\"table\":\"rooms\",\"a\":\"\\\"b\\\"\"}");
}

static void stage_variables_stand_in_every_document_of_a_stage_that_has_some(void **state)
{
    static const struct event_variable variables[] = {{SPAN("v"), SPAN("1\xff")}};
    struct event_api with_variables = api;
    struct event_source *s;
    CLEANUP(buf_fini) struct buf message = {0};
    CLEANUP(buf_fini) struct buf disconnect = {0};

    with_variables.stage_variables = variables;
    with_variables.stage_variable_count = 1;
    s = event_source_new(&with_variables, &peer);
    event_write_message_head(s, &request, SPAN("$default"), SPAN("BFaVtfGSIAMCKug="), &message);
    event_write_message_tail(s, &message);
    event_write_disconnect(s, &request, 1001, SPAN("Going away"), &disconnect);
    event_source_unref(s);
    assert_memory_equal(message.ptr, "{\"stageVariables\":{\"v\":", 23);
    assert_member(&message, "stageVariables", "{\"v\":\"1\xef\xbf\xbd\"}");
    assert_member(&message, "body", "\"\"");
    assert_member(&disconnect, "stageVariables", "{\"v\":\"1\xef\xbf\xbd\"}");
}

static void the_user_agent_is_remembered_in_the_identity(void **state)
{
    struct event_peer p = peer;
    struct event_source *s;
    struct json_value value;
    CLEANUP(buf_fini) struct buf out = {0};

    p.user_agent = SPAN("Mozilla/5.0 \"x\" caf\xe9");
    s = event_source_new(&api, &p);
    event_write_message_head(s, &request, SPAN("chat"), SPAN("BFaVtfGSIAMCKug="), &out);
    event_write_message_tail(s, &out);
    assert_true(json_get(parsed(&out), SPAN("requestContext"), &value));
    assert_true(json_get(value, SPAN("identity"), &value));
    assert_true(span_equal(
        value.raw, SPAN("{\"userAgent\":\"Mozilla/5.0 \\\"x\\\" caf\xc3\xa9\",\"sourceIp\":\"166.90.225.1\"}")));
    event_source_unref(s);
}

static void a_source_keeps_its_own_copies(void **state)
{
    char ip[] = "10.1.2.3";
    char agent[] = "wscat\xe9";
    char domain[] = "localhost:3001";
    struct event_peer p = peer;
    struct event_source *s;

    p.source_ip = span_of_str(ip);
    p.user_agent = span_of_str(agent);
    p.domain_name = span_of_str(domain);
    s = event_source_new(&api, &p);
    memset(ip, 'x', sizeof(ip));
    memset(agent, 'x', sizeof(agent));
    memset(domain, 'x', sizeof(domain));
    assert_true(span_equal(event_source_ip(s), SPAN("10.1.2.3")));
    assert_true(span_equal(event_source_user_agent(s), SPAN("wscat\xe9")));
    assert_true(span_equal(event_source_domain(s), SPAN("localhost:3001")));
    event_source_unref(s);
    event_source_unref(NULL);
}

static void a_source_tells_who_the_client_is_to_whoever_keeps_it(void **state)
{
    struct event_peer p = peer;
    struct event_source *s, *kept;

    s = event_source_new(&api, &p);
    assert_true(span_equal(event_source_identity(s), SPAN("\"sourceIp\":\"166.90.225.1\"")));
    assert_int_equal(event_source_authorizer(s).len, 0);
    event_source_unref(s);
    p.authorizer = SPAN("\"principalId\":\"me\",\"n\":1");
    p.identity.caller = SPAN("AIDA");
    s = event_source_new(&api, &p);
    kept = event_source_ref(s);
    event_source_unref(s);
    assert_true(span_equal(event_source_identity(kept), SPAN("\"caller\":\"AIDA\",\"sourceIp\":\"166.90.225.1\"")));
    assert_true(span_equal(event_source_authorizer(kept), p.authorizer));
    event_source_unref(kept);
}

static void hostile_text_gives_a_valid_document(void **state)
{
    const struct event_header headers[] = {{SPAN("x\"\xfe"), SPAN("\x01\xc0\xaf\"")}};
    const struct event_peer p = {
        .connection_id = SPAN("\"\xff\""),
        .domain_name = SPAN("\\\x80\n"),
        .source_ip = SPAN("\xf5"),
        .user_agent = SPAN("\"},\xed\xa0\x80"),
    };
    const struct event_api a = {.api_id = SPAN("\"\xff"), .stage = SPAN("\\\xff")};
    struct event_connect c = connect_of(headers, 1);
    struct event_source *s = event_source_new(&a, &p);
    CLEANUP(buf_fini) struct buf message = {0};
    CLEANUP(buf_fini) struct buf disconnect = {0};
    CLEANUP(buf_fini) struct buf connect = {0};
    CLEANUP(buf_fini) struct buf authorizer = {0};

    c.query = SPAN("\xff\"=\x02%FF\xc3&\\=\"");
    event_write_connect(s, &request, &c, &connect);
    event_write_authorizer(s, &request, &c, SPAN("\"arn\\\xff"), &authorizer);
    event_write_message_head(s, &request, SPAN("\"route\xff\n"), SPAN("BFaVtfGSIAMCKug="), &message);
    event_write_message_tail(s, &message);
    event_write_disconnect(s, &request, 1000, SPAN("\"bye\xff\x01"), &disconnect);
    event_source_unref(s);
    parsed(&connect);
    parsed(&authorizer);
    parsed(&message);
    parsed(&disconnect);
}

static void the_request_time_follows_the_request(void **state)
{
    static const struct {
        uint64_t time_ms;
        const char *text;
    } times[] = {
        {1731324924999, "\"11/Nov/2024:11:35:24 +0000\""},
        {1731324925000, "\"11/Nov/2024:11:35:25 +0000\""},
        {1731324924000, "\"11/Nov/2024:11:35:24 +0000\""},
        {0, "\"01/Jan/1970:00:00:00 +0000\""},
    };
    struct event_source *s = event_source_new(&api, &peer);

    for (size_t i = 0; i < COUNT(times); i++) {
        const struct event_request r = {SPAN("BFHPhFe3IAMF95g="), times[i].time_ms};
        CLEANUP(buf_fini) struct buf out = {0};
        struct json_value value;

        event_write_message_head(s, &r, SPAN("chat"), SPAN("BFaVtfGSIAMCKug="), &out);
        event_write_message_tail(s, &out);
        assert_true(json_get(parsed(&out), SPAN("requestContext"), &value));
        assert_true(json_get(value, SPAN("requestTime"), &value));
        assert_true(span_equal(value.raw, span_of_str(times[i].text)));
    }
    event_source_unref(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connect_is_as_captured),
        cmocka_unit_test(a_message_is_as_captured),
        cmocka_unit_test(a_disconnect_is_as_captured),
        cmocka_unit_test(headers_are_sorted_joined_and_completed),
        cmocka_unit_test(a_trace_without_a_root_is_not_one),
        cmocka_unit_test(queries_are_decoded_and_grouped),
        cmocka_unit_test(a_query_of_thousands_of_parameters_is_written),
        cmocka_unit_test(an_authorizers_event_is_as_documented),
        cmocka_unit_test(an_authorizer_sees_empty_maps_where_others_see_none),
        cmocka_unit_test(an_authorizer_sees_the_stage_variables_there_are),
        cmocka_unit_test(what_an_authorizer_returned_is_in_every_event_and_its_latency_in_the_first),
        cmocka_unit_test(without_an_authorizer_no_event_has_a_member_for_it),
        cmocka_unit_test(the_authorizer_stands_where_aws_has_it),
        cmocka_unit_test(the_identity_of_every_event_has_what_is_known_of_the_caller_in_the_order_of_aws),
        cmocka_unit_test(top_level_members_stand_in_order),
        cmocka_unit_test(stage_variables_stand_in_every_document_of_a_stage_that_has_some),
        cmocka_unit_test(the_user_agent_is_remembered_in_the_identity),
        cmocka_unit_test(a_source_keeps_its_own_copies),
        cmocka_unit_test(a_source_tells_who_the_client_is_to_whoever_keeps_it),
        cmocka_unit_test(hostile_text_gives_a_valid_document),
        cmocka_unit_test(the_request_time_follows_the_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
