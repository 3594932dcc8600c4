/* test_api_keys.c - which API keys let a client in, how often, and with what AWS answers when they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authorization/api_keys.h"
#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S 1000000000ull
#define TUESDAY_MS 1795501380000ull /* 2026-11-24T06:23:00Z */

#define KEY_VALUE(n) "value-of-the-key-number-" n
static struct config_api_key api_keys[] = {
    {.name = (char *)(uintptr_t) "quick", .value = (char *)(uintptr_t)KEY_VALUE("0"), .enabled = true},
    {.name = (char *)(uintptr_t) "limited", .value = (char *)(uintptr_t)KEY_VALUE("1"), .enabled = true},
    {.name = (char *)(uintptr_t) "disabled", .value = (char *)(uintptr_t)KEY_VALUE("2")},
    {.name = (char *)(uintptr_t) "lost", .value = (char *)(uintptr_t)KEY_VALUE("3"), .enabled = true},
    {.name = (char *)(uintptr_t) "both", .value = (char *)(uintptr_t)KEY_VALUE("4"), .enabled = true},
    {.name = (char *)(uintptr_t) "too", .value = (char *)(uintptr_t)KEY_VALUE("5"), .enabled = true},
};
enum { QUICK, LIMITED, DISABLED, LOST, BOTH, TOO };

static const struct config_api_key *free_keys[] = {&api_keys[QUICK], &api_keys[DISABLED]};
static const struct config_api_key *limited_keys[] = {&api_keys[LIMITED], &api_keys[TOO], &api_keys[QUICK]};
static const struct config_api_key *both_keys[] = {&api_keys[BOTH]};

struct fixture {
    struct config_usage_plan plans[3];
    struct config config;
    struct api_keys *keys;
    uint64_t mono_ns, wall_ms;
};

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));

    f->plans[0] = (struct config_usage_plan){
        .name = (char *)(uintptr_t) "free", .api_keys = free_keys, .api_key_count = COUNT(free_keys)};
    f->plans[1] = (struct config_usage_plan){.name = (char *)(uintptr_t) "daily",
                                             .api_keys = limited_keys,
                                             .api_key_count = COUNT(limited_keys),
                                             .has_quota = true,
                                             .quota_limit = 3,
                                             .quota_period = CONFIG_QUOTA_DAY};
    f->plans[2] = (struct config_usage_plan){.name = (char *)(uintptr_t) "slow",
                                             .api_keys = both_keys,
                                             .api_key_count = COUNT(both_keys),
                                             .throttle = {.set = true, .rate_limit = 0.5, .burst_limit = 2},
                                             .has_quota = true,
                                             .quota_limit = 3,
                                             .quota_period = CONFIG_QUOTA_DAY};
    f->config = (struct config){.api_keys = api_keys,
                                .api_key_count = COUNT(api_keys),
                                .usage_plans = f->plans,
                                .usage_plan_count = COUNT(f->plans)};
    f->mono_ns = 12345 * S;
    f->wall_ms = TUESDAY_MS;
    f->keys = api_keys_new(&f->config);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    api_keys_free(f->keys);
    free(f);
    return 0;
}

/* NULL if the key let the client in. */
static const struct rule *use_value(struct fixture *f, struct span value, struct buf *detail)
{
    CLEANUP(denial_fini) struct denial denial = {0};
    const struct config_api_key *key = api_keys_use(f->keys, value, f->mono_ns, f->wall_ms, &denial);

    assert_int_equal(!key, denial.rule != NULL);
    assert_true(!key || span_equal(span_of_str(key->value), value));
    if (detail)
        buf_append(detail, buf_span(&denial.detail));
    return denial.rule;
}

static const struct rule *use(struct fixture *f, size_t index)
{
    return use_value(f, span_of_str(api_keys[index].value), NULL);
}

/* ---- which keys count ---- */

