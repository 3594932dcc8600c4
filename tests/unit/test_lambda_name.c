/* test_lambda_name.c - the ways to name a function. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "management/lambda_name.h"

static void assert_span(struct span actual, const char *expected)
{
    if (!span_equal(actual, span_of_str(expected)))
        fail_msg("got <" SPAN_FMT ">, expected <%s>", SPAN_ARG(actual), expected);
}

static const struct {
    const char *text, *region, *account_id, *function, *qualifier;
} names[] = {
    {"chat", "", "", "chat", ""},
    {"chat:$LATEST", "", "", "chat", "$LATEST"},
    {"chat:prod-1_x", "", "", "chat", "prod-1_x"},
    {"my.fn_1-x", "", "", "my.fn_1-x", ""},
    {"function:chat", "", "", "chat", ""},
    {"function:chat:7", "", "", "chat", "7"},
    {"function", "", "", "function", ""},
    {"123456789012:chat", "", "123456789012", "chat", ""},
    {"123456789012:function:chat", "", "123456789012", "chat", ""},
    {"123456789012:function:chat:prod", "", "123456789012", "chat", "prod"},
    {"123456789012", "", "", "123456789012", ""},
    {"us-east-1:123456789012:function:chat", "us-east-1", "123456789012", "chat", ""},
    {"us-gov-west-1:chat", "us-gov-west-1", "", "chat", ""},
    {"us-east-1", "", "", "us-east-1", ""},
    {"arn:aws:lambda:us-east-1:123456789012:function:chat", "us-east-1", "123456789012", "chat", ""},
    {"arn:aws:lambda:us-east-1:123456789012:function:chat:$LATEST", "us-east-1", "123456789012", "chat", "$LATEST"},
    {"arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function:chat", "us-gov-east-1", "123456789012", "chat", ""},
    {"arn::lambda:chat", "", "", "chat", ""},
};

static void a_name_is_taken_apart(void **state)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct lambda_name name;

        if (!lambda_name_parse(span_of_str(names[i].text), &name))
            fail_msg("<%s> is refused", names[i].text);
        assert_span(name.region, names[i].region);
        assert_span(name.account_id, names[i].account_id);
        assert_span(name.function, names[i].function);
        assert_span(name.qualifier, names[i].qualifier);
    }
}

static const char *const wrong[] = {
    "",
    ":",
    "chat:",
    ":chat",
    "chat:a:b",
    "chat:$latest",
    "chat:a.b",
    "a b",
    "a/b",
    "ch\xc3\xa4t",
    "chat!",
    "arn:aws:s3:us-east-1:123456789012:function:chat",
    "arn:azure:lambda:us-east-1:123456789012:function:chat",
    "arn:aws:lambda",
    "arn:aws:lambda:",
    "arn:aws:lambda:us-east-1:123456789012:function:",
    "arn:aws:lambda:us-east-1:123456789012:layer:chat:1",
    "arn:aws:lambda:us-east-1:12345678901:function:chat:x",
};

static void what_is_not_of_the_pattern_is_refused(void **state)
{
    struct lambda_name name;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (lambda_name_parse(span_of_str(wrong[i]), &name))
            fail_msg("<%s> is taken", wrong[i]);
    assert_false(lambda_name_parse(SPAN("chat\0"), &name));
}

static void a_qualifier_is_latest_or_a_version_or_an_alias(void **state)
{
    assert_true(lambda_name_is_qualifier(SPAN("$LATEST")));
    assert_true(lambda_name_is_qualifier(SPAN("12")));
    assert_true(lambda_name_is_qualifier(SPAN("prod_1-x")));
    assert_false(lambda_name_is_qualifier(SPAN("")));
    assert_false(lambda_name_is_qualifier(SPAN("$OTHER")));
    assert_false(lambda_name_is_qualifier(SPAN("a:b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_taken_apart),
        cmocka_unit_test(what_is_not_of_the_pattern_is_refused),
        cmocka_unit_test(a_qualifier_is_latest_or_a_version_or_an_alias),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
