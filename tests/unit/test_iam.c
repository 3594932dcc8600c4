/* test_iam.c - who may do what with a signature, and what events say of the caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authorization/iam.h"
#include "base/mem.h"
#include "quotes.h"
#include "signing.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define POLICY(members) "{'Version':'2012-10-17','Statement':[{" members "}]}"
#define API_ARN "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/"
#define MASKED_ARN "arn:aws:execute-api:us-east-1:********9012:abcdef1234/prod/"
#define ALICE_ARN "arn:aws:iam::123456789012:user/alice"

/* Signed by botocore for AKIDEXAMPLE and SECRET. */
#define CONNECT                                                                                                       \
    "GET /prod?b=2&a=1&a=0&c=%20x%2F&d\nHost: abcdef1234.execute-api.us-east-1.amazonaws.com\nX-Amz-Date: " SIGNED_AT \
    "\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" SIGNED_SCOPE                                          \
    ", SignedHeaders=host;x-amz-date, Signature=432bb033b3b746fba4f3e67bc70b03934227a47f3c3aad8b25c6b97e2fb90d3b"

struct fixture {
    struct config_credential alice;
    struct config config;
    struct denial denial;
    char *policy;
};

static void fixture_fini_ptr(struct fixture *f)
{
    free(f->policy);
    denial_fini(&f->denial);
}

static const struct config_stage stage = {.name = (char *)(uintptr_t) "prod"};

static struct fixture fixture_of(const char *policy)
{
    return (struct fixture){
        .policy = policy ? with_quotes(policy) : NULL,
        .config = {.region = (char *)(uintptr_t) "us-east-1",
                   .account_id = (char *)(uintptr_t) "123456789012",
                   .api_id = (char *)(uintptr_t) "abcdef1234",
                   .credential_count = 1},
        .alice = {.name = (char *)(uintptr_t) "alice",
                  .access_key_id = (char *)(uintptr_t)SIGNED_KEY_ID,
                  .secret_access_key = (char *)(uintptr_t)SIGNED_SECRET,
                  .user_arn = (char *)(uintptr_t)ALICE_ARN},
    };
}

static const struct config_credential *authorize(struct fixture *f, const char *text, const char *action,
                                                 struct span resource)
{
    struct request_text r;
    const struct config_credential *credential;

    f->config.credentials = &f->alice;
    f->alice.policy = f->policy;
    credential = iam_authorize(&f->config, &stage, request_read(&r, text), action, resource, SIGNED_AT_MS, &f->denial);
    assert_int_equal(!credential, f->denial.rule != NULL);
    return credential;
}

/* ---- policies ---- */

