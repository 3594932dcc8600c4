/* runtime.c - the life of an environment: init, invocations, fini. */
#include "host/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "host/fault.h"
#include "host/output.h"
#include "host/plugin.h"
#include "host/sandbox.h"
#include "host/services.h"
#include "host/store.h"

/* Where the spans of an invocation go in the event. */
struct field_place {
    bool in_event;
    size_t offset;
};

/* clang-format off */
static const struct field_place field_places[FIELD_COUNT] = {
    [FIELD_CONNECTION_ID]     = {true, offsetof(struct apigw_event, connection_id)},
    [FIELD_ROUTE_KEY]         = {true, offsetof(struct apigw_event, route_key)},
    [FIELD_REQUEST_ID]        = {true, offsetof(struct apigw_event, request_id)},
    [FIELD_MESSAGE_ID]        = {true, offsetof(struct apigw_event, message_id)},
    [FIELD_STAGE]             = {true, offsetof(struct apigw_event, stage)},
    [FIELD_API_ID]            = {true, offsetof(struct apigw_event, api_id)},
    [FIELD_DOMAIN_NAME]       = {true, offsetof(struct apigw_event, domain_name)},
    [FIELD_SOURCE_IP]         = {true, offsetof(struct apigw_event, source_ip)},
    [FIELD_USER_AGENT]        = {true, offsetof(struct apigw_event, user_agent)},
    [FIELD_DISCONNECT_REASON] = {true, offsetof(struct apigw_event, disconnect_reason)},
    [FIELD_BODY]              = {true, offsetof(struct apigw_event, body)},
};
/* clang-format on */

int runtime_open(struct runtime *rt, const struct channel_fds *fds)
{
    *rt = (struct runtime){0};
    return link_open(&rt->link, fds);
}

/* ---- the context ---- */

static uint32_t memory_limit_mb(void)
{
    const char *text = getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
    return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static void context_open(struct runtime *rt)
{
    rt->context = (struct apigw_context){
        .abi = APIGW_ABI(struct apigw_context),
        /* A copy: a plugin may call setenv. */
        .function_name = apigw_span_of_str(mem_strdup(getenv("AWS_LAMBDA_FUNCTION_NAME") ?: "")),
        .memory_limit_mb = memory_limit_mb(),
    };
    rt->context.host = services_open(rt);
}

/* ---- what it has used ---- */

/* Where each kind of answer says so. */
static const size_t usage_places[] = {
    [PROTOCOL_INIT_FAILED] = offsetof(struct protocol_error, usage),
    [PROTOCOL_ERROR] = offsetof(struct protocol_error, usage),
    [PROTOCOL_RESULT] = offsetof(struct protocol_result, usage),
    [PROTOCOL_RESULT_JSON] = offsetof(struct protocol_result_json, usage),
};

static void answer_note_usage(struct runtime *rt, uint32_t type)
{
    struct protocol_usage usage = usage_since(&rt->usage, rt->began_ns, services_now_ns());

    memcpy(rt->answer.ptr + usage_places[type], &usage, sizeof(usage));
}

/* ---- init ---- */

static int init_failed(struct runtime *rt, struct span type, struct span message)
{
    if (rt->answer_type != PROTOCOL_ERROR)
        services_set_error(rt, type, message);
    output_finish_lines();
    answer_note_usage(rt, PROTOCOL_INIT_FAILED);
    link_send(&rt->link, PROTOCOL_INIT_FAILED, (struct span[]){buf_span(&rt->answer)}, 1);
    link_flush(&rt->link);
    return -1;
}

static int call_init(struct runtime *rt)
{
    char message[64];
    int r;

    if (!rt->plugin->init)
        return 0;
    rt->phase = PHASE_INIT;
    r = rt->plugin->init(&rt->context);
    rt->phase = PHASE_IDLE;
    if (r == 0) {
        services_reset(rt);
        return 0;
    }
    snprintf(message, sizeof(message), "init returned %d", r);
    return init_failed(rt, SPAN("Runtime.InitError"), span_of_str(message));
}

static int init(struct runtime *rt, int plugin_fd, const char *handler_name)
{
    struct protocol_ready ready = {.version = PROTOCOL_VERSION};
    CLEANUP(buf_fini) struct buf error = {0};

    rt->began_ns = services_now_ns();
    if (plugin_load(plugin_fd, &rt->plugin, &error) < 0)
        return init_failed(rt, SPAN("Runtime.ImportModuleError"), buf_span(&error));
    rt->handler = plugin_find_handler(rt->plugin, handler_name, &error);
    if (!rt->handler)
        return init_failed(rt, SPAN("Runtime.HandlerNotFound"), buf_span(&error));
    if (call_init(rt) < 0)
        return -1;
    output_finish_lines();
    ready.usage = usage_since(&rt->usage, rt->began_ns, services_now_ns());
    link_send(&rt->link, PROTOCOL_READY, (struct span[]){span_of((char *)&ready, sizeof(ready))}, 1);
    link_flush(&rt->link);
    return 0;
}

/* ---- one invocation ---- */

/* False if the frame does not hold what it says. */
static bool invocation_read(const struct message *m, struct protocol_invoke *ret, struct span *ret_fields)
{
    size_t at = sizeof(*ret);

    if (m->head.size < at)
        return false;
    memcpy(ret, m->bytes, at);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (ret->field_len[i] > m->head.size - at)
            return false;
        ret_fields[i] = span_of(m->bytes + at, ret->field_len[i]);
        at += ret->field_len[i];
    }
    return at == m->head.size && ret->slot < CHANNEL_SLOTS;
}

