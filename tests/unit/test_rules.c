/* The table of rules: complete, without two rules of one name, and with AWS's numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/rules.h"

static void every_rule_has_an_id_a_sentence_a_source_and_a_tag(void **state)
{
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule *rule = rule_get(id);
        assert_non_null(rule->id);
        assert_non_null(rule->what);
        assert_non_null(rule->source);
        assert_non_null(rule_tag_name(rule->tag));
    }
}

static void no_two_rules_share_an_id(void **state)
{
    for (enum rule_id a = 0; a < RULE_COUNT; a++)
        for (enum rule_id b = 0; b < a; b++)
            assert_string_not_equal(rule_get(a)->id, rule_get(b)->id);
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

static void limits_are_those_of_aws(void **state)
{
    assert_int_equal(rule_get(RULE_FRAME_TOO_LARGE)->limit, 32768);
    assert_int_equal(rule_get(RULE_MESSAGE_TOO_LARGE)->limit, 131072);
    assert_int_equal(rule_get(RULE_PAYLOAD_TOO_LARGE)->limit, 131072);
    assert_int_equal(rule_get(RULE_IDLE_TIMEOUT)->limit, 600000);
    assert_int_equal(rule_get(RULE_CONNECTION_LIFETIME)->limit, 7200000);
    assert_int_equal(rule_get(RULE_INTEGRATION_TIMEOUT)->limit, 29000);
    assert_int_equal(rule_get(RULE_URL_TOO_LONG)->limit, 4096);
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
}

static void what_refuses_a_handshake_has_a_status(void **state)
{
    static const enum rule_id ids[] = {
        RULE_GOING_AWAY,    RULE_INTEGRATION_FAILED, RULE_RESULT_MALFORMED, RULE_INTEGRATION_TIMEOUT,
        RULE_STAGE_UNKNOWN, RULE_FUNCTION_THROTTLED, RULE_UPGRADE_REQUIRED, RULE_HANDSHAKE_INVALID,
        RULE_HEAD_TIMEOUT,  RULE_HEAD_TOO_LARGE,     RULE_URL_TOO_LONG,
    };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        assert_in_range(rule_get(ids[i])->http_status, 400, 599);
        assert_non_null(rule_get(ids[i])->message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_has_an_id_a_sentence_a_source_and_a_tag),
        cmocka_unit_test(no_two_rules_share_an_id),
        cmocka_unit_test(a_limit_has_a_unit_and_a_close_code_a_reason_that_fits_a_close_frame),
        cmocka_unit_test(limits_are_those_of_aws),
        cmocka_unit_test(close_codes_and_statuses_are_those_of_aws),
        cmocka_unit_test(what_refuses_a_handshake_has_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
