/* unit_test.c - calls the handlers of @NAME@.c with a fake host in the place of the emulator. */
#include <apigw/testing.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

static void a_message_comes_back(struct apigw_test *test)
{
    const struct apigw_test_event message = apigw_test_message("hello");
    const struct apigw_test_result *result = apigw_test_call(test, "handle", &message);

    assert(result->status_code == 200);
    assert(strcmp(result->body, "hello") == 0);
}

static void nothing_is_pushed(struct apigw_test *test)
{
    const struct apigw_test_event message = apigw_test_message("hello");

    apigw_test_call(test, "handle", &message);
    assert(apigw_test_post_count(test) == 0);
}

static void (*const tests[])(struct apigw_test *test) = {a_message_comes_back, nothing_is_pushed};

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
