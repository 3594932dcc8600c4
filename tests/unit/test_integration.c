/* test_integration.c - what an invocation's outcome means for the route it came from. The function is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "integration/integration.h"

/* The one invocation under way. */
static struct {
    invocation_done_fn *on_done;
    void *arg;
    const struct config_function *function;
    const struct invocation_request *request;
} invoked;

/* Stands in for the pool's. */
void function_invoke(struct function_pool *pool, const struct config_function *function,
                     const struct invocation_request *request, invocation_done_fn *on_done, void *arg)
{
    (void)pool;
    invoked.on_done = on_done;
    invoked.arg = arg;
    invoked.function = function;
    invoked.request = request;
}

struct seen {
    unsigned count;
    const struct rule *failure;
    char detail[256];
    int status_code;
    bool has_body;
    char body[64];
    char subprotocol[64];
    uint64_t latency_ns;
    unsigned lambda_status;
    char request_id[64];
};

static void copy_text(char *to, struct span text, size_t size)
{
    assert_true(text.len < size);
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
}

static void on_done(void *arg, const struct integration_result *result)
{
    struct seen *seen = arg;

    seen->count++;
    seen->failure = result->failure;
    copy_text(seen->detail, result->detail, sizeof(seen->detail));
    seen->status_code = result->status_code;
    seen->has_body = result->has_body;
    copy_text(seen->body, result->body, sizeof(seen->body));
    copy_text(seen->subprotocol, result->subprotocol, sizeof(seen->subprotocol));
    seen->latency_ns = result->latency_ns;
    seen->lambda_status = result->lambda_status;
    copy_text(seen->request_id, result->request_id, sizeof(seen->request_id));
}

/* Invokes a route whose function ends so. */
static struct seen outcome_of(const struct invocation_result *result)
{
    struct loop *loop = loop_new();
    struct integration_runner *runner = integration_runner_new(loop, NULL);
    struct config_function function = {.timeout_ms = 3000};
    const struct config_route route = {0};
    const struct invocation_request request = {0};
    struct seen seen = {0};

    integration_invoke(runner, &route, &function, &request, on_done, &seen);
    assert_int_equal(seen.count, 0);
    assert_ptr_equal(invoked.function, &function);
    assert_ptr_equal(invoked.request, &request);
    invoked.on_done(invoked.arg, result);
    assert_int_equal(seen.count, 1);
    integration_runner_free(runner);
    loop_free(loop);
    return seen;
}

static void a_typed_answer_passes_through(void **state)
{
    const struct invocation_header header = {SPAN("Sec-WebSocket-Protocol"), SPAN("chat")};
    struct seen seen = outcome_of(&(struct invocation_result){.outcome = INVOCATION_RESULT,
                                                              .status_code = 201,
                                                              .has_body = true,
                                                              .body = SPAN("hi"),
                                                              .headers = &header,
                                                              .header_count = 1});

    (void)state;
    assert_null(seen.failure);
    assert_int_equal(seen.status_code, 201);
    assert_true(seen.has_body);
    assert_string_equal(seen.body, "hi");
    assert_string_equal(seen.subprotocol, "chat");
}

static void a_proxy_result_passes_through(void **state)
{
    struct seen seen = outcome_of(&(struct invocation_result){
        .outcome = INVOCATION_RESULT_JSON,
        .json = SPAN(
            "{\"statusCode\":\"202\",\"body\":\"a\\nb\",\"headers\":{\"sec-websocket-protocol\":\"x\\u002dy\"}}")});

    (void)state;
    assert_null(seen.failure);
    assert_int_equal(seen.status_code, 202);
    assert_string_equal(seen.body, "a\nb");
    assert_string_equal(seen.subprotocol, "x-y");
}

