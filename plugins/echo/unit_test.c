/* unit_test.c - calls the handler of echo.c with a fake host in the place of the emulator. */
#include <apigw/testing.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

static void a_message_comes_back(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_message("hello, \303\274n\303\257");
    const struct apigw_test_result *result = apigw_test_call(test, "echo", &event);

    assert(result->status_code == 200);
    assert(strcmp(result->body, event.body) == 0);
    assert(apigw_test_post_count(test) == 0);
}

static void every_byte_of_it_comes_back(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_message("a\0b");
    const struct apigw_test_result *result;

    event.body_len = 3;
    result = apigw_test_call(test, "echo", &event);
    assert(result->body_len == 3);
    assert(memcmp(result->body, "a\0b", 3) == 0);
}

static void (*const tests[])(struct apigw_test *test) = {
    a_message_comes_back,
    every_byte_of_it_comes_back,
};

int main(void)
{
    const size_t count = sizeof(tests) / sizeof(tests[0]);
    size_t i;

    for (i = 0; i < count; i++) {
        struct apigw_test *test = apigw_test_new(&apigw_plugin);

        tests[i](test);
        apigw_test_free(test);
    }
    printf("%zu tests passed\n", count);
    return 0;
}
