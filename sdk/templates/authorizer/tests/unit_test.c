/* unit_test.c - calls the handlers of @NAME@.c with a fake host in the place of the emulator. */
#define _POSIX_C_SOURCE 200112L
#include <apigw/testing.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void who_has_the_token_is_allowed(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_authorizer();
    const struct apigw_test_result *result;

    event.query = "token=secret&name=J%C3%B6";
    result = apigw_test_call(test, "authorize", &event);
    assert(!result->error_type);
    assert(strcmp(apigw_test_json(test, result->json, "principalId"), "J\303\266") == 0);
    assert(strcmp(apigw_test_json(test, result->json, "policyDocument.Statement[0].Effect"), "Allow") == 0);
    assert(strcmp(apigw_test_json(test, result->json, "policyDocument.Statement[0].Resource"), event.method_arn) == 0);
}

static void who_has_not_is_unauthorized(struct apigw_test *test)
{
    static const char *const queries[] = {"token=secre", "token=secrets", "token=Secret", "token=", "name=anna", NULL};
    struct apigw_test_event event = apigw_test_authorizer();
    size_t i;

    for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        event.query = queries[i];
        assert(strcmp(apigw_test_call(test, "authorize", &event)->error_message, "Unauthorized") == 0);
    }
}

static void without_a_token_in_routes_json_nobody_is_allowed(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_authorizer();

    unsetenv("TOKEN");
    event.query = "token=";
    assert(strcmp(apigw_test_call(test, "authorize", &event)->error_message, "Unauthorized") == 0);
}

static void a_client_is_told_who_it_is(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_message("who am I?");
    const struct apigw_test_result *result;

    event.authorizer = "{\"principalId\":\"anna\"}";
    result = apigw_test_call(test, "handle", &event);
    assert(result->status_code == 200);
    assert(strcmp(result->body, "anna") == 0);
}

static void (*const tests[])(struct apigw_test *test) = {
    who_has_the_token_is_allowed,
    who_has_not_is_unauthorized,
    without_a_token_in_routes_json_nobody_is_allowed,
    a_client_is_told_who_it_is,
};

int main(void)
{
    const size_t count = sizeof(tests) / sizeof(tests[0]);
    size_t i;

    for (i = 0; i < count; i++) {
        struct apigw_test *test = apigw_test_new(&apigw_plugin);

        setenv("TOKEN", "secret", 1);
        tests[i](test);
        apigw_test_free(test);
    }
    printf("%zu tests passed\n", count);
    return 0;
}
