/* answers.c - what a handler answered, and what AWS makes of it: the judges are the emulator's. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "function/protocol.h"
#include "integration/proxy_result.h"
#include "testing/src/fake.h"

static const char why_authorizer[] = "an authorizer answers with apigw_respond_json";

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void free_pairs(const struct apigw_test_pair *pairs)
{
    for (size_t i = 0; pairs && pairs[i].name; i++) {
        free_text(pairs[i].name);
        free_text(pairs[i].value);
    }
    free((void *)(uintptr_t)pairs);
}

/* ---- answers ---- */

void answer_clear(struct answer *a)
{
    free_text(a->body.ptr);
    free_text(a->error_type.ptr);
    free_pairs(a->headers);
    *a = (struct answer){0};
}

static struct span copy_cut(struct span s)
{
    s.len = s.len < PROTOCOL_ERROR_MAX ? s.len : PROTOCOL_ERROR_MAX;
    return span_of(mem_span_dup(s), s.len);
}

void answer_set_error(struct answer *a, struct span type, struct span message)
{
    answer_clear(a);
    *a = (struct answer){.kind = ANSWER_ERROR, .error_type = copy_cut(type), .body = copy_cut(message)};
}

/* ---- results ---- */

void result_clear(struct apigw_test_result *r)
{
    free_text(r->body);
    free_text(r->json);
    free_text(r->error_type);
    free_text(r->error_message);
    free_pairs(r->headers);
    *r = (struct apigw_test_result){0};
}

static void set_body(struct apigw_test_result *r, const struct proxy_result *judged)
{
    r->status_code = judged->status_code;
    r->body = judged->has_body ? mem_span_dup(judged->body) : NULL;
    r->body_len = judged->has_body ? judged->body.len : 0;
}

static size_t count_pairs(const struct apigw_test_pair *pairs)
{
    size_t count = 0;
    while (pairs[count].name)
        count++;
    return count;
}

static void settle_typed(struct apigw_test *t)
{
    struct answer *const a = &t->answer;
    const size_t count = count_pairs(a->headers);
    struct invocation_header *headers = mem_alloc(count * sizeof(*headers));
    struct invocation_result typed = {
        .outcome = INVOCATION_RESULT,
        .status_code = a->status_code,
        .has_body = a->has_body,
        .is_base64_encoded = a->is_base64_encoded,
        .body = a->body,
        .headers = headers,
        .header_count = count,
    };
    struct proxy_result judged;

    for (size_t i = 0; i < count; i++)
        headers[i] = (struct invocation_header){span_of_str(a->headers[i].name), span_of_str(a->headers[i].value)};
    t->result.is_base64_encoded = a->is_base64_encoded;
    t->result.headers = TAKE(a->headers);
    if (proxy_result_from_typed(&typed, &judged, &t->result.malformed) == 0)
        set_body(&t->result, &judged);
    free(headers);
}

/* ---- results that are JSON ---- */

static char *text_of(struct json_value value)
{
    CLEANUP(buf_fini) struct buf text = {0};

    if (value.type != JSON_STRING)
        return mem_span_dup(value.raw);
    json_unescape(value, &text);
    return mem_span_dup(buf_span(&text));
}

static char *key_text(struct span raw)
{
    /* The quotes around it are in the text, too. */
    return text_of((struct json_value){JSON_STRING, span_of(raw.ptr - 1, raw.len + 2)});
}

static struct apigw_test_pair *headers_of(struct json_value object)
{
    struct apigw_test_pair *pairs = mem_zalloc(sizeof(*pairs));
    struct json_iter it;
    struct json_value value;
    struct span key;
    size_t count = 0;

    json_iter_init(&it, object);
    while (object.type == JSON_OBJECT && json_iter_next(&it, &key, &value)) {
        pairs = mem_realloc(pairs, (count + 2) * sizeof(*pairs));
        pairs[count++] = (struct apigw_test_pair){key_text(key), text_of(value)};
        pairs[count] = (struct apigw_test_pair){NULL, NULL};
    }
    return pairs;
}

/* What proxy_result_parse has accepted. */
static void set_members(struct apigw_test_result *r, struct span json)
{
    struct json_value object, member;

    if (json_parse(json, &object, NULL) < 0)
        return;
    if (json_get(object, SPAN("headers"), &member))
        r->headers = headers_of(member);
    r->is_base64_encoded = json_get(object, SPAN("isBase64Encoded"), &member) && member.type == JSON_TRUE;
}

static void settle_json(struct apigw_test *t)
{
    struct apigw_test_result *const r = &t->result;
    CLEANUP(buf_fini) struct buf text = {0};
    struct proxy_result judged;

    r->json = TAKE(t->answer.body.ptr);
    if (t->event->type == APIGW_AUTHORIZER)
        return;
    if (proxy_result_parse(span_of(r->json, t->answer.body.len), &text, &judged, &r->malformed) < 0)
        return;
    set_body(r, &judged);
    set_members(r, span_of(r->json, t->answer.body.len));
}

/* ---- settling ---- */

static void settle_error(struct apigw_test *t)
{
    t->result.error_type = TAKE(t->answer.error_type.ptr);
    t->result.error_message = TAKE(t->answer.body.ptr);
}

static void settle_nothing(struct apigw_test *t)
{
    t->answer.body = span_of(mem_strdup("null"), 4);
    settle_json(t);
}

/* A handler that fails otherwise than with apigw_fail. */
static void note_failure(struct answer *a, int returned)
{
    char message[64];

    if (returned == 0 || a->kind == ANSWER_ERROR)
        return;
    snprintf(message, sizeof(message), "handler returned %d", returned);
    answer_set_error(a, SPAN("Runtime.HandlerError"), span_of_str(message));
}

void answer_settle(struct apigw_test *t, int returned)
{
    static void (*const settlers[])(struct apigw_test * t) = {
        [ANSWER_NONE] = settle_nothing,
        [ANSWER_TYPED] = settle_typed,
        [ANSWER_JSON] = settle_json,
        [ANSWER_ERROR] = settle_error,
    };

    note_failure(&t->answer, returned);
    result_clear(&t->result);
    settlers[t->answer.kind](t);
    t->result.returned = returned;
    if (t->event && t->event->type == APIGW_AUTHORIZER) {
        t->result.status_code = 0;
        if (t->answer.kind == ANSWER_TYPED)
            t->result.malformed = why_authorizer;
    }
    if (!t->result.headers)
        t->result.headers = mem_zalloc(sizeof(*t->result.headers));
}

const char *apigw_test_header(const struct apigw_test_result *r, const char *name)
{
    const char *found = NULL;

    for (size_t i = 0; r->headers && r->headers[i].name; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            found = r->headers[i].value;
    return found;
}