static void only_an_enabled_key_in_a_usage_plan_lets_in(void **state)
{
    static const struct {
        const char *value, *detail; /* NULL: lets in */
    } cases[] = {
        {KEY_VALUE("0"), NULL},
        {"", "$connect requires an API key, and there is none"},
        {"value", "no API key has the value that was sent"},
        {KEY_VALUE("00"), "no API key has the value that was sent"},
        {KEY_VALUE(""), "no API key has the value that was sent"},
        {"VALUE-of-the-key-number-0", "no API key has the value that was sent"},
        {"quick", "no API key has the value that was sent"},
        {KEY_VALUE("2"), "the API key disabled is not enabled"},
        {KEY_VALUE("3"), "the API key lost is in no usage plan"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_fini) struct buf detail = {0};
        const struct rule *rule = use_value(f, span_of_str(cases[i].value), &detail);

        assert_ptr_equal(rule, cases[i].detail ? rule_get(RULE_API_KEY_INVALID) : NULL);
        assert_string_equal(buf_terminate(&detail), cases[i].detail ? cases[i].detail : "");
    }
}

static void no_header_at_all_is_no_key(void **state)
{
    assert_ptr_equal(use_value(*state, span_of(NULL, 0), NULL), rule_get(RULE_API_KEY_INVALID));
}

static void a_key_in_two_plans_is_in_the_first(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 100; i++)
        assert_null(use(f, QUICK));
}

static void a_configuration_without_keys_lets_nobody_in(void **state)
{
    struct fixture f = {.config = {0}};

    f.keys = api_keys_new(&f.config);
    assert_ptr_equal(use_value(&f, SPAN(KEY_VALUE("0")), NULL), rule_get(RULE_API_KEY_INVALID));
    api_keys_free(f.keys);
    api_keys_free(NULL);
}

/* ---- how often ---- */

static void a_quota_is_used_up_and_comes_back_the_next_day(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf detail = {0};

    for (int i = 0; i < 3; i++)
        assert_null(use(f, LIMITED));
    assert_ptr_equal(use_value(f, SPAN(KEY_VALUE("1")), &detail), rule_get(RULE_USAGE_PLAN_QUOTA));
    assert_string_equal(buf_terminate(&detail),
                        "the API key limited has had its 3 requests of this day (usage plan daily)");
    f->wall_ms = 1795564799999; /* 2026-11-24T23:59:59.999Z */
    assert_ptr_equal(use(f, LIMITED), rule_get(RULE_USAGE_PLAN_QUOTA));
    f->wall_ms++;
    for (int i = 0; i < 3; i++)
        assert_null(use(f, LIMITED));
    assert_ptr_equal(use(f, LIMITED), rule_get(RULE_USAGE_PLAN_QUOTA));
}

static void each_key_of_a_plan_has_its_own_quota(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++)
        assert_null(use(f, LIMITED));
    assert_non_null(use(f, LIMITED));
    for (int i = 0; i < 3; i++)
        assert_null(use(f, TOO));
    assert_non_null(use(f, TOO));
}

static void a_period_begins_at_midnight_of_utc(void **state)
{
    static const struct {
        enum config_quota_period period;
        const char *name;
        uint64_t last_ms, first_ms; /* of one period, and of the next */
    } cases[] = {
        {CONFIG_QUOTA_DAY, "day", 1795564799999, 1795564800000},     /* Tuesday, 2026-11-24, to Wednesday */
        {CONFIG_QUOTA_WEEK, "week", 1795910399999, 1795910400000},   /* Saturday, 2026-11-28, to Sunday */
        {CONFIG_QUOTA_MONTH, "month", 1796083199999, 1796083200000}, /* 2026-11-30 to 2026-12-01 */
        {CONFIG_QUOTA_MONTH, "month", 1798761599999, 1798761600000}, /* 2026-12-31 to 2027-01-01 */
        {CONFIG_QUOTA_MONTH, "month", 1835395199999, 1835395200000}, /* 2028-02-28 to 29: see below */
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_fini) struct buf detail = {0};
        const bool same = i == COUNT(cases) - 1; /* a leap day begins no month */

        f->plans[1].quota_period = cases[i].period;
        f->wall_ms = cases[i].last_ms;
        api_keys_free(f->keys);
        f->keys = api_keys_new(&f->config);
        for (int j = 0; j < 3; j++)
            assert_null(use(f, LIMITED));
        assert_ptr_equal(use_value(f, SPAN(KEY_VALUE("1")), &detail), rule_get(RULE_USAGE_PLAN_QUOTA));
        assert_non_null(strstr(buf_terminate(&detail), cases[i].name));
        f->wall_ms = cases[i].first_ms;
        assert_int_equal(use(f, LIMITED) != NULL, same);
    }
}

