/* authorizer.c - see authorizer.h. */
#include "authorization/authorizer.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

/* ---- identity sources ---- */

/* Header names come in any case. */
static bool get_header(struct json_value headers, struct span name, struct json_value *ret)
{
    struct json_iter it;
    struct span key;

    json_iter_init(&it, headers);
    while (json_iter_next(&it, &key, ret))
        if (span_equal_nocase(key, name))
            return true;
    return false;
}

/* "identity.sourceIp": each dot goes one object deeper. */
static bool get_path(struct json_value object, struct span path, struct json_value *ret)
{
    while (true) {
        const char *dot = path.len ? memchr(path.ptr, '.', path.len) : NULL;
        const size_t len = dot ? (size_t)(dot - path.ptr) : path.len;

        if (object.type != JSON_OBJECT || !json_get(object, span_of(path.ptr, len), ret))
            return false;
        if (!dot)
            return true;
        object = *ret;
        path = span_from(path, len + 1);
    }
}

/* Where each kind of source stands in an authorizer's event, and how it is written. */
static const struct {
    const char *prefix;
    struct span member;
    bool (*get)(struct json_value object, struct span name, struct json_value *ret);
} places[] = {
    [CONFIG_IDENTITY_HEADER] = {"route.request.header.", {"headers", 7}, get_header},
    [CONFIG_IDENTITY_QUERYSTRING] = {"route.request.querystring.", {"queryStringParameters", 21}, json_get},
    [CONFIG_IDENTITY_CONTEXT] = {"context.", {"requestContext", 14}, get_path},
    [CONFIG_IDENTITY_STAGE] = {"stageVariables.", {"stageVariables", 14}, json_get},
};

static bool is_there(const struct config_identity_source *source, struct json_value event)
{
    struct json_value place, value;

    return json_get(event, places[source->place].member, &place) &&
           places[source->place].get(place, span_of_str(source->name), &value) && value.type != JSON_NULL &&
           !span_equal(value.raw, SPAN("\"\""));
}

const struct config_identity_source *authorizer_missing_source(const struct config_authorizer *authorizer,
                                                               struct span event)
{
    struct json_value document;
    const int parsed = json_parse(event, &document, NULL);

    for (size_t i = 0; i < authorizer->identity_source_count; i++)
        if (parsed < 0 || !is_there(&authorizer->identity_sources[i], document))
            return &authorizer->identity_sources[i];
    return NULL;
}

void authorizer_write_source(const struct config_identity_source *source, struct buf *out)
{
    buf_append_str(out, places[source->place].prefix);
    buf_append_str(out, source->name);
}

/* ---- the context ---- */

/* What the gateway says itself in requestContext.authorizer. */
static bool is_reserved(struct span raw_key)
{
    return json_raw_equal(raw_key, SPAN("principalId")) || json_raw_equal(raw_key, SPAN("integrationLatency"));
}

/* Of members with one key the last one counts. */
static bool is_overridden(struct json_value object, struct span raw_key, struct json_value value)
{
    CLEANUP(buf_fini) struct buf key = {0};
    struct json_value last;

    /* The key as a string, quotes included. */
    json_unescape((struct json_value){JSON_STRING, span_of(raw_key.ptr - 1, raw_key.len + 2)}, &key);
    return json_get(object, buf_span(&key), &last) && last.raw.ptr != value.raw.ptr;
}

static void write_member(struct buf *out, struct span raw_key, struct json_value value)
{
    const bool quote = value.type != JSON_STRING && rule_choice(RULE_AUTHORIZER_CONTEXT) == CONTEXT_AS_TEXT;

    buf_append_char(out, '"');
    buf_append(out, raw_key);
    buf_append_str(out, quote ? "\":\"" : "\":");
    buf_append(out, value.raw);
    buf_append_str(out, quote ? "\"," : ",");
}

/* False if a value is not a string, a number or a boolean; *ret_key is its key then. */
static bool write_context(struct json_value context, struct buf *out, struct span *ret_key)
{
    struct json_iter it;
    struct json_value value;

    json_iter_init(&it, context);
    while (json_iter_next(&it, ret_key, &value)) {
        if (value.type == JSON_NULL || value.type == JSON_ARRAY || value.type == JSON_OBJECT)
            return false;
        if (!is_reserved(*ret_key) && !is_overridden(context, *ret_key, value))
            write_member(out, *ret_key, value);
    }
    return true;
}

/* ---- the answer ---- */

static int deny(struct denial *denial, enum rule_id rule, struct span why)
{
    denial_set(denial, rule, NULL);
    buf_append(&denial->detail, why);
    return -1;
}

static int reject(struct denial *denial, const char *why)
{
    return deny(denial, RULE_AUTHORIZER_RESULT_MALFORMED, span_of_str(why));
}

