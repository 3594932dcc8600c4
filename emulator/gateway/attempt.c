/* attempt.c - the life of an attempt: the copy of what was asked, and the answer. The steps are in handshake.c. */
#include "gateway/attempt.h"

#include <assert.h>
#include <ctype.h>

#include "base/mem.h"
#include "gateway/gateway_private.h"
#include "gateway/observation.h"
#include "gateway/report.h"
#include "gateway/response.h"

/* ---- the copy of a request ---- */

static size_t header_bytes(const struct handshake_request *request)
{
    size_t bytes = 0;

    for (size_t i = 0; i < request->header_count; i++)
        bytes += request->headers[i].name.len + request->headers[i].value.len;
    return bytes;
}

/* Moves a span to a copy at *at, which moves behind it. One without a pointer stays so. */
static void take_copy(struct span *s, char **at)
{
    if (!s->ptr)
        return;
    memcpy(*at, s->ptr, s->len);
    s->ptr = *at;
    *at += s->len;
}

/* One block: the headers, then all bytes. */
static void copy_request(struct attempt *a, const struct handshake_request *request)
{
    struct handshake_request *copy = &a->request;
    struct span *const spans[] = {&copy->path, &copy->query, &copy->host, &copy->user_agent, &copy->source_ip};
    const size_t array_bytes = request->header_count * sizeof(*request->headers);
    size_t bytes = array_bytes + header_bytes(request);
    struct event_header *headers;
    char *at;

    *copy = *request;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        bytes += spans[i]->len;
    headers = a->request_memory = mem_alloc(bytes + 1);
    at = (char *)a->request_memory + array_bytes;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        take_copy(spans[i], &at);
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i] = request->headers[i];
        take_copy(&headers[i].name, &at);
        take_copy(&headers[i].value, &at);
    }
    copy->headers = headers;
    assert((size_t)(at - (char *)a->request_memory) <= bytes);
}

/* The bytes are the attempt's own; they are const to everybody else. */
void attempt_lower_header_names(struct attempt *a)
{
    for (size_t i = 0; i < a->request.header_count; i++) {
        struct span name = a->request.headers[i].name;

        for (char *c = (char *)(uintptr_t)name.ptr; c < name.ptr + name.len; c++)
            *c = (char)tolower((unsigned char)*c);
    }
}

/* ---- life ---- */

struct attempt *attempt_new(struct gateway *gw, const struct handshake_request *request,
                            handshake_answered_fn *on_answered, void *arg)
{
    struct attempt *a = mem_zalloc(sizeof(*a));

    a->gw = gw;
    a->on_answered = on_answered;
    a->arg = arg;
    copy_request(a, request);
    id_new_request(a->request_id);
    id_new_trace(a->trace_id);
    list_append(&gw->attempts, &a->link);
    return a;
}

void attempt_free(struct attempt *a)
{
    list_remove(&a->link);
    buf_fini(&a->identity_text);
    buf_fini(&a->authorizer);
    buf_fini(&a->usage_identifier_key);
    free(a->request_memory);
    config_unref(a->config);
    free(a);
}

static enum attempt_progress answer(struct attempt *a, const struct handshake_answer *what)
{
    a->on_answered(a->arg, what);
    attempt_free(a);
    return ATTEMPT_ENDED;
}

/* ---- refusing ---- */

/* A refused connection has never been: no $disconnect follows. */
static void forget_connection(struct attempt *a)
{
    if (!a->connection)
        return;
    connection_set_state(a->connection, CONNECTION_CLOSED);
    connection_free(registry_take(a->gw->registry, a->connection));
    a->connection = NULL;
}

static void write_body(const struct attempt *a, const struct attempt_refusal *refusal, struct buf *out)
{
    const struct rule *rule = refusal->rule;

    if (refusal->names_ids && rule_choice(RULE_REFUSAL_BODY) == REFUSAL_NAMES_IDS)
        response_write_error(out, rule->message, connection_id(a->connection), span_of(a->request_id, ID_LEN));
    else if (refusal->message.ptr)
        response_write_refusal(out, rule, refusal->message);
    else if (rule->message || rule->message_key)
        response_write_refusal(out, rule, span_of_str(rule->message));
}

enum attempt_progress attempt_refuse(struct attempt *a, const struct attempt_refusal *refusal)
{
    CLEANUP(buf_fini) struct buf body = {0};
    const struct rule *rule = refusal->rule;
    const unsigned http_status = refusal->http_status ? refusal->http_status : rule->http_status;

    report_write(refusal->decided ? LOG_INFO : LOG_WARN,
                 &(struct report){
                     .rule = rule,
                     .happened = "refused a handshake",
                     .detail = refusal->detail,
                     .value = refusal->value,
                     .connection_id = a->connection ? connection_id(a->connection) : span_of(NULL, 0),
                     .request_id = a->connection ? span_of(a->request_id, ID_LEN) : span_of(NULL, 0),
                     .http_status = http_status,
                 });
    write_body(a, refusal, &body);
    observe_refusal(a, refusal, http_status);
    forget_connection(a);
    return answer(a, &(struct handshake_answer){
                         .rule = rule,
                         .http_status = http_status,
                         .error_type = span_of_str(rule->error_type),
                         .body = buf_span(&body),
                     });
}

enum attempt_progress attempt_deny(struct attempt *a, const struct denial *denial)
{
    return attempt_refuse(a, &(struct attempt_refusal){
                                 .rule = denial->rule,
                                 .message = buf_span(&denial->message),
                                 .detail = buf_span(&denial->detail),
                                 .value = denial->value,
                             });
}

/* ---- accepting ---- */

enum attempt_progress attempt_accept(struct attempt *a, struct span subprotocol)
{
    observe_acceptance(a);
    return answer(a, &(struct handshake_answer){
                         .accepted = true,
                         .connection = a->connection,
                         .subprotocol = subprotocol,
                     });
}
