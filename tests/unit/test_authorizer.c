/* test_authorizer.c - what must be there before an authorizer is asked, and what each of its answers means. In these
 * tables ' stands for ". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authorization/authorizer.h"
#include "base/mem.h"
#include "quotes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define METHOD_ARN "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/$connect"
#define STATEMENT(effect, resource) "{'Action':'execute-api:Invoke','Effect':'" effect "','Resource':'" resource "'}"
#define POLICY(statements) "'policyDocument':{'Version':'2012-10-17','Statement':[" statements "]}"
#define ALLOWED POLICY(STATEMENT("Allow", METHOD_ARN))
#define ANSWER(members) "{'principalId':'user'," ALLOWED members "}"

static const struct policy_request connect_request = {SPAN("execute-api:Invoke"), SPAN(METHOD_ARN), SPAN("192.0.2.7")};

/* ---- answers that let the client in ---- */

static void assert_text(const char *what, const struct buf *actual, const char *expected)
{
    CLEANUP(free) char *wanted = with_quotes(expected);

    if (!span_equal(buf_span(actual), span_of_str(wanted)))
        fail_msg("%s: <" SPAN_FMT ">, not <%s>", what, SPAN_ARG(buf_span(actual)), wanted);
}

static void judge(const char *result, struct authorizer_answer *answer, struct denial *denial)
{
    CLEANUP(free) char *json = with_quotes(result);
    const int r = authorizer_judge(span_of_str(json), &connect_request, answer, denial);

    assert_int_equal(r, denial->rule ? -1 : 0);
}

static void assert_let_in(const char *result, const char *members, const char *usage_identifier_key)
{
    CLEANUP(authorizer_answer_fini) struct authorizer_answer answer = {0};
    CLEANUP(denial_fini) struct denial denial = {0};

    judge(result, &answer, &denial);
    if (denial.rule)
        fail_msg("%s: %s: %s", result, denial.rule->id, buf_terminate(&denial.detail));
    assert_text(result, &answer.members, members);
    assert_text(result, &answer.usage_identifier_key, usage_identifier_key);
    assert_int_equal(denial.message.len + denial.detail.len, 0);
}

