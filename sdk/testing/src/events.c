/* events.c - events as the gateway makes them. Their JSON is written by the emulator's event/event.c. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "event/event.h"
#include "testing/src/fake.h"

#define CONNECTED_AT_MS 1700000000000 /* 2023-11-14T22:13:20Z */
#define API_ID "apigwtest1"
#define DOMAIN_NAME API_ID ".execute-api.us-east-1.amazonaws.com"
#define TRACE_ID "Root=1-6553f100-0123456789abcdef01234567"

/* ---- with something sensible in each field ---- */

static struct apigw_test_event event_of(enum apigw_event_type type, const char *route_key)
{
    return (struct apigw_test_event){
        .type = type,
        .connection_id = APIGW_TEST_CONNECTION_ID,
        .route_key = route_key,
        .stage = "dev",
        .api_id = API_ID,
        .domain_name = DOMAIN_NAME,
        .source_ip = "192.0.2.1",
        .user_agent = "apigw-testing",
        .connected_at_ms = CONNECTED_AT_MS,
        .request_time_ms = CONNECTED_AT_MS + (type == APIGW_MESSAGE || type == APIGW_DISCONNECT ? 1000 : 0),
    };
}

struct apigw_test_event apigw_test_connect(void)
{
    return event_of(APIGW_CONNECT, "$connect");
}

struct apigw_test_event apigw_test_message(const char *body)
{
    struct apigw_test_event e = event_of(APIGW_MESSAGE, "$default");
    e.body = body;
    return e;
}

struct apigw_test_event apigw_test_disconnect(void)
{
    struct apigw_test_event e = event_of(APIGW_DISCONNECT, "$disconnect");
    e.disconnect_status_code = 1005;
    e.disconnect_reason = "Client-side close frame status not set";
    return e;
}

struct apigw_test_event apigw_test_authorizer(void)
{
    struct apigw_test_event e = event_of(APIGW_AUTHORIZER, "$connect");
    e.method_arn = "arn:aws:execute-api:us-east-1:123456789012:" API_ID "/dev/$connect";
    return e;
}

/* ---- the client's headers ---- */

static size_t count_pairs(const struct apigw_test_pair *pairs)
{
    size_t count = 0;
    while (pairs && pairs[count].name)
        count++;
    return count;
}

static bool has_header(const struct apigw_test_pair *pairs, const char *name)
{
    for (size_t i = 0; pairs && pairs[i].name; i++)
        if (strcasecmp(pairs[i].name, name) == 0)
            return true;
    return false;
}

#define HANDSHAKE_HEADERS 4

/* Those of every handshake, then the test's. *ret has room for HANDSHAKE_HEADERS more than the test's. */
static size_t collect_headers(const struct apigw_test_event *e, struct event_header *ret)
{
    const struct apigw_test_pair handshake[HANDSHAKE_HEADERS] = {
        {"Host", e->domain_name},
        {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
        {"Sec-WebSocket-Version", "13"},
        {"User-Agent", e->user_agent},
    };
    size_t count = 0;

    for (size_t i = 0; i < HANDSHAKE_HEADERS; i++)
        if (handshake[i].value && !has_header(e->headers, handshake[i].name))
            ret[count++] = (struct event_header){span_of_str(handshake[i].name), span_of_str(handshake[i].value)};
    for (size_t i = 0; e->headers && e->headers[i].name; i++)
        ret[count++] = (struct event_header){span_of_str(e->headers[i].name), span_of_str(e->headers[i].value)};
    return count;
}

/* ---- rendering ---- */

/* What the rendering needs until it is done. */
struct rendering {
    const struct apigw_test_event *e;
    struct event_source *source;
    struct event_request request;
    struct span message_id;
    struct buf *head;
    struct buf *tail;
};

static void render_handshake(const struct rendering *r)
{
    struct event_header *headers = mem_alloc((count_pairs(r->e->headers) + HANDSHAKE_HEADERS) * sizeof(*headers));
    const struct event_connect connect = {
        .headers = headers,
        .header_count = collect_headers(r->e, headers),
        .query = span_of_str(r->e->query),
        .trace_id = SPAN(TRACE_ID),
        .forwarded_port = SPAN("443"),
        .forwarded_proto = SPAN("https"),
        .authorizer_ms = 1,
    };

    if (r->e->type == APIGW_AUTHORIZER)
        event_write_authorizer(r->source, &r->request, &connect, span_of_str(r->e->method_arn), r->head);
    else
        event_write_connect(r->source, &r->request, &connect, r->head);
    free(headers);
}

static void render_message(const struct rendering *r)
{
    event_write_message_head(r->source, &r->request, span_of_str(r->e->route_key), r->message_id, r->head);
    event_write_message_tail(r->source, r->tail);
}

static void render_disconnect(const struct rendering *r)
{
    event_write_disconnect(r->source, &r->request, r->e->disconnect_status_code, span_of_str(r->e->disconnect_reason),
                           r->head);
}

/* event/event.c keeps the text of the last second; fake hosts of several threads take turns. */
static void render(const struct rendering *r)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static void (*const renderers[])(const struct rendering *r) = {
        [APIGW_CONNECT] = render_handshake,
        [APIGW_MESSAGE] = render_message,
        [APIGW_DISCONNECT] = render_disconnect,
        [APIGW_AUTHORIZER] = render_handshake,
    };

    pthread_mutex_lock(&lock);
    renderers[r->e->type](r);
    pthread_mutex_unlock(&lock);
}

/* ---- the source ---- */

