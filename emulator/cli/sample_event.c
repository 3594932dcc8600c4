/* sample_event.c - an API, a client, a request: what event/ wants to know of each. */
#include "cli/sample_event.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "event/event.h"
#include "gateway/route.h"

/* Of a block that is reserved for documentation (RFC 5737). */
#define CLIENT_IP "203.0.113.10"
#define CONNECTED_MS 1000u /* before a message or a disconnect */

struct sample {
    const struct config *config;             /* NULL: none */
    const struct config_stage *config_stage; /* of it; NULL: none */
    const char *stage;
    const char *api_id;
    const char *region;
    const char *account_id;
    char *domain_name;
    struct event_source *source;
    char connection_id[ID_SIZE];
    char request_id[ID_SIZE];
    struct event_request request;
    struct span body;
    struct buf *note;
};

/* ---- what there is to tell ---- */

static void describe_api(struct sample *s)
{
    const struct config *config = s->config;

    s->stage = config ? s->config_stage->name : "dev";
    s->api_id = config ? config->api_id : "a1b2c3d4e5";
    s->region = config ? config->region : "us-east-1";
    s->account_id = config ? config->account_id : "123456789012";
    s->domain_name = mem_printf("%s.execute-api.%s.amazonaws.com", s->api_id, s->region);
}

static struct event_source *make_source(const struct sample *s, enum sample_event which)
{
    const struct config_variables *own = s->config ? &s->config_stage->variables : NULL;
    const size_t count = own ? own->count : 0;
    struct event_variable *variables = mem_alloc((count + 1) * sizeof(*variables));
    const bool is_new = which == SAMPLE_CONNECT || which == SAMPLE_AUTHORIZER;
    struct event_source *source;

    for (size_t i = 0; i < count; i++)
        variables[i] = (struct event_variable){span_of_str(own->items[i].name), span_of_str(own->items[i].value)};
    source = event_source_new(
        &(struct event_api){
            .api_id = span_of_str(s->api_id),
            .stage = span_of_str(s->stage),
            .stage_variables = variables,
            .stage_variable_count = count,
        },
        &(struct event_peer){
            .connection_id = span_of_str(s->connection_id),
            .domain_name = span_of_str(s->domain_name),
            .source_ip = SPAN(CLIENT_IP),
            .connected_at_ms = s->request.time_ms - (is_new ? 0 : CONNECTED_MS),
        });
    free(variables);
    return source;
}

static void sample_init(struct sample *s, enum sample_event which, const struct config *config,
                        const struct config_stage *stage)
{
    *s = (struct sample){.config = config, .config_stage = stage};
    describe_api(s);
    id_new_connection(s->connection_id);
    id_new_request(s->request_id);
    s->request = (struct event_request){.request_id = span_of_str(s->request_id), .time_ms = clock_wall_ms()};
    s->source = make_source(s, which);
}

static void sample_fini(struct sample *s)
{
    event_source_unref(s->source);
    free(s->domain_name);
}

/* ---- one writer for each kind ---- */

typedef void write_fn(const struct sample *s, struct buf *out);

/* A handshake with the headers that every client sends. */
static void write_handshake(const struct sample *s, bool authorizer, struct buf *out)
{
    CLEANUP(buf_fini) struct buf key = {0};
    CLEANUP(free)
    char *arn = mem_printf("arn:aws:execute-api:%s:%s:%s/%s/$connect", s->region, s->account_id, s->api_id, s->stage);
    char trace_id[TRACE_ID_SIZE], nonce[UUID_SIZE];
    struct event_header headers[3];
    struct event_connect connect;

    id_new_trace(trace_id);
    id_new_uuid(nonce);
    base64_encode(&key, span_of(nonce, 16));
    headers[0] = (struct event_header){SPAN("Host"), span_of_str(s->domain_name)};
    headers[1] = (struct event_header){SPAN("Sec-WebSocket-Key"), buf_span(&key)};
    headers[2] = (struct event_header){SPAN("Sec-WebSocket-Version"), SPAN("13")};
    connect = (struct event_connect){
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
        .trace_id = span_of_str(trace_id),
        .forwarded_port = SPAN("443"),
        .forwarded_proto = SPAN("https"),
    };
    if (authorizer)
        event_write_authorizer(s->source, &s->request, &connect, span_of_str(arn), out);
    else
        event_write_connect(s->source, &s->request, &connect, out);
}

static void write_connect(const struct sample *s, struct buf *out)
{
    write_handshake(s, false, out);
}

static void write_authorizer(const struct sample *s, struct buf *out)
{
    write_handshake(s, true, out);
}

static struct span route_key(const struct sample *s, struct buf *scratch)
{
    struct route_choice choice;

    if (!s->config)
        return SPAN("$default");
    choice = route_select(s->config, s->body, scratch);
    if (choice.route)
        return span_of_str(choice.route->key);
    route_explain(s->config, &choice, s->note);
    return SPAN("$default");
}

static void write_message(const struct sample *s, struct buf *out)
{
    CLEANUP(buf_fini) struct buf scratch = {0};
    char message_id[ID_SIZE];

    id_new_message(s->connection_id, message_id);
    event_write_message_head(s->source, &s->request, route_key(s, &scratch), span_of_str(message_id), out);
    json_escape(out, s->body);
    event_write_message_tail(s->source, out);
}

/* As most clients leave: without a code. */
static void write_disconnect(const struct sample *s, struct buf *out)
{
    event_write_disconnect(s->source, &s->request, 1005, SPAN("Client-side close frame status not set"), out);
}

static write_fn *const writers[SAMPLE_EVENTS] = {
    [SAMPLE_CONNECT] = write_connect,
    [SAMPLE_MESSAGE] = write_message,
    [SAMPLE_DISCONNECT] = write_disconnect,
    [SAMPLE_AUTHORIZER] = write_authorizer,
};

void sample_event_write(enum sample_event which, const struct config *config, const struct config_stage *stage,
                        struct span body, struct buf *out, struct buf *ret_note)
{
    struct sample s;

    sample_init(&s, which, config, stage);
    s.body = body;
    s.note = ret_note;
    writers[which](&s, out);
    sample_fini(&s);
}
