/* environment.c - the life of a fake environment: init, invocations, fini. */
#include <stdio.h>

#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "src/json_path.h"
#include "testing/src/fake.h"

#define REMAINING_MS_DEFAULT 3000
#define MEMORY_MB_DEFAULT 128

_Noreturn void fake_misused(const char *sentence)
{
    fprintf(stderr, "apigw/testing.h: %s\n", sentence);
    abort();
}

/* ---- rows ---- */

void *rows_add(struct rows *r, size_t size)
{
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 16;
        r->items = mem_realloc(r->items, r->capacity * sizeof(*r->items));
    }
    return r->items[r->count++] = mem_zalloc(size);
}

void rows_clear(struct rows *r, void (*fini)(void *row))
{
    for (size_t i = 0; i < r->count; i++) {
        fini(r->items[i]);
        free(r->items[i]);
    }
    free(r->items);
    *r = (struct rows){0};
}

/* ---- new and free ---- */

struct apigw_span fake_lend(struct arena *from, struct span bytes)
{
    char *copy = arena_allocate(from, bytes.len);

    if (!copy)
        fake_misused("out of memory");
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    return apigw_span_of(copy, bytes.len);
}

struct caller *caller_of(struct apigw_context *context)
{
    struct apigw_test *t;

    if (!context || !context->host)
        return NULL;
    t = LIST_ENTRY((uintptr_t)context->host, struct apigw_test, host);
    if (context != &t->context || t->phase == FAKE_IDLE || !pthread_equal(t->thread, pthread_self()))
        return NULL;
    return &t->caller;
}

struct apigw_test *apigw_test_new(const struct apigw_plugin *plugin)
{
    struct apigw_test *t = mem_zalloc(sizeof(*t));

    services_fill(&t->host);
    t->plugin = plugin;
    t->remaining_ms = REMAINING_MS_DEFAULT;
    t->context = (struct apigw_context){
        .abi = APIGW_ABI(struct apigw_context),
        .host = &t->host,
        .function_name = APIGW_SPAN("test"),
        .memory_limit_mb = MEMORY_MB_DEFAULT,
    };
    arena_init(&t->caller.arena, (size_t)MEMORY_MB_DEFAULT * 1024 * 1024 / 4 * 3, true);
    arena_init(&t->lent, SIZE_MAX, true);
    arena_init(&t->call_result, SIZE_MAX, true);
    return t;
}

struct apigw_test *apigw_test_new_with_handlers(const struct apigw_handler *handlers, size_t count)
{
    struct apigw_test *t = apigw_test_new(NULL);

    t->bare = (struct apigw_plugin){
        .abi = APIGW_ABI(struct apigw_plugin),
        .name = "test",
        .version = "1.0.0",
        .handlers = handlers,
        .handler_count = (uint32_t)count,
        .handler_size = sizeof(struct apigw_handler),
    };
    t->plugin = &t->bare;
    return t;
}

void apigw_test_free(struct apigw_test *t)
{
    if (!t)
        return;
    apigw_test_fini(t);
    apigw_test_forget(t);
    connections_fini(t);
    store_fini(t);
    answer_clear(&t->answer);
    result_clear(&t->result);
    arena_fini(&t->caller.arena);
    arena_fini(&t->lent);
    arena_fini(&t->call_result);
    buf_fini(&t->caller.scratch);
    buf_fini(&t->event_head);
    buf_fini(&t->event_tail);
    buf_fini(&t->json_text);
    free(t);
}

struct apigw_context *apigw_test_context(struct apigw_test *t)
{
    return &t->context;
}

void apigw_test_set_remaining_ms(struct apigw_test *t, uint64_t ms)
{
    t->remaining_ms = ms;
}

void apigw_test_set_memory(struct apigw_test *t, size_t bytes)
{
    if (t->phase != FAKE_IDLE)
        fake_misused("apigw_test_set_memory was called while a handler runs");
    arena_init(&t->caller.arena, bytes, true);
    t->context.memory_limit_mb = (uint32_t)(bytes / (1024 * 1024));
}

/* ---- calls ---- */

static void phase_begin(struct apigw_test *t, enum fake_phase phase)
{
    if (t->phase != FAKE_IDLE)
        fake_misused("a handler was called while another one runs in the same fake host");
    t->thread = pthread_self();
    t->phase = phase;
}

/* What the last handler has answered is forgotten. */
static void answer_begin(struct apigw_test *t)
{
    answer_clear(&t->answer);
    result_clear(&t->result);
}

/* What was given to the plugin is gone. */
static void phase_end(struct apigw_test *t)
{
    t->phase = FAKE_IDLE;
    t->event = NULL;
    t->event_json = t->event_body = t->context.aws_request_id = apigw_span_of(NULL, 0);
    arena_reset(&t->caller.arena);
    arena_reset(&t->lent);
    arena_reset(&t->call_result);
    buf_fini(&t->caller.scratch);
    buf_clear(&t->event_head, 0);
    buf_clear(&t->event_tail, 0);
}

