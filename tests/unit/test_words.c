/* test_words.c - commands cut into words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/words.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define WORDS_MAX 6

static const struct {
    const char *text;
    const char *words[WORDS_MAX];
} split_cases[] = {
    {"", {NULL}},
    {" \t\n ", {NULL}},
    {"valgrind", {"valgrind"}},
    {"  gdbserver   :0  ", {"gdbserver", ":0"}},
    {"a\tb\nc", {"a", "b", "c"}},
    {"'a b' \"c d\"", {"a b", "c d"}},
    {"''", {""}},
    {"\"\" x ''", {"", "x", ""}},
    {"a'b c'd\"e f\"g", {"ab cde fg"}},
    {"\\ a\\ b", {" a b"}},
    {"\\'\\\"\\\\", {"'\"\\"}},
    {"'\\'", {"\\"}},
    {"\"\\\"\\\\\"", {"\"\\"}},
    {"\"\\n\\$\"", {"\\n\\$"}},
    {"'\"' \"'\"", {"\"", "'"}},
    {"$HOME ~ * ? `ls` $(ls)", {"$HOME", "~", "*", "?", "`ls`", "$(ls)"}},
    {"a;b|c&d>e #f", {"a;b|c&d>e", "#f"}},
    {"gr\xc3\xb6\xc3\x9f"
     "e \xe2\x9c\x93",
     {"gr\xc3\xb6\xc3\x9f"
      "e",
      "\xe2\x9c\x93"}},
    {"\\\n", {"\n"}},
};

static void words_are_cut_as_a_shell_cuts_them_and_nothing_is_put_in_their_place(void **state)
{
    for (size_t i = 0; i < COUNT(split_cases); i++) {
        struct words words;
        const char *wrong;
        size_t count = 0;

        assert_int_equal(words_split(split_cases[i].text, &words, &wrong), 0);
        for (; count < WORDS_MAX && split_cases[i].words[count]; count++) {
            assert_true(count < words.count);
            assert_string_equal(words.items[count], split_cases[i].words[count]);
        }
        assert_int_equal(words.count, count);
        assert_true(count == 0 || !words.items[count]);
        words_fini(&words);
    }
}

static const struct {
    const char *text, *wrong;
} refused_cases[] = {
    {"'", "a quote is not closed"},
    {"a 'b", "a quote is not closed"},
    {"a \"b'", "a quote is not closed"},
    {"\"a\\\"", "a quote is not closed"},
    {"\"a\\", "a quote is not closed"},
    {"\\", "there is nothing behind the last backslash"},
    {"a b\\", "there is nothing behind the last backslash"},
};

static void what_does_not_end_is_refused(void **state)
{
    for (size_t i = 0; i < COUNT(refused_cases); i++) {
        struct words words;
        const char *wrong = NULL;

        assert_int_equal(words_split(refused_cases[i].text, &words, &wrong), -1);
        assert_string_equal(wrong, refused_cases[i].wrong);
    }
}

static void words_can_be_added_and_the_list_stays_terminated(void **state)
{
    struct words words = {0};

    for (size_t i = 1; i <= 100; i++) {
        words_add(&words, strdup("x"));
        assert_int_equal(words.count, i);
        assert_null(words.items[i]);
    }
    words_fini(&words);
    assert_null(words.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_as_a_shell_cuts_them_and_nothing_is_put_in_their_place),
        cmocka_unit_test(what_does_not_end_is_refused),
        cmocka_unit_test(words_can_be_added_and_the_list_stays_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
