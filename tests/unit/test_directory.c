/* test_directory.c - which stage of which API a request is for, by its host and its path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gateway/directory.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- APIs ---- */

static struct config_throttle throttles[1];

static struct config_stage chat_stages[] = {
    {.name = (char *)"dev", .throttles = throttles},
    {.name = (char *)"prod", .throttles = throttles},
};

static struct config_stage game_stages[] = {
    {.name = (char *)"dev", .throttles = throttles},
    {.name = (char *)"beta-2", .throttles = throttles},
};

static struct config_stage hidden_stages[] = {
    {.name = (char *)"live", .throttles = throttles},
};

static struct config_mapping chat_mappings[] = {
    {(char *)"chat.example.com", (char *)"", &chat_stages[1]},
    {(char *)"chat.example.com", (char *)"v1", &chat_stages[0]},
    {(char *)"chat.example.com", (char *)"v1/eu/west", &chat_stages[1]},
};

static struct config_mapping game_mappings[] = {
    {(char *)"*.example.com", (char *)"play", &game_stages[0]},
    {(char *)"chat.example.com", (char *)"v1/eu", &game_stages[1]}, /* of a domain that another API has too */
    {(char *)"one.example.com", (char *)"only", &game_stages[1]},
};

static struct config_mapping hidden_mappings[] = {
    {(char *)"hidden.test", (char *)"", &hidden_stages[0]},
};

static struct config configs[] = {
    {.refs = 1,
     .name = (char *)"chat",
     .api_id = (char *)"chatchat01",
     .region = (char *)"us-east-1",
     .stages = chat_stages,
     .stage_count = COUNT(chat_stages),
     .mappings = chat_mappings,
     .mapping_count = COUNT(chat_mappings)},
    {.refs = 1,
     .name = (char *)"game",
     .api_id = (char *)"gamegame02",
     .region = (char *)"us-east-1",
     .stages = game_stages,
     .stage_count = COUNT(game_stages),
     .mappings = game_mappings,
     .mapping_count = COUNT(game_mappings)},
    {.refs = 1,
     .name = (char *)"hidden",
     .api_id = (char *)"hidden0003",
     .region = (char *)"us-east-1",
     .stages = hidden_stages,
     .stage_count = COUNT(hidden_stages),
     .mappings = hidden_mappings,
     .mapping_count = COUNT(hidden_mappings),
     .disable_execute_api_endpoint = true},
};

struct fixture {
    struct api apis[COUNT(configs)];
    size_t count; /* how many of them are served */
};

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));

    f->count = COUNT(configs);
    for (size_t i = 0; i < f->count; i++)
        api_init(&f->apis[i], &configs[i]);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(configs); i++)
        api_fini(&f->apis[i]);
    free(f);
    return 0;
}

static struct directory_place find(const struct fixture *f, const char *host, const char *path, bool decodes)
{
    return directory_find(f->apis, f->count, span_of_str(host), span_of_str(path), decodes);
}

/* "chat/dev + /rest" or the result's name, as one text. */
static const char *describe(const struct directory_place *place, struct buf *out)
{
    static const char *const names[] = {
        [DIRECTORY_FOUND] = "found",       [DIRECTORY_NO_API] = "no API",       [DIRECTORY_DISABLED] = "disabled",
        [DIRECTORY_NO_STAGE] = "no stage", [DIRECTORY_AMBIGUOUS] = "ambiguous", [DIRECTORY_NO_MAPPING] = "no mapping",
    };

    buf_clear(out, SIZE_MAX);
    if (place->result != DIRECTORY_FOUND) {
        assert_null(place->stage);
        assert_int_equal(place->rest.len, 0);
        buf_append_str(out, names[place->result]);
        return buf_terminate(out);
    }
    stage_describe(place->stage, out);
    if (place->rest.len > 0)
        buf_printf(out, " + " SPAN_FMT, SPAN_ARG(place->rest));
    return buf_terminate(out);
}

struct row {
    const char *host, *path, *expected;
};

static void check_rows(const struct fixture *f, const struct row *rows, size_t count, bool decodes)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_fini) struct buf text = {0};
        struct directory_place place = find(f, rows[i].host, rows[i].path, decodes);

        if (strcmp(describe(&place, &text), rows[i].expected) != 0)
            fail_msg("%s %s: %s, not %s", rows[i].host, rows[i].path, buf_terminate(&text), rows[i].expected);
    }
}

