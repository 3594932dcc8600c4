/* test_policy.c - what IAM policy documents allow, what they deny, and which are none. In these tables ' stands for ".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authorization/policy.h"
#include "base/mem.h"
#include "quotes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define API "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/"
#define CONNECT API "prod/$connect"

#define POLICY(statements) "{'Version':'2012-10-17','Statement':" statements "}"
#define ALLOW(members) "{'Effect':'Allow'," members "}"
#define DENY(members) "{'Effect':'Deny'," members "}"
#define INVOKE "'Action':'execute-api:Invoke'"
#define ON(resource) INVOKE ",'Resource':'" resource "'"

static enum policy_effect evaluate(const char *document, const struct policy_request *request, struct buf *notes)
{
    CLEANUP(free) char *json = with_quotes(document);

    buf_clear(notes, 0);
    return policy_evaluate(span_of_str(json), request, notes);
}

static const char *effect_name(enum policy_effect effect)
{
    static const char *const names[] = {[POLICY_ALLOW] = "allow",
                                        [POLICY_DENY] = "deny",
                                        [POLICY_NO_MATCH] = "no match",
                                        [POLICY_MALFORMED] = "malformed"};

    return names[effect];
}

static void assert_effect(const char *document, const struct policy_request *request, enum policy_effect expected)
{
    CLEANUP(buf_fini) struct buf notes = {0};
    const enum policy_effect effect = evaluate(document, request, &notes);

    if (effect != expected)
        fail_msg("%s: %s, not %s (%s)", document, effect_name(effect), effect_name(expected), buf_terminate(&notes));
}

static struct policy_request connect_from(const char *source_ip)
{
    return (struct policy_request){SPAN("execute-api:Invoke"), SPAN(CONNECT), span_of_str(source_ip)};
}

/* ---- statements ---- */

