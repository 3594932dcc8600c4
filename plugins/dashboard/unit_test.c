/* unit_test.c - calls the handlers of dashboard.c with a fake host in the place of the emulator. */
#include <apigw/collections.h>
#include <apigw/testing.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ANNA "AnnaAAAAAAAAAAA="
#define BOB "BobAAAAAAAAAAAA="

static const char *answer(struct apigw_test *test, const char *who, const char *handler, const char *body)
{
    struct apigw_test_event event = apigw_test_message(body);
    const struct apigw_test_result *result;

    event.connection_id = who;
    result = apigw_test_call(test, handler, &event);
    assert(result->status_code == 200);
    return result->body;
}

/* What the feed would find: who it is, and the raw JSON. */
struct kept {
    const char *who;
    char document[256];
};

static int look(struct apigw_context *context, void *arg)
{
    const struct apigw_collection subscriptions = apigw_collection_open("subscriptions", APIGW_READING);
    struct kept *kept = arg;
    struct apigw_json document;

    assert(apigw_doc_get(context, apigw_doc(&subscriptions, apigw_span_of_str(kept->who)), &document) == APIGW_OK);
    snprintf(kept->document, sizeof(kept->document), "%.*s", (int)document.raw.len, document.raw.ptr);
    return APIGW_OK;
}

static int is_kept(struct apigw_test *test, const char *who, const char *document)
{
    struct kept kept = {who, ""};

    assert(apigw_test_run(test, look, &kept) == APIGW_OK);
    return strcmp(kept.document, document) == 0;
}

static void a_subscription_is_kept_for_the_feed(struct apigw_test *test)
{
    assert(strcmp(answer(test, ANNA, "subscribe", "{\"symbols\":[\"ACME\"]}"), "{\"symbols\":[\"ACME\"]}") == 0);
    assert(is_kept(test, ANNA, "{\"symbols\":[\"ACME\"]}"));
    answer(test, ANNA, "subscribe", "{\"symbols\":[\"INIT\",\"HOOL\"]}");
    assert(is_kept(test, ANNA, "{\"symbols\":[\"INIT\",\"HOOL\"]}"));
}

static void what_is_no_list_of_symbols_changes_nothing(struct apigw_test *test)
{
    static const char *const bodies[] = {
        "{}",
        "no JSON",
        "{\"symbols\":\"ACME\"}",
        "{\"symbols\":[]}",
        "{\"symbols\":[7]}",
        "{\"symbols\":[\"\"]}",
        "{\"symbols\":[\"ACME\",\"12345678901234567\"]}",
        "{\"symbols\":{\"a\":\"ACME\"}}",
    };
    size_t i;

    answer(test, ANNA, "subscribe", "{\"symbols\":[\"ACME\"]}");
    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert(strstr(answer(test, ANNA, "subscribe", bodies[i]), "\"error\""));
    assert(is_kept(test, ANNA, "{\"symbols\":[\"ACME\"]}"));
}

static void there_is_room_for_20_symbols(struct apigw_test *test)
{
    char body[256] = "{\"symbols\":[\"0\"";
    size_t len = strlen(body);
    int i;

    for (i = 1; i < 20; i++)
        len += (size_t)snprintf(body + len, sizeof(body) - len, ",\"%d\"", i);
    snprintf(body + len, sizeof(body) - len, "]}");
    assert(strcmp(answer(test, ANNA, "subscribe", body), body) == 0);
    snprintf(body + len, sizeof(body) - len, ",\"20\"]}");
    assert(strstr(answer(test, ANNA, "subscribe", body), "\"error\""));
}

static void who_unsubscribes_or_leaves_is_forgotten(struct apigw_test *test)
{
    struct apigw_test_event event = apigw_test_disconnect();

    answer(test, ANNA, "subscribe", "{\"symbols\":[\"ACME\"]}");
    answer(test, BOB, "subscribe", "{\"symbols\":[\"ACME\"]}");
    answer(test, ANNA, "unsubscribe", "{}");
    event.connection_id = BOB;
    assert(apigw_test_call(test, "unsubscribe", &event)->status_code == 200);
    assert(is_kept(test, ANNA, ""));
    assert(is_kept(test, BOB, ""));
}

static void (*const tests[])(struct apigw_test *test) = {
    a_subscription_is_kept_for_the_feed,
    what_is_no_list_of_symbols_changes_nothing,
    there_is_room_for_20_symbols,
    who_unsubscribes_or_leaves_is_forgotten,
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