/* The result is a failure that is none of the handler's. */
static void fail_early(struct apigw_test *t, struct span type, struct span message)
{
    answer_begin(t);
    answer_set_error(&t->answer, type, message);
    answer_settle(t, -1);
}

int apigw_test_init(struct apigw_test *t)
{
    char message[64];
    int r = 0;

    if (t->initialised)
        return 0;
    phase_begin(t, FAKE_INIT);
    answer_begin(t);
    if (t->plugin->init)
        r = t->plugin->init(&t->context);
    phase_end(t);
    t->initialised = r == 0;
    if (r == 0)
        return 0;
    snprintf(message, sizeof(message), "init returned %d", r);
    if (t->answer.kind != ANSWER_ERROR)
        answer_set_error(&t->answer, SPAN("Runtime.InitError"), span_of_str(message));
    answer_settle(t, r);
    return r;
}

void apigw_test_fini(struct apigw_test *t)
{
    if (!t->initialised)
        return;
    phase_begin(t, FAKE_FINI);
    if (t->plugin->fini)
        t->plugin->fini(&t->context);
    phase_end(t);
    t->initialised = false;
}

int apigw_test_run(struct apigw_test *t, int (*function)(struct apigw_context *context, void *arg), void *arg)
{
    int r;

    phase_begin(t, FAKE_RUN);
    r = function(&t->context, arg);
    phase_end(t);
    return r;
}

static apigw_handler_fn *find_handler(const struct apigw_plugin *plugin, const char *name)
{
    for (uint32_t i = 0; i < plugin->handler_count; i++) {
        const void *at = (const char *)plugin->handlers + (size_t)i * plugin->handler_size;
        const struct apigw_handler *h = at;

        if (strcmp(h->name, name) == 0)
            return h->handle;
    }
    return NULL;
}

/* A client that is let in is there, one that is not never was. */
static void connection_follow(struct apigw_test *t, const struct apigw_test_event *event)
{
    if (event->type == APIGW_CONNECT)
        connections_set_gone(t, span_of_str(event->connection_id),
                             t->result.status_code < 200 || t->result.status_code > 299);
}

static void invoke(struct apigw_test *t, apigw_handler_fn *handler, const struct apigw_test_event *event)
{
    struct apigw_event *given;
    const char *why;
    char uuid[64];
    int returned;

    phase_begin(t, FAKE_HANDLER);
    answer_begin(t);
    t->event = event;
    t->invocations++;
    given = arena_allocate(&t->lent, sizeof(*given));
    if (!given || events_render(t, given, &why) < 0) {
        phase_end(t);
        fail_early(t, SPAN("Test.InvalidEvent"), span_of_str(given ? why : "out of memory"));
        return;
    }
    if (event->type == APIGW_DISCONNECT)
        connections_set_gone(t, span_of_str(event->connection_id), true);
    snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012llu", (unsigned long long)t->invocations);
    t->context.aws_request_id = fake_lend(&t->lent, span_of_str(uuid));
    returned = handler(given, &t->context);
    answer_settle(t, returned);
    phase_end(t);
    connection_follow(t, event);
}

const struct apigw_test_result *apigw_test_call_function(struct apigw_test *t, apigw_handler_fn *handler,
                                                         const struct apigw_test_event *event)
{
    if (apigw_test_init(t) == 0)
        invoke(t, handler, event);
    return &t->result;
}

const struct apigw_test_result *apigw_test_call(struct apigw_test *t, const char *handler,
                                                const struct apigw_test_event *event)
{
    apigw_handler_fn *const handle = find_handler(t->plugin, handler);
    char message[256];

    if (handle)
        return apigw_test_call_function(t, handle, event);
    snprintf(message, sizeof(message), "no handler is named \"%s\"", handler);
    fail_early(t, SPAN("Runtime.HandlerNotFound"), span_of_str(message));
    return &t->result;
}

/* ---- JSON for tests ---- */

const char *apigw_test_json(struct apigw_test *t, const char *json, const char *path)
{
    CLEANUP(buf_fini) struct buf scratch = {0};
    struct json_value value;

    if (!json || json_parse(span_of_str(json), &value, NULL) < 0 ||
        json_path_get(value, span_of_str(path), &scratch, &value) != JSON_PATH_FOUND)
        return NULL;
    buf_clear(&t->json_text, 0);
    if (value.type == JSON_STRING)
        json_unescape(value, &t->json_text);
    else
        buf_append(&t->json_text, value.raw);
    return buf_terminate(&t->json_text);
}
