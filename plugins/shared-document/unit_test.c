/* unit_test.c - calls the handler of shared_document.c with a fake host in the place of the emulator. */
#include <apigw/testing.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ANNA "AnnaAAAAAAAAAAA="
#define BOB "BobAAAAAAAAAAAA="
#define CAROL "CarolAAAAAAAAAA="

#define OPEN "{\"document\":\"notes\"}"
#define FIRST "{\"document\":\"notes\",\"version\":1,\"text\":\"first\"}"

static const char *answer(struct apigw_test *test, const char *who, const char *route, const char *body)
{
    struct apigw_test_event event = apigw_test_message(body);
    const struct apigw_test_result *result;

    event.connection_id = who;
    event.route_key = route;
    result = apigw_test_call(test, "shared_document", &event);
    assert(result->status_code == 200);
    return result->body;
}

static void write_first(struct apigw_test *test, const char *who)
{
    assert(strcmp(answer(test, who, "edit", "{\"document\":\"notes\",\"version\":0,\"text\":\"first\"}"), FIRST) == 0);
}

static void a_new_document_is_empty(struct apigw_test *test)
{
    assert(strcmp(answer(test, ANNA, "open", OPEN), "{\"document\":\"notes\",\"version\":0,\"text\":\"\"}") == 0);
}

static void an_edit_is_seen_by_all_others_who_have_it_open(struct apigw_test *test)
{
    answer(test, ANNA, "open", OPEN);
    answer(test, BOB, "open", OPEN);
    answer(test, CAROL, "open", "{\"document\":\"other\"}");
    write_first(test, ANNA);
    assert(strcmp(apigw_test_sent(test, BOB, 0), FIRST) == 0);
    assert(apigw_test_post_count(test) == 1);
    assert(strcmp(answer(test, CAROL, "open", OPEN), FIRST) == 0);
}

static void an_edit_of_what_has_changed_is_a_conflict_and_changes_nothing(struct apigw_test *test)
{
    static const char conflict[] = "{\"conflict\":true,\"document\":\"notes\",\"version\":1,\"text\":\"first\"}";
    static const char *const versions[] = {"0", "2", "-1", "1.5", "null", "\"x\"", "[1]"};
    char edit[128];
    size_t i;

    answer(test, BOB, "open", OPEN);
    write_first(test, ANNA);
    apigw_test_forget(test);
    for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        snprintf(edit, sizeof(edit), "{\"document\":\"notes\",\"version\":%s,\"text\":\"lost\"}", versions[i]);
        assert(strcmp(answer(test, CAROL, "edit", edit), conflict) == 0);
    }
    assert(strcmp(answer(test, CAROL, "edit", "{\"document\":\"notes\",\"text\":\"lost\"}"), conflict) == 0);
    assert(apigw_test_post_count(test) == 0);
    assert(strcmp(answer(test, ANNA, "open", OPEN), FIRST) == 0);
}

static void after_a_conflict_one_tries_again(struct apigw_test *test)
{
    write_first(test, ANNA);
    answer(test, BOB, "edit", "{\"document\":\"notes\",\"version\":0,\"text\":\"second\"}");
    assert(strcmp(answer(test, BOB, "edit", "{\"document\":\"notes\",\"version\":1,\"text\":\"first, second\"}"),
                  "{\"document\":\"notes\",\"version\":2,\"text\":\"first, second\"}") == 0);
}

static void who_has_left_or_is_gone_is_told_nothing(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_disconnect();

    answer(test, BOB, "open", OPEN);
    answer(test, CAROL, "open", OPEN);
    event.connection_id = BOB;
    assert(apigw_test_call(test, "shared_document", &event)->status_code == 200);
    apigw_test_gone(test, CAROL);
    write_first(test, ANNA);
    assert(apigw_test_post_count(test) == 1); /* to Carol, who is forgotten by it */
    apigw_test_forget(test);
    answer(test, ANNA, "edit", "{\"document\":\"notes\",\"version\":1,\"text\":\"\"}");
    assert(apigw_test_post_count(test) == 0);
}

static void who_misses_a_version_is_in_the_log(struct apigw_test *test)
{
    answer(test, BOB, "open", OPEN);
    apigw_test_next(test, APIGW_TEST_POST, BOB, APIGW_LIMIT_EXCEEDED);
    write_first(test, ANNA);
    assert(apigw_test_logged(test, BOB " misses version 1: LimitExceededException"));
}

static void a_message_that_makes_no_sense_is_answered_with_an_error(struct apigw_test *test)
{
    assert(strstr(answer(test, ANNA, "open", "no JSON"), "which document?"));
    assert(strstr(answer(test, ANNA, "open", "{\"document\":[]}"), "which document?"));
    assert(strstr(answer(test, ANNA, "edit", "{\"document\":\"notes\",\"version\":0}"), "an edit has a text"));
    assert(
        strstr(answer(test, ANNA, "edit", "{\"document\":\"notes\",\"version\":0,\"text\":1}"), "an edit has a text"));
}

static void (*const tests[])(struct apigw_test *test) = {
    a_new_document_is_empty,
    an_edit_is_seen_by_all_others_who_have_it_open,
    an_edit_of_what_has_changed_is_a_conflict_and_changes_nothing,
    after_a_conflict_one_tries_again,
    who_has_left_or_is_gone_is_told_nothing,
    who_misses_a_version_is_in_the_log,
    a_message_that_makes_no_sense_is_answered_with_an_error,
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
