/* Which route a message takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/route.h"

static struct config_route routes[] = {
    {.key = (char *)"$connect"}, {.key = (char *)"$disconnect"}, {.key = (char *)"sendmessage"},
    {.key = (char *)"join"},     {.key = (char *)"$default"}, /* last, so that it can be left out */
};

static struct config config = {.route_selection_expression = (char *)"$request.body.action", .routes = routes};
static struct buf scratch;

static int compile(void **state)
{
    struct expression_error error;
    return expression_compile(span_of_str(config.route_selection_expression), &config.selection, &error);
}

static int release(void **state)
{
    expression_free(config.selection);
    buf_fini(&scratch);
    return 0;
}

static const char *selected(struct span body, bool with_default)
{
    struct route_choice choice;

    config.route_count = sizeof(routes) / sizeof(routes[0]) - (with_default ? 0 : 1);
    choice = route_select(&config, body, &scratch);
    return choice.route ? choice.route->key : NULL;
}

static void the_selected_key_is_the_route(void **state)
{
    assert_string_equal(selected(SPAN("{\"action\":\"sendmessage\"}"), true), "sendmessage");
    assert_string_equal(selected(SPAN("{\"action\":\"join\"}"), false), "join");
}

static void what_has_no_route_goes_to_default(void **state)
{
    static const struct span bodies[] = {
        {"{\"action\":\"leave\"}", 18},
        {"{\"action\":\"Join\"}", 17},
        {"{\"action\":\"\"}", 13},
        {"{\"action\":null}", 15},
        {"{\"action\":7}", 12},
        {"{\"other\":\"join\"}", 16},
        {"{\"action\":[\"join\"]}", 19},
        {"[]", 2},
        {"7", 1},
        {"not JSON", 8},
        {"{\"action\":\"join\"", 16},
        {"", 0},
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_string_equal(selected(bodies[i], true), "$default");
        assert_null(selected(bodies[i], false));
    }
}

static void a_client_cannot_choose_a_special_route(void **state)
{
    assert_string_equal(selected(SPAN("{\"action\":\"$connect\"}"), true), "$default");
    assert_null(selected(SPAN("{\"action\":\"$connect\"}"), false));
    assert_null(selected(SPAN("{\"action\":\"$disconnect\"}"), false));
    assert_null(selected(SPAN("{\"action\":\"$default\"}"), false));
}

static const char *explanation(struct span body, struct buf *out)
{
    struct route_choice choice;

    config.route_count = sizeof(routes) / sizeof(routes[0]) - 1;
    choice = route_select(&config, body, &scratch);
    buf_clear(out, 0);
    route_explain(&config, &choice, out);
    return buf_terminate(out);
}

static void an_explanation_names_the_key_the_routes_and_the_nearest(void **state)
{
    struct buf out = {0};

    assert_string_equal(explanation(SPAN("{\"action\":\"sendmesage\"}"), &out),
                        "$request.body.action selected \"sendmesage\" and there is no $default; routes: sendmessage, "
                        "join; did you mean \"sendmessage\"?");
    assert_string_equal(explanation(SPAN("hello"), &out),
                        "the message is not JSON and there is no $default; routes: sendmessage, join");
    buf_fini(&out);
}

static void an_explanation_fits_a_line_whatever_was_selected(void **state)
{
    static char body[100 * 1024];
    struct buf out = {0};
    const char before[] = "{\"action\":\"", after[] = "\"}";

    memset(body, 'x', sizeof(body));
    memcpy(body, before, sizeof(before) - 1);
    memcpy(body + sizeof(body) - sizeof(after), after, sizeof(after));
    explanation(span_of(body, sizeof(body) - 1), &out);
    assert_in_range(out.len, 1, 1000);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_selected_key_is_the_route),
        cmocka_unit_test(what_has_no_route_goes_to_default),
        cmocka_unit_test(a_client_cannot_choose_a_special_route),
        cmocka_unit_test(an_explanation_names_the_key_the_routes_and_the_nearest),
        cmocka_unit_test(an_explanation_fits_a_line_whatever_was_selected),
    };
    return cmocka_run_group_tests(tests, compile, release);
}