static void a_policy_says_what_a_caller_may_do(void **state)
{
    /* clang-format off */
    static const struct {
        const char *policy; /* NULL: none */
        const char *action;
        const char *resource;
        enum rule_id rule; /* RULE_COUNT: allowed */
    } cases[] = {
        {NULL, IAM_INVOKE, "$connect", RULE_COUNT},
        {NULL, IAM_MANAGE_CONNECTIONS, "POST/@connections/{connectionId}", RULE_COUNT},
        {POLICY("'Effect':'Allow','Action':'execute-api:Invoke','Resource':'" API_ARN "$connect'"), IAM_INVOKE, "$connect", RULE_COUNT},
        {POLICY("'Effect':'Allow','Action':'execute-api:Invoke','Resource':'arn:aws:execute-api:*:*:*/prod/$connect'"), IAM_INVOKE, "$connect", RULE_COUNT},
        {POLICY("'Effect':'Allow','Action':'execute-api:Invoke','Resource':'" API_ARN "*/*'"), IAM_INVOKE, "$connect", RULE_IAM_DENIED},
        {POLICY("'Effect':'Allow','Action':'execute-api:Invoke','Resource':'*'"), IAM_MANAGE_CONNECTIONS, "POST/@connections/{connectionId}", RULE_IAM_DENIED},
        {POLICY("'Effect':'Allow','Action':'execute-api:ManageConnections','Resource':'" API_ARN "POST/@connections/*'"),
         IAM_MANAGE_CONNECTIONS, "POST/@connections/{connectionId}", RULE_COUNT},
        {POLICY("'Effect':'Allow','Action':'execute-api:ManageConnections','Resource':'" API_ARN "POST/@connections/*'"),
         IAM_MANAGE_CONNECTIONS, "GET/@connections/{connectionId}", RULE_IAM_DENIED},
        {POLICY("'Effect':'Allow','Action':'execute-api:ManageConnections','Resource':'arn:aws:execute-api:*:*:*/@connections/*'"),
         IAM_MANAGE_CONNECTIONS, "DELETE/@connections/{connectionId}", RULE_COUNT},
        {POLICY("'Effect':'Deny','Action':'*','Resource':'*'"), IAM_INVOKE, "$connect", RULE_IAM_DENIED_EXPLICITLY},
        {POLICY("'Effect':'Allow','Action':'*','Resource':'*','Condition':{'IpAddress':{'aws:SourceIp':'192.0.2.0/24'}}"), IAM_INVOKE, "$connect", RULE_COUNT},
        {POLICY("'Effect':'Allow','Action':'*','Resource':'*','Condition':{'IpAddress':{'aws:SourceIp':'10.0.0.0/8'}}"), IAM_INVOKE, "$connect", RULE_IAM_DENIED},
        {POLICY("'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Bool':{'aws:SecureTransport':'true'}}"), IAM_INVOKE, "$connect", RULE_IAM_DENIED},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(fixture_fini) struct fixture f = fixture_of(cases[i].policy);
        const struct rule *expected = cases[i].rule == RULE_COUNT ? NULL : rule_get(cases[i].rule);

        authorize(&f, CONNECT, cases[i].action, span_of_str(cases[i].resource));
        if (f.denial.rule != expected)
            fail_msg("%s on %s: %s", cases[i].policy, cases[i].resource, f.denial.rule ? f.denial.rule->id : "allowed");
    }
}

static void an_allowed_caller_is_the_credential(void **state)
{
    CLEANUP(fixture_fini) struct fixture f = fixture_of(NULL);

    assert_ptr_equal(authorize(&f, CONNECT, IAM_INVOKE, SPAN("$connect")), &f.alice);
}

static void a_denied_caller_reads_who_was_denied_what_on_which_masked_resource(void **state)
{
    static const struct {
        const char *policy, *message, *detail;
    } cases[] = {
        {POLICY("'Effect':'Allow','Action':'s3:*','Resource':'*'"),
         "User: " ALICE_ARN " is not authorized to perform: execute-api:ManageConnections on resource: " MASKED_ARN
         "POST/@connections/{connectionId}",
         "the policy of alice does not allow execute-api:ManageConnections on " API_ARN
         "POST/@connections/{connectionId}"},
        {POLICY("'Effect':'Deny','Action':'*','Resource':'*'"),
         "User: " ALICE_ARN " is not authorized to perform: execute-api:ManageConnections on resource: " MASKED_ARN
         "POST/@connections/{connectionId} with an explicit deny",
         "the policy of alice denies execute-api:ManageConnections on " API_ARN "POST/@connections/{connectionId}"},
        {POLICY("'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Null':{}}"),
         "User: " ALICE_ARN " is not authorized to perform: execute-api:ManageConnections on resource: " MASKED_ARN
         "POST/@connections/{connectionId}",
         "the policy of alice does not allow execute-api:ManageConnections on " API_ARN
         "POST/@connections/{connectionId}"
         " (statement 1 has the condition operator Null, which is not known here)"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(fixture_fini) struct fixture f = fixture_of(cases[i].policy);

        assert_null(authorize(&f, CONNECT, IAM_MANAGE_CONNECTIONS, SPAN("POST/@connections/{connectionId}")));
        assert_string_equal(buf_terminate(&f.denial.message), cases[i].message);
        assert_string_equal(buf_terminate(&f.denial.detail), cases[i].detail);
        assert_int_equal(f.denial.rule->http_status, 403);
        assert_string_equal(f.denial.rule->error_type, "AccessDeniedException");
        assert_string_equal(f.denial.rule->message_key, "Message");
    }
}

static void a_signature_is_looked_at_before_the_policy(void **state)
{
    CLEANUP(fixture_fini) struct fixture f = fixture_of(POLICY("'Effect':'Deny','Action':'*','Resource':'*'"));

    authorize(&f, "GET /prod\nHost: h", IAM_INVOKE, SPAN("$connect"));
    assert_ptr_equal(f.denial.rule, rule_get(RULE_SIGNATURE_MISSING));
}

/* ---- identities ---- */

static bool only_has(struct span text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(characters, text.ptr[i]))
            return false;
    return true;
}

