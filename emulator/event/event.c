/* event.c - the JSON documents that handlers receive.
 *
 * The order of the fields is AWS's, which is that of a hash map and looks random: docs/fidelity.md, "Events". All three
 * documents share one requestContext; what stays the same during a connection is cut into parts that are copied. */
#include "event/event.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/percent.h"
#include "base/utf8.h"

/* What a source keeps: three strings as they were handed in, then pieces of every document. */
enum part {
    PART_DOMAIN,
    PART_IP,
    PART_USER_AGENT,
    PART_OPENING,    /* from stageVariables to the quote before the route key */
    PART_AUTHORIZER, /* authorizer but for its closing brace; empty if there was none */
    PART_STAGE,      /* from stage to the colon of requestTimeEpoch */
    PART_IDENTITY,   /* from identity to the quote before the request id */
    PART_CLOSING,    /* from the quote after the request id to the end of requestContext */
    PART_COUNT
};

/* What stands around the members of the two. */
#define AUTHORIZER_OPENING SPAN("\"authorizer\":{")
#define IDENTITY_OPENING SPAN(",\"identity\":{")
#define IDENTITY_CLOSING SPAN("},\"requestId\":\"")

struct event_source {
    unsigned refs;
    struct span parts[PART_COUNT];
    char bytes[];
};

/* ---- text that may not be UTF-8 ---- */

/* Appends `text` made valid. */
typedef void repair_fn(struct buf *out, struct span text);

static void repair_by_replacing(struct buf *out, struct span text)
{
    while (text.len) {
        const size_t valid = utf8_valid_prefix(text);

        buf_append(out, span_of(text.ptr, valid));
        text = span_from(text, valid);
        if (text.len) {
            buf_append(out, UTF8_REPLACEMENT);
            text = span_from(text, 1);
        }
    }
}

/* The bytes of an HTTP header are ISO 8859-1 unless they say otherwise, and there each byte is its own code point. */
static void repair_as_latin1(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];

        if (byte >= 0x80)
            buf_append_char(out, (char)(0xc0 | byte >> 6));
        buf_append_char(out, byte >= 0x80 ? (char)(0x80 | (byte & 0x3f)) : (char)byte);
    }
}

/* Escaped, without quotes. */
static void write_text(struct buf *out, struct span text, repair_fn *repair)
{
    CLEANUP(buf_fini) struct buf repaired = {0};

    if (utf8_valid_prefix(text) == text.len) {
        json_escape(out, text);
        return;
    }
    repair(&repaired, text);
    json_escape(out, buf_span(&repaired));
}

static void write_quoted(struct buf *out, struct span text, repair_fn *repair)
{
    buf_append_char(out, '"');
    write_text(out, text, repair);
    buf_append_char(out, '"');
}

static void write_member(struct buf *out, const char *key_and_colon, struct span value)
{
    buf_append_str(out, key_and_colon);
    write_quoted(out, value, repair_by_replacing);
}

static void write_int(struct buf *out, uint64_t value)
{
    struct json_writer w = {.out = out};

    json_int(&w, (int64_t)value);
}

/* ---- the source ---- */

static void render_stage_variables(struct buf *out, const struct event_api *api)
{
    if (!api->stage_variable_count)
        return;
    buf_append_str(out, "\"stageVariables\":");
    for (size_t i = 0; i < api->stage_variable_count; i++) {
        buf_append_char(out, i ? ',' : '{');
        write_quoted(out, api->stage_variables[i].name, repair_by_replacing);
        buf_append_char(out, ':');
        write_quoted(out, api->stage_variables[i].value, repair_by_replacing);
    }
    buf_append_str(out, "},");
}

static void render_opening(struct buf *out, const struct event_api *api, const struct event_peer *peer)
{
    render_stage_variables(out, api);
    buf_append_str(out, "\"requestContext\":{\"routeKey\":\"");
}

static void render_authorizer(struct buf *out, const struct event_api *api, const struct event_peer *peer)
{
    if (!peer->authorizer.len)
        return;
    buf_append(out, AUTHORIZER_OPENING);
    buf_append(out, peer->authorizer);
}

