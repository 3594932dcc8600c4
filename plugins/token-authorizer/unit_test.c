/* unit_test.c - calls the handlers of token_authorizer.c with a fake host in the place of the emulator.
 *
 * The tokens were made by another implementation (Python's hmac), with the secret below. */
#define _POSIX_C_SOURCE 200112L
#include <apigw/testing.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define HS256 "eyJhbGciOiJIUzI1NiJ9"

/* {"sub":"anna","role":"admin","exp":4102444800}, which is the year 2100 */
#define CLAIMS "eyJzdWIiOiJhbm5hIiwicm9sZSI6ImFkbWluIiwiZXhwIjo0MTAyNDQ0ODAwfQ"
#define SIGNATURE "QaAk5WDTYke6mKystIp4cRMgPdp052IFmqtvmhkzjBA"

static const struct apigw_test_result *authorize(struct apigw_test *test, const char *query)
{
    struct apigw_test_event event = apigw_test_authorizer();

    event.query = query;
    return apigw_test_call(test, "authorize", &event);
}

static void who_has_a_signed_token_is_let_in_under_its_name(struct apigw_test *test)
{
    const struct apigw_test_result *result = authorize(test, "token=" HS256 "." CLAIMS "." SIGNATURE);
    const char *const arn = apigw_test_authorizer().method_arn;

    assert(!result->error_type);
    assert(strcmp(apigw_test_json(test, result->json, "principalId"), "anna") == 0);
    assert(strcmp(apigw_test_json(test, result->json, "context.role"), "admin") == 0);
    assert(strcmp(apigw_test_json(test, result->json, "policyDocument.Statement[0].Effect"), "Allow") == 0);
    assert(strcmp(apigw_test_json(test, result->json, "policyDocument.Statement[0].Resource"), arn) == 0);
}

static const struct refusal {
    const char *query;
    const char *why; /* in the log; the client is not told */
} refusals[] = {
    {NULL, "no token of three parts"},
    {"token=", "no token of three parts"},
    {"token=" HS256 "." CLAIMS, "no token of three parts"},
    {"token=" HS256 "." CLAIMS ".", "no token of three parts"},
    {"token=" HS256 "." CLAIMS ".QaAk5WDTYke6mKystIp4cRMgPdp052IFmqtvmhkzjBB", "signature"}, /* spare bits */
    {"token=" HS256 "." CLAIMS ".RaAk5WDTYke6mKystIp4cRMgPdp052IFmqtvmhkzjBA", "signature"},
    {"token=" HS256 "." CLAIMS ".QaAk5WDTYke6mKystIp4cRMgPdp052IFmqtvmhkzjA", "signature"},
    {"token=" HS256 "." CLAIMS "." SIGNATURE ".", "signature"},
    {"token=" HS256 "." CLAIMS "." SIGNATURE "%00", "signature"},
    {"token=" HS256 ".eyJzdWIiOiJib2IifQ." SIGNATURE, "signature"}, /* somebody else's claims */
    {"token=eyJhbGciOiJub25lIn0." CLAIMS "." SIGNATURE, "signature"},
    /* Signed, and yet: alg "none", expired in 2020, not before 2096, never expires, and claims that are no JSON. */
    {"token=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIiwiZXhwIjo0MTAyNDQ0ODAwfQ.P7aBMObqyl8CsIl2mrKqm3Xx9zWbwMA7ccXpEGo1vBs",
     "not HS256"},
    {"token=" HS256 ".eyJzdWIiOiJhbm5hIiwiZXhwIjoxNjAwMDAwMDAwfQ.yHRYa97Ir3E6PMMwyLNF2riSwcS4DstP-Y_X2fN_0GY",
     "expired"},
    {"token=" HS256 ".eyJzdWIiOiJhbm5hIiwibmJmIjo0MDAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDB9."
     "mntM7WQ9ox1vEn5kGfLgWMKXax_C92HkP0uVxBTn2Ao",
     "not valid yet"},
    {"token=" HS256 ".eyJzdWIiOiJhbm5hIn0.6I0deSQ_4lbnAvCKcUe68H9yCm42Nl7EAgQiGJ1zTCM", "expired"},
    {"token=" HS256 ".YW5uYQ.NeyQ7_x8TQavj3UhsFKEhKadXny-NfoHsePALbFqumc", "expired"},
};

static void who_has_none_is_unauthorized_and_the_log_says_why(struct apigw_test *test)
{
    size_t i;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        apigw_test_forget(test);
        assert(strcmp(authorize(test, refusals[i].query)->error_message, "Unauthorized") == 0);
        assert(apigw_test_logged(test, refusals[i].why));
    }
}

static void a_token_ends_when_it_says(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_authorizer();

    event.query = "token=" HS256 "." CLAIMS "." SIGNATURE;
    event.request_time_ms = 4102444799999;
    assert(!apigw_test_call(test, "authorize", &event)->error_type);
    event.request_time_ms = 4102444800000;
    assert(strcmp(apigw_test_call(test, "authorize", &event)->error_message, "Unauthorized") == 0);
}

static void without_a_good_secret_nobody_is_let_in(struct apigw_test *test)
{
    setenv("TOKEN_SECRET", "short", 1);
    assert(strcmp(authorize(test, "token=" HS256 "." CLAIMS "." SIGNATURE)->error_type, "ConfigurationError") == 0);
    unsetenv("TOKEN_SECRET");
    assert(strcmp(authorize(test, "token=" HS256 "." CLAIMS "." SIGNATURE)->error_type, "ConfigurationError") == 0);
}

static void a_client_is_told_who_it_is(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_message("who am I?");

    event.authorizer = "{\"principalId\":\"anna\",\"role\":\"admin\"}";
    assert(strcmp(apigw_test_call(test, "whoami", &event)->body, "{\"name\":\"anna\",\"role\":\"admin\"}") == 0);
}

static void (*const tests[])(struct apigw_test *test) = {
    who_has_a_signed_token_is_let_in_under_its_name,
    who_has_none_is_unauthorized_and_the_log_says_why,
    a_token_ends_when_it_says,
    without_a_good_secret_nobody_is_let_in,
    a_client_is_told_who_it_is,
};

int main(void)
{
    const size_t count = sizeof(tests) / sizeof(tests[0]);
    size_t i;

    for (i = 0; i < count; i++) {
        struct apigw_test *test = apigw_test_new(&apigw_plugin);

        setenv("TOKEN_SECRET", SECRET, 1);
        tests[i](test);
        apigw_test_free(test);
    }
    printf("%zu tests passed\n", count);
    return 0;
}
