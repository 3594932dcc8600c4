/* lambda_events.c - see lambda_events.h. Each waits with a timer of its own: they are few. */
#include "management/lambda_events.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "function/document.h"
#include "management/payload.h"

#define RETRIES_MAX 2
#define RETRY_MS 60000u /* before the first retry, and twice that before the second */

#define THROTTLE_RETRY_MS_MIN 1000u
#define THROTTLE_RETRY_MS_MAX (5u * 60u * 1000u)
#define EVENT_AGE_MS_MAX (6u * 60u * 60u * 1000u)

struct lambda_events {
    struct function_pool *pool;
    struct loop *loop;
    struct lambda_runs *runs;
    struct list list; /* struct event, all of them */
    size_t count;
    size_t bytes; /* of their documents */
};

struct event {
    struct list link;
    struct lambda_run run; /* while an attempt is under way */
    struct lambda_events *events;
    struct loop_timer *timer;
    char *function;
    char request_id[UUID_SIZE];
    unsigned failures;
    uint64_t accepted_ms;
    uint64_t throttle_retry_ms;
    size_t document_len;
    char document[];
};

static void event_free(struct event *e)
{
    e->events->count--;
    e->events->bytes -= e->document_len;
    list_remove(&e->link);
    loop_timer_free(e->timer);
    free(e->function);
    free(e);
}

/* ---- what becomes of an attempt ---- */

static void give_up(struct event *e, const char *why)
{
    log_function(LOG_ERROR, e->function, span_of(e->request_id, UUID_LEN),
                 "the asynchronous invocation is given up: %s", why);
    event_free(e);
}

static void try_again(struct event *e, const char *why, uint64_t after_ms)
{
    log_function(LOG_WARN, e->function, span_of(e->request_id, UUID_LEN),
                 "the asynchronous invocation is tried again in %llu s: %s", (unsigned long long)(after_ms / 1000),
                 why);
    loop_timer_start(e->timer, after_ms);
}

static void on_failed(struct event *e)
{
    char why[48];

    e->failures++;
    snprintf(why, sizeof(why), "attempt %u of %u failed", e->failures, RETRIES_MAX + 1u);
    if (e->failures > RETRIES_MAX)
        give_up(e, why);
    else
        try_again(e, why, (uint64_t)e->failures * RETRY_MS);
}

static void on_throttled(struct event *e)
{
    const uint64_t after_ms = e->throttle_retry_ms;

    if (clock_mono_ms() + after_ms > e->accepted_ms + EVENT_AGE_MS_MAX) {
        give_up(e, "the function had no room for it in 6 hours");
        return;
    }
    e->throttle_retry_ms = after_ms * 2 < THROTTLE_RETRY_MS_MAX ? after_ms * 2 : THROTTLE_RETRY_MS_MAX;
    try_again(e, "the function has no room for it", after_ms);
}

static void on_done(void *arg, const struct invocation_result *result)
{
    struct event *e = arg;

    lambda_run_end(&e->run);
    if (payload_is_error(result))
        on_failed(e);
    else if (result->outcome == INVOCATION_THROTTLED)
        on_throttled(e);
    else
        event_free(e); /* it has succeeded, or the emulator is stopping */
}

/* ---- attempts ---- */

static void attempt(void *arg)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct event *e = arg;
    const struct config_function *function = function_find(e->events->pool, span_of_str(e->function));
    struct span document = span_of(e->document, e->document_len);
    struct invocation_request request;
    struct json_value value;

    if (!function) {
        give_up(e, "there is no such function any more");
        return;
    }
    if (json_parse(document, &value, NULL) < 0)
        assert(!"a document is checked before it is added");
    invocation_request_from_document(&request, document, value, &text);
    request.fields[FIELD_AWS_REQUEST_ID] = span_of(e->request_id, UUID_LEN);
    lambda_run_begin(e->events->runs, &e->run);
    function_invoke(e->events->pool, function, &request, on_done, e);
}

bool lambda_events_add(struct lambda_events *events, const struct config_function *function,
                       const char request_id[UUID_SIZE], struct span document)
{
    struct event *e;

    if (events->count >= LAMBDA_EVENTS_MAX || events->bytes + document.len > LAMBDA_EVENTS_BYTES_MAX)
        return false;
    e = mem_alloc(sizeof(*e) + document.len);
    *e = (struct event){
        .events = events,
        .timer = loop_timer_new(events->loop, attempt, e),
        .function = mem_strdup(function->name),
        .accepted_ms = clock_mono_ms(),
        .throttle_retry_ms = THROTTLE_RETRY_MS_MIN,
        .document_len = document.len,
    };
    memcpy(e->request_id, request_id, UUID_SIZE);
    memcpy(e->document, document.ptr, document.len);
    list_init(&e->run.link);
    list_append(&events->list, &e->link);
    events->count++;
    events->bytes += document.len;
    attempt(e);
    return true;
}

/* ---- life ---- */

struct lambda_events *lambda_events_new(struct loop *loop, struct function_pool *pool, struct lambda_runs *runs)
{
    struct lambda_events *events = mem_zalloc(sizeof(*events));

    events->loop = loop;
    events->pool = pool;
    events->runs = runs;
    list_init(&events->list);
    return events;
}

void lambda_events_free(struct lambda_events *events)
{
    struct list *node;

    if (!events)
        return;
    if (events->count > 0)
        log_warn(LOG_FUNCTION, "dropped %zu asynchronous invocations that were to be tried again", events->count);
    while ((node = list_first(&events->list)))
        event_free(LIST_ENTRY(node, struct event, link));
    free(events);
}