#define CHECK(f, rows, decodes) check_rows(f, rows, COUNT(rows), decodes)

/* ---- the path alone ---- */

static void the_path_alone_is_enough_for_a_stage_that_one_api_has(void **state)
{
    static const struct row rows[] = {
        {"127.0.0.1:3001", "/prod", "chat/prod"},
        {"127.0.0.1:3001", "/prod/", "chat/prod + /"},
        {"localhost", "/beta-2/@connections/x", "game/beta-2 + /@connections/x"},
        {"[::1]:3001", "/prod", "chat/prod"},
        {"[::1]", "/prod", "chat/prod"},
        {"my-machine.local:3001", "/prod", "chat/prod"},
        {"", "/prod", "chat/prod"},
    };

    CHECK(*state, rows, false);
    CHECK(*state, rows, true);
}

static void a_stage_that_several_apis_have_is_ambiguous_without_a_host(void **state)
{
    static const struct row rows[] = {
        {"127.0.0.1:3001", "/dev", "ambiguous"},
        {"127.0.0.1:3001", "/dev/@connections/x", "ambiguous"},
        {"", "/dev", "ambiguous"},
    };

    CHECK(*state, rows, false);
}

static void what_is_no_whole_segment_is_no_stage(void **state)
{
    static const struct row rows[] = {
        {"localhost", "/pro", "no stage"},   {"localhost", "/prod2", "no stage"}, {"localhost", "/PROD", "no stage"},
        {"localhost", "//prod", "no stage"}, {"localhost", "prod", "no stage"},   {"localhost", "/", "no stage"},
        {"localhost", "", "no stage"},       {"localhost", "*", "no stage"},      {"localhost", "/prod?x", "no stage"},
    };

    CHECK(*state, rows, false);
    CHECK(*state, rows, true);
}

static void a_stage_may_be_encoded_for_at_connections_alone(void **state)
{
    static const struct row decoded[] = {
        {"localhost", "/pr%6Fd/x%2Fy", "chat/prod + /x%2Fy"},
        {"localhost", "/%70%72%6f%64", "chat/prod"},
        {"localhost", "/prod%2Fx", "no stage"},
        {"localhost", "/prod%", "no stage"},
        {"localhost", "/pro%64%00", "no stage"},
        {"localhost", "/%2Fprod", "no stage"},
    };
    static const struct row as_sent[] = {{"localhost", "/pr%6Fd", "no stage"}};

    CHECK(*state, decoded, true);
    CHECK(*state, as_sent, false);
}

static void with_one_api_no_host_is_needed(void **state)
{
    static const struct row rows[] = {
        {"127.0.0.1:3001", "/dev", "chat/dev"},
        {"127.0.0.1:3001", "/prod", "chat/prod"},
        {"127.0.0.1:3001", "/beta-2", "no stage"},
    };
    struct fixture *f = *state;

    f->count = 1;
    CHECK(f, rows, false);
}

/* ---- the API's own host ---- */

static void the_host_of_an_api_tells_stages_of_one_name_apart(void **state)
{
    static const struct row rows[] = {
        {"chatchat01.execute-api.us-east-1.localhost:3001", "/dev", "chat/dev"},
        {"gamegame02.execute-api.us-east-1.localhost:3001", "/dev/x", "game/dev + /x"},
        {"GameGame02.Execute-API.US-East-1.LocalHost", "/dev", "game/dev"},
        {"gamegame02.execute-api.us-east-1.localhost.:3001", "/dev", "game/dev"},
        {"gamegame02.execute-api.us-east-1.localhost.", "/dev", "game/dev"},
        {"gamegame02.execute-api.us-east-1.amazonaws.com", "/dev", "game/dev"},
        {"gamegame02.execute-api.us-east-1.my-machine.local:80", "/dev", "game/dev"},
        {"gamegame02.execute-api.us-east-1", "/dev", "game/dev"},
    };

    CHECK(*state, rows, false);
    CHECK(*state, rows, true);
}