/* A field that the event does not have is no pointer; but a client may send a message without a single byte. */
static struct apigw_span field_span(uint32_t event_type, size_t field, struct span value)
{
    bool there = value.len || (event_type == APIGW_MESSAGE && field == FIELD_BODY);
    return apigw_span_of(there ? value.ptr : NULL, value.len);
}

static void event_fill(struct apigw_event *event, const struct protocol_invoke *invoke, const struct span *fields)
{
    *event = (struct apigw_event){
        .abi = APIGW_ABI(struct apigw_event),
        .type = invoke->event_type,
        .disconnect_status_code = invoke->disconnect_status_code,
        .connected_at_ms = invoke->connected_at_ms,
        .request_time_ms = invoke->request_time_ms,
    };
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        struct apigw_span span = field_span(invoke->event_type, i, fields[i]);
        if (field_places[i].in_event)
            memcpy((char *)event + field_places[i].offset, &span, sizeof(span));
    }
}

/* Sets the answer to what follows from the handler's return value. */
static void answer_settle(struct runtime *rt, int code)
{
    struct protocol_result_json nothing = {.sequence = rt->link.sequence, .json_len = 4};
    char message[64];

    if (code != 0 && rt->answer_type != PROTOCOL_ERROR) {
        snprintf(message, sizeof(message), "handler returned %d", code);
        services_set_error(rt, SPAN("Runtime.HandlerError"), span_of_str(message));
    }
    if (rt->answer_type == 0) {
        rt->answer_type = PROTOCOL_RESULT_JSON;
        buf_append(&rt->answer, span_of((char *)&nothing, sizeof(nothing)));
        buf_append_str(&rt->answer, "null");
    }
}

/* A handler that forked and let both processes return: only one of them is the environment. */
static void leave_if_forked(void)
{
    if (link_is_ours())
        return;
    dprintf(STDERR_FILENO, "apigw-host: a forked child returned from the handler; end it with _exit\n");
    _exit(1);
}

static void handler_run(struct runtime *rt, const struct apigw_event *event)
{
    int code;

    link_flush(&rt->link); /* what this invocation's frame took in the ring is free while it runs */
    rt->phase = PHASE_HANDLER;
    code = rt->handler->handle(event, &rt->context);
    leave_if_forked();
    rt->phase = PHASE_IDLE;
    output_finish_lines();
    answer_settle(rt, code);
    answer_note_usage(rt, rt->answer_type);
    link_send(&rt->link, rt->answer_type, (struct span[]){buf_span(&rt->answer)}, 1);
    link_flush(&rt->link);
    services_reset(rt);
}

static void invocation_run(struct runtime *rt, const struct message *m)
{
    struct protocol_invoke invoke;
    struct span fields[FIELD_COUNT];
    struct apigw_event event;

    if (!invocation_read(m, &invoke, fields)) {
        dprintf(STDERR_FILENO, "apigw-host: received an invocation that makes no sense; the environment ends\n");
        _exit(1);
    }
    if (!channel_slot_claim(rt->link.channel, invoke.slot))
        return;
    event_fill(&event, &invoke, fields);
    rt->event = &event;
    rt->event_head = fields[FIELD_EVENT_HEAD];
    rt->event_tail = fields[FIELD_EVENT_TAIL];
    rt->began_ns = services_now_ns();
    rt->deadline_ns = rt->began_ns + (uint64_t)invoke.timeout_ms * 1000000u;
    rt->context.aws_request_id = apigw_span_of(fields[FIELD_AWS_REQUEST_ID].ptr, fields[FIELD_AWS_REQUEST_ID].len);
    rt->link.sequence = invoke.sequence;
    sandbox_set_trace(invoke.request_time_ms, fields[FIELD_AWS_REQUEST_ID]);
    handler_run(rt, &event);
    rt->link.sequence = 0;
    rt->context.aws_request_id = apigw_span_of(NULL, 0);
    rt->event = NULL;
}

/* Before any of the plugin's code runs: from here on it can do what it likes. */
static void sandbox_open(struct runtime *rt)
{
    struct protocol_started started = {.limits_memory = sandbox_limit_memory(rt->context.memory_limit_mb)};

    sandbox_enter_task_root();
    sandbox_open_trace();
    link_send(&rt->link, PROTOCOL_STARTED, (struct span[]){span_of((char *)&started, sizeof(started))}, 1);
    link_flush(&rt->link);
}

int runtime_serve(struct runtime *rt, int plugin_fd, const char *handler_name)
{
    struct message *m;

    context_open(rt);
    output_open(&rt->link);
    sandbox_open(rt);
    fault_open(rt, plugin_fd);
    if (init(rt, plugin_fd, handler_name) < 0)
        return 1;
    while ((m = link_next_invocation(&rt->link))) {
        invocation_run(rt, m);
        free(m);
    }
    if (rt->plugin->fini) {
        rt->phase = PHASE_FINI;
        rt->plugin->fini(&rt->context);
        rt->phase = PHASE_IDLE;
    }
    host_store_close();
    return 0;
}
