/* services.c - the functions of struct apigw_host.
 *
 * Each first asks whether it may act: the right context, the right thread, the right time. */
#include "host/services.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "host/posts.h"
#include "src/json_services.h"
#include "src/response.h"
#include "src/store_services.h"

#define KEEP_BYTES (256u * 1024u) /* of a buffer, from one invocation to the next */
#define MEMORY_MB_DEFAULT 128     /* Lambda's */

static struct runtime *the_runtime;

static bool may_act(const struct apigw_context *context, enum runtime_phase phase)
{
    struct runtime *rt = the_runtime;
    return context == &rt->context && rt->phase == phase && link_usable(&rt->link);
}

/* Memory, JSON and the store are there for init and fini as well. */
struct caller *caller_of(struct apigw_context *context)
{
    struct runtime *rt = the_runtime;
    return context == &rt->context && rt->phase != PHASE_IDLE && link_usable(&rt->link) ? &rt->caller : NULL;
}

static bool span_is_sane(struct apigw_span s)
{
    return s.ptr || s.len == 0;
}

static struct span span_in(struct apigw_span s)
{
    return span_of(s.ptr, s.len);
}

static struct apigw_span span_out(struct span s)
{
    return apigw_span_of(s.ptr, s.len);
}

static struct span span_cut(struct span s, size_t max)
{
    return s.len > max ? span_of(s.ptr, max) : s;
}

static void answer_begin(struct runtime *rt, uint32_t type, const void *head, size_t size)
{
    rt->answer_type = type;
    buf_clear(&rt->answer, KEEP_BYTES);
    buf_append(&rt->answer, span_of(head, size));
}

void services_set_error(struct runtime *rt, struct span type, struct span message)
{
    struct protocol_error error;

    type = span_cut(type, PROTOCOL_ERROR_MAX);
    message = span_cut(message, PROTOCOL_ERROR_MAX);
    error = (struct protocol_error){
        .sequence = rt->link.sequence, .type_len = (uint32_t)type.len, .message_len = (uint32_t)message.len};
    answer_begin(rt, PROTOCOL_ERROR, &error, sizeof(error));
    buf_append(&rt->answer, type);
    buf_append(&rt->answer, message);
}

void services_reset(struct runtime *rt)
{
    rt->answer_type = 0;
    buf_clear(&rt->answer, KEEP_BYTES);
    buf_clear(&rt->event_json, KEEP_BYTES);
    buf_clear(&rt->ids, KEEP_BYTES);
    free(TAKE(rt->call_result));
    buf_clear(&rt->caller.scratch, ARENA_KEEP_BYTES);
    arena_reset(&rt->caller.arena);
}

/* Lambda's words for a result that it refuses to carry. */
static int answer_too_large(struct runtime *rt)
{
    char message[128];
    int len = snprintf(message, sizeof(message),
                       "Response payload size exceeded maximum allowed payload size (%u bytes).", PROTOCOL_PAYLOAD_MAX);
    services_set_error(rt, SPAN("Function.ResponseSizeTooLarge"), span_of(message, (size_t)len));
    return APIGW_TOO_LARGE;
}

/* ---- answering ---- */

static void append_header(struct buf *out, const struct apigw_header *h)
{
    uint32_t lens[2] = {(uint32_t)h->name.len, (uint32_t)h->value.len};

    buf_append(out, span_of((char *)lens, sizeof(lens)));
    buf_append(out, span_in(h->name));
    buf_append(out, span_in(h->value));
}

static int respond(struct apigw_context *context, const struct apigw_response *response)
{
    struct runtime *rt = the_runtime;
    struct protocol_result result = {0};
    int r;

    if (!may_act(context, PHASE_HANDLER))
        return APIGW_FAILED;
    r = response_check(response);
    if (r != APIGW_OK)
        return r == APIGW_TOO_LARGE ? answer_too_large(rt) : r;
    result.sequence = rt->link.sequence;
    result.status_code = response->status_code;
    result.has_body = response->body.ptr != NULL;
    result.is_base64_encoded = response->is_base64_encoded != 0;
    result.header_count = (uint16_t)response->header_count;
    result.body_len = (uint32_t)response->body.len;
    answer_begin(rt, PROTOCOL_RESULT, &result, sizeof(result));
    buf_append(&rt->answer, span_in(response->body));
    for (size_t i = 0; i < response->header_count; i++)
        append_header(&rt->answer, &response->headers[i]);
    return APIGW_OK;
}

static int respond_json(struct apigw_context *context, struct apigw_span text)
{
    struct runtime *rt = the_runtime;
    struct protocol_result_json result = {0};

    if (!may_act(context, PHASE_HANDLER))
        return APIGW_FAILED;
    if (!span_is_sane(text))
        return APIGW_BAD_REQUEST;
    if (text.len > PROTOCOL_PAYLOAD_MAX)
        return answer_too_large(rt);
    result.sequence = rt->link.sequence;
    result.json_len = (uint32_t)text.len;
    answer_begin(rt, PROTOCOL_RESULT_JSON, &result, sizeof(result));
    buf_append(&rt->answer, span_in(text));
    return APIGW_OK;
}

static int fail(struct apigw_context *context, struct apigw_span type, struct apigw_span message)
{
    if ((may_act(context, PHASE_HANDLER) || may_act(context, PHASE_INIT)) && span_is_sane(type) &&
        span_is_sane(message))
        services_set_error(the_runtime, type.len ? span_in(type) : SPAN("Error"), span_in(message));
    return APIGW_FAILED;
}

/* ---- asking ---- */

static struct apigw_span event_json(struct apigw_context *context)
{
    struct runtime *rt = the_runtime;