static void a_host_of_an_api_that_is_not_served_reaches_none(void **state)
{
    static const struct row rows[] = {
        {"nobody0000.execute-api.us-east-1.localhost", "/prod", "no API"},
        {"chatchat01.execute-api.eu-west-1.localhost", "/prod", "no API"},
        {".execute-api.us-east-1.localhost", "/prod", "no API"},
        {"chatchat01.execute-api..localhost", "/prod", "no API"},
        {"chatchat01.execute-api.us-east-1.localhost", "/beta-2", "no stage"},
        {"chatchat01.execute-api.us-east-1.localhost", "/play", "no stage"},
    };

    CHECK(*state, rows, false);
}

static void what_only_looks_like_the_host_of_an_api_is_any_host(void **state)
{
    static const struct row rows[] = {
        {"execute-api.us-east-1.localhost", "/prod", "chat/prod"},
        {"chatchat01.execute-api", "/prod", "chat/prod"},
        {"chatchat01.execute-api.", "/prod", "chat/prod"},
        {"x.chatchat01.execute-api.us-east-1.localhost", "/prod", "chat/prod"},
        {"chatchat01-execute-api.us-east-1.localhost", "/prod", "chat/prod"},
    };

    CHECK(*state, rows, false);
}

static void an_api_without_endpoint_is_reached_by_its_domain_alone(void **state)
{
    static const struct row rows[] = {
        {"hidden0003.execute-api.us-east-1.localhost", "/live", "disabled"},
        {"hidden0003.execute-api.us-east-1.localhost", "/other", "disabled"},
        {"127.0.0.1:3001", "/live", "disabled"},
        {"127.0.0.1:3001", "/other", "no stage"},
        {"hidden.test:3001", "/live", "hidden/live + /live"},
        {"hidden.test:3001", "", "hidden/live"},
    };

    CHECK(*state, rows, false);
}

/* ---- custom domains ---- */

static void the_longest_key_that_fits_counts(void **state)
{
    static const struct row rows[] = {
        {"chat.example.com", "/", "chat/prod + /"},
        {"chat.example.com", "", "chat/prod"},
        {"chat.example.com:3001", "/v2", "chat/prod + /v2"},
        {"Chat.Example.COM.:3001", "/v1", "chat/dev"},
        {"chat.example.com", "/v1/", "chat/dev + /"},
        {"chat.example.com", "/v1/us", "chat/dev + /us"},
        {"chat.example.com", "/v1/eu", "game/beta-2"},
        {"chat.example.com", "/v1/eu/@connections/x", "game/beta-2 + /@connections/x"},
        {"chat.example.com", "/v1/eu/west", "chat/prod"},
        {"chat.example.com", "/v1/eu/west/x", "chat/prod + /x"},
        {"chat.example.com", "/v1/eu/westx", "game/beta-2 + /westx"},
        {"chat.example.com", "/v1/euro", "chat/dev + /euro"},
        {"chat.example.com", "/v10", "chat/prod + /v10"},
        {"chat.example.com", "/v1//eu", "chat/dev + //eu"},
        {"chat.example.com", "/dev", "chat/prod + /dev"}, /* no stage in the path */
    };

    CHECK(*state, rows, false);
    CHECK(*state, rows, true);
}

static void an_encoded_slash_separates_no_segments_of_a_key(void **state)
{
    static const struct row rows[] = {
        {"chat.example.com", "/v1%2Feu", "chat/prod + /v1%2Feu"},
        {"chat.example.com", "/v1%2Feu/west", "chat/prod + /v1%2Feu/west"},
        {"chat.example.com", "/%76%31/%65%75", "game/beta-2"},
    };

    CHECK(*state, rows, true);
}

static void a_wildcard_is_one_label_and_an_exact_name_goes_before_it(void **state)
{
    static const struct row rows[] = {
        {"any.example.com", "/play", "game/dev"},      {"ANY.example.com:3001", "/play/", "game/dev + /"},
        {"any.example.com", "/only", "no mapping"},    {"any.example.com", "/", "no mapping"},
        {"one.example.com", "/only", "game/beta-2"},   {"one.example.com", "/play", "no mapping"},
        {"two.any.example.com", "/prod", "chat/prod"}, /* two labels: any host */
        {".example.com", "/prod", "chat/prod"},        {"example.com", "/prod", "chat/prod"},
    };

    CHECK(*state, rows, false);
}

