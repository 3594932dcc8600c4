/* unit_test.c - calls the handler of chat.c with a fake host in the place of the emulator. */
#include <apigw/testing.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ANNA "AnnaAAAAAAAAAAA="
#define BOB "BobAAAAAAAAAAAA="
#define CAROL "CarolAAAAAAAAAA="

static const struct apigw_test_result *send(struct apigw_test *test, const char *who, const char *route,
                                            const char *body)
{
    struct apigw_test_event event = apigw_test_message(body);

    event.connection_id = who;
    event.route_key = route;
    return apigw_test_call(test, "chat", &event);
}

static const char *answer(struct apigw_test *test, const char *who, const char *route, const char *body)
{
    const struct apigw_test_result *result = send(test, who, route, body);

    assert(result->status_code == 200);
    return result->body;
}

static void anna_and_bob_join(struct apigw_test *test)
{
    answer(test, ANNA, "join", "{\"action\":\"join\",\"name\":\"anna\"}");
    answer(test, BOB, "join", "{\"action\":\"join\",\"name\":\"bob\"}");
    apigw_test_forget(test);
}

static void everybody_is_let_in(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_connect();

    assert(apigw_test_call(test, "chat", &event)->status_code == 200);
}

static void who_joins_is_told_who_is_there_and_the_others_of_it(struct apigw_test *test)
{
    assert(strcmp(answer(test, ANNA, "join", "{\"name\":\"anna\"}"), "{\"members\":[\"anna\"]}") == 0);
    assert(strcmp(answer(test, BOB, "join", "{\"name\":\"bob\"}"), "{\"members\":[\"anna\",\"bob\"]}") == 0);
    assert(strcmp(apigw_test_sent(test, ANNA, 0), "{\"joined\":\"bob\"}") == 0);
    assert(apigw_test_sent_count(test, BOB) == 0);
}

static void a_name_is_a_string_of_1_to_64_bytes(struct apigw_test *test)
{
    static const char *const bodies[] = {
        "{}",
        "{\"name\":\"\"}",
        "{\"name\":7}",
        "no JSON",
        "{\"name\":\"12345678901234567890123456789012345678901234567890123456789012345\"}",
    };
    size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert(strstr(answer(test, ANNA, "join", bodies[i]), "join needs a name"));
    assert(strcmp(answer(test, ANNA, "list", "{}"), "{\"members\":[]}") == 0);
}

static void who_joins_twice_has_a_new_name(struct apigw_test *test)
{
    anna_and_bob_join(test);
    answer(test, ANNA, "join", "{\"name\":\"ann\\\"a\"}");
    assert(strcmp(answer(test, BOB, "list", "{}"), "{\"members\":[\"ann\\\"a\",\"bob\"]}") == 0);
}

static void what_one_says_the_others_hear(struct apigw_test *test)
{
    anna_and_bob_join(test);
    assert(!answer(test, ANNA, "say", "{\"text\":\"so \\\"quoted\\\"\\n\"}"));
    assert(strcmp(apigw_test_sent(test, BOB, 0), "{\"from\":\"anna\",\"text\":\"so \\\"quoted\\\"\\n\"}") == 0);
    assert(apigw_test_sent_count(test, ANNA) == 0);
}

static void who_has_not_joined_is_told_to(struct apigw_test *test)
{
    anna_and_bob_join(test);
    assert(!answer(test, CAROL, "say", "{\"text\":\"hello\"}"));
    assert(strcmp(apigw_test_sent(test, CAROL, 0), "{\"error\":\"join first\"}") == 0);
    assert(apigw_test_post_count(test) == 1);
}

static void who_leaves_is_forgotten_and_missed(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_disconnect();

    anna_and_bob_join(test);
    event.connection_id = BOB;
    assert(apigw_test_call(test, "chat", &event)->status_code == 200);
    assert(strcmp(apigw_test_sent(test, ANNA, 0), "{\"left\":\"bob\"}") == 0);
    assert(strcmp(answer(test, ANNA, "list", "{}"), "{\"members\":[\"anna\"]}") == 0);
    assert(strcmp(answer(test, ANNA, "leave", "{}"), "{\"left\":true}") == 0);
    assert(apigw_test_post_count(test) == 1);
}

static void who_is_gone_without_a_word_is_forgotten(struct apigw_test *test)
{
    anna_and_bob_join(test);
    apigw_test_gone(test, BOB);
    answer(test, ANNA, "say", "{\"text\":\"hello\"}");
    assert(apigw_test_post_at(test, 0)->result == APIGW_GONE);
    assert(strcmp(answer(test, ANNA, "list", "{}"), "{\"members\":[\"anna\"]}") == 0);
}

static void who_does_not_read_is_kept(struct apigw_test *test)
{
    anna_and_bob_join(test);
    apigw_test_next(test, APIGW_TEST_POST, BOB, APIGW_LIMIT_EXCEEDED);
    answer(test, ANNA, "say", "{\"text\":\"hello\"}");
    assert(strcmp(answer(test, ANNA, "list", "{}"), "{\"members\":[\"anna\",\"bob\"]}") == 0);
}

static void any_other_message_is_answered_with_help(struct apigw_test *test)
{
    assert(strstr(answer(test, ANNA, "$default", "what is this"), "\"action\":\"join\""));
}

static void (*const tests[])(struct apigw_test *test) = {
    everybody_is_let_in,
    who_joins_is_told_who_is_there_and_the_others_of_it,
    a_name_is_a_string_of_1_to_64_bytes,
    who_joins_twice_has_a_new_name,
    what_one_says_the_others_hear,
    who_has_not_joined_is_told_to,
    who_leaves_is_forgotten_and_missed,
    who_is_gone_without_a_word_is_forgotten,
    who_does_not_read_is_kept,
    any_other_message_is_answered_with_help,
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
