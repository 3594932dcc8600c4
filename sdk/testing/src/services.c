/* services.c - the functions of struct apigw_host, on a fake environment. */
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "function/protocol.h"
#include "src/json_services.h"
#include "src/response.h"
#include "src/store_services.h"
#include "testing/src/fake.h"

static bool span_is_sane(struct apigw_span s)
{
    return s.ptr || s.len == 0;
}

static struct span span_in(struct apigw_span s)
{
    return span_of(s.ptr, s.len);
}

/* The environment, if this is its context, and the right thread and time. */
static struct apigw_test *test_in(struct apigw_context *context, enum fake_phase phase)
{
    struct caller *const caller = caller_of(context);
    struct apigw_test *t;

    if (!caller)
        return NULL;
    t = LIST_ENTRY(caller, struct apigw_test, caller);
    return t->phase == phase ? t : NULL;
}

/* ---- answering ---- */

static struct span copy(struct apigw_span s)
{
    return span_of(mem_span_dup(span_in(s)), s.len);
}

static struct apigw_test_pair *copy_headers(const struct apigw_response *r)
{
    struct apigw_test_pair *pairs = mem_zalloc((r->header_count + 1) * sizeof(*pairs));

    for (size_t i = 0; i < r->header_count; i++)
        pairs[i] = (struct apigw_test_pair){copy(r->headers[i].name).ptr, copy(r->headers[i].value).ptr};
    return pairs;
}

static int answer_too_large(struct apigw_test *t)
{
    answer_set_error(&t->answer, SPAN("Function.ResponseSizeTooLarge"),
                     SPAN("Response payload size exceeded maximum allowed payload size (6291556 bytes)."));
    return APIGW_TOO_LARGE;
}

static int respond(struct apigw_context *context, const struct apigw_response *response)
{
    struct apigw_test *t = test_in(context, FAKE_HANDLER);
    int r;

    if (!t)
        return APIGW_FAILED;
    r = response_check(response);
    if (r != APIGW_OK)
        return r == APIGW_TOO_LARGE ? answer_too_large(t) : r;
    answer_clear(&t->answer);
    t->answer = (struct answer){
        .kind = ANSWER_TYPED,
        .status_code = response->status_code,
        .is_base64_encoded = response->is_base64_encoded != 0,
        .has_body = response->body.ptr != NULL,
        .body = copy(response->body),
        .headers = copy_headers(response),
    };
    return APIGW_OK;
}

static int respond_json(struct apigw_context *context, struct apigw_span text)
{
    struct apigw_test *t = test_in(context, FAKE_HANDLER);

    if (!t)
        return APIGW_FAILED;
    if (!span_is_sane(text))
        return APIGW_BAD_REQUEST;
    if (text.len > PROTOCOL_PAYLOAD_MAX)
        return answer_too_large(t);
    answer_clear(&t->answer);
    t->answer = (struct answer){.kind = ANSWER_JSON, .body = copy(text)};
    return APIGW_OK;
}

static int fail(struct apigw_context *context, struct apigw_span type, struct apigw_span message)
{
    struct apigw_test *t = test_in(context, FAKE_HANDLER);

    if (!t)
        t = test_in(context, FAKE_INIT);
    if (t && span_is_sane(type) && span_is_sane(message))
        answer_set_error(&t->answer, type.len ? span_in(type) : SPAN("Error"), span_in(message));
    return APIGW_FAILED;
}

/* ---- asking ---- */

static struct apigw_span event_json(struct apigw_context *context)
{
    struct apigw_test *t = test_in(context, FAKE_HANDLER);
    CLEANUP(buf_fini) struct buf json = {0};

    if (!t)
        return apigw_span_of(NULL, 0);
    if (!t->event_json.ptr) {
        buf_append(&json, buf_span(&t->event_head));
        json_escape(&json, span_in(t->event_body));
        buf_append(&json, buf_span(&t->event_tail));
        t->event_json = fake_lend(&t->lent, buf_span(&json));
    }
    return t->event_json;
}