static void render_stage(struct buf *out, const struct event_api *api, const struct event_peer *peer)
{
    write_member(out, "\"stage\":", api->stage);
    buf_append_str(out, ",\"connectedAt\":");
    write_int(out, peer->connected_at_ms);
    buf_append_str(out, ",\"requestTimeEpoch\":");
}

/* The order is AWS's. sourceIp is always there, so the comma of each other member can stand behind it. */
static void render_identity(struct buf *out, const struct event_api *api, const struct event_peer *peer)
{
    const struct event_identity *who = &peer->identity;
    const struct {
        const char *key_and_colon;
        struct span value;
    } before[] = {{"\"apiKey\":", who->api_key},       {"\"userArn\":", who->user_arn},
                  {"\"apiKeyId\":", who->api_key_id},  {"\"userAgent\":", peer->user_agent},
                  {"\"accountId\":", who->account_id}, {"\"caller\":", who->caller}},
      after[] = {{",\"accessKey\":", who->access_key}, {",\"user\":", who->user}};

    buf_append(out, IDENTITY_OPENING);
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        if (before[i].value.len) {
            buf_append_str(out, before[i].key_and_colon);
            write_quoted(out, before[i].value, repair_as_latin1);
            buf_append_char(out, ',');
        }
    write_member(out, "\"sourceIp\":", peer->source_ip);
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
        if (after[i].value.len)
            write_member(out, after[i].key_and_colon, after[i].value);
    buf_append(out, IDENTITY_CLOSING);
}

static void render_closing(struct buf *out, const struct event_api *api, const struct event_peer *peer)
{
    buf_append_str(out, "\",\"domainName\":");
    write_quoted(out, peer->domain_name, repair_as_latin1);
    write_member(out, ",\"connectionId\":", peer->connection_id);
    write_member(out, ",\"apiId\":", api->api_id);
    buf_append_char(out, '}');
}

static void render_domain(struct buf *out, const struct event_api *api, const struct event_peer *peer)
{
    buf_append(out, peer->domain_name);
}

static void render_ip(struct buf *out, const struct event_api *api, const struct event_peer *peer)
{
    buf_append(out, peer->source_ip);
}

static void render_user_agent(struct buf *out, const struct event_api *api, const struct event_peer *peer)
{
    buf_append(out, peer->user_agent);
}

typedef void render_fn(struct buf *out, const struct event_api *api, const struct event_peer *peer);

static render_fn *const renderers[PART_COUNT] = {
    [PART_DOMAIN] = render_domain,         [PART_IP] = render_ip,
    [PART_USER_AGENT] = render_user_agent, [PART_OPENING] = render_opening,
    [PART_AUTHORIZER] = render_authorizer, [PART_STAGE] = render_stage,
    [PART_IDENTITY] = render_identity,     [PART_CLOSING] = render_closing,
};

struct event_source *event_source_new(const struct event_api *api, const struct event_peer *peer)
{
    CLEANUP(buf_fini) struct buf rendered = {0};
    struct event_source *s;
    size_t ends[PART_COUNT];
    size_t start = 0;

    for (int i = 0; i < PART_COUNT; i++) {
        renderers[i](&rendered, api, peer);
        ends[i] = rendered.len;
    }
    s = mem_alloc(sizeof(*s) + rendered.len);
    s->refs = 1;
    memcpy(s->bytes, rendered.ptr, rendered.len);
    for (int i = 0; i < PART_COUNT; i++) {
        s->parts[i] = span_of(s->bytes + start, ends[i] - start);
        start = ends[i];
    }
    return s;
}

struct event_source *event_source_ref(struct event_source *s)
{
    s->refs++;
    return s;
}

void event_source_unref(struct event_source *s)
{
    if (s && --s->refs == 0)
        free(s);
}

struct span event_source_domain(const struct event_source *s)
{
    return s->parts[PART_DOMAIN];
}

struct span event_source_ip(const struct event_source *s)
{
    return s->parts[PART_IP];
}

struct span event_source_user_agent(const struct event_source *s)
{
    return s->parts[PART_USER_AGENT];
}

struct span event_source_principal(const struct event_source *s, struct buf *scratch)
{
    struct json_value root, authorizer, principal;