/* The members of a JSON object, without its braces. */
static int read_authorizer(const char *text, struct span *ret)
{
    struct json_value value;

    *ret = (struct span){0};
    if (!text)
        return 0;
    if (json_parse(span_of_str(text), &value, NULL) < 0 || value.type != JSON_OBJECT)
        return -1;
    *ret = span_of(value.raw.ptr + 1, value.raw.len - 2);
    return 0;
}

static struct event_variable *collect_variables(const struct apigw_test_event *e)
{
    struct event_variable *variables = mem_alloc(count_pairs(e->stage_variables) * sizeof(*variables));

    for (size_t i = 0; e->stage_variables && e->stage_variables[i].name; i++)
        variables[i] =
            (struct event_variable){span_of_str(e->stage_variables[i].name), span_of_str(e->stage_variables[i].value)};
    return variables;
}

static struct event_source *source_of(const struct apigw_test_event *e, struct span authorizer)
{
    struct event_variable *variables = collect_variables(e);
    const struct event_api api = {
        .api_id = span_of_str(e->api_id),
        .stage = span_of_str(e->stage),
        .stage_variables = variables,
        .stage_variable_count = count_pairs(e->stage_variables),
    };
    struct event_source *source = event_source_new(&api, &(struct event_peer){
                                                             .connection_id = span_of_str(e->connection_id),
                                                             .domain_name = span_of_str(e->domain_name),
                                                             .source_ip = span_of_str(e->source_ip),
                                                             .user_agent = span_of_str(e->user_agent),
                                                             .connected_at_ms = e->connected_at_ms,
                                                             .authorizer = authorizer,
                                                         });

    free(variables);
    return source;
}

/* ---- the event ---- */

/* A field that the event does not have is no pointer. */
static struct apigw_span lend(struct apigw_test *t, const char *text)
{
    return text && text[0] ? fake_lend(&t->lent, span_of_str(text)) : apigw_span_of(NULL, 0);
}

static struct span body_of(const struct apigw_test_event *e)
{
    return e->body_len ? span_of(e->body, e->body_len) : span_of_str(e->body);
}

/* A message may be without a single byte; it is there all the same. */
static struct apigw_span lend_body(struct apigw_test *t)
{
    const struct span body = body_of(t->event);
    return t->event->type == APIGW_MESSAGE ? fake_lend(&t->lent, body) : apigw_span_of(NULL, 0);
}

static void fill(struct apigw_test *t, const char *request_id, const char *message_id, struct apigw_event *ret)
{
    const struct apigw_test_event *const e = t->event;
    const bool ends = e->type == APIGW_DISCONNECT;

    *ret = (struct apigw_event){
        .abi = APIGW_ABI(struct apigw_event),
        .type = (uint32_t)e->type,
        .disconnect_status_code = ends ? e->disconnect_status_code : 0,
        .connected_at_ms = e->connected_at_ms,
        .request_time_ms = e->request_time_ms,
        .connection_id = lend(t, e->connection_id),
        .route_key = lend(t, e->route_key),
        .body = lend_body(t),
        .request_id = lend(t, request_id),
        .message_id = lend(t, e->type == APIGW_MESSAGE ? message_id : NULL),
        .stage = lend(t, e->stage),
        .api_id = lend(t, e->api_id),
        .domain_name = lend(t, e->domain_name),
        .source_ip = lend(t, e->source_ip),
        .user_agent = lend(t, e->user_agent),
        .disconnect_reason = lend(t, ends ? e->disconnect_reason : NULL),
    };
    t->event_body = ret->body;
}

static const char *find_mistake(const struct apigw_test_event *e, struct span *ret_authorizer)
{
    if (e->type < APIGW_CONNECT || e->type > APIGW_AUTHORIZER)
        return "there is no such type of events";
    if (e->type == APIGW_MESSAGE && !e->body)
        return "a message has a body, which may be empty";
    if (!e->connection_id || !e->connection_id[0])
        return "an event has a connection_id";
    if (read_authorizer(e->authorizer, ret_authorizer) < 0)
        return "authorizer is not a JSON object";
    return NULL;
}

int events_render(struct apigw_test *t, struct apigw_event *ret, const char **ret_why)
{
    const struct apigw_test_event *const e = t->event;
    char request_id[32], message_id[32]; /* of AWS's form: 16 characters, the last one '=' */
    struct rendering r = {.e = e, .head = &t->event_head, .tail = &t->event_tail};
    CLEANUP(buf_fini) struct buf escaped_request_id = {0};
    CLEANUP(buf_fini) struct buf escaped_message_id = {0};
    struct span authorizer;

    *ret_why = find_mistake(e, &authorizer);
    if (*ret_why)
        return -1;
    snprintf(request_id, sizeof(request_id), "ApigwTestR%05u=", (unsigned)(t->invocations % 100000));
    snprintf(message_id, sizeof(message_id), "ApigwTestM%05u=", (unsigned)(t->invocations % 100000));
    fill(t, e->request_id ? e->request_id : request_id, e->message_id ? e->message_id : message_id, ret);
    /* The gateway's own ids need no escapes; a test's might. */
    json_escape(&escaped_request_id, span_of(ret->request_id.ptr, ret->request_id.len));
    json_escape(&escaped_message_id, span_of(ret->message_id.ptr, ret->message_id.len));
    r.request = (struct event_request){buf_span(&escaped_request_id), e->request_time_ms};
    r.message_id = buf_span(&escaped_message_id);
    r.source = source_of(e, authorizer);
    render(&r);
    event_source_unref(r.source);
    return 0;
}
