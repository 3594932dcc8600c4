/* test_rules.c - the table of rules: complete, without two rules of one name, with AWS's numbers; and tuning it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway/rules.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void every_rule_has_an_id_a_sentence_a_source_and_a_tag(void **state)
{
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule *rule = rule_get(id);

        assert_non_null(rule->id);
        assert_true(rule->what && *rule->what);
        assert_true(rule->source && *rule->source);
        assert_true(*rule_tag_name(rule->tag));
    }
}

static void no_two_rules_share_an_id(void **state)
{
    for (enum rule_id a = 0; a < RULE_COUNT; a++)
        for (enum rule_id b = 0; b < a; b++)
            assert_string_not_equal(rule_get(a)->id, rule_get(b)->id);
}

/* What the log and "rules" in routes.json call it. */
static void an_id_is_lower_case_words_with_dashes(void **state)
{
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const char *name = rule_get(id)->id;

        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
        assert_true(name[0] != '-' && name[strlen(name) - 1] != '-');
        assert_true(strlen(name) <= 64);
    }
}

/* They go into sentences, and into a table of Markdown. */
static void no_text_ends_in_a_full_stop_or_breaks_a_table(void **state)
{
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const char *const texts[] = {rule_get(id)->what, rule_get(id)->source, rule_get(id)->remedy};

        for (size_t i = 0; i < COUNT(texts); i++) {
            if (!texts[i])
                continue;
            assert_true(texts[i][strlen(texts[i]) - 1] != '.');
            assert_null(strpbrk(texts[i], "|\n"));
        }
    }
}

static void a_limit_has_a_unit_and_a_close_code_a_reason_that_fits_a_close_frame(void **state)
{
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule *rule = rule_get(id);

        assert_int_equal(rule->limit > 0, rule->limit_unit != NULL);
        assert_int_equal(rule->close_code > 0, rule->close_reason != NULL);
        if (rule->close_reason)
            assert_true(strlen(rule->close_reason) <= 123);
    }
}

static void what_may_be_tuned_may_be_what_it_is(void **state)
{
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule *rule = rule_get(id);

        assert_int_equal(rule->choice, 0); /* AWS's is the first */
        if (rule->limit_max)
            assert_in_range(rule->limit, rule->limit_min, rule->limit_max);
        else
            assert_int_equal(rule->limit_min, 0);
    }
}

static void a_rule_has_no_choice_or_at_least_two_that_differ(void **state)
{
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule_choice *choices = rule_get(id)->choices;

        for (size_t i = 0; i < RULE_CHOICES_MAX; i++)
            assert_int_equal(choices[i].name != NULL, choices[i].what != NULL);
        if (!choices[0].name)
            continue;
        assert_non_null(choices[1].name);
        assert_string_not_equal(choices[0].name, choices[1].name);
    }
}

static void limits_are_those_of_aws(void **state)
{
    assert_int_equal(rule_get(RULE_FRAME_TOO_LARGE)->limit, 32768);
    assert_int_equal(rule_get(RULE_MESSAGE_TOO_LARGE)->limit, 131072);
    assert_int_equal(rule_get(RULE_PAYLOAD_TOO_LARGE)->limit, 131072);
    assert_int_equal(rule_get(RULE_IDLE_TIMEOUT)->limit, 600000);
    assert_int_equal(rule_get(RULE_CONNECTION_LIFETIME)->limit, 7200000);
    assert_int_equal(rule_get(RULE_INTEGRATION_TIMEOUT)->limit, 29000);
    assert_int_equal(rule_get(RULE_URL_TOO_LONG)->limit, 4096);
    assert_int_equal(rule_get(RULE_ACCOUNT_THROTTLE)->limit, 10000);
    assert_int_equal(rule_get(RULE_ACCOUNT_BURST)->limit, 5000);
    assert_int_equal(rule_get(RULE_CONNECTIONS_PER_SECOND)->limit, 500);
    assert_int_equal(rule_get(RULE_SIGNATURE_EXPIRED)->limit, 300000);
    assert_int_equal(rule_get(RULE_SIGNATURE_NOT_YET)->limit, 300000);
    assert_int_equal(rule_get(RULE_AUTHORIZER_TIMEOUT)->limit, 10000);
    assert_int_equal(rule_get(RULE_AUTHORIZER_RESULT_TOO_LARGE)->limit, 8192);
    assert_int_equal(rule_get(RULE_AUTHORIZER_RESOURCE_TOO_LONG)->limit, 512);
}