static bool is_unique_id(struct span id, const char *prefix)
{
    return id.len == strlen(prefix) + 17 && span_starts_with(id, span_of_str(prefix)) &&
           only_has(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}

static void identify(const char *arn, struct buf *text, struct event_identity *ret)
{
    struct fixture f = fixture_of(NULL);

    f.alice.user_arn = (char *)(uintptr_t)arn;
    *ret = (struct event_identity){0};
    iam_identify(&f.config, &f.alice, text, ret);
    assert_true(span_equal(ret->user_arn, span_of_str(arn)));
    assert_true(span_equal(ret->access_key, SPAN(SIGNED_KEY_ID)));
    assert_true(span_equal(ret->user, ret->caller));
    assert_int_equal(ret->api_key.len + ret->api_key_id.len, 0);
}

static void an_identity_follows_from_the_arn(void **state)
{
    static const struct {
        const char *arn, *account;
        const char *prefix; /* of an id that is made up; NULL: there is none */
        const char *rest;
    } cases[] = {
        {ALICE_ARN, "123456789012", "AIDA", ""},
        {"arn:aws:iam::999999999999:user/team/alice", "999999999999", "AIDA", ""},
        {"arn:aws:iam:::user/alice", "123456789012", "AIDA", ""},
        {"arn:aws:sts::999999999999:assumed-role/Role/session", "999999999999", "AROA", ":session"},
        {"arn:aws:sts::999999999999:assumed-role/path/Role/me@example.com", "999999999999", "AROA", ":me@example.com"},
        {"arn:aws:sts::999999999999:assumed-role/Role/a:b", "999999999999", "AROA", ":a:b"},
        {"arn:aws:sts::999999999999:federated-user/bob", "999999999999", NULL, "999999999999:bob"},
        {"arn:aws:iam::999999999999:root", "999999999999", NULL, "999999999999"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_fini) struct buf text = {0};
        struct event_identity identity;
        size_t made_up = cases[i].prefix ? 21 : 0;

        identify(cases[i].arn, &text, &identity);
        assert_true(span_equal(identity.account_id, span_of_str(cases[i].account)));
        assert_true(identity.caller.len >= made_up);
        if (cases[i].prefix)
            assert_true(is_unique_id(span_of(identity.caller.ptr, made_up), cases[i].prefix));
        if (!span_equal(span_from(identity.caller, made_up), span_of_str(cases[i].rest)))
            fail_msg("%s: " SPAN_FMT, cases[i].arn, SPAN_ARG(identity.caller));
    }
}

static void an_id_is_the_same_for_the_same_arn_and_for_every_session_of_a_role(void **state)
{
    CLEANUP(buf_fini) struct buf a = {0}, b = {0}, c = {0}, one = {0}, two = {0}, other = {0};
    struct event_identity first, again, bob, session_1, session_2, other_role;

    identify(ALICE_ARN, &a, &first);
    identify(ALICE_ARN, &b, &again);
    identify("arn:aws:iam::123456789012:user/bob", &c, &bob);
    assert_true(span_equal(first.caller, again.caller));
    assert_false(span_equal(first.caller, bob.caller));
    identify("arn:aws:sts::123456789012:assumed-role/Role/1", &one, &session_1);
    identify("arn:aws:sts::123456789012:assumed-role/Role/2", &two, &session_2);
    identify("arn:aws:sts::123456789012:assumed-role/Rule/1", &other, &other_role);
    assert_memory_equal(session_1.caller.ptr, session_2.caller.ptr, 21);
    assert_memory_not_equal(session_1.caller.ptr, other_role.caller.ptr, 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_says_what_a_caller_may_do),
        cmocka_unit_test(an_allowed_caller_is_the_credential),
        cmocka_unit_test(a_denied_caller_reads_who_was_denied_what_on_which_masked_resource),
        cmocka_unit_test(a_signature_is_looked_at_before_the_policy),
        cmocka_unit_test(an_identity_follows_from_the_arn),
        cmocka_unit_test(an_id_is_the_same_for_the_same_arn_and_for_every_session_of_a_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