static int read_object(struct span text, struct json_value *ret, struct denial *denial)
{
    const size_t bytes_max = rule_get(RULE_AUTHORIZER_RESULT_TOO_LARGE)->limit;

    if (text.len > bytes_max) {
        denial->value = text.len;
        return deny(denial, RULE_AUTHORIZER_RESULT_TOO_LARGE, SPAN("the authorizer's answer is too large"));
    }
    if (json_parse(text, ret, NULL) < 0 || utf8_valid_prefix(text) != text.len)
        return reject(denial, "the authorizer's answer is not JSON");
    return ret->type == JSON_OBJECT ? 0 : reject(denial, "the authorizer's answer is not an object");
}

static int read_context(struct json_value result, struct authorizer_answer *ret, struct denial *denial)
{
    struct json_value context;
    struct span key;

    if (!json_get(result, SPAN("context"), &context) || context.type == JSON_NULL)
        return 0;
    if (context.type != JSON_OBJECT)
        return reject(denial, "the authorizer's context is not an object");
    if (write_context(context, &ret->members, &key))
        return 0;
    reject(denial, "the authorizer's context has ");
    buf_printf(&denial->detail, SPAN_FMT ", which is not a string, a number or a boolean", SPAN_ARG(key));
    return -1;
}

static int read_usage_identifier_key(struct json_value result, struct authorizer_answer *ret, struct denial *denial)
{
    struct json_value key;

    if (!json_get(result, SPAN("usageIdentifierKey"), &key) || key.type == JSON_NULL)
        return 0;
    if (key.type != JSON_STRING)
        return reject(denial, "the authorizer's usageIdentifierKey is not a string");
    json_unescape(key, &ret->usage_identifier_key);
    return 0;
}

static int read_members(struct json_value result, struct authorizer_answer *ret, struct denial *denial)
{
    struct json_value principal;

    if (!json_get(result, SPAN("principalId"), &principal) || principal.type != JSON_STRING)
        return reject(denial, "the authorizer's answer has no principalId that is a string");
    if (read_context(result, ret, denial) < 0 || read_usage_identifier_key(result, ret, denial) < 0)
        return -1;
    buf_append_str(&ret->members, "\"principalId\":");
    buf_append(&ret->members, principal.raw);
    return 0;
}

/* ---- the policy ---- */

static int check_resources(struct span policy, struct denial *denial)
{
    const size_t longest = policy_longest_resource(policy);

    if (longest <= rule_get(RULE_AUTHORIZER_RESOURCE_TOO_LONG)->limit)
        return 0;
    denial->value = longest;
    return deny(denial, RULE_AUTHORIZER_RESOURCE_TOO_LONG, SPAN(""));
}

/* The sentence of a refusal by the policy. */
static int refuse(struct denial *denial, enum rule_id rule, const char *does, const struct policy_request *request,
                  struct span notes)
{
    deny(denial, rule, SPAN("the authorizer's policy "));
    buf_printf(&denial->detail, "%s " SPAN_FMT " on " SPAN_FMT, does, SPAN_ARG(request->action),
               SPAN_ARG(request->resource));
    if (notes.len > 0)
        buf_printf(&denial->detail, " (" SPAN_FMT ")", SPAN_ARG(notes));
    return -1;
}

static int judge_policy(struct json_value policy, const struct policy_request *request, struct authorizer_answer *ret,
                        struct denial *denial)
{
    enum policy_effect effect;

    if (check_resources(policy.raw, denial) < 0)
        return -1;
    effect = policy_evaluate(policy.raw, request, &ret->notes);
    switch (effect) {
    case POLICY_ALLOW: return 0;
    case POLICY_DENY:
        return refuse(denial, RULE_AUTHORIZER_DENIED_EXPLICITLY, "denies", request, buf_span(&ret->notes));
    case POLICY_NO_MATCH:
        return refuse(denial, RULE_AUTHORIZER_DENIED, "does not allow", request, buf_span(&ret->notes));
    case POLICY_MALFORMED: break;
    }
    reject(denial, "the authorizer's policyDocument: ");
    buf_append(&denial->detail, buf_span(&ret->notes));
    return -1;
}

int authorizer_judge(struct span result, const struct policy_request *request, struct authorizer_answer *ret,
                     struct denial *denial)
{
    struct json_value object, policy;

    if (read_object(result, &object, denial) < 0 || read_members(object, ret, denial) < 0)
        return -1;
    if (!json_get(object, SPAN("policyDocument"), &policy) || policy.type != JSON_OBJECT)
        return reject(denial, "the authorizer's answer has no policyDocument that is an object");
    return judge_policy(policy, request, ret, denial);
}

void authorizer_answer_fini(struct authorizer_answer *answer)
{
    buf_fini(&answer->members);
    buf_fini(&answer->usage_identifier_key);
    buf_fini(&answer->notes);
}
