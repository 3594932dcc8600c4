/* fuzz_policy.c - a policy document, alone and in an authorizer's answer (authorization/policy.h, authorizer.h). */
#include "authorization/authorizer.h"
#include "authorization/policy.h"
#include "base/json.h"
#include "base/mem.h"
#include "fuzz.h"

#define ARN "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/$connect"

static const struct policy_request request = {SPAN("execute-api:Invoke"), SPAN(ARN), SPAN("192.0.2.7")};

/* ---- wildcards, against the definition ---- */

#define NAIVE_MAX 12

static bool naive_match(struct span pattern, struct span text)
{
    if (!pattern.len)
        return !text.len;
    if (*pattern.ptr == '*')
        return naive_match(span_from(pattern, 1), text) || (text.len && naive_match(pattern, span_from(text, 1)));
    return text.len && (*pattern.ptr == '?' || *pattern.ptr == *text.ptr) &&
           naive_match(span_from(pattern, 1), span_from(text, 1));
}

static void check_match(struct span input)
{
    const struct span pattern = fuzz_line(&input);

    if (pattern.len <= NAIVE_MAX && input.len <= NAIVE_MAX)
        assert(policy_match(pattern, input, false) == naive_match(pattern, input));
    else
        policy_match(pattern, input, true);
}

/* ---- authorizers ---- */

/* What the judgement on an answer with this policy has to be. */
static bool follows(const struct rule *rule, enum policy_effect effect)
{
    static const enum rule_id rules[] = {[POLICY_DENY] = RULE_AUTHORIZER_DENIED_EXPLICITLY,
                                         [POLICY_NO_MATCH] = RULE_AUTHORIZER_DENIED,
                                         [POLICY_MALFORMED] = RULE_AUTHORIZER_RESULT_MALFORMED};

    return effect == POLICY_ALLOW ? !rule : rule == rule_get(rules[effect]);
}

/* The members are those of an object with a principalId. */
static void check_members(const struct authorizer_answer *answer)
{
    CLEANUP(buf_fini) struct buf json = {0};
    struct json_value object, principal;

    buf_append_char(&json, '{');
    buf_append(&json, buf_span(&answer->members));
    buf_append_char(&json, '}');
    assert(json_parse(buf_span(&json), &object, NULL) == 0);
    assert(json_get(object, SPAN("principalId"), &principal) && principal.type == JSON_STRING);
}

/* NULL: let in. */
static const struct rule *judge(struct span result)
{
    CLEANUP(authorizer_answer_fini) struct authorizer_answer answer = {0};
    CLEANUP(denial_fini) struct denial denial = {0};
    const int r = authorizer_judge(result, &request, &answer, &denial);

    assert(r == (denial.rule ? -1 : 0));
    if (!denial.rule)
        check_members(&answer);
    return denial.rule;
}

static void judge_in_answer(struct span document, enum policy_effect effect)
{
    CLEANUP(buf_fini) struct buf answer = {0};
    const struct rule *rule;

    buf_append_str(&answer, "{\"principalId\":\"user\",\"context\":{\"k\":1},\"policyDocument\":");
    buf_append(&answer, document);
    buf_append_str(&answer, "}");
    rule = judge(buf_span(&answer));
    assert(follows(rule, effect) || rule == rule_get(RULE_AUTHORIZER_RESULT_TOO_LARGE) ||
           rule == rule_get(RULE_AUTHORIZER_RESOURCE_TOO_LONG) ||
           rule == rule_get(RULE_AUTHORIZER_RESULT_MALFORMED)); /* such as bytes that are not UTF-8 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span document = span_of((const char *)data, size);
    CLEANUP(buf_fini) struct buf notes = {0};
    const enum policy_effect effect = policy_evaluate(document, &request, &notes);
    struct json_value value;

    assert(effect != POLICY_MALFORMED || notes.len > 0);
    assert(policy_longest_resource(document) <= 2 * size); /* \uXXXX is six bytes for at most three */
    judge(document);
    if (json_parse(document, &value, NULL) == 0)
        judge_in_answer(value.raw, effect);
    check_match(document);
    return 0;
}
