/* test_throttle.c - which of the account's and the routes' rates refuses what. The clock is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "gateway/throttle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S 1000000000ull

static uint64_t now_ns = 12345 * S;

/* The linker takes this and leaves the library's alone. */
uint64_t clock_mono_ns(void)
{
    return now_ns;
}

static struct config_route routes[] = {
    {.key = (char *)(uintptr_t) "$connect"},
    {.key = (char *)(uintptr_t) "say"},
    {.key = (char *)(uintptr_t) "shut"},
    {.key = (char *)(uintptr_t) "free"},
};
enum { CONNECT, SAY, SHUT, FREE };

static struct config_throttle throttles[] = {
    {.set = true, .rate_limit = 1, .burst_limit = 3},
    {.set = true, .rate_limit = 0.5, .burst_limit = 2},
    {.set = true, .rate_limit = 0, .burst_limit = 0},
    {.set = false},
};
static const struct config_stage stage = {.throttles = throttles};
static const struct config config = {.routes = routes, .route_count = COUNT(routes)};

/* Of an account, and of a stage. */
struct rates {
    struct throttle account;
    struct route_rates routes;
};

struct tuning {
    struct config_rule_setting settings[4];
    size_t count;
};

static void tune(struct tuning *t, const char *id, const char *choice, uint64_t limit)
{
    t->settings[t->count++] =
        (struct config_rule_setting){.id = (char *)(uintptr_t)id, .choice = (char *)(uintptr_t)choice, .limit = limit};
    rules_apply(t->settings, t->count);
}

static void fresh(struct rates *rates)
{
    route_rates_fini(&rates->routes);
    throttle_init(&rates->account);
    route_rates_init(&rates->routes, &config, &stage);
}

static int setup(void **state)
{
    static struct rates rates;

    rules_apply(NULL, 0);
    fresh(&rates);
    *state = &rates;
    return 0;
}

static int teardown(void **state)
{
    route_rates_fini(&((struct rates *)*state)->routes);
    rules_apply(NULL, 0);
    return 0;
}

typedef const struct rule *admit_fn(struct rates *rates, const struct config_route *route);

static const struct rule *handshake(struct rates *rates, const struct config_route *route)
{
    return throttle_handshake(&rates->account, &rates->routes, route);
}

static const struct rule *message(struct rates *rates, const struct config_route *route)
{
    return throttle_message(&rates->account, &rates->routes, route);
}

static const struct rule *callback(struct rates *rates, const struct config_route *route)
{
    return throttle_callback(&rates->account);
}

/* How many pass before the first refusal, of at most `tries`. */
static unsigned count(struct rates *rates, admit_fn *admit, const struct config_route *route, unsigned tries)
{
    unsigned passed = 0;

    while (passed < tries && !admit(rates, route))
        passed++;
    return passed;
}

/* ---- the rates ---- */

static void the_account_has_a_burst_of_5000_for_messages(void **state)
{
    struct rates *t = *state;

    assert_int_equal(count(t, message, &routes[FREE], 6000), 5000);
    assert_ptr_equal(message(t, NULL), rule_get(RULE_ACCOUNT_THROTTLE));
    now_ns += S / 100;
    assert_int_equal(count(t, message, NULL, 6000), 100); /* 10000 a second */
}

static void an_account_has_500_new_connections_a_second(void **state)
{
    struct rates *t = *state;

    assert_int_equal(count(t, handshake, NULL, 600), 500);
    assert_ptr_equal(handshake(t, NULL), rule_get(RULE_CONNECTIONS_PER_SECOND));
    assert_null(message(t, &routes[FREE]));
    assert_null(callback(t, NULL));
    now_ns += S / 10;
    assert_int_equal(count(t, handshake, NULL, 600), 50);
}

static void a_route_has_its_own_rate(void **state)
{
    struct rates *t = *state;

    assert_int_equal(count(t, message, &routes[SAY], 10), 2);
    assert_ptr_equal(message(t, &routes[SAY]), rule_get(RULE_ROUTE_THROTTLE));
    assert_int_equal(count(t, message, &routes[FREE], 10), 10);
    now_ns += S;
    assert_ptr_equal(message(t, &routes[SAY]), rule_get(RULE_ROUTE_THROTTLE));
    now_ns += S;
    assert_int_equal(count(t, message, &routes[SAY], 10), 1);
}

static void connect_has_the_rate_of_its_route_too(void **state)
{
    struct rates *t = *state;

    assert_int_equal(count(t, handshake, &routes[CONNECT], 10), 3);
    assert_ptr_equal(handshake(t, &routes[CONNECT]), rule_get(RULE_ROUTE_THROTTLE));
    assert_null(handshake(t, NULL));
}

static void a_route_with_limits_of_zero_refuses_everything(void **state)
{
    struct rates *t = *state;

    assert_ptr_equal(message(t, &routes[SHUT]), rule_get(RULE_ROUTE_THROTTLE));
    assert_ptr_equal(handshake(t, &routes[SHUT]), rule_get(RULE_ROUTE_THROTTLE));
    now_ns += 3600 * S;
    assert_ptr_equal(message(t, &routes[SHUT]), rule_get(RULE_ROUTE_THROTTLE));
}