static void an_allowing_answer_gives_the_members_of_the_events(void **state)
{
    /* clang-format off */
    static const struct {
        const char *result;
        const char *members;
    } cases[] = {
        {ANSWER(""), "'principalId':'user'"},
        {"{'principalId':''," ALLOWED "}", "'principalId':''"},
        {"{'principalId':'a\\'b\\u00e4'," ALLOWED "}", "'principalId':'a\\'b\\u00e4'"},
        {"{'principalId':'first','principalId':'last'," ALLOWED "}", "'principalId':'last'"},
        {" { 'principalId' : 'user' , " ALLOWED " } ", "'principalId':'user'"},
        {ANSWER(",'somethingElse':[1,{}]"), "'principalId':'user'"},
        {ANSWER(",'context':{}"), "'principalId':'user'"},
        {ANSWER(",'context':null"), "'principalId':'user'"},
        {ANSWER(",'context':{'k':'v'}"), "'k':'v','principalId':'user'"},
        {ANSWER(",'context':{'b':'','a':'x y'}"), "'b':'','a':'x y','principalId':'user'"},
        {ANSWER(",'context':{'k':'\\u00e4\\n\\''}"), "'k':'\\u00e4\\n\\'','principalId':'user'"},
        /* numbers and booleans are strings, as they were written */
        {ANSWER(",'context':{'n':1,'m':-2.50,'e':1E+2}"), "'n':'1','m':'-2.50','e':'1E+2','principalId':'user'"},
        {ANSWER(",'context':{'t':true,'f':false}"), "'t':'true','f':'false','principalId':'user'"},
        /* the gateway's own names count, and of a name that is there twice the last */
        {ANSWER(",'context':{'principalId':'somebody','k':'v'}"), "'k':'v','principalId':'user'"},
        {ANSWER(",'context':{'integrationLatency':7,'k':'v'}"), "'k':'v','principalId':'user'"},
        {ANSWER(",'context':{'princip\\u0061lId':'somebody'}"), "'principalId':'user'"},
        {ANSWER(",'context':{'k':'first','l':'x','k':'last'}"), "'l':'x','k':'last','principalId':'user'"},
        {ANSWER(",'context':{'k':'first','\\u006b':'last'}"), "'\\u006b':'last','principalId':'user'"},
        {ANSWER(",'context':{'':'empty'}"), "'':'empty','principalId':'user'"},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_let_in(cases[i].result, cases[i].members, "");
}

static void a_context_keeps_its_types_if_the_rule_says_so(void **state)
{
    struct config_rule_setting as_returned = {.id = (char *)(uintptr_t) "authorizer-context",
                                              .choice = (char *)(uintptr_t) "as-returned"};

    rules_apply(&as_returned, 1);
    assert_let_in(ANSWER(",'context':{'n':1.50,'t':true,'f':false,'s':'x'}"),
                  "'n':1.50,'t':true,'f':false,'s':'x','principalId':'user'", "");
}

static void the_usage_identifier_key_is_its_text(void **state)
{
    static const struct {
        const char *result;
        const char *key;
    } cases[] = {
        {ANSWER(",'usageIdentifierKey':'the-key-of-a-plan'"), "the-key-of-a-plan"},
        {ANSWER(",'usageIdentifierKey':'a\\u002fb'"), "a/b"},
        {ANSWER(",'usageIdentifierKey':''"), ""},
        {ANSWER(",'usageIdentifierKey':null"), ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_let_in(cases[i].result, "'principalId':'user'", cases[i].key);
}

static void a_left_out_statement_is_noted_although_another_one_allows(void **state)
{
    CLEANUP(authorizer_answer_fini) struct authorizer_answer answer = {0};
    CLEANUP(denial_fini) struct denial denial = {0};

    judge("{'principalId':'user'," POLICY("{'Effect':'Deny','Action':'*','Resource':'*','Condition':{'StringEquals':{'"
                                          "aws:UserAgent':'x'}}}," STATEMENT("Allow", "*")) "}",
          &answer, &denial);
    assert_null(denial.rule);
    assert_text("notes", &answer.notes, "statement 1 has a condition on aws:UserAgent, which is not known here");
}

/* ---- answers that do not ---- */

struct refusal {
    const char *result;
    enum rule_id rule;
    const char *words; /* of the sentence for the log */
};

static void assert_refused(const struct refusal *r)
{
    CLEANUP(authorizer_answer_fini) struct authorizer_answer answer = {0};
    CLEANUP(denial_fini) struct denial denial = {0};

    judge(r->result, &answer, &denial);
    if (denial.rule != rule_get(r->rule))
        fail_msg("%s: %s", r->result, denial.rule ? denial.rule->id : "let in");
    if (!strstr(buf_terminate(&denial.detail), r->words))
        fail_msg("%s: \"%s\" does not speak of \"%s\"", r->result, buf_terminate(&denial.detail), r->words);
    if (denial.rule->message)
        assert_string_equal(buf_terminate(&denial.message), denial.rule->message);
    else
        assert_int_equal(denial.message.len, 0);
}

static void a_policy_that_does_not_allow_refuses(void **state)
{
    /* clang-format off */
    static const struct refusal cases[] = {
        {"{'principalId':'user'," POLICY(STATEMENT("Deny", METHOD_ARN)) "}", RULE_AUTHORIZER_DENIED_EXPLICITLY,
         "policy denies execute-api:Invoke on " METHOD_ARN},
        {"{'principalId':'user'," POLICY(STATEMENT("Allow", "*") "," STATEMENT("Deny", "*")) "}", RULE_AUTHORIZER_DENIED_EXPLICITLY, "denies"},
        {"{'principalId':'user'," POLICY("") "}", RULE_AUTHORIZER_DENIED, "does not allow execute-api:Invoke on " METHOD_ARN},
        {"{'principalId':'user'," POLICY(STATEMENT("Allow", "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/*/*")) "}",
         RULE_AUTHORIZER_DENIED, "does not allow"},
        {"{'principalId':'user'," POLICY(STATEMENT("Allow", "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/test/$connect")) "}",
         RULE_AUTHORIZER_DENIED, "does not allow"},
        {"{'principalId':'user'," POLICY("{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Bool':{'aws:SecureTransport':'true'}}}") "}",
         RULE_AUTHORIZER_DENIED, "(statement 1 has the condition operator Bool, which is not known here)"},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(&cases[i]);
}

static void what_is_no_authorizer_result_refuses(void **state)
{
    /* clang-format off */
    static const struct refusal cases[] = {
        {"", RULE_AUTHORIZER_RESULT_MALFORMED, "is not JSON"},
        {"{", RULE_AUTHORIZER_RESULT_MALFORMED, "is not JSON"},
        {ANSWER("") " x", RULE_AUTHORIZER_RESULT_MALFORMED, "is not JSON"},
        {ANSWER(",'context':{'k':'\xff'}"), RULE_AUTHORIZER_RESULT_MALFORMED, "is not JSON"},
        {"null", RULE_AUTHORIZER_RESULT_MALFORMED, "is not an object"},
        {"'Allow'", RULE_AUTHORIZER_RESULT_MALFORMED, "is not an object"},
        {"true", RULE_AUTHORIZER_RESULT_MALFORMED, "is not an object"},
        {"[" ANSWER("") "]", RULE_AUTHORIZER_RESULT_MALFORMED, "is not an object"},
        {"{}", RULE_AUTHORIZER_RESULT_MALFORMED, "principalId"},
        {"{'statusCode':200}", RULE_AUTHORIZER_RESULT_MALFORMED, "principalId"},
        {"{'isAuthorized':true}", RULE_AUTHORIZER_RESULT_MALFORMED, "principalId"},
        {"{" ALLOWED "}", RULE_AUTHORIZER_RESULT_MALFORMED, "principalId"},
        {"{'principalId':7," ALLOWED "}", RULE_AUTHORIZER_RESULT_MALFORMED, "principalId"},
        {"{'principalId':null," ALLOWED "}", RULE_AUTHORIZER_RESULT_MALFORMED, "principalId"},
        {"{'PrincipalId':'user'," ALLOWED "}", RULE_AUTHORIZER_RESULT_MALFORMED, "principalId"},
        {"{'principalId':'user'}", RULE_AUTHORIZER_RESULT_MALFORMED, "policyDocument"},
        {"{'principalId':'user','policyDocument':null}", RULE_AUTHORIZER_RESULT_MALFORMED, "policyDocument"},
        {"{'principalId':'user','policyDocument':'{}'}", RULE_AUTHORIZER_RESULT_MALFORMED, "policyDocument"},
        {"{'principalId':'user','policyDocument':[]}", RULE_AUTHORIZER_RESULT_MALFORMED, "policyDocument"},
        {"{'principalId':'user','policyDocument':{}}", RULE_AUTHORIZER_RESULT_MALFORMED, "policyDocument: the policy has no Statement"},
        {"{'principalId':'user'," POLICY("{'Effect':'Maybe','Action':'*','Resource':'*'}") "}", RULE_AUTHORIZER_RESULT_MALFORMED, "statement 1 has no Effect"},
        {ANSWER(",'context':[]"), RULE_AUTHORIZER_RESULT_MALFORMED, "context is not an object"},
        {ANSWER(",'context':'k=v'"), RULE_AUTHORIZER_RESULT_MALFORMED, "context is not an object"},
        {ANSWER(",'context':{'ok':1,'deep':{}}"), RULE_AUTHORIZER_RESULT_MALFORMED, "deep, which is not a string"},
        {ANSWER(",'context':{'list':['a']}"), RULE_AUTHORIZER_RESULT_MALFORMED, "list, which is not a string"},
        {ANSWER(",'context':{'nothing':null}"), RULE_AUTHORIZER_RESULT_MALFORMED, "nothing, which is not a string"},
        {ANSWER(",'context':{'principalId':{}}"), RULE_AUTHORIZER_RESULT_MALFORMED, "principalId, which is not a string"},
        {ANSWER(",'usageIdentifierKey':7"), RULE_AUTHORIZER_RESULT_MALFORMED, "usageIdentifierKey"},
        {ANSWER(",'usageIdentifierKey':{}"), RULE_AUTHORIZER_RESULT_MALFORMED, "usageIdentifierKey"},
        /* a malformed answer is one even where the policy denies */
        {"{'principalId':'user','context':{'k':[]}," POLICY(STATEMENT("Deny", "*")) "}", RULE_AUTHORIZER_RESULT_MALFORMED, "k, which"},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(&cases[i]);
}

static void no_beginning_of_an_answer_lets_anybody_in(void **state)
{
    CLEANUP(free) char *whole = with_quotes(ANSWER(",'context':{'k':'\\u00e4'},'usageIdentifierKey':'x'"));

    for (size_t len = 0; len < strlen(whole); len++) {
        CLEANUP(authorizer_answer_fini) struct authorizer_answer answer = {0};
        CLEANUP(denial_fini) struct denial denial = {0};
        CLEANUP(free) char *copy = mem_alloc(len + 1); /* of its own, so that reading past it is seen */

        memcpy(copy, whole, len);
        assert_int_equal(authorizer_judge(span_of(copy, len), &connect_request, &answer, &denial), -1);
        assert_ptr_equal(denial.rule, rule_get(RULE_AUTHORIZER_RESULT_MALFORMED));
    }
}

/* ---- sizes ---- */

/* An answer of `size` bytes. */
static char *sized_answer(size_t size)
{
    CLEANUP(free) char *empty = with_quotes(ANSWER(",'context':{'k':''}"));
    CLEANUP(free) char *filling = mem_alloc(size);

    memset(filling, 'x', size);
    return mem_printf("%.*s%.*s%s", (int)strlen(empty) - 3, empty, (int)(size - strlen(empty)), filling,
                      empty + strlen(empty) - 3);
}

static const struct rule *judge_sized(size_t size, uint64_t *ret_value)
{
    CLEANUP(authorizer_answer_fini) struct authorizer_answer answer = {0};
    CLEANUP(denial_fini) struct denial denial = {0};
    CLEANUP(free) char *result = sized_answer(size);

    assert_int_equal(strlen(result), size);
    judge(result, &answer, &denial);
    *ret_value = denial.value;
    return denial.rule;
}

static void an_answer_of_8_kb_passes_and_one_byte_more_does_not(void **state)
{
    uint64_t value;

    assert_null(judge_sized(8192, &value));
    assert_ptr_equal(judge_sized(8193, &value), rule_get(RULE_AUTHORIZER_RESULT_TOO_LARGE));
    assert_int_equal(value, 8193);
}

static void the_size_is_looked_at_before_the_form(void **state)
{
    CLEANUP(authorizer_answer_fini) struct authorizer_answer answer = {0};
    CLEANUP(denial_fini) struct denial denial = {0};
    CLEANUP(buf_fini) struct buf result = {0};

    for (int i = 0; i < 8193; i++)
        buf_append_char(&result, '{');
    judge(buf_terminate(&result), &answer, &denial);
    assert_ptr_equal(denial.rule, rule_get(RULE_AUTHORIZER_RESULT_TOO_LARGE));
}

static const struct rule *judge_resource(int stars, uint64_t *ret_value)
{
    CLEANUP(authorizer_answer_fini) struct authorizer_answer answer = {0};
    CLEANUP(denial_fini) struct denial denial = {0};
    CLEANUP(buf_fini) struct buf result = {0};

    buf_append_str(&result, "{'principalId':'user',"
                            "'policyDocument':{'Statement':[" STATEMENT(
                                "Allow", "*") ","
                                              "{'Effect':'Deny','Action':'s3:*','Resource':['a','");
    for (int i = 0; i < stars; i++)
        buf_append_char(&result, '*');
    buf_append_str(&result, "']}]}}");
    judge(buf_terminate(&result), &answer, &denial);
    *ret_value = denial.value;
    return denial.rule;
}

static void a_resource_of_512_characters_passes_and_one_more_does_not(void **state)
{
    uint64_t value;

    assert_null(judge_resource(512, &value));
    assert_ptr_equal(judge_resource(513, &value), rule_get(RULE_AUTHORIZER_RESOURCE_TOO_LONG));
    assert_int_equal(value, 513);
}

/* ---- what AWS answers ---- */

static void each_refusal_has_the_answer_of_aws(void **state)
{
    static const struct {
        enum rule_id rule;
        unsigned status;
        const char *error_type;
        const char *message_key;
        const char *message;
    } cases[] = {
        {RULE_IDENTITY_SOURCE_MISSING, 401, "UnauthorizedException", NULL, "Unauthorized"},
        {RULE_AUTHORIZER_UNAUTHORIZED, 401, "UnauthorizedException", NULL, "Unauthorized"},
        {RULE_AUTHORIZER_DENIED, 403, "AccessDeniedException", "Message",
         "User is not authorized to access this resource"},
        {RULE_AUTHORIZER_DENIED_EXPLICITLY, 403, "AccessDeniedException", "Message",
         "User is not authorized to access this resource with an explicit deny"},
        {RULE_AUTHORIZER_FAILED, 500, "AuthorizerConfigurationException", "message", NULL},
        {RULE_AUTHORIZER_TIMEOUT, 500, "AuthorizerConfigurationException", "message", NULL},
        {RULE_AUTHORIZER_UNAVAILABLE, 500, "AuthorizerConfigurationException", NULL, "Internal server error"},
        {RULE_AUTHORIZER_RESULT_MALFORMED, 500, "AuthorizerConfigurationException", "message", NULL},
        {RULE_AUTHORIZER_RESULT_TOO_LARGE, 500, "AuthorizerConfigurationException", "message", NULL},
        {RULE_AUTHORIZER_RESOURCE_TOO_LONG, 500, "AuthorizerConfigurationException", "message", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rule *rule = rule_get(cases[i].rule);

        assert_int_equal(rule->http_status, cases[i].status);
        assert_string_equal(rule->error_type, cases[i].error_type);
        assert_string_equal(rule->message_key ? rule->message_key : "",
                            cases[i].message_key ? cases[i].message_key : "");
        assert_string_equal(rule->message ? rule->message : "null", cases[i].message ? cases[i].message : "null");
    }
}

/* ---- identity sources ---- */

#define EVENT                                                                                                \
    "{'type':'REQUEST','methodArn':'" METHOD_ARN "','headers':{'Host':'h','Empty':'','X-Auth':'secret'},"    \
    "'queryStringParameters':{'token':'t','none':'','a.b':'dotted'},'stageVariables':{'level':'1','no':''}," \
    "'requestContext':{'stage':'prod','connectedAt':1674162806344,'authorizer':null,"                        \
    "'identity':{'sourceIp':'192.0.2.7','userAgent':''},'connectionId':'L0SM9cOFvHcCIhw='}}"

static void a_source_is_there_if_the_event_has_it_and_it_is_not_empty(void **state)
{
    static const struct {
        enum config_identity_place place;
        const char *name;
        bool there;
    } cases[] = {
        {CONFIG_IDENTITY_HEADER, "X-Auth", true},
        {CONFIG_IDENTITY_HEADER, "x-auTH", true},
        {CONFIG_IDENTITY_HEADER, "Authorization", false},
        {CONFIG_IDENTITY_HEADER, "Empty", false},
        {CONFIG_IDENTITY_HEADER, "X-Aut", false},
        {CONFIG_IDENTITY_QUERYSTRING, "token", true},
        {CONFIG_IDENTITY_QUERYSTRING, "a.b", true},
        {CONFIG_IDENTITY_QUERYSTRING, "Token", false},
        {CONFIG_IDENTITY_QUERYSTRING, "none", false},
        {CONFIG_IDENTITY_QUERYSTRING, "level", false},
        {CONFIG_IDENTITY_STAGE, "level", true},
        {CONFIG_IDENTITY_STAGE, "no", false},
        {CONFIG_IDENTITY_STAGE, "token", false},
        {CONFIG_IDENTITY_CONTEXT, "stage", true},
        {CONFIG_IDENTITY_CONTEXT, "connectedAt", true},
        {CONFIG_IDENTITY_CONTEXT, "identity.sourceIp", true},
        {CONFIG_IDENTITY_CONTEXT, "identity.userAgent", false},
        {CONFIG_IDENTITY_CONTEXT, "identity.apiKey", false},
        {CONFIG_IDENTITY_CONTEXT, "identity.sourceIp.more", false},
        {CONFIG_IDENTITY_CONTEXT, "identity.", false},
        {CONFIG_IDENTITY_CONTEXT, "authorizer", false},
        {CONFIG_IDENTITY_CONTEXT, "", false},
    };
    CLEANUP(free) char *event = with_quotes(EVENT);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config_identity_source source = {cases[i].place, (char *)(uintptr_t)cases[i].name};
        const struct config_authorizer authorizer = {.identity_sources = &source, .identity_source_count = 1};
        const struct config_identity_source *missing = authorizer_missing_source(&authorizer, span_of_str(event));

        if (missing != (cases[i].there ? NULL : &source))
            fail_msg("%s is %s", cases[i].name, missing ? "missing" : "there");
    }
}

static void the_first_source_that_is_missing_is_named(void **state)
{
    struct config_identity_source sources[] = {
        {CONFIG_IDENTITY_HEADER, (char *)(uintptr_t) "X-Auth"},
        {CONFIG_IDENTITY_QUERYSTRING, (char *)(uintptr_t) "absent"},
        {CONFIG_IDENTITY_STAGE, (char *)(uintptr_t) "absent, too"},
    };
    const struct config_authorizer all = {.identity_sources = sources, .identity_source_count = 3};
    const struct config_authorizer none = {.identity_source_count = 0};
    CLEANUP(free) char *event = with_quotes(EVENT);

    assert_ptr_equal(authorizer_missing_source(&all, span_of_str(event)), &sources[1]);
    assert_null(authorizer_missing_source(&none, span_of_str(event)));
    assert_ptr_equal(authorizer_missing_source(&all, SPAN("{}")), &sources[0]);
}

static void a_source_is_written_as_in_the_configuration(void **state)
{
    static const struct {
        enum config_identity_place place;
        const char *text;
    } cases[] = {
        {CONFIG_IDENTITY_HEADER, "route.request.header.x"},
        {CONFIG_IDENTITY_QUERYSTRING, "route.request.querystring.x"},
        {CONFIG_IDENTITY_CONTEXT, "context.x"},
        {CONFIG_IDENTITY_STAGE, "stageVariables.x"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct config_identity_source source = {cases[i].place, (char *)(uintptr_t) "x"};
        CLEANUP(buf_fini) struct buf text = {0};

        authorizer_write_source(&source, &text);
        assert_string_equal(buf_terminate(&text), cases[i].text);
    }
}

static int untune(void **state)
{
    rules_apply(NULL, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allowing_answer_gives_the_members_of_the_events),
        cmocka_unit_test_teardown(a_context_keeps_its_types_if_the_rule_says_so, untune),
        cmocka_unit_test(the_usage_identifier_key_is_its_text),
        cmocka_unit_test(a_left_out_statement_is_noted_although_another_one_allows),
        cmocka_unit_test(a_policy_that_does_not_allow_refuses),
        cmocka_unit_test(what_is_no_authorizer_result_refuses),
        cmocka_unit_test(no_beginning_of_an_answer_lets_anybody_in),
        cmocka_unit_test(an_answer_of_8_kb_passes_and_one_byte_more_does_not),
        cmocka_unit_test(the_size_is_looked_at_before_the_form),
        cmocka_unit_test(a_resource_of_512_characters_passes_and_one_more_does_not),
        cmocka_unit_test(each_refusal_has_the_answer_of_aws),
        cmocka_unit_test(a_source_is_there_if_the_event_has_it_and_it_is_not_empty),
        cmocka_unit_test(the_first_source_that_is_missing_is_named),
        cmocka_unit_test(a_source_is_written_as_in_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
