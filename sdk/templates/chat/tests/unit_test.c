/* unit_test.c - calls the handlers of @NAME@.c with a fake host in the place of the emulator. */
#include <apigw/testing.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ANNA "AnnaAAAAAAAAAAA="
#define BOB "BobAAAAAAAAAAAA="
#define CAROL "CarolAAAAAAAAAA="

static void come(struct apigw_test *test, const char *who)
{
    struct apigw_test_event event = apigw_test_connect();

    event.connection_id = who;
    assert(apigw_test_call(test, "@NAME@", &event)->status_code == 200);
    apigw_test_connected(test, who, NULL);
}

static void go(struct apigw_test *test, const char *who)
{
    struct apigw_test_event event = apigw_test_disconnect();

    event.connection_id = who;
    assert(apigw_test_call(test, "@NAME@", &event)->status_code == 200);
}

static void say(struct apigw_test *test, const char *who, const char *text)
{
    struct apigw_test_event event = apigw_test_message(text);

    event.connection_id = who;
    assert(apigw_test_call(test, "@NAME@", &event)->status_code == 200);
}

static void a_message_goes_to_all_others(struct apigw_test *test)
{
    come(test, ANNA);
    come(test, BOB);
    come(test, CAROL);
    say(test, ANNA, "hello");
    assert(strcmp(apigw_test_sent(test, BOB, 0), "hello") == 0);
    assert(strcmp(apigw_test_sent(test, CAROL, 0), "hello") == 0);
    assert(apigw_test_sent_count(test, ANNA) == 0);
}

static void who_has_left_is_sent_nothing(struct apigw_test *test)
{
    come(test, ANNA);
    come(test, BOB);
    go(test, BOB);
    say(test, ANNA, "hello");
    assert(apigw_test_post_count(test) == 0);
}

static void who_is_gone_without_a_word_is_forgotten(struct apigw_test *test)
{
    come(test, ANNA);
    come(test, BOB);
    come(test, CAROL);
    apigw_test_gone(test, BOB);
    say(test, ANNA, "first");
    assert(apigw_test_post_count(test) == 2); /* tried for both, and only one was there */
    apigw_test_forget(test);
    say(test, ANNA, "second");
    assert(apigw_test_post_count(test) == 1);
    assert(strcmp(apigw_test_sent(test, CAROL, 0), "second") == 0);
}

static void (*const tests[])(struct apigw_test *test) = {
    a_message_goes_to_all_others,
    who_has_left_is_sent_nothing,
    who_is_gone_without_a_word_is_forgotten,
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