static void handshakes_messages_and_callbacks_share_the_rate_of_the_account(void **state)
{
    static admit_fn *const kinds[] = {handshake, message, callback};
    static const enum rule_id rules[] = {RULE_ACCOUNT_THROTTLE, RULE_ACCOUNT_THROTTLE, RULE_CALLBACK_THROTTLED};
    struct rates *t = *state;
    struct tuning tuning = {0};

    tune(&tuning, "account-burst", NULL, 9);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fresh(t);
        for (size_t j = 0; j < COUNT(kinds); j++)
            assert_int_equal(count(t, kinds[j], NULL, 3), 3);
        assert_ptr_equal(kinds[i](t, NULL), rule_get(rules[i]));
    }
}

static void a_request_that_is_refused_has_used_the_rates_before(void **state)
{
    struct rates *t = *state;
    struct tuning tuning = {0};

    tune(&tuning, "account-burst", NULL, 2);
    tune(&tuning, "connections-per-second", NULL, 4);
    fresh(t);
    assert_int_equal(count(t, message, &routes[SHUT], 1), 0);
    assert_int_equal(count(t, message, &routes[FREE], 5), 1);
    fresh(t);
    assert_int_equal(count(t, handshake, NULL, 5), 2);
    assert_ptr_equal(handshake(t, NULL), rule_get(RULE_ACCOUNT_THROTTLE)); /* the fourth connection */
    assert_ptr_equal(handshake(t, NULL), rule_get(RULE_CONNECTIONS_PER_SECOND));
}

/* ---- tuning ---- */

static void a_rate_that_is_off_lets_everything_through(void **state)
{
    struct rates *t = *state;
    struct tuning tuning = {0};

    tune(&tuning, "account-throttle", "off", 0);
    fresh(t);
    assert_int_equal(count(t, message, &routes[FREE], 20000), 20000);
    assert_int_equal(count(t, callback, NULL, 20000), 20000);
    assert_int_equal(count(t, handshake, NULL, 20000), 500);
    tune(&tuning, "connections-per-second", "off", 0);
    fresh(t);
    assert_int_equal(count(t, handshake, NULL, 20000), 20000);
    assert_int_equal(count(t, message, &routes[SAY], 10), 2);
    tune(&tuning, "route-throttle", "off", 0);
    fresh(t);
    assert_int_equal(count(t, message, &routes[SAY], 20000), 20000);
    assert_int_equal(count(t, message, &routes[SHUT], 20000), 20000);
}

static void a_tuned_rate_counts(void **state)
{
    struct rates *t = *state;
    struct tuning tuning = {0};

    tune(&tuning, "connections-per-second", NULL, 0);
    tune(&tuning, "account-throttle", NULL, 20);
    tune(&tuning, "account-burst", NULL, 7);
    fresh(t);
    assert_ptr_equal(handshake(t, NULL), rule_get(RULE_CONNECTIONS_PER_SECOND));
    assert_int_equal(count(t, message, NULL, 100), 7);
    now_ns += S / 4;
    assert_int_equal(count(t, message, NULL, 100), 5);
}

/* ---- words ---- */

static void the_log_says_which_rate_it_was(void **state)
{
    static const struct {
        enum rule_id rule;
        const char *text;
    } cases[] = {
        {RULE_ROUTE_THROTTLE, "the route say has 0.5 requests/s and a burst of 2"},
        {RULE_CONNECTIONS_PER_SECOND, "the account has 500 new connections/s"},
        {RULE_ACCOUNT_THROTTLE, "the account has 10000 requests/s and a burst of 5000"},
        {RULE_CALLBACK_THROTTLED, "the account has 10000 requests/s and a burst of 5000"},
    };
    const struct rates *t = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf text = {0};

        throttle_explain(rule_get(cases[i].rule), &t->routes, &routes[SAY], &text);
        assert_string_equal(buf_terminate(&text), cases[i].text);
        buf_fini(&text);
    }
}

static void each_refusal_has_the_answer_of_aws(void **state)
{
    static const struct {
        enum rule_id rule;
        const char *error_type, *message;
    } cases[] = {
        {RULE_ACCOUNT_THROTTLE, "TooManyRequestsException", "Too Many Requests"},
        {RULE_CONNECTIONS_PER_SECOND, "TooManyRequestsException", "Too Many Requests"},
        {RULE_ROUTE_THROTTLE, "TooManyRequestsException", "Too Many Requests"},
        {RULE_CALLBACK_THROTTLED, "LimitExceededException", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rule *rule = rule_get(cases[i].rule);

        assert_int_equal(rule->http_status, 429);
        assert_string_equal(rule->error_type, cases[i].error_type);
        assert_string_equal(rule->message ? rule->message : "", cases[i].message);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_account_has_a_burst_of_5000_for_messages),
        TEST(an_account_has_500_new_connections_a_second),
        TEST(a_route_has_its_own_rate),
        TEST(connect_has_the_rate_of_its_route_too),
        TEST(a_route_with_limits_of_zero_refuses_everything),
        TEST(handshakes_messages_and_callbacks_share_the_rate_of_the_account),
        TEST(a_request_that_is_refused_has_used_the_rates_before),
        TEST(a_rate_that_is_off_lets_everything_through),
        TEST(a_tuned_rate_counts),
        TEST(the_log_says_which_rate_it_was),
        TEST(each_refusal_has_the_answer_of_aws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