static void only_keys_of_several_segments_are_of_several_levels(void **state)
{
    assert_false(find(*state, "chat.example.com", "/v1", false).multi_level);
    assert_true(find(*state, "chat.example.com", "/v1/eu", false).multi_level);
    assert_false(find(*state, "chat.example.com", "/x/y", false).multi_level);
    assert_true(find(*state, "chat.example.com", "/x/y", false).mapped);
    assert_false(find(*state, "localhost", "/prod", false).mapped);
}

static void a_mapping_keeps_its_stage_when_the_file_changes_their_order(void **state)
{
    static struct config_stage stages[] = {
        {.name = (char *)"prod", .throttles = throttles},
        {.name = (char *)"dev", .throttles = throttles},
    };
    static struct config_mapping mappings[] = {
        {(char *)"chat.example.com", (char *)"", &stages[0]},
        {(char *)"chat.example.com", (char *)"v1", &stages[1]},
    };
    struct config changed = configs[0];
    struct fixture *f = *state;
    const struct stage *dev = find(f, "chat.example.com", "/v1", false).stage;

    changed.refs = 1;
    changed.stages = stages;
    changed.mappings = mappings;
    changed.mapping_count = COUNT(mappings);
    api_reconfigure(&f->apis[0], &changed);
    assert_ptr_equal(find(f, "chat.example.com", "/v1", false).stage, dev);
    assert_string_equal(find(f, "chat.example.com", "/", false).stage->config->name, "prod");
    api_reconfigure(&f->apis[0], &configs[0]);
    assert_int_equal(changed.refs, 1);
}

/* ---- whose host ---- */

static void hosts_of_apis_and_custom_domains_are_known(void **state)
{
    static const struct {
        const char *host;
        bool owned;
    } hosts[] = {
        {"chat.example.com", true},
        {"CHAT.example.com.:3001", true},
        {"any.example.com:1", true},
        {"chatchat01.execute-api.us-east-1.localhost", true},
        {"hidden.test", true},
        {"example.com", false},
        {"a.b.example.com", false},
        {"nobody0000.execute-api.us-east-1.localhost", false},
        {"127.0.0.1:3001", false},
        {"[::1]:3001", false},
        {"", false},
        {":", false},
        {".", false},
    };
    const struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(hosts); i++)
        if (directory_owns_host(f->apis, f->count, span_of_str(hosts[i].host)) != hosts[i].owned)
            fail_msg("%s", hosts[i].host);
}

/* Nothing but the bytes of host and path is read: each is at the end of its memory. */
static void hostile_hosts_and_paths_reach_nothing(void **state)
{
    static const char *const hosts[] = {
        ":",  "::", ":::", "]", "[", "[]:", ".", "..", "...:.:", "\xff", "%2e", "*.example.com/", "a\tb.example.com x",
        "::1"};
    static const char *const paths[] = {"/",        "//", "/%",           "/%2",   "/%zz",    "/..",
                                        "/../prod", "/.", "/%2e%2e/prod", "/\xff", "%2Fprod", "/x/prod"};
    const struct fixture *f = *state;

    for (size_t h = 0; h < COUNT(hosts); h++) {
        for (size_t p = 0; p < COUNT(paths); p++) {
            CLEANUP(free) char *host = mem_span_dup(span_of_str(hosts[h]));
            CLEANUP(free) char *path = mem_span_dup(span_of_str(paths[p]));
            struct directory_place place = find(f, host, path, true);

            if (place.result == DIRECTORY_FOUND)
                fail_msg("%s %s", hosts[h], paths[p]);
        }
    }
    assert_int_equal(directory_find(f->apis, f->count, span_of(NULL, 0), span_of(NULL, 0), true).result,
                     DIRECTORY_NO_STAGE);
}

/* ---- why not ---- */

static void assert_explained(const struct fixture *f, const char *host, const char *path, const char *expected)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct directory_place place = find(f, host, path, false);

    directory_explain(f->apis, f->count, place.result, span_of_str(host), span_of_str(path), &text);
    assert_string_equal(buf_terminate(&text), expected);
}