static void close_codes_and_statuses_are_those_of_aws(void **state)
{
    assert_int_equal(rule_get(RULE_FRAME_TOO_LARGE)->close_code, 1009);
    assert_string_equal(rule_get(RULE_MESSAGE_TOO_LARGE)->close_reason, "Message too big");
    assert_int_equal(rule_get(RULE_BINARY_FRAME)->close_code, 1003);
    assert_int_equal(rule_get(RULE_IDLE_TIMEOUT)->close_code, 1001);
    assert_int_equal(rule_get(RULE_CLOSED_BY_BACKEND)->close_code, 1000);
    assert_int_equal(rule_get(RULE_INTEGRATION_FAILED)->http_status, 502);
    assert_int_equal(rule_get(RULE_INTEGRATION_TIMEOUT)->http_status, 504);
    assert_int_equal(rule_get(RULE_CONNECTION_GONE)->http_status, 410);
    assert_string_equal(rule_get(RULE_CONNECTION_GONE)->error_type, "GoneException");
    assert_null(rule_get(RULE_CONNECTION_GONE)->message);
    assert_int_equal(rule_get(RULE_ACCOUNT_THROTTLE)->http_status, 429);
    assert_int_equal(rule_get(RULE_IDENTITY_SOURCE_MISSING)->http_status, 401);
    assert_int_equal(rule_get(RULE_AUTHORIZER_DENIED)->http_status, 403);
    assert_string_equal(rule_get(RULE_AUTHORIZER_DENIED)->message_key, "Message");
    assert_int_equal(rule_get(RULE_AUTHORIZER_FAILED)->http_status, 500);
    assert_int_equal(rule_get(RULE_API_KEY_INVALID)->http_status, 403);
    assert_int_equal(rule_get(RULE_USAGE_PLAN_QUOTA)->http_status, 429);
}

static void what_refuses_a_handshake_has_a_status(void **state)
{
    static const enum rule_id ids[] = {
        RULE_GOING_AWAY,
        RULE_INTEGRATION_FAILED,
        RULE_RESULT_MALFORMED,
        RULE_INTEGRATION_TIMEOUT,
        RULE_STAGE_UNKNOWN,
        RULE_FUNCTION_THROTTLED,
        RULE_UPGRADE_REQUIRED,
        RULE_HANDSHAKE_INVALID,
        RULE_HEAD_TIMEOUT,
        RULE_HEAD_TOO_LARGE,
        RULE_URL_TOO_LONG,
        RULE_ACCOUNT_THROTTLE,
        RULE_CONNECTIONS_PER_SECOND,
        RULE_ROUTE_THROTTLE,
        RULE_SIGNATURE_MISSING,
        RULE_SIGNATURE_TWICE,
        RULE_AUTHORIZATION_PAIR,
        RULE_AUTHORIZATION_INCOMPLETE,
        RULE_PRESIGN_INCOMPLETE,
        RULE_PRESIGN_EXPIRES,
        RULE_PRESIGN_EXPIRED,
        RULE_SIGNATURE_DATE,
        RULE_SIGNATURE_EXPIRED,
        RULE_SIGNATURE_NOT_YET,
        RULE_SIGNATURE_HOST,
        RULE_SIGNATURE_ALGORITHM,
        RULE_CREDENTIAL_MALFORMED,
        RULE_SCOPE_REGION,
        RULE_SCOPE_SERVICE,
        RULE_SCOPE_TERMINATOR,
        RULE_SCOPE_DATE,
        RULE_ACCESS_KEY_UNKNOWN,
        RULE_SIGNATURE_MISMATCH,
        RULE_SECURITY_TOKEN_INVALID,
        RULE_IAM_DENIED,
        RULE_IAM_DENIED_EXPLICITLY,
        RULE_API_KEY_INVALID,
        RULE_USAGE_PLAN_THROTTLE,
        RULE_USAGE_PLAN_QUOTA,
        RULE_IDENTITY_SOURCE_MISSING,
        RULE_AUTHORIZER_UNAUTHORIZED,
        RULE_AUTHORIZER_DENIED,
        RULE_AUTHORIZER_DENIED_EXPLICITLY,
        RULE_AUTHORIZER_UNAVAILABLE,
    };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        assert_in_range(rule_get(ids[i])->http_status, 400, 599);
        assert_non_null(rule_get(ids[i])->message);
    }
}