    buf_clear(scratch, 0);
    if (s->parts[PART_AUTHORIZER].len == 0)
        return SPAN("");
    buf_append_char(scratch, '{');
    buf_append(scratch, s->parts[PART_AUTHORIZER]);
    buf_append_str(scratch, "}}");
    if (json_parse(buf_span(scratch), &root, NULL) < 0 || !json_get(root, SPAN("authorizer"), &authorizer) ||
        !json_get(authorizer, SPAN("principalId"), &principal))
        return SPAN("");
    return principal.raw;
}

struct span event_source_identity(const struct event_source *s)
{
    const struct span part = s->parts[PART_IDENTITY];

    return span_of(part.ptr + IDENTITY_OPENING.len, part.len - IDENTITY_OPENING.len - IDENTITY_CLOSING.len);
}

struct span event_source_authorizer(const struct event_source *s)
{
    const struct span part = s->parts[PART_AUTHORIZER];

    return part.len > 0 ? span_from(part, AUTHORIZER_OPENING.len) : part;
}

/* ---- requestContext ---- */

/* Written once a second however many messages there are. */
static struct span request_time(uint64_t time_ms)
{
    static char text[CLOCK_CLF_SIZE];
    static uint64_t second = UINT64_MAX;

    if (time_ms / 1000 != second) {
        second = time_ms / 1000;
        clock_format_clf(time_ms, text);
    }
    return span_of(text, sizeof(text) - 1);
}

/* From eventType to messageDirection. */
static void write_request(const struct event_request *request, struct span event_type, struct buf *out)
{
    buf_append(out, SPAN("\"eventType\":\""));
    buf_append(out, event_type);
    buf_append(out, SPAN("\",\"extendedRequestId\":\""));
    buf_append(out, request->request_id);
    buf_append(out, SPAN("\",\"requestTime\":\""));
    buf_append(out, request_time(request->time_ms));
    buf_append(out, SPAN("\",\"messageDirection\":\"IN\","));
}

static void write_authorizer(const struct event_source *s, struct buf *out)
{
    if (s->parts[PART_AUTHORIZER].len) {
        buf_append(out, s->parts[PART_AUTHORIZER]);
        buf_append(out, SPAN("},"));
    }
}

/* The first event of a connection tells how long its authorizer took. */
static void write_authorizer_and_latency(const struct event_source *s, uint64_t latency_ms, struct buf *out)
{
    if (s->parts[PART_AUTHORIZER].len) {
        buf_append(out, s->parts[PART_AUTHORIZER]);
        buf_append(out, SPAN(",\"integrationLatency\":"));
        write_int(out, latency_ms);
        buf_append(out, SPAN("},"));
    }
}

/* From stage to the brace that closes requestContext. */
static void write_rest(const struct event_source *s, const struct event_request *request, struct buf *out)
{
    buf_append(out, s->parts[PART_STAGE]);
    write_int(out, request->time_ms);
    buf_append(out, s->parts[PART_IDENTITY]);
    buf_append(out, request->request_id);
    buf_append(out, s->parts[PART_CLOSING]);
}

/* ---- maps of headers and parameters ---- */

/* One header or parameter. Equal names have one group. */
struct field {
    struct span name;
    struct span value;
    size_t order; /* as it came */
    size_t group; /* the order of the first one with this name */
};

struct fields {
    struct field *items;
    size_t count;
};

static void fields_fini_ptr(struct fields *f)
{
    free(f->items);
}

static void add_field(struct fields *f, struct span name, struct span value)
{
    f->items[f->count] = (struct field){name, value, f->count, f->count};
    f->count++;
}