static void every_failure_names_its_rule_and_says_why(void **state)
{
    static const struct {
        struct invocation_result result;
        enum rule_id rule;
        const char *detail;
    } failures[] = {
        {{.outcome = INVOCATION_RESULT_JSON, .json = {"null", 4}},
         RULE_RESULT_MALFORMED,
         "it is null, or the handler returned nothing"},
        {{.outcome = INVOCATION_ERROR, .error_type = {"Error", 5}, .error_message = {"boom", 4}},
         RULE_INTEGRATION_FAILED,
         "Error: boom"},
        {{.outcome = INVOCATION_TIMED_OUT, .error_type = {"Sandbox.Timedout", 16}, .error_message = {"late", 4}},
         RULE_INTEGRATION_FAILED,
         "Sandbox.Timedout: late"},
        {{.outcome = INVOCATION_NOT_STARTED, .error_message = {"no plugin", 9}}, RULE_INTEGRATION_FAILED, "no plugin"},
        {{.outcome = INVOCATION_THROTTLED, .error_message = {"Rate Exceeded.", 14}},
         RULE_FUNCTION_THROTTLED,
         "Rate Exceeded."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct seen seen = outcome_of(&failures[i].result);
        assert_ptr_equal(seen.failure, rule_get(failures[i].rule));
        assert_string_equal(seen.detail, failures[i].detail);
        assert_false(seen.has_body);
    }
}

static void every_result_tells_how_long_it_took_and_what_lambda_answered(void **state)
{
    static const unsigned statuses[] = {
        [INVOCATION_RESULT] = 200,    [INVOCATION_RESULT_JSON] = 200, [INVOCATION_ERROR] = 200,
        [INVOCATION_TIMED_OUT] = 200, [INVOCATION_THROTTLED] = 429,   [INVOCATION_NOT_STARTED] = 500,
        [INVOCATION_STOPPED] = 503,
    };
    struct loop *loop = loop_new();
    struct integration_runner *runner = integration_runner_new(loop, NULL);
    struct config_function function = {.timeout_ms = 3000};
    const struct config_route route = {0};
    const struct invocation_request request = {0};

    (void)state;
    for (unsigned outcome = 0; outcome < sizeof(statuses) / sizeof(statuses[0]); outcome++) {
        const struct invocation_result result = {
            .outcome = outcome, .request_id = SPAN("11111111-2222-3333-4444-555555555555"), .json = SPAN("{}")};
        struct seen seen = {0};

        integration_invoke(runner, &route, &function, &request, on_done, &seen);
        clock_advance_ms(1500);
        invoked.on_done(invoked.arg, &result);
        assert_in_range(seen.latency_ns, UINT64_C(1500000000), UINT64_C(11500000000));
        assert_int_equal(seen.lambda_status, statuses[outcome]);
        assert_string_equal(seen.request_id, "11111111-2222-3333-4444-555555555555");
    }
    integration_runner_free(runner);
    loop_free(loop);
}

static void a_call_whose_time_is_over_has_taken_that_long_and_knows_nothing_of_lambda(void **state)
{
    struct loop *loop = loop_new();
    struct integration_runner *runner = integration_runner_new(loop, NULL);
    struct config_function function = {.timeout_ms = 3000};
    const struct config_route route = {0};
    const struct invocation_request request = {0};
    const uint64_t limit_ms = rule_get(RULE_INTEGRATION_TIMEOUT)->limit;
    struct seen seen = {0};

    (void)state;
    integration_invoke(runner, &route, &function, &request, on_done, &seen);
    loop_advance(loop, limit_ms);
    assert_int_equal(seen.count, 1);
    assert_ptr_equal(seen.failure, rule_get(RULE_INTEGRATION_TIMEOUT));
    assert_in_range(seen.latency_ns, limit_ms * 1000000, (limit_ms + 10000) * 1000000);
    assert_int_equal(seen.lambda_status, 0);
    assert_string_equal(seen.request_id, "");
    invoked.on_done(invoked.arg, &(struct invocation_result){.outcome = INVOCATION_RESULT});
    assert_int_equal(seen.count, 1);
    integration_runner_free(runner);
    loop_free(loop);
}

static void an_answer_after_the_runner_has_gone_is_dropped(void **state)
{
    struct loop *loop = loop_new();
    struct integration_runner *runner = integration_runner_new(loop, NULL);
    struct config_function function = {.timeout_ms = 3000};
    const struct config_route route = {0};
    const struct invocation_request request = {0};
    struct seen seen = {0};

    (void)state;
    integration_invoke(runner, &route, &function, &request, on_done, &seen);
    integration_runner_free(runner);
    invoked.on_done(invoked.arg, &(struct invocation_result){.outcome = INVOCATION_RESULT});
    assert_int_equal(seen.count, 0);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_typed_answer_passes_through),
        cmocka_unit_test(a_proxy_result_passes_through),
        cmocka_unit_test(every_failure_names_its_rule_and_says_why),
        cmocka_unit_test(every_result_tells_how_long_it_took_and_what_lambda_answered),
        cmocka_unit_test(a_call_whose_time_is_over_has_taken_that_long_and_knows_nothing_of_lambda),
        cmocka_unit_test(an_answer_after_the_runner_has_gone_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