static void what_is_not_found_is_explained_with_what_there_is(void **state)
{
    struct fixture *f = *state;

    assert_explained(
        f, "x.execute-api.us-east-1.localhost:3001", "/dev",
        "the host is x.execute-api.us-east-1.localhost, and the APIs are "
        "chatchat01.execute-api.us-east-1.localhost (chat), gamegame02.execute-api.us-east-1.localhost (game)");
    assert_explained(
        f, "localhost:3001", "/dev",
        "the path is /dev, and several APIs have that stage; the host tells them apart: "
        "chatchat01.execute-api.us-east-1.localhost (chat), gamegame02.execute-api.us-east-1.localhost (game)");
    assert_explained(f, "localhost:3001", "/live",
                     "\"disableExecuteApiEndpoint\" is set, so the API is reached through its custom domains");
    assert_explained(f, "any.example.com:3001", "/dev",
                     "the path is /dev, and the custom domain any.example.com maps /play");
    assert_explained(f, "localhost:3001", "/x", "the path is /x, and the one to connect to is /dev, /prod, /beta-2");
    assert_explained(f, "gamegame02.execute-api.us-east-1.localhost", "/prod",
                     "the path is /prod, and the one to connect to is /dev, /beta-2");
}

static void a_path_that_goes_on_is_explained_too(void **state)
{
    struct fixture *f = *state;

    assert_explained(f, "localhost", "/prod/x",
                     "the path is /prod/x, and the one to connect to is /dev, /prod, /beta-2");
    assert_explained(f, "chat.example.com", "/prod",
                     "the path is /prod, and the custom domain chat.example.com maps /, /v1, /v1/eu/west, /v1/eu");
}

static void long_lists_are_cut(void **state)
{
    static struct config_stage stages[CONFIG_STAGES_MAX];
    static char names[CONFIG_STAGES_MAX][8];
    struct fixture *f = *state;
    struct config many = configs[0];
    struct api apis[2];
    CLEANUP(buf_fini) struct buf text = {0};

    for (size_t i = 0; i < CONFIG_STAGES_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "s%zu", i);
        stages[i] = (struct config_stage){.name = names[i], .throttles = throttles};
    }
    many.stages = stages;
    many.stage_count = CONFIG_STAGES_MAX;
    many.mapping_count = 0;
    api_init(&apis[0], &many);
    apis[1] = f->apis[0];
    directory_explain(apis, 2, DIRECTORY_NO_STAGE, SPAN("localhost"), SPAN("/x"), &text);
    assert_string_equal(buf_terminate(&text),
                        "the path is /x, and the one to connect to is /s0, /s1, /s2, /s3, /s4, /s5, /s6, /s7, /s8, /s9 "
                        "and 2 more");
    api_fini(&apis[0]);
}

#define DIRECTORY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(the_path_alone_is_enough_for_a_stage_that_one_api_has),
        DIRECTORY_TEST(a_stage_that_several_apis_have_is_ambiguous_without_a_host),
        DIRECTORY_TEST(what_is_no_whole_segment_is_no_stage),
        DIRECTORY_TEST(a_stage_may_be_encoded_for_at_connections_alone),
        DIRECTORY_TEST(with_one_api_no_host_is_needed),
        DIRECTORY_TEST(the_host_of_an_api_tells_stages_of_one_name_apart),
        DIRECTORY_TEST(a_host_of_an_api_that_is_not_served_reaches_none),
        DIRECTORY_TEST(what_only_looks_like_the_host_of_an_api_is_any_host),
        DIRECTORY_TEST(an_api_without_endpoint_is_reached_by_its_domain_alone),
        DIRECTORY_TEST(the_longest_key_that_fits_counts),
        DIRECTORY_TEST(an_encoded_slash_separates_no_segments_of_a_key),
        DIRECTORY_TEST(a_wildcard_is_one_label_and_an_exact_name_goes_before_it),
        DIRECTORY_TEST(only_keys_of_several_segments_are_of_several_levels),
        DIRECTORY_TEST(a_mapping_keeps_its_stage_when_the_file_changes_their_order),
        DIRECTORY_TEST(hosts_of_apis_and_custom_domains_are_known),
        DIRECTORY_TEST(hostile_hosts_and_paths_reach_nothing),
        DIRECTORY_TEST(what_is_not_found_is_explained_with_what_there_is),
        DIRECTORY_TEST(a_path_that_goes_on_is_explained_too),
        DIRECTORY_TEST(long_lists_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