static void *allocate(struct apigw_context *context, size_t size)
{
    struct caller *const caller = caller_of(context);
    return caller ? arena_allocate(&caller->arena, size) : NULL;
}

static uint64_t remaining_ms(struct apigw_context *context)
{
    const struct apigw_test *t = test_in(context, FAKE_HANDLER);
    return t ? t->remaining_ms : 0;
}

static void log_line(struct apigw_context *context, int level, struct apigw_span line)
{
    struct caller *const caller = caller_of(context);

    if (!caller || !span_is_sane(line))
        return;
    level = level < APIGW_LOG_ERROR ? APIGW_LOG_ERROR : level > APIGW_LOG_DEBUG ? APIGW_LOG_DEBUG : level;
    records_add_line(LIST_ENTRY(caller, struct apigw_test, caller), level, span_in(line));
}

/* ---- connections ---- */

/* What a get_connection before gave pointers into is gone with each of these. */
static int reach(struct apigw_test *t, enum apigw_test_operation operation, struct apigw_span id, size_t data_len)
{
    arena_reset(&t->call_result);
    return span_is_sane(id) ? connections_reach(t, operation, span_in(id), data_len) : APIGW_BAD_REQUEST;
}

static int post_to_connection(struct apigw_context *context, struct apigw_span id, struct apigw_span data)
{
    struct apigw_test *t = test_in(context, FAKE_HANDLER);
    int r;

    if (!t)
        return APIGW_FAILED;
    r = span_is_sane(data) ? reach(t, APIGW_TEST_POST, id, data.len) : APIGW_BAD_REQUEST;
    if (span_is_sane(data) && span_is_sane(id))
        records_add_post(t, span_in(id), span_in(data), r);
    return r;
}

/* Each is a post of its own, which a test scripts and sees as such. */
static size_t post_to_connections(struct apigw_context *context, const struct apigw_span *ids, size_t count,
                                  struct apigw_span data, int *ret_results)
{
    size_t sent = 0;

    for (size_t i = 0; i < count; i++) {
        const int result = ids ? post_to_connection(context, ids[i], data) : APIGW_BAD_REQUEST;

        sent += result == APIGW_OK;
        if (ret_results)
            ret_results[i] = result;
    }
    return sent;
}

static int get_connection(struct apigw_context *context, struct apigw_span id, struct apigw_connection *ret)
{
    struct apigw_test *t = test_in(context, FAKE_HANDLER);
    struct apigw_test_connection info;
    int r;

    if (!ret || !t)
        return t ? APIGW_BAD_REQUEST : APIGW_FAILED;
    r = reach(t, APIGW_TEST_GET, id, 0);
    if (r != APIGW_OK)
        return r;
    info = connections_info(t, span_in(id));
    *ret = (struct apigw_connection){
        .abi = APIGW_ABI(struct apigw_connection),
        .connected_at_ms = info.connected_at_ms,
        .last_active_at_ms = info.last_active_at_ms,
        .source_ip = fake_lend(&t->call_result, span_of_str(info.source_ip)),
        .user_agent = fake_lend(&t->call_result, span_of_str(info.user_agent)),
    };
    return APIGW_OK;
}

static int delete_connection(struct apigw_context *context, struct apigw_span id)
{
    struct apigw_test *t = test_in(context, FAKE_HANDLER);
    int r;

    if (!t)
        return APIGW_FAILED;
    r = reach(t, APIGW_TEST_DELETE, id, 0);
    if (r == APIGW_OK) {
        records_add_closed(t, span_in(id));
        connections_set_gone(t, span_in(id), true);
    }
    return r;
}

void services_fill(struct apigw_host *host)
{
    *host = (struct apigw_host){
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
        .json = json_services(),
        .store = store_services(),
        .post_to_connections = post_to_connections,
    };
}