    if (!may_act(context, PHASE_HANDLER))
        return apigw_span_of(NULL, 0);
    if (rt->event_json.len == 0) {
        buf_append(&rt->event_json, rt->event_head);
        if (rt->event_tail.len > 0) /* else the head has the body in it already */
            json_escape(&rt->event_json, span_in(rt->event->body));
        buf_append(&rt->event_json, rt->event_tail);
    }
    return span_out(buf_span(&rt->event_json));
}

static void *allocate(struct apigw_context *context, size_t size)
{
    struct caller *caller = caller_of(context);
    return caller ? arena_allocate(&caller->arena, size) : NULL;
}

uint64_t services_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t remaining_ms(struct apigw_context *context)
{
    uint64_t now = services_now_ns();

    if (!may_act(context, PHASE_HANDLER) || the_runtime->deadline_ns <= now)
        return 0;
    return (the_runtime->deadline_ns - now) / 1000000u;
}

static void log_line(struct apigw_context *context, int level, struct apigw_span line)
{
    struct link *link = &the_runtime->link;

    if (context != &the_runtime->context || !link_usable(link) || !span_is_sane(line))
        return;
    level = level < APIGW_LOG_ERROR ? APIGW_LOG_ERROR : level > APIGW_LOG_DEBUG ? APIGW_LOG_DEBUG : level;
    link_log(link, level, span_in(line));
    link_flush(link);
}

/* ---- connections ---- */

static bool result_is_sane(const struct message *m, struct protocol_call_result *ret)
{
    if (m->head.size < sizeof(*ret))
        return false;
    memcpy(ret, m->bytes, sizeof(*ret));
    return (uint64_t)ret->source_ip_len + ret->user_agent_len == m->head.size - sizeof(*ret);
}

/* Asks the gateway and waits. The answer's message stays until the next call. */
static int call(struct apigw_context *context, enum protocol_call_op op, struct apigw_span id, struct apigw_span data,
                struct protocol_call_result *ret)
{
    struct runtime *rt = the_runtime;
    struct protocol_call head = {.op = op, .id_len = (uint32_t)id.len, .data_len = (uint32_t)data.len};
    struct span parts[] = {span_of((char *)&head, sizeof(head)), span_in(id), span_in(data)};

    if (!may_act(context, PHASE_HANDLER))
        return APIGW_FAILED;
    if (!span_is_sane(id) || !span_is_sane(data) || id.len > CONNECTION_ID_MAX)
        return APIGW_BAD_REQUEST;
    if (data.len > PROTOCOL_PAYLOAD_MAX)
        return APIGW_TOO_LARGE;
    link_send(&rt->link, PROTOCOL_CALL, parts, 3);
    free(rt->call_result);
    rt->call_result = link_wait_call_result(&rt->link);
    return result_is_sane(rt->call_result, ret) ? ret->result : APIGW_FAILED;
}

static int post_to_connection(struct apigw_context *context, struct apigw_span id, struct apigw_span data)
{
    struct protocol_call_result result;
    return call(context, CALL_POST, id, data, &result);
}

static size_t post_to_connections(struct apigw_context *context, const struct apigw_span *ids, size_t count,
                                  struct apigw_span data, int *ret_results)
{
    if (may_act(context, PHASE_HANDLER))
        return posts_send(the_runtime, ids, count, data, ret_results);
    for (size_t i = 0; ret_results && i < count; i++)
        ret_results[i] = APIGW_FAILED;
    return 0;
}

static int delete_connection(struct apigw_context *context, struct apigw_span id)
{
    struct protocol_call_result result;
    return call(context, CALL_DELETE, id, apigw_span_of(NULL, 0), &result);
}

/* What is written is the struct of ABI 1.0. Fields that a later minor adds may be written only for plugins of that
 * minor: an older plugin's variable has no room for them. */
static int get_connection(struct apigw_context *context, struct apigw_span id, struct apigw_connection *ret)
{
    struct protocol_call_result result;
    const char *text;
    int r;

    if (!ret)
        return APIGW_BAD_REQUEST;
    r = call(context, CALL_GET, id, apigw_span_of(NULL, 0), &result);
    if (r != APIGW_OK)
        return r;
    text = the_runtime->call_result->bytes + sizeof(result);
    *ret = (struct apigw_connection){APIGW_ABI(struct apigw_connection), result.connected_at_ms,
                                     result.last_active_at_ms, apigw_span_of(text, result.source_ip_len),
                                     apigw_span_of(text + result.source_ip_len, result.user_agent_len)};
    return APIGW_OK;
}

/* Three quarters of the function's memory: who asks for more gets NULL, before having taken so much that the
 * environment is killed. */
static size_t arena_bytes_max(const struct runtime *rt)
{
    const uint32_t mb = rt->context.memory_limit_mb ? rt->context.memory_limit_mb : MEMORY_MB_DEFAULT;
    return (size_t)mb * 1024 * 1024 / 4 * 3;
}

/* Has the plugin brought AddressSanitizer along? Then it is to see what becomes of memory that we hand out, too. */
static bool is_sanitized(void)
{
    return dlsym(RTLD_DEFAULT, "__asan_init") != NULL;
}

const struct apigw_host *services_open(struct runtime *rt)
{
    static struct apigw_host host = {
        .abi = APIGW_ABI(struct apigw_host),
        .respond = respond,
        .respond_json = respond_json,
        .fail = fail,
        .event_json = event_json,
        .remaining_ms = remaining_ms,
        .log = log_line,
        .post_to_connection = post_to_connection,
        .get_connection = get_connection,
        .delete_connection = delete_connection,
        .allocate = allocate,
        .post_to_connections = post_to_connections,
    };
    the_runtime = rt;
    arena_init(&rt->caller.arena, arena_bytes_max(rt), is_sanitized());
    host.json = json_services();
    host.store = store_services();
    return &host;
}