/* AWS says null for an authorizer that is at fault: {"message":null}. */
static void an_authorizer_at_fault_is_a_500_without_a_text(void **state)
{
    static const enum rule_id ids[] = {
        RULE_AUTHORIZER_FAILED,           RULE_AUTHORIZER_TIMEOUT,           RULE_AUTHORIZER_RESULT_MALFORMED,
        RULE_AUTHORIZER_RESULT_TOO_LARGE, RULE_AUTHORIZER_RESOURCE_TOO_LONG,
    };

    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_int_equal(rule_get(ids[i])->http_status, 500);
        assert_null(rule_get(ids[i])->message);
        assert_string_equal(rule_get(ids[i])->message_key, "message");
        assert_string_equal(rule_get(ids[i])->error_type, "AuthorizerConfigurationException");
    }
}

/* ---- tuning ---- */

static int reset_rules(void **state)
{
    rules_apply(NULL, 0);
    return 0;
}

struct check {
    const char *id, *choice;
    uint64_t limit;
    enum config_rule_check expected;
    const char *says;
};

/* clang-format off */
static const struct check checks[] = {
    {"binary-frame", "close", 0, CONFIG_RULE_FITS, ""},
    {"binary-frame", "allow", 0, CONFIG_RULE_FITS, ""},
    {"binary-frame", "alow", 0, CONFIG_RULE_VALUE_WRONG, "the rule \"binary-frame\" takes \"close\" or \"allow\""},
    {"binary-frame", "", 0, CONFIG_RULE_VALUE_WRONG, "the rule \"binary-frame\" takes \"close\" or \"allow\""},
    {"binary-frame", NULL, 1, CONFIG_RULE_VALUE_WRONG, "the rule \"binary-frame\" takes \"close\" or \"allow\""},
    {"head-timeout", NULL, 1, CONFIG_RULE_FITS, ""},
    {"head-timeout", NULL, 3600000, CONFIG_RULE_FITS, ""},
    {"head-timeout", NULL, 0, CONFIG_RULE_VALUE_WRONG, "the rule \"head-timeout\" takes a whole number from 1 to 3600000 (ms)"},
    {"head-timeout", NULL, 3600001, CONFIG_RULE_VALUE_WRONG, "the rule \"head-timeout\" takes a whole number from 1 to 3600000 (ms)"},
    {"head-timeout", "off", 5, CONFIG_RULE_VALUE_WRONG, "the rule \"head-timeout\" takes a whole number from 1 to 3600000 (ms)"},
    {"account-throttle", "off", 0, CONFIG_RULE_FITS, ""},
    {"account-throttle", NULL, 0, CONFIG_RULE_FITS, ""},
    {"account-throttle", NULL, UINT64_MAX, CONFIG_RULE_VALUE_WRONG,
     "the rule \"account-throttle\" takes \"on\" or \"off\", or a whole number from 0 to 1000000000 (requests/s)"},
    {"route-not-found", "off", 0, CONFIG_RULE_ID_WRONG, "the rule \"route-not-found\" cannot be tuned"},
    {"connection-gone", NULL, 404, CONFIG_RULE_ID_WRONG, "the rule \"connection-gone\" cannot be tuned"},
    {"idle-timout", NULL, 1, CONFIG_RULE_ID_WRONG, "there is no rule \"idle-timout\"; did you mean \"idle-timeout\"?"},
    {"hibernation", "off", 0, CONFIG_RULE_ID_WRONG, "there is no rule \"hibernation\"; 'apigw rules' lists them"},
    {"", "off", 0, CONFIG_RULE_ID_WRONG, "there is no rule \"\"; 'apigw rules' lists them"},
};
/* clang-format on */

static void a_setting_fits_or_it_is_said_what_would(void **state)
{
    for (size_t i = 0; i < COUNT(checks); i++) {
        CLEANUP(buf_fini) struct buf error = {0};

        assert_int_equal(rule_check_setting(checks[i].id, checks[i].choice, checks[i].limit, &error),
                         checks[i].expected);
        assert_string_equal(buf_terminate(&error), checks[i].says);
    }
}

static void every_choice_and_both_ends_of_every_limit_fit(void **state)
{
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule *rule = rule_get(id);
        CLEANUP(buf_fini) struct buf error = {0};

        for (size_t i = 0; i < RULE_CHOICES_MAX && rule->choices[i].name; i++)
            assert_int_equal(rule_check_setting(rule->id, rule->choices[i].name, 0, &error), CONFIG_RULE_FITS);
        if (!rule->limit_max)
            continue;
        assert_int_equal(rule_check_setting(rule->id, NULL, rule->limit_min, &error), CONFIG_RULE_FITS);
        assert_int_equal(rule_check_setting(rule->id, NULL, rule->limit_max, &error), CONFIG_RULE_FITS);
        assert_int_equal(rule_check_setting(rule->id, NULL, rule->limit_max + 1, &error), CONFIG_RULE_VALUE_WRONG);
    }
}