static void a_rate_holds_for_each_key_and_comes_back_with_time(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf detail = {0};

    assert_null(use(f, BOTH));
    assert_null(use(f, BOTH));
    assert_ptr_equal(use_value(f, SPAN(KEY_VALUE("4")), &detail), rule_get(RULE_USAGE_PLAN_THROTTLE));
    assert_string_equal(buf_terminate(&detail),
                        "the API key both may be used 0.5 times a second, and 2 times at once (usage plan slow)");
    f->mono_ns += 2 * S;
    assert_null(use(f, BOTH));
}

static void a_throttled_request_does_not_count_towards_the_quota(void **state)
{
    struct fixture *f = *state;

    assert_null(use(f, BOTH));
    assert_null(use(f, BOTH));
    for (int i = 0; i < 10; i++)
        assert_ptr_equal(use(f, BOTH), rule_get(RULE_USAGE_PLAN_THROTTLE));
    f->mono_ns += 4 * S;
    assert_null(use(f, BOTH)); /* the third of the day */
    assert_ptr_equal(use(f, BOTH), rule_get(RULE_USAGE_PLAN_QUOTA));
}

static void each_refusal_has_the_answer_of_aws(void **state)
{
    static const struct {
        enum rule_id rule;
        unsigned status;
        const char *error_type, *message;
    } cases[] = {
        {RULE_API_KEY_INVALID, 403, "ForbiddenException", "Forbidden"},
        {RULE_USAGE_PLAN_THROTTLE, 429, "TooManyRequestsException", "Too Many Requests"},
        {RULE_USAGE_PLAN_QUOTA, 429, "LimitExceededException", "Limit Exceeded"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rule *rule = rule_get(cases[i].rule);

        assert_int_equal(rule->http_status, cases[i].status);
        assert_string_equal(rule->error_type, cases[i].error_type);
        assert_string_equal(rule->message, cases[i].message);
    }
}

static void a_refusal_carries_the_text_of_its_rule(void **state)
{
    struct fixture *f = *state;
    CLEANUP(denial_fini) struct denial denial = {0};

    assert_null(api_keys_use(f->keys, SPAN("x"), f->mono_ns, f->wall_ms, &denial));
    assert_string_equal(buf_terminate(&denial.message), "Forbidden");
}

/* ---- ids ---- */

static void an_id_is_ten_characters_that_depend_on_the_name_alone(void **state)
{
    char ids[COUNT(api_keys)][API_KEY_ID_SIZE], again[API_KEY_ID_SIZE];
    struct config_api_key renewed = api_keys[QUICK];

    renewed.value = (char *)(uintptr_t) "another value of the key";
    for (size_t i = 0; i < COUNT(api_keys); i++) {
        api_key_write_id(&api_keys[i], ids[i]);
        assert_int_equal(strlen(ids[i]), 10);
        assert_int_equal(strspn(ids[i], "abcdefghijklmnopqrstuvwxyz0123456789"), 10);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
    api_key_write_id(&renewed, again);
    assert_string_equal(again, ids[QUICK]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_an_enabled_key_in_a_usage_plan_lets_in),
        TEST(no_header_at_all_is_no_key),
        TEST(a_key_in_two_plans_is_in_the_first),
        TEST(a_configuration_without_keys_lets_nobody_in),
        TEST(a_quota_is_used_up_and_comes_back_the_next_day),
        TEST(each_key_of_a_plan_has_its_own_quota),
        TEST(a_period_begins_at_midnight_of_utc),
        TEST(a_rate_holds_for_each_key_and_comes_back_with_time),
        TEST(a_throttled_request_does_not_count_towards_the_quota),
        TEST(each_refusal_has_the_answer_of_aws),
        TEST(a_refusal_carries_the_text_of_its_rule),
        TEST(an_id_is_ten_characters_that_depend_on_the_name_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