static void a_statement_has_its_effect_on_what_it_covers(void **state)
{
    /* clang-format off */
    static const struct {
        const char *document;
        enum policy_effect effect;
    } cases[] = {
        /* resources */
        {POLICY("[" ALLOW(ON(CONNECT)) "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(ON("*")) "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(ON("arn:aws:execute-api:*:*:*")) "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(ON(API "prod/*")) "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(ON(API "*/$connect")) "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(ON(API "pr?d/?connect")) "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(ON(API "*")) "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(ON(API "prod/*/*")) "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(ON(API "prod/GET/*")) "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(ON(API "prod/$Connect")) "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(ON(API "prod/$connect/")) "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(ON(API "prod/$default")) "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(ON(API "prod/?")) "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(ON("")) "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(INVOKE ",'Resource':['arn:a:b','" CONNECT "']") "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(INVOKE ",'Resource':['arn:a:b','arn:c:d']") "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(INVOKE ",'Resource':[]") "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(INVOKE ",'NotResource':'arn:a:b'") "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(INVOKE ",'NotResource':['arn:a:b','" API "prod/*']") "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW(INVOKE ",'Resource':'" API "prod\\/\\u0024connect'") "]"), POLICY_ALLOW},
        /* actions, in any case */
        {POLICY("[" ALLOW("'Action':'EXECUTE-API:invoke','Resource':'*'") "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW("'Action':'execute-api:*','Resource':'*'") "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW("'Action':'execute-api:I?voke','Resource':'*'") "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW("'Action':'*','Resource':'*'") "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW("'Action':['s3:GetObject','execute-api:Invoke'],'Resource':'*'") "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW("'Action':'execute-api:ManageConnections','Resource':'*'") "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW("'Action':'execute-api:Invok','Resource':'*'") "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW("'Action':[],'Resource':'*'") "]"), POLICY_NO_MATCH},
        {POLICY("[" ALLOW("'NotAction':'s3:*','Resource':'*'") "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW("'NotAction':['s3:*','execute-api:*'],'Resource':'*'") "]"), POLICY_NO_MATCH},
        /* several: a deny wins wherever it stands, if it covers the request */
        {POLICY("[" DENY(ON("*")) "]"), POLICY_DENY},
        {POLICY("[" ALLOW(ON("*")) "," DENY(ON("*")) "]"), POLICY_DENY},
        {POLICY("[" DENY(ON("*")) "," ALLOW(ON("*")) "]"), POLICY_DENY},
        {POLICY("[" ALLOW(ON("*")) "," DENY(ON(CONNECT)) "," ALLOW(ON(CONNECT)) "]"), POLICY_DENY},
        {POLICY("[" DENY(ON(API "test/*")) "," ALLOW(ON("*")) "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(ON("*")) "," DENY(ON(API "prod/*/*")) "]"), POLICY_ALLOW},
        {POLICY("[" DENY(ON(API "test/*")) "]"), POLICY_NO_MATCH},
        {POLICY("[" DENY(INVOKE ",'NotResource':'" CONNECT "'") "," ALLOW(ON("*")) "]"), POLICY_ALLOW},
        {POLICY("[" DENY(INVOKE ",'NotResource':'arn:a:b'") "," ALLOW(ON("*")) "]"), POLICY_DENY},
        {POLICY("[" DENY("'NotAction':'execute-api:*','Resource':'*'") "," ALLOW(ON("*")) "]"), POLICY_ALLOW},
        {POLICY("[" DENY("'NotAction':'s3:*','Resource':'*'") "," ALLOW(ON("*")) "]"), POLICY_DENY},
        {POLICY("[" ALLOW(ON("arn:a:b")) "," ALLOW(ON("*")) "]"), POLICY_ALLOW},
        {POLICY("[" ALLOW(ON("*")) "," ALLOW(ON("arn:a:b")) "]"), POLICY_ALLOW},
        {POLICY("[]"), POLICY_NO_MATCH},
        /* forms of a document */
        {POLICY(ALLOW(ON("*"))), POLICY_ALLOW},
        {POLICY(DENY(ON("*"))), POLICY_DENY},
        {"{'Statement':[" ALLOW(ON("*")) "]}", POLICY_ALLOW},
        {"{'Version':'2008-10-17','Statement':[" ALLOW(ON("*")) "]}", POLICY_ALLOW},
        {"{'Id':'x','Version':'2012-10-17','Statement':[" ALLOW("'Sid':'1'," ON("*")) "]}", POLICY_ALLOW},
        {" {\n'Statement' : [ " ALLOW(ON("*")) " ]\t} ", POLICY_ALLOW},
    };
    /* clang-format on */
    const struct policy_request request = connect_from("192.0.2.7");

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_effect(cases[i].document, &request, cases[i].effect);
}

static void an_action_on_a_connection_is_covered_by_its_method(void **state)
{
    static const struct {
        const char *pattern;
        enum policy_effect effect;
    } cases[] = {
        {API "prod/*", POLICY_ALLOW},
        {API "prod/*/*", POLICY_ALLOW},
        {API "prod/POST/@connections/*", POLICY_ALLOW},
        {"arn:aws:execute-api:*:*:*/@connections/*", POLICY_ALLOW},
        {API "prod/GET/@connections/*", POLICY_NO_MATCH},
        {API "prod/POST/@connections/L0SM9cOFvHcCIhw=", POLICY_NO_MATCH},
        {API "prod/$connect", POLICY_NO_MATCH},
    };
    const struct policy_request request = {SPAN("execute-api:ManageConnections"),
                                           SPAN(API "prod/POST/@connections/{connectionId}"), SPAN("")};

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(free)
        char *document =
            mem_printf(POLICY(ALLOW("'Action':'execute-api:ManageConnections','Resource':'%s'")), cases[i].pattern);

        assert_effect(document, &request, cases[i].effect);
    }
}

/* ---- wildcards ---- */

static void a_star_is_any_text_and_a_question_mark_one_character(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"", "", true},          {"", "a", false},          {"a", "", false},        {"a", "a", true},
        {"a", "A", false},       {"*", "", true},           {"**", "", true},        {"*", "a/b/c", true},
        {"?", "", false},        {"?", "/", true},          {"??", "a", false},      {"?*", "a", true},
        {"*?", "a", true},       {"*?", "", false},         {"a*", "a", true},       {"a*", "ba", false},
        {"*a", "bba", true},     {"*a", "ab", false},       {"a*b*c", "abc", true},  {"a*b*c", "a-b-b-c", true},
        {"a*b*c", "acb", false}, {"*ab", "aab", true},      {"*aab", "aaab", true},  {"a*?c", "ac", false},
        {"a*?c", "abc", true},   {"*/*", "a/b/c", true},    {"*/*/*", "a/b", false}, {"[ab]", "a", false},
        {"\\*", "*", false},     {"a*a*a", "aaaab", false}, {"*b?", "abbc", true},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        if (policy_match(span_of_str(cases[i].pattern), span_of_str(cases[i].text), false) != cases[i].matches)
            fail_msg("\"%s\" on \"%s\"", cases[i].pattern, cases[i].text);
}

static void case_counts_unless_it_is_told_not_to(void **state)
{
    assert_true(policy_match(SPAN("Execute-API:inv*"), SPAN("execute-api:INVOKE"), true));
    assert_false(policy_match(SPAN("Execute-API:inv*"), SPAN("execute-api:INVOKE"), false));
}

/* With a retry for each star this would take longer than the universe. */
static void many_stars_take_no_longer_than_pattern_times_text(void **state)
{
    CLEANUP(buf_fini) struct buf pattern = {0}, text = {0};

    for (int i = 0; i < 2000; i++)
        buf_append_str(&pattern, "*a");
    buf_append_char(&pattern, 'b');
    for (int i = 0; i < 4000; i++)
        buf_append_char(&text, 'a');
    assert_false(policy_match(buf_span(&pattern), buf_span(&text), false));
    buf_append_char(&text, 'b');
    assert_true(policy_match(buf_span(&pattern), buf_span(&text), false));
}

/* ---- conditions ---- */

#define IF(conditions) POLICY("[" ALLOW(ON("*") ",'Condition':{" conditions "}") "]")

static void a_condition_on_the_source_address_is_evaluated(void **state)
{
    /* clang-format off */
    static const struct {
        const char *source_ip;
        const char *document;
        enum policy_effect effect;
    } cases[] = {
        {"192.0.2.7", IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/24'}"), POLICY_ALLOW},
        {"192.0.3.7", IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/24'}"), POLICY_NO_MATCH},
        {"192.0.3.7", IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/23'}"), POLICY_ALLOW},
        {"192.0.4.7", IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/23'}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'IpAddress':{'aws:SourceIp':'192.0.2.7'}"), POLICY_ALLOW},
        {"192.0.2.8", IF("'IpAddress':{'aws:SourceIp':'192.0.2.7'}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'IpAddress':{'aws:SourceIp':'192.0.2.7/32'}"), POLICY_ALLOW},
        {"192.0.2.7", IF("'IpAddress':{'aws:SourceIp':'0.0.0.0/0'}"), POLICY_ALLOW},
        {"192.0.2.7", IF("'IpAddress':{'AWS:sourceip':['10.0.0.0/8','192.0.2.0/24']}"), POLICY_ALLOW},
        {"192.0.2.7", IF("'IpAddress':{'aws:SourceIp':['10.0.0.0/8','172.16.0.0/12']}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'IpAddress':{'aws:SourceIp':'::/0'}"), POLICY_NO_MATCH},
        {"2001:db8::1", IF("'IpAddress':{'aws:SourceIp':'2001:db8::/32'}"), POLICY_ALLOW},
        {"2001:db9::1", IF("'IpAddress':{'aws:SourceIp':'2001:db8::/32'}"), POLICY_NO_MATCH},
        {"2001:db9::1", IF("'IpAddress':{'aws:SourceIp':'2001:db8::/31'}"), POLICY_ALLOW},
        {"2001:db8:0:0::1", IF("'IpAddress':{'aws:SourceIp':'2001:DB8::1/128'}"), POLICY_ALLOW},
        {"2001:db8::1", IF("'IpAddress':{'aws:SourceIp':'0.0.0.0/0'}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}"), POLICY_NO_MATCH},
        {"192.0.3.7", IF("'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}"), POLICY_ALLOW},
        {"192.0.3.7", IF("'NotIpAddress':{'aws:SourceIp':['192.0.2.0/24','192.0.3.0/24']}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'StringEquals':{'aws:SourceIp':'192.0.2.7'}"), POLICY_ALLOW},
        {"192.0.2.7", IF("'StringEquals':{'aws:SourceIp':'192.0.2.*'}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'StringNotEquals':{'aws:SourceIp':'192.0.2.7'}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'StringLike':{'aws:SourceIp':'192.0.2.*'}"), POLICY_ALLOW},
        {"192.0.2.7", IF("'StringNotLike':{'aws:SourceIp':'192.0.2.*'}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'StringNotLike':{'aws:SourceIp':'10.*'}"), POLICY_ALLOW},
        /* all operators must hold */
        {"192.0.2.7", IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/24'},'NotIpAddress':{'aws:SourceIp':'192.0.2.7'}"), POLICY_NO_MATCH},
        {"192.0.2.8", IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/24'},'NotIpAddress':{'aws:SourceIp':'192.0.2.7'}"), POLICY_ALLOW},
        {"192.0.2.7", IF(""), POLICY_ALLOW},
        {"192.0.2.7", IF("'IpAddress':{}"), POLICY_ALLOW},
        /* what cannot be evaluated here does not match */
        {"192.0.2.7", IF("'IpAddress':{'aws:VpcSourceIp':'192.0.2.0/24'}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'StringEquals':{'aws:UserAgent':'x'}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'Bool':{'aws:SecureTransport':'true'}"), POLICY_NO_MATCH},
        {"192.0.2.7", IF("'IpAddressIfExists':{'aws:SourceIp':'192.0.2.0/24'}"), POLICY_NO_MATCH},
        {"", IF("'IpAddress':{'aws:SourceIp':'0.0.0.0/0'}"), POLICY_NO_MATCH},
        {"", IF("'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}"), POLICY_NO_MATCH},
        /* a deny has conditions, too */
        {"192.0.2.7", POLICY("[" ALLOW(ON("*")) "," DENY(ON("*") ",'Condition':{'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}}") "]"), POLICY_ALLOW},
        {"192.0.3.7", POLICY("[" ALLOW(ON("*")) "," DENY(ON("*") ",'Condition':{'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}}") "]"), POLICY_DENY},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct policy_request request = connect_from(cases[i].source_ip);

        assert_effect(cases[i].document, &request, cases[i].effect);
    }
}

static void a_statement_that_is_left_out_is_noted(void **state)
{
    /* clang-format off */
    static const struct {
        const char *document;
        const char *notes;
    } cases[] = {
        {POLICY("[" ALLOW(ON("*")) "]"), ""},
        {POLICY("[" ALLOW(ON("arn:a:b")) "]"), ""},
        {POLICY("[" ALLOW(ON("*") ",'Condition':{'StringEquals':{'aws:UserAgent':'x'}}") "]"),
         "statement 1 has a condition on aws:UserAgent, which is not known here"},
        {POLICY("[" ALLOW(ON("*")) "," DENY(ON("*") ",'Condition':{'Bool':{'aws:SecureTransport':'false'}}") "," ALLOW(ON("*") ",'Condition':{'Null':{}}") "]"),
         "statement 2 has the condition operator Bool, which is not known here; statement 3 has the condition operator Null, which is not known here"},
    };
    /* clang-format on */
    const struct policy_request request = connect_from("192.0.2.7");

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_fini) struct buf notes = {0};

        evaluate(cases[i].document, &request, &notes);
        assert_string_equal(buf_terminate(&notes), cases[i].notes);
    }
}

/* ---- what is no policy ---- */

static void a_malformed_document_says_what_is_wrong(void **state)
{
    /* clang-format off */
    static const struct {
        const char *document;
        const char *words;
    } cases[] = {
        {"", "not a JSON object"},
        {"{", "not a JSON object"},
        {"null", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"'*'", "not a JSON object"},
        {"{} {}", "not a JSON object"},
        {"{}", "no Statement"},
        {"{'statement':[]}", "no Statement"},
        {"{'Version':'2012-10-17'}", "no Statement"},
        {"{'Version':'2012-10-18','Statement':[]}", "Version"},
        {"{'Version':2012,'Statement':[]}", "Version"},
        {"{'Version':null,'Statement':[]}", "Version"},
        {POLICY("null"), "statement 1 is not an object"},
        {POLICY("'Allow'"), "statement 1 is not an object"},
        {POLICY("[[]]"), "statement 1 is not an object"},
        {POLICY("[" ALLOW(ON("*")) ",7]"), "statement 2 is not an object"},
        {POLICY("{}"), "statement 1 has no Effect"},
        {POLICY("{" ON("*") "}"), "statement 1 has no Effect"},
        {POLICY("{'Effect':'allow'," ON("*") "}"), "statement 1 has no Effect"},
        {POLICY("{'Effect':true," ON("*") "}"), "statement 1 has no Effect"},
        {POLICY("{'Effect':['Allow']," ON("*") "}"), "statement 1 has no Effect"},
        {POLICY(ALLOW("'Resource':'*'")), "neither of Action and NotAction"},
        {POLICY(ALLOW("'Action':'*','NotAction':'*','Resource':'*'")), "both of Action and NotAction"},
        {POLICY(ALLOW(INVOKE)), "neither of Resource and NotResource"},
        {POLICY(ALLOW(ON("*") ",'NotResource':'*'")), "both of Resource and NotResource"},
        {POLICY(ALLOW("'Action':7,'Resource':'*'")), "Action that is neither"},
        {POLICY(ALLOW("'Action':null,'Resource':'*'")), "Action that is neither"},
        {POLICY(ALLOW("'NotAction':{},'Resource':'*'")), "NotAction that is neither"},
        {POLICY(ALLOW("'Action':['*',true],'Resource':'*'")), "Action that is neither"},
        {POLICY(ALLOW(INVOKE ",'Resource':false")), "Resource that is neither"},
        {POLICY(ALLOW(INVOKE ",'Resource':[['*']]")), "Resource that is neither"},
        {POLICY(ALLOW(INVOKE ",'NotResource':[1]")), "NotResource that is neither"},
        {POLICY(ALLOW("'Action':'s3:*','Resource':7")), "Resource that is neither"},
        {POLICY("[" DENY(ON("*")) ",{}]"), "statement 2 has no Effect"},
        {IF("'IpAddress':7"), "operator that is not an object"},
        {IF("'Unknown':[]"), "operator that is not an object"},
        {IF("'IpAddress':{'aws:SourceIp':7}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'everywhere'}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':''}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'192.0.2'}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/33'}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/'}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/-1'}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/0024'}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'192.0.2.0/2x'}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'2001:db8::/129'}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'192.0.2.0\\u0000'}"), "values"},
        {IF("'IpAddress':{'aws:SourceIp':'1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222'}"), "values"},
        {POLICY(ALLOW(ON("*") ",'Condition':[]")), "Condition that is not an object"},
        {POLICY(ALLOW(ON("*") ",'Condition':null")), "Condition that is not an object"},
    };
    /* clang-format on */
    const struct policy_request request = connect_from("192.0.2.7");

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_fini) struct buf notes = {0};

        assert_effect(cases[i].document, &request, POLICY_MALFORMED);
        evaluate(cases[i].document, &request, &notes);
        if (!strstr(buf_terminate(&notes), cases[i].words))
            fail_msg("%s: \"%s\" does not speak of \"%s\"", cases[i].document, buf_terminate(&notes), cases[i].words);
    }
}

static void no_beginning_of_a_document_is_a_policy(void **state)
{
    CLEANUP(free) char *whole = with_quotes(IF("'IpAddress':{'aws:SourceIp':['192.0.2.0/24']}"));
    const struct policy_request request = connect_from("192.0.2.7");

    for (size_t len = 0; len < strlen(whole); len++) {
        CLEANUP(buf_fini) struct buf notes = {0};
        CLEANUP(free) char *copy = mem_alloc(len + 1); /* of its own, so that reading past it is seen */

        memcpy(copy, whole, len);
        assert_int_equal(policy_evaluate(span_of(copy, len), &request, &notes), POLICY_MALFORMED);
    }
}

/* ---- lengths ---- */

static void the_longest_resource_is_found_wherever_it_stands(void **state)
{
    static const struct {
        const char *document;
        size_t length;
    } cases[] = {
        {"", 0},
        {"7", 0},
        {"{}", 0},
        {"{'Statement':7}", 0},
        {"{'Statement':[7,null]}", 0},
        {"{'Statement':{}}", 0},
        {"{'Statement':{'Resource':7}}", 0},
        {"{'Statement':{'Resource':''}}", 0},
        {"{'Statement':{'Resource':'abc'}}", 3},
        {"{'Statement':{'NotResource':'abc'}}", 3},
        {"{'Statement':{'Resource':['a','abcd','ab',7]}}", 4},
        {"{'Statement':{'Resource':'ab','NotResource':'abc'}}", 3},
        {"{'Statement':{'Resource':'abc','NotResource':'ab'}}", 3},
        {"{'Statement':{'Action':'abcdef','Resource':'abc'}}", 3},
        {"{'Statement':[{'Resource':'abc'},{'Resource':['ab','abcde']},{'Resource':'a'}]}", 5},
        {"{'Statement':{'Resource':'\\u0061\\/b'}}", 3},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(free) char *document = with_quotes(cases[i].document);
        const size_t length = policy_longest_resource(span_of_str(document));

        if (length != cases[i].length)
            fail_msg("%s: %zu", cases[i].document, length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_has_its_effect_on_what_it_covers),
        cmocka_unit_test(an_action_on_a_connection_is_covered_by_its_method),
        cmocka_unit_test(a_star_is_any_text_and_a_question_mark_one_character),
        cmocka_unit_test(case_counts_unless_it_is_told_not_to),
        cmocka_unit_test(many_stars_take_no_longer_than_pattern_times_text),
        cmocka_unit_test(a_condition_on_the_source_address_is_evaluated),
        cmocka_unit_test(a_statement_that_is_left_out_is_noted),
        cmocka_unit_test(a_malformed_document_says_what_is_wrong),
        cmocka_unit_test(no_beginning_of_a_document_is_a_policy),
        cmocka_unit_test(the_longest_resource_is_found_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