/* struct config owns its texts, so they are not const. */
static char binary_frame[] = "binary-frame", idle_timeout[] = "idle-timeout", account_throttle[] = "account-throttle",
            text_not_utf8[] = "text-not-utf8", allow[] = "allow", off[] = "off", replace[] = "replace";

static void what_is_applied_is_in_effect_and_nothing_else(void **state)
{
    const struct config_rule_setting settings[] = {{.id = binary_frame, .choice = allow},
                                                   {.id = idle_timeout, .limit = 60000}};

    rules_apply(settings, COUNT(settings));
    assert_int_equal(rule_choice(RULE_BINARY_FRAME), BINARY_AS_TEXT);
    assert_int_equal(rule_get(RULE_IDLE_TIMEOUT)->limit, 60000);
    assert_int_equal(rule_default(RULE_BINARY_FRAME)->choice, BINARY_CLOSE);
    assert_int_equal(rule_default(RULE_IDLE_TIMEOUT)->limit, 600000);
    for (enum rule_id id = 0; id < RULE_COUNT; id++)
        if (id != RULE_BINARY_FRAME && id != RULE_IDLE_TIMEOUT)
            assert_ptr_equal(rule_get(id), rule_default(id));
    assert_string_equal(rule_get(RULE_IDLE_TIMEOUT)->close_reason, "Going away"); /* the rest of it stays */
}

static void what_is_applied_later_takes_the_place_of_all_before(void **state)
{
    const struct config_rule_setting first[] = {{.id = binary_frame, .choice = allow}};
    const struct config_rule_setting second[] = {{.id = text_not_utf8, .choice = replace}};

    rules_apply(first, COUNT(first));
    rules_apply(second, COUNT(second));
    assert_int_equal(rule_choice(RULE_BINARY_FRAME), BINARY_CLOSE);
    assert_int_equal(rule_choice(RULE_TEXT_NOT_UTF8), NOT_UTF8_REPLACE);
    rules_apply(NULL, 0);
    assert_int_equal(rule_choice(RULE_TEXT_NOT_UTF8), NOT_UTF8_CLOSE);
}

static void the_limit_of_a_rule_with_a_choice_leaves_the_choice_alone(void **state)
{
    const struct config_rule_setting limit[] = {{.id = account_throttle, .limit = 0}};
    const struct config_rule_setting choice[] = {{.id = account_throttle, .choice = off}};

    rules_apply(limit, 1);
    assert_int_equal(rule_choice(RULE_ACCOUNT_THROTTLE), THROTTLE_ON);
    assert_int_equal(rule_get(RULE_ACCOUNT_THROTTLE)->limit, 0);
    rules_apply(choice, 1);
    assert_int_equal(rule_choice(RULE_ACCOUNT_THROTTLE), THROTTLE_OFF);
    assert_int_equal(rule_get(RULE_ACCOUNT_THROTTLE)->limit, 10000);
}

struct enumerated {
    enum rule_id id;
    unsigned choice;
    const char *name;
};

/* The enumerators of rules.h, and what routes.json calls them. */
static const struct enumerated enumerated[] = {
    {RULE_BINARY_FRAME, BINARY_CLOSE, "close"},
    {RULE_BINARY_FRAME, BINARY_AS_TEXT, "allow"},
    {RULE_TEXT_NOT_UTF8, NOT_UTF8_CLOSE, "close"},
    {RULE_TEXT_NOT_UTF8, NOT_UTF8_REPLACE, "replace"},
    {RULE_PING_RESETS_IDLE, PING_RESETS, "yes"},
    {RULE_PING_RESETS_IDLE, PING_IGNORED, "no"},
    {RULE_RESERVED_ROUTE_KEY, RESERVED_NO_MATCH, "no-match"},
    {RULE_RESERVED_ROUTE_KEY, RESERVED_MATCH, "match"},
    {RULE_NULL_SELECTION, NULL_EMPTY, "empty"},
    {RULE_NULL_SELECTION, NULL_TEXT, "text"},
    {RULE_REFUSAL_BODY, REFUSAL_NAMES_IDS, "ids"},
    {RULE_REFUSAL_BODY, REFUSAL_MESSAGE, "message"},
    {RULE_TWO_WAY_NO_BODY, NO_BODY_EMPTY_FRAME, "empty-frame"},
    {RULE_TWO_WAY_NO_BODY, NO_BODY_NOTHING, "nothing"},
    {RULE_TWO_WAY_STATUS, STATUS_IGNORED, "ignore"},
    {RULE_TWO_WAY_STATUS, STATUS_FAILS, "fail"},
    {RULE_DELETE_STATUS, DELETE_NO_CONTENT, "204"},
    {RULE_DELETE_STATUS, DELETE_OK, "200"},
    {RULE_USER_AGENT_MISSING, USER_AGENT_EMPTY, "empty"},
    {RULE_USER_AGENT_MISSING, USER_AGENT_OMITTED, "omit"},
    {RULE_ACCOUNT_THROTTLE, THROTTLE_ON, "on"},
    {RULE_ACCOUNT_THROTTLE, THROTTLE_OFF, "off"},
    {RULE_CONNECTIONS_PER_SECOND, THROTTLE_ON, "on"},
    {RULE_CONNECTIONS_PER_SECOND, THROTTLE_OFF, "off"},
    {RULE_ROUTE_THROTTLE, THROTTLE_ON, "on"},
    {RULE_ROUTE_THROTTLE, THROTTLE_OFF, "off"},
    {RULE_THROTTLED_MESSAGE, THROTTLED_ERROR_FRAME, "frame"},
    {RULE_THROTTLED_MESSAGE, THROTTLED_CLOSE, "close"},
    {RULE_AUTHORIZER_CONTEXT, CONTEXT_AS_TEXT, "text"},
    {RULE_AUTHORIZER_CONTEXT, CONTEXT_AS_RETURNED, "as-returned"},
};