/* <0, 0, >0; a name sorts before what it is a prefix of. */
static int compare_names(struct span a, struct span b, int (*compare)(const char *, const char *, size_t))
{
    const size_t shared = a.len < b.len ? a.len : b.len;
    const int r = shared ? compare(a.ptr, b.ptr, shared) : 0;

    return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_bytes(const char *a, const char *b, size_t len)
{
    return memcmp(a, b, len);
}

static int compare_size(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_headers(const void *a, const void *b)
{
    const struct field *x = a;
    const struct field *y = b;
    const int r = compare_names(x->name, y->name, strncasecmp);

    return r ? r : compare_size(x->order, y->order);
}

static int compare_parameters(const void *a, const void *b)
{
    const struct field *x = a;
    const struct field *y = b;
    const int r = compare_names(x->name, y->name, compare_bytes);

    return r ? r : compare_size(x->order, y->order);
}

static int compare_groups(const void *a, const void *b)
{
    const struct field *x = a;
    const struct field *y = b;
    const int r = compare_size(x->group, y->group);

    return r ? r : compare_size(x->order, y->order);
}

/* Equal names stand together once sorted. */
static void group_fields(struct fields *f, bool (*equal)(struct span, struct span))
{
    for (size_t i = 1; i < f->count; i++)
        if (equal(f->items[i - 1].name, f->items[i].name))
            f->items[i].group = f->items[i - 1].group;
}

static void sort(struct fields *f, int (*compare)(const void *, const void *))
{
    qsort(f->items, f->count, sizeof(*f->items), compare);
}

static bool ends_group(const struct fields *f, size_t i)
{
    return i + 1 == f->count || f->items[i + 1].group != f->items[i].group;
}

/* A group goes by the name that came first. */
static void write_name(struct buf *out, const struct field *first, bool comma, repair_fn *repair)
{
    if (comma)
        buf_append_char(out, ',');
    write_quoted(out, first->name, repair);
    buf_append_char(out, ':');
}

/* Of each name the last value. */
static void write_plain_map(struct buf *out, const struct fields *f, repair_fn *repair)
{
    size_t first = 0;

    buf_append_char(out, '{');
    for (size_t i = 0; i < f->count; i++)
        if (ends_group(f, i)) {
            write_name(out, &f->items[first], first > 0, repair);
            write_quoted(out, f->items[i].value, repair);
            first = i + 1;
        }
    buf_append_str(out, "},");
}

/* Of each name all values. */
static void write_multi_map(struct buf *out, const struct fields *f, repair_fn *repair)
{
    bool opens = true;

    buf_append_char(out, '{');
    for (size_t i = 0; i < f->count; i++) {
        if (opens)
            write_name(out, &f->items[i], i > 0, repair);
        buf_append_char(out, opens ? '[' : ',');
        write_quoted(out, f->items[i].value, repair);
        opens = ends_group(f, i);
        if (opens)
            buf_append_char(out, ']');
    }
    buf_append_str(out, "},");
}

/* ---- headers ---- */

static bool is_one_of(struct span name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal_nocase(name, span_of_str(names[i])))
            return true;
    return false;
}

/* Between the client and the gateway only, or said by the gateway better than by the client. */
static bool is_left_out(struct span name)
{
    static const char *const names[] = {
        "Connection", "Upgrade",           "Content-Length",  "Keep-Alive",       "Proxy-Connection",  "TE",
        "Trailer",    "Transfer-Encoding", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto",
    };

    return is_one_of(name, names, sizeof(names) / sizeof(*names));
}

static bool is_trace(struct span name)
{
    return span_equal_nocase(name, SPAN("X-Amzn-Trace-Id"));
}

/* A client that is traced itself passes its trace on; a trace has a root. */
static bool is_traced(const struct event_connect *c)
{
    for (size_t i = 0; i < c->header_count; i++) {
        const struct span value = c->headers[i].value;

        if (is_trace(c->headers[i].name) && value.len && memmem(value.ptr, value.len, "Root=", 5))
            return true;
    }
    return false;
}

static void add_client_headers(struct fields *f, const struct event_connect *c, bool traced)
{
    for (size_t i = 0; i < c->header_count; i++) {
        const struct event_header *h = &c->headers[i];

        if (!is_left_out(h->name) && (traced || !is_trace(h->name)))
            add_field(f, h->name, h->value);
    }
}

/* "client, proxy, source": each hop adds whom it saw. */
static void join_forwarded_for(struct buf *out, const struct event_connect *c, struct span source_ip)
{
    for (size_t i = 0; i < c->header_count; i++)
        if (span_equal_nocase(c->headers[i].name, SPAN("X-Forwarded-For")) && c->headers[i].value.len) {
            buf_append(out, c->headers[i].value);
            buf_append_str(out, ", ");
        }
    buf_append(out, source_ip);
}

/* How many headers the gateway adds. */
#define ADDED_HEADERS 7

/* What an authorizer sees of the upgrade itself, and a $connect does not. */
static void add_upgrade_headers(struct fields *f)
{
    add_field(f, SPAN("Connection"), SPAN("upgrade"));
    add_field(f, SPAN("content-length"), SPAN("0"));
    add_field(f, SPAN("Upgrade"), SPAN("websocket"));
}

static void write_connect_headers(const struct event_source *s, const struct event_connect *c, bool upgrade,
                                  struct buf *out)
{
    CLEANUP(buf_fini) struct buf forwarded_for = {0};
    CLEANUP(fields_fini) struct fields f = {0};
    const bool traced = is_traced(c);

    f.items = mem_alloc((c->header_count + ADDED_HEADERS) * sizeof(*f.items));
    add_client_headers(&f, c, traced);
    join_forwarded_for(&forwarded_for, c, s->parts[PART_IP]);
    if (!traced)
        add_field(&f, SPAN("X-Amzn-Trace-Id"), c->trace_id);
    add_field(&f, SPAN("X-Forwarded-For"), buf_span(&forwarded_for));
    add_field(&f, SPAN("X-Forwarded-Port"), c->forwarded_port);
    add_field(&f, SPAN("X-Forwarded-Proto"), c->forwarded_proto);
    if (upgrade)
        add_upgrade_headers(&f);

    sort(&f, compare_headers);
    group_fields(&f, span_equal_nocase);
    buf_append_str(out, "\"headers\":");
    write_plain_map(out, &f, repair_as_latin1);
    buf_append_str(out, "\"multiValueHeaders\":");
    write_multi_map(out, &f, repair_as_latin1);
}

/* ---- the query ---- */

/* Appends what `raw` stands for; `out` has room for it, so that what was handed out before stays where it is. */
static struct span decode(struct span raw, struct buf *out)
{
    const size_t start = out->len;

    percent_decode(out, raw, PERCENT_PLUS_IS_BLANK);
    return span_of(out->ptr + start, out->len - start);
}

/* Cuts the text before the first `separator` off *rest, and the separator. */
static struct span cut(struct span *rest, char separator)
{
    const char *found = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    const struct span head = found ? span_of(rest->ptr, (size_t)(found - rest->ptr)) : *rest;

    *rest = span_from(*rest, head.len + (found ? 1 : 0));
    return head;
}

static size_t count_parameters(struct span query)
{
    size_t count = 0;

    while (query.len)
        count += cut(&query, '&').len > 0;
    return count;
}

static void parse_query(struct span query, struct fields *f, struct buf *text)
{
    buf_reserve(text, query.len);
    while (query.len) {
        struct span value = cut(&query, '&');
        const bool empty = value.len == 0;
        const struct span name = cut(&value, '=');

        if (!empty) {
            const struct span decoded = decode(name, text);

            add_field(f, decoded, decode(value, text));
        }
    }
}

/* Nothing at all when no parameter was sent. */
static void write_query(struct span query, struct buf *out)
{
    CLEANUP(buf_fini) struct buf text = {0};
    CLEANUP(fields_fini) struct fields f = {0};
    const size_t count = count_parameters(query);

    if (!count)
        return;
    f.items = mem_alloc(count * sizeof(*f.items));
    parse_query(query, &f, &text);
    sort(&f, compare_parameters);
    group_fields(&f, span_equal);
    sort(&f, compare_groups);
    buf_append_str(out, "\"queryStringParameters\":");
    write_plain_map(out, &f, repair_by_replacing);
    buf_append_str(out, "\"multiValueQueryStringParameters\":");
    write_multi_map(out, &f, repair_by_replacing);
}

/* ---- documents ---- */

#define DOCUMENT_END SPAN(",\"isBase64Encoded\":false}")

void event_write_connect(const struct event_source *s, const struct event_request *request,
                         const struct event_connect *connect, struct buf *out)
{
    buf_append_char(out, '{');
    write_connect_headers(s, connect, false, out);
    write_query(connect->query, out);
    buf_append(out, s->parts[PART_OPENING]);
    buf_append(out, SPAN("$connect\","));
    write_authorizer_and_latency(s, connect->authorizer_ms, out);
    write_request(request, SPAN("CONNECT"), out);
    write_rest(s, request, out);
    buf_append(out, DOCUMENT_END);
}

/* Members that other events leave out when there is nothing in them are here always. */
static void write_query_or_empty(struct span query, struct buf *out)
{
    const size_t before = out->len;

    write_query(query, out);
    if (out->len == before)
        buf_append(out, SPAN("\"queryStringParameters\":{},\"multiValueQueryStringParameters\":{},"));
}

void event_write_authorizer(const struct event_source *s, const struct event_request *request,
                            const struct event_connect *connect, struct span method_arn, struct buf *out)
{
    buf_append(out, SPAN("{\"type\":\"REQUEST\","));
    write_member(out, "\"methodArn\":", method_arn);
    buf_append_char(out, ',');
    write_connect_headers(s, connect, true, out);
    write_query_or_empty(connect->query, out);
    if (!span_starts_with(s->parts[PART_OPENING], SPAN("\"stageVariables\"")))
        buf_append(out, SPAN("\"stageVariables\":{},"));
    buf_append(out, s->parts[PART_OPENING]);
    buf_append(out, SPAN("$connect\","));
    write_request(request, SPAN("CONNECT"), out);
    write_rest(s, request, out);
    buf_append_char(out, '}');
}

/* More than all that is not a part or an argument. */
#define MESSAGE_FIXED_MAX 512

void event_write_message_head(const struct event_source *s, const struct event_request *request, struct span route_key,
                              struct span message_id, struct buf *out)
{
    const struct span opening = s->parts[PART_OPENING];
    const struct span closing = s->parts[PART_CLOSING];

    /* The parts stand one behind the other, so this is their sum. */
    buf_reserve(out, (size_t)(closing.ptr + closing.len - opening.ptr) + JSON_ESCAPED_MAX(route_key.len) +
                         MESSAGE_FIXED_MAX);
    buf_append_char(out, '{');
    buf_append(out, opening);
    write_text(out, route_key, repair_by_replacing);
    buf_append(out, SPAN("\","));
    write_authorizer(s, out);
    buf_append(out, SPAN("\"messageId\":\""));
    buf_append(out, message_id);
    buf_append(out, SPAN("\","));
    write_request(request, SPAN("MESSAGE"), out);
    write_rest(s, request, out);
    buf_append(out, SPAN(",\"body\":\""));
}

void event_write_message_tail(const struct event_source *s, struct buf *out)
{
    buf_append_char(out, '"');
    buf_append(out, DOCUMENT_END);
}

/* No client sent these: AWS makes them up. */
static void write_disconnect_headers(const struct event_source *s, struct buf *out)
{
    struct field items[] = {
        {.name = SPAN("Host"), .value = s->parts[PART_DOMAIN], .group = 0},
        {.name = SPAN("x-api-key"), .group = 1},
        {.name = SPAN("X-Forwarded-For"), .group = 2},
        {.name = SPAN("x-restapi"), .group = 3},
    };
    const struct fields f = {items, sizeof(items) / sizeof(*items)};

    buf_append_str(out, "\"headers\":");
    write_plain_map(out, &f, repair_as_latin1);
    buf_append_str(out, "\"multiValueHeaders\":");
    write_multi_map(out, &f, repair_as_latin1);
}

void event_write_disconnect(const struct event_source *s, const struct event_request *request, unsigned status_code,
                            struct span reason, struct buf *out)
{
    buf_append_char(out, '{');
    write_disconnect_headers(s, out);
    buf_append(out, s->parts[PART_OPENING]);
    buf_append(out, SPAN("$disconnect\",\"disconnectStatusCode\":"));
    write_int(out, status_code);
    buf_append_char(out, ',');
    write_authorizer(s, out);
    write_request(request, SPAN("DISCONNECT"), out);
    write_member(out, "\"disconnectReason\":", reason);
    buf_append_char(out, ',');
    write_rest(s, request, out);
    buf_append(out, DOCUMENT_END);
}