static void every_choice_of_every_rule_has_its_enumerator(void **state)
{
    size_t choices = 0;

    for (size_t i = 0; i < COUNT(enumerated); i++)
        assert_string_equal(rule_get(enumerated[i].id)->choices[enumerated[i].choice].name, enumerated[i].name);
    for (enum rule_id id = 0; id < RULE_COUNT; id++)
        for (size_t i = 0; i < RULE_CHOICES_MAX; i++)
            choices += rule_get(id)->choices[i].name != NULL;
    assert_int_equal(choices, COUNT(enumerated));
}

static void assert_explained(enum rule_id id, const char *expected)
{
    CLEANUP(buf_fini) struct buf out = {0};

    rule_explain_tuning(id, &out);
    assert_string_equal(buf_terminate(&out), expected);
}

static void a_tuned_rule_tells_how_it_differs_and_from_whom(void **state)
{
    const struct config_rule_setting settings[] = {{.id = binary_frame, .choice = allow},
                                                   {.id = idle_timeout, .limit = 60000},
                                                   {.id = text_not_utf8, .choice = replace},
                                                   {.id = account_throttle, .limit = 10000}};

    rules_apply(settings, COUNT(settings));
    assert_explained(RULE_BINARY_FRAME, "binary-frame is \"allow\" here, \"close\" on AWS");
    assert_explained(RULE_IDLE_TIMEOUT, "idle-timeout is 60000 ms here, 600000 on AWS");
    assert_explained(RULE_TEXT_NOT_UTF8, "text-not-utf8 is \"replace\" here, \"close\" by default"); /* unsettled */
    assert_explained(RULE_ACCOUNT_THROTTLE, ""); /* set to what it is */
    assert_explained(RULE_CONNECTION_LIFETIME, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_has_an_id_a_sentence_a_source_and_a_tag),
        cmocka_unit_test(no_two_rules_share_an_id),
        cmocka_unit_test(an_id_is_lower_case_words_with_dashes),
        cmocka_unit_test(no_text_ends_in_a_full_stop_or_breaks_a_table),
        cmocka_unit_test(what_may_be_tuned_may_be_what_it_is),
        cmocka_unit_test(a_rule_has_no_choice_or_at_least_two_that_differ),
        cmocka_unit_test(a_limit_has_a_unit_and_a_close_code_a_reason_that_fits_a_close_frame),
        cmocka_unit_test(limits_are_those_of_aws),
        cmocka_unit_test(close_codes_and_statuses_are_those_of_aws),
        cmocka_unit_test(what_refuses_a_handshake_has_a_status),
        cmocka_unit_test(an_authorizer_at_fault_is_a_500_without_a_text),
        cmocka_unit_test(a_setting_fits_or_it_is_said_what_would),
        cmocka_unit_test(every_choice_and_both_ends_of_every_limit_fit),
        cmocka_unit_test_teardown(what_is_applied_is_in_effect_and_nothing_else, reset_rules),
        cmocka_unit_test_teardown(what_is_applied_later_takes_the_place_of_all_before, reset_rules),
        cmocka_unit_test_teardown(the_limit_of_a_rule_with_a_choice_leaves_the_choice_alone, reset_rules),
        cmocka_unit_test(every_choice_of_every_rule_has_its_enumerator),
        cmocka_unit_test_teardown(a_tuned_rule_tells_how_it_differs_and_from_whom, reset_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
