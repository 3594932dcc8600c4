/* test_config.c - routes.json: what is read from a good file, and what is said about a bad one.
 *
 * Every file of tests/config/accept must load, and say what the .expected beside it has, or nothing without one. Every
 * file of tests/config/refuse must fail with the text of its .expected. APIGW_UPDATE_EXPECTED=1 writes those texts
 * anew, for a person to read through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config.h"
#include "gateway/rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MINIMAL                                                                                         \
    "{\"name\": \"chat\", \"stage\": \"dev\", \"routeSelectionExpression\": \"$request.body.action\", " \
    "\"functions\": {\"chat\": {\"plugin\": \"chat.so\", \"handler\": \"chat\"}}, "

struct fixture {
    char dir[64]; /* the folder of plugins, and of files that a test writes */
    struct config_options options;
    unsigned probes;
    struct buf diagnostics;
    struct config *config;
};

static const char *const plugin_files[] = {"chat.so", "broken.so", "empty.so"};

static void write_file(const char *path, struct span text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
    assert_int_equal(fclose(f), 0);
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static int fake_probe(void *arg, const char *path, struct buf *ret_names, struct buf *ret_error)
{
    struct fixture *f = arg;

    f->probes++;
    assert_int_equal(path[0], '/');
    if (ends_with(path, "/broken.so")) {
        buf_append_str(ret_error, "undefined symbol: missing");
        return -1;
    }
    if (ends_with(path, "/chat.so"))
        buf_append(ret_names, span_of("chat\0admin", sizeof("chat\0admin")));
    return 0;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));

    snprintf(f->dir, sizeof(f->dir), "/tmp/apigw-test-config-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    for (size_t i = 0; i < COUNT(plugin_files); i++) {
        CLEANUP(free) char *path = mem_printf("%s/%s", f->dir, plugin_files[i]);

        write_file(path, SPAN("not looked into"));
    }
    f->options = (struct config_options){
        .plugin_dir = f->dir, .probe_plugin = fake_probe, .arg = f, .check_rule = rule_check_setting};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    DIR *dir = opendir(f->dir);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(f->dir);
    buf_fini(&f->diagnostics);
    config_unref(f->config);
    free(f);
    return 0;
}

static int load(struct fixture *f, const char *path)
{
    buf_clear(&f->diagnostics, SIZE_MAX);
    config_unref(TAKE(f->config));
    return config_load(path, &f->options, &f->diagnostics, &f->config);
}

static int load_text(struct fixture *f, struct span text)
{
    CLEANUP(free) char *path = mem_printf("%s/routes.json", f->dir);

    write_file(path, text);
    return load(f, path);
}

static int load_str(struct fixture *f, const char *text)
{
    return load_text(f, span_of_str(text));
}

static const char *said(struct fixture *f)
{
    return buf_terminate(&f->diagnostics);
}

static void assert_said(struct fixture *f, const char *part)
{
    if (!strstr(said(f), part))
        fail_msg("\"%s\" is not in:\n%s", part, said(f));
}

/* ---- what a file is expected to say ---- */

/* The folder of plugins has another name in each run. */
static void replace_all(struct buf *out, struct span text, struct span from, const char *to)
{
    while (text.len > 0) {
        const char *found = memmem(text.ptr, text.len, from.ptr, from.len);
        size_t len = found ? (size_t)(found - text.ptr) : text.len;

        buf_append(out, span_of(text.ptr, len));
        if (found)
            buf_append_str(out, to);
        text = span_from(text, found ? len + from.len : len);
    }
}

/* Nothing is expected where there is no file. */
static void read_expected(const char *path, struct buf *ret)
{
    FILE *f = fopen(path, "r");
    size_t n;

    if (!f) {
        assert_int_equal(errno, ENOENT);
        return;
    }
    do {
        n = fread(buf_reserve(ret, 4096), 1, 4096, f);
        ret->len += n;
    } while (n > 0);
    fclose(f);
}

static void update_expected(const char *path, struct span text)
{
    if (text.len)
        write_file(path, text);
    else
        unlink(path);
}

/* `name` is a file of the current folder. */
static void check_file(struct fixture *f, const char *name, int expected_result)
{
    CLEANUP(free) char *expected_path = mem_printf("%.*s.expected", (int)(strlen(name) - strlen(".json")), name);
    CLEANUP(buf_fini) struct buf expected = {0}, actual = {0};
    int r = load(f, name);

    replace_all(&actual, buf_span(&f->diagnostics), span_of_str(f->dir), "PLUGINS");
    if (getenv("APIGW_UPDATE_EXPECTED"))
        update_expected(expected_path, buf_span(&actual));
    read_expected(expected_path, &expected);
    if (r != expected_result || !span_equal(buf_span(&actual), buf_span(&expected)))
        fail_msg("%s: %d\n---- expected\n%s---- actual\n%s", name, r, buf_terminate(&expected), buf_terminate(&actual));
}

/* Every JSON file of a folder, in the order of their names. */
static void check_folder(struct fixture *f, const char *folder, int expected_result, unsigned at_least)
{
    struct dirent **entries;
    unsigned checked = 0;
    int count;

    assert_int_equal(chdir(folder), 0);
    count = scandir(".", &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (ends_with(entries[i]->d_name, ".json")) {
            check_file(f, entries[i]->d_name, expected_result);
            checked++;
        }
        free(entries[i]);
    }
    free(entries);
    assert_true(checked >= at_least);
}

/* ---- good files ---- */

static void the_least_file_is_loaded_with_the_defaults(void **state)
{
    struct fixture *f = *state;
    const struct config *c;

    assert_int_equal(load_str(f, MINIMAL "\"routes\": {\"$default\": {\"function\": \"chat\"}}}"), 0);
    c = f->config;
    assert_string_equal(said(f), "");
    assert_string_equal(c->name, "chat");
    assert_string_equal(c->stages[0].name, "dev");
    assert_string_equal(c->region, "us-east-1");
    assert_string_equal(c->account_id, "123456789012");
    assert_string_equal(c->route_selection_expression, "$request.body.action");
    assert_non_null(c->selection);
    assert_int_equal(c->function_count, 1);
    assert_string_equal(c->functions[0].name, "chat");
    assert_string_equal(c->functions[0].plugin, "chat.so");
    assert_string_equal(c->functions[0].handler, "chat");
    assert_int_equal(c->functions[0].timeout_ms, 3000);
    assert_int_equal(c->functions[0].memory_mb, 128);
    assert_int_equal(c->functions[0].concurrency, 100);
    assert_int_equal(c->functions[0].reserved_concurrency, CONFIG_UNRESERVED);
    assert_int_equal(c->functions[0].provisioned, 0);
    assert_int_equal(c->functions[0].idle_timeout_ms, 600000);
    assert_int_equal(c->route_count, 1);
    assert_ptr_equal(c->stages[0].functions[0], &c->functions[0]);
    assert_false(c->routes[0].route_response);
}

static void every_field_arrives(void **state)
{
    struct fixture *f = *state;
    const struct config *c;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/complete.json"), 0);
    c = f->config;
    assert_string_equal(c->path, TEST_DATA_DIR "/config/accept/complete.json");
    assert_int_equal(c->functions[0].timeout_ms, 900000);
    assert_int_equal(c->functions[0].memory_mb, 10240);
    assert_int_equal(c->functions[0].concurrency, 1000);
    assert_int_equal(c->functions[0].environment.count, 2);
    assert_string_equal(c->functions[0].environment.items[0].name, "ROOM");
    assert_string_equal(c->functions[0].environment.items[0].value, "lobby \xe2\x98\x83");
    assert_string_equal(c->functions[0].environment.items[1].value, "");
    assert_int_equal(c->functions[0].reserved_concurrency, 1000);
    assert_int_equal(c->functions[0].provisioned, 1000);
    assert_int_equal(c->functions[0].idle_timeout_ms, 86400000);
    assert_int_equal(c->functions[1].reserved_concurrency, 0);
    assert_int_equal(c->functions[1].idle_timeout_ms, 1000);
    assert_int_equal(c->functions[1].index, 1);
    assert_int_equal(c->functions[1].memory_mb, 128);
    assert_int_equal(c->stages[0].variables.count, 1);
    assert_string_equal(c->stages[0].variables.items[0].name, "url");
    assert_string_equal(c->stages[0].variables.items[0].value, "https://example.com/~a?b=1&c=2,3#d");
    assert_string_equal(c->routes[0].key, "$connect");
    assert_null(c->routes[0].function);
    assert_null(c->stages[0].functions[0]);
    assert_string_equal(c->routes[3].key, "say \"it\"");
    assert_true(c->routes[3].route_response);
    assert_ptr_equal(c->stages[0].functions[3], &c->functions[1]);
}

static void every_accepted_file_loads_and_says_what_is_expected(void **state)
{
    check_folder(*state, TEST_DATA_DIR "/config/accept", 0, 20);
}

static void the_api_id_depends_on_the_name_alone(void **state)
{
    struct fixture *f = *state;
    char first[11];

    assert_int_equal(load_str(f, MINIMAL "\"routes\": {\"$default\": {\"function\": \"chat\"}}}"), 0);
    assert_int_equal(strlen(f->config->api_id), 10);
    assert_int_equal(strspn(f->config->api_id, "abcdefghijklmnopqrstuvwxyz0123456789"), 10);
    memcpy(first, f->config->api_id, sizeof(first));
    assert_int_equal(load_str(f, MINIMAL "\"routes\": {\"x\": {\"function\": \"chat\"}}}"), 0);
    assert_string_equal(f->config->api_id, first);
    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/complete.json"), 0);
    assert_string_not_equal(f->config->api_id, first);
}

static void a_reference_keeps_a_configuration(void **state)
{
    struct fixture *f = *state;
    struct config *c;

    assert_int_equal(load_str(f, MINIMAL "\"routes\": {\"$default\": {\"function\": \"chat\"}}}"), 0);
    c = config_ref(f->config);
    config_unref(TAKE(f->config));
    assert_string_equal(c->name, "chat");
    config_unref(c);
    config_unref(NULL);
}

/* ---- wrappers ---- */

static void assert_words(const struct words *words, const char *const *expected, size_t count)
{
    assert_int_equal(words->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(words->items[i], expected[i]);
    assert_null(words->items[count]);
}

static void a_wrapped_function_has_one_environment_and_no_timeout(void **state)
{
    static const char *const arguments[] = {"-u", "A B", "C D", "E F"};
    struct fixture *f = *state;
    const struct config_function *chat;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/wrap.json"), 0);
    chat = &f->config->functions[0];
    assert_int_equal(chat->wrap.count, 5);
    assert_int_equal(chat->wrap.items[0][0], '/');
    assert_true(ends_with(chat->wrap.items[0], "/env"));
    for (size_t i = 0; i < COUNT(arguments); i++)
        assert_string_equal(chat->wrap.items[i + 1], arguments[i]);
    assert_true(config_function_is_wrapped(chat));
    assert_int_equal(chat->concurrency, 1);
    assert_int_equal(chat->timeout_ms, CONFIG_WRAPPED_TIMEOUT_MS);
    assert_words(&f->config->functions[1].wrap, (const char *const[]){"/bin/sh"}, 1);
    assert_false(config_function_is_wrapped(&f->config->functions[2]));
    assert_int_equal(f->config->functions[2].concurrency, CONFIG_CONCURRENCY_DEFAULT);
}

/* A file of this name in the folder of plugins, that can be run. */
static void make_program(const struct fixture *f, const char *name, char path[96])
{
    snprintf(path, 96, "%s/%s", f->dir, name);
    write_file(path, SPAN("#!/bin/sh\nexec \"$@\"\n"));
    assert_int_equal(chmod(path, 0700), 0);
}

static void a_wrapper_with_a_slash_is_looked_for_beside_the_file(void **state)
{
    struct fixture *f = *state;
    char path[96];

    make_program(f, "wrapper", path);
    assert_int_equal(load_str(f, "{\"name\": \"n\", \"stage\": \"s\", \"routeSelectionExpression\": \"x\", "
                                 "\"functions\": {\"f\": {\"plugin\": \"chat.so\", \"handler\": \"admin\", "
                                 "\"wrap\": \"./wrapper -x\"}}, \"routes\": {\"x\": {\"function\": \"f\"}}}"),
                     0);
    assert_true(ends_with(f->config->functions[0].wrap.items[0], "/wrapper"));
    assert_int_equal(f->config->functions[0].wrap.items[0][0], '/');
    unlink(path);
}

static void all_functions_can_be_wrapped_whatever_the_file_says(void **state)
{
    static const char *const expected[] = {"/bin/sh", "-c", "exec \"$@\""};
    CLEANUP(buf_fini) struct buf error = {0};
    struct fixture *f = *state;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/wrap.json"), 0);
    assert_int_equal(config_wrap(f->config, "/bin/sh -c 'exec \"$@\"'", &error), 0);
    for (size_t i = 0; i < f->config->function_count; i++) {
        assert_words(&f->config->functions[i].wrap, expected, COUNT(expected));
        assert_int_equal(f->config->functions[i].concurrency, 1);
    }
    assert_int_equal(error.len, 0);
}

static void a_command_that_is_none_wraps_nothing_and_says_why(void **state)
{
    static const struct {
        const char *command, *why;
    } cases[] = {
        {"", "there is no command in it"},
        {"'x", "a quote is not closed"},
        {"''", "there is no program \"\" in PATH"},
        {"no-such-program x", "there is no program \"no-such-program\" in PATH"},
        {"/no/such/program", "\"/no/such/program\" cannot be run: No such file or directory"},
    };
    struct fixture *f = *state;

    assert_int_equal(load_str(f, MINIMAL "\"routes\": {\"$default\": {\"function\": \"chat\"}}}"), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_fini) struct buf error = {0};

        assert_int_equal(config_wrap(f->config, cases[i].command, &error), -1);
        assert_string_equal(buf_terminate(&error), cases[i].why);
        assert_false(config_function_is_wrapped(&f->config->functions[0]));
    }
}

/* ---- authorization ---- */

static void authorizers_and_where_they_look_arrive(void **state)
{
    static const struct {
        enum config_identity_place place;
        const char *name;
    } expected[] = {
        {CONFIG_IDENTITY_HEADER, "Authorization"},
        {CONFIG_IDENTITY_QUERYSTRING, "a.b"},
        {CONFIG_IDENTITY_CONTEXT, "identity.sourceIp"},
        {CONFIG_IDENTITY_STAGE, "level"},
    };
    struct fixture *f = *state;
    const struct config_authorizer *authorizer;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/authorization.json"), 0);
    assert_int_equal(f->config->authorizer_count, 1);
    authorizer = &f->config->authorizers[0];
    assert_string_equal(authorizer->name, "my token \xe2\x9c\x93");
    assert_ptr_equal(authorizer->function, &f->config->functions[0]);
    assert_int_equal(authorizer->identity_source_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(authorizer->identity_sources[i].place, expected[i].place);
        assert_string_equal(authorizer->identity_sources[i].name, expected[i].name);
    }
    assert_int_equal(f->config->routes[0].authorization, CONFIG_AUTHORIZATION_CUSTOM);
    assert_ptr_equal(f->config->routes[0].authorizer, authorizer);
    assert_int_equal(f->config->routes[1].authorization, CONFIG_AUTHORIZATION_NONE);
    assert_null(f->config->routes[1].authorizer);
}

static void a_route_with_an_authorizer_is_custom_and_one_with_nothing_is_open(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load_str(f, MINIMAL "\"authorizers\": {\"a\": {\"function\": \"chat\"}}, "
                                         "\"routes\": {\"$connect\": {\"authorizer\": \"a\"}}}"),
                     0);
    assert_string_equal(said(f), "");
    assert_int_equal(f->config->routes[0].authorization, CONFIG_AUTHORIZATION_CUSTOM);
    assert_int_equal(f->config->authorizers[0].identity_source_count, 0);
    assert_int_equal(load_str(f, MINIMAL "\"routes\": {\"$connect\": {\"function\": \"chat\"}}}"), 0);
    assert_int_equal(f->config->routes[0].authorization, CONFIG_AUTHORIZATION_NONE);
    assert_false(f->config->routes[0].api_key_required);
    assert_false(f->config->connections_iam);
}

static void credentials_arrive_with_their_policies_as_written(void **state)
{
    struct fixture *f = *state;
    const struct config_credential *c;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/iam.json"), 0);
    assert_int_equal(f->config->routes[0].authorization, CONFIG_AUTHORIZATION_IAM);
    assert_true(f->config->connections_iam);
    assert_int_equal(f->config->credential_count, 3);
    c = f->config->credentials;
    assert_string_equal(c[0].name, "alice");
    assert_string_equal(c[0].access_key_id, "AKIDEXAMPLE");
    assert_string_equal(c[0].secret_access_key, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    assert_null(c[0].session_token);
    assert_string_equal(c[0].user_arn, "arn:aws:iam::123456789012:user/alice");
    assert_memory_equal(c[0].policy, "{\n          \"Version\": \"2012-10-17\",", 36);
    assert_string_equal(c[1].session_token, "FwoGZXIvYXdzE/==");
    assert_string_equal(c[1].secret_access_key, " any characters \xe2\x9c\x93");
    assert_string_equal(c[1].user_arn, "arn:aws:sts::123456789012:assumed-role/role/session");
    assert_string_equal(c[1].policy, "{ \"Version\": \"2008-10-17\", \"Statement\": { \"Effect\": \"Allow\", "
                                     "\"Action\": \"*\", \"Resource\": \"*\" } }");
    assert_null(c[2].policy);
}

/* ---- API keys, usage plans, throttling ---- */

static void api_keys_and_usage_plans_arrive(void **state)
{
    struct fixture *f = *state;
    const struct config *c;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/authorization.json"), 0);
    c = f->config;
    assert_true(c->api_key_from_authorizer);
    assert_true(c->routes[0].api_key_required);
    assert_false(c->routes[1].api_key_required);
    assert_int_equal(c->api_key_count, 2);
    assert_string_equal(c->api_keys[0].name, "shortest");
    assert_string_equal(c->api_keys[0].value, "d41d8cd98f00b204e980");
    assert_true(c->api_keys[0].enabled);
    assert_int_equal(strlen(c->api_keys[1].value), 128);
    assert_false(c->api_keys[1].enabled);
    assert_int_equal(c->usage_plan_count, 1);
    assert_string_equal(c->usage_plans[0].name, "basic");
    assert_int_equal(c->usage_plans[0].api_key_count, 2);
    assert_ptr_equal(c->usage_plans[0].api_keys[0], &c->api_keys[0]);
    assert_ptr_equal(c->usage_plans[0].api_keys[1], &c->api_keys[1]);
    assert_true(c->usage_plans[0].throttle.set);
    assert_true(c->usage_plans[0].throttle.rate_limit == 0.5);
    assert_true(c->usage_plans[0].throttle.burst_limit == 5);
    assert_true(c->usage_plans[0].has_quota);
    assert_int_equal(c->usage_plans[0].quota_limit, 1000);
    assert_int_equal(c->usage_plans[0].quota_period, CONFIG_QUOTA_WEEK);
}

static void a_plan_without_limits_has_none(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/warnings-api-keys-unused.json"), 0);
    assert_false(f->config->usage_plans[0].throttle.set);
    assert_false(f->config->usage_plans[0].has_quota);
    assert_false(f->config->api_key_from_authorizer);
}

static void each_quota_period_has_its_name(void **state)
{
    static const char *const names[] = {"DAY", "WEEK", "MONTH"};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(names); i++) {
        CLEANUP(free)
        char *text = mem_printf(MINIMAL "\"usagePlans\": {\"p\": {\"quota\": {\"limit\": 2147483647, \"period\": "
                                        "\"%s\"}}}, \"routes\": {\"$default\": {\"function\": \"chat\"}}}",
                                names[i]);

        assert_int_equal(load_str(f, text), 0);
        assert_int_equal(f->config->usage_plans[0].quota_period, i);
        assert_int_equal(f->config->usage_plans[0].quota_limit, 2147483647);
    }
}

static void assert_throttle(struct config_throttle throttle, double rate_limit, double burst_limit)
{
    assert_true(throttle.set);
    assert_true(throttle.rate_limit == rate_limit);
    assert_true(throttle.burst_limit == burst_limit);
}

static void routes_are_throttled_by_their_settings_else_by_the_default_ones(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/throttling.json"), 0);
    assert_throttle(f->config->stages[0].throttles[0], 0, 0);
    assert_throttle(f->config->stages[0].throttles[1], CONFIG_THROTTLE_RATE_DEFAULT, 2147483647);
    assert_throttle(f->config->stages[0].throttles[2], 0.25, CONFIG_THROTTLE_BURST_DEFAULT);
    assert_throttle(f->config->stages[0].throttles[3], CONFIG_THROTTLE_RATE_DEFAULT, 2147483647); /* {} sets nothing */
    assert_false(f->config->usage_plans[0].throttle.set);
}

static void without_settings_no_route_is_throttled(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/empty-objects.json"), 0);
    assert_false(f->config->stages[0].throttles[0].set);
    assert_int_equal(f->config->authorizer_count + f->config->credential_count + f->config->api_key_count +
                         f->config->usage_plan_count + f->config->rule_count,
                     0);
}

/* ---- stages and domains ---- */

static void each_stage_has_its_own_variables_throttles_and_functions(void **state)
{
    struct fixture *f = *state;
    const struct config_stage *dev, *prod;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/apis.json"), 0);
    assert_int_equal(f->config->stage_count, 2);
    dev = config_find_stage(f->config, SPAN("dev"));
    prod = config_find_stage(f->config, SPAN("prod"));
    assert_ptr_equal(dev, &f->config->stages[0]);
    assert_ptr_equal(prod, &f->config->stages[1]);
    assert_null(config_find_stage(f->config, SPAN("de")));
    assert_string_equal(dev->variables.items[0].value, "chat");
    assert_string_equal(prod->variables.items[0].value, "admin");
    assert_throttle(dev->throttles[0], 3, 4);
    assert_throttle(dev->throttles[2], 1, 2);
    assert_false(prod->throttles[2].set);
}

static void a_stage_variable_picks_the_function_of_a_route(void **state)
{
    struct fixture *f = *state;
    const struct config *c;
    const struct config_function *chat, *admin;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/apis.json"), 0);
    c = f->config;
    chat = &c->functions[0];
    admin = &c->functions[1];
    assert_null(config_stage_function(c, &c->stages[0], &c->routes[0]));
    assert_ptr_equal(config_stage_function(c, &c->stages[0], &c->routes[1]), chat);
    assert_ptr_equal(config_stage_function(c, &c->stages[1], &c->routes[1]), admin);
    assert_ptr_equal(config_stage_function(c, &c->stages[0], &c->routes[2]), admin); /* ${stageVariables.kind}min */
    assert_ptr_equal(config_stage_function(c, &c->stages[1], &c->routes[2]), admin);
    assert_ptr_equal(config_stage_function(c, &c->stages[1], &c->routes[3]), chat);
}

static void an_api_has_the_id_the_region_and_the_domains_that_it_was_given(void **state)
{
    static const struct {
        const char *domain, *key;
        size_t stage;
    } expected[] = {
        {"chat.example.com", "", 1},
        {"chat.example.com", "v1", 0},
        {"chat.example.com", "v1/beta-$_.+!*'()", 0},
        {"*.example.com", "dev", 0}, /* a host has no case */
    };
    struct fixture *f = *state;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/apis.json"), 0);
    assert_string_equal(f->config->api_id, "a1b2c3d4e5");
    assert_string_equal(f->config->region, "eu-central-1");
    assert_true(f->config->disable_execute_api_endpoint);
    assert_int_equal(f->config->mapping_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(f->config->mappings[i].domain, expected[i].domain);
        assert_string_equal(f->config->mappings[i].key, expected[i].key);
        assert_ptr_equal(f->config->mappings[i].stage, &f->config->stages[expected[i].stage]);
    }
}

static void a_stage_that_lacks_a_variable_is_one_error_for_each_route(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load_str(f, MINIMAL "\"routes\": {\"a\": {\"function\": \"${stageVariables.fn}\"}, "
                                         "\"b\": {\"function\": \"chat-${stageVariables.fn}\"}}}"),
                     -1);
    assert_said(f, "/routes/a/function: the stage \"dev\" has no variable fn");
    assert_said(f, "/routes/b/function: the stage \"dev\" has no variable fn");
    assert_said(f, "\n2 errors\n");
}

/* ---- several at once ---- */

/* A file with the members of `text` in place of the name. */
static struct config *load_named(struct fixture *f, const char *file, const char *text)
{
    CLEANUP(buf_fini) struct buf all = {0};
    CLEANUP(free) char *path = mem_printf("%s/%s", f->dir, file);
    struct config *c;

    buf_printf(&all,
               "{%s, \"stage\": \"dev\", \"routeSelectionExpression\": \"x\", "
               "\"routes\": {\"$default\": {\"function\": \"chat\"}}}",
               text);
    write_file(path, buf_span(&all));
    buf_clear(&f->diagnostics, SIZE_MAX);
    if (config_load(path, &f->options, &f->diagnostics, &c) < 0)
        fail_msg("%s", said(f));
    return c;
}

#define CHAT "\"functions\": {\"chat\": {\"plugin\": \"chat.so\", \"handler\": \"chat\"}}"
#define SLOW_CHAT "\"functions\": {\"chat\": {\"plugin\": \"chat.so\", \"handler\": \"chat\", \"timeout\": 4}}"

static void what_several_apis_may_not_disagree_on_is_said(void **state)
{
    static const struct {
        const char *a, *b;
        const char *says; /* NULL: they fit */
    } pairs[] = {
        {"\"name\": \"a\", " CHAT, "\"name\": \"b\", " CHAT, NULL},
        {"\"name\": \"a\", \"domains\": {\"x.com\": {\"v1\": \"dev\"}}, " CHAT,
         "\"name\": \"b\", \"domains\": {\"x.com\": {\"v2\": \"dev\"}, \"y.com\": {\"v1\": \"dev\"}}, " CHAT, NULL},
        {"\"name\": \"a\", \"rules\": {\"idle-timeout\": 5}, " CHAT,
         "\"name\": \"b\", \"rules\": {\"idle-timeout\": 5, \"binary-frame\": \"allow\"}, " CHAT, NULL},
        {"\"name\": \"a\", " CHAT, "\"name\": \"a\", " CHAT,
         "b.json: error: DIR/a.json is the API \"a\" too; give one of them another \"name\", or \"apiId\"\n1 error\n"},
        {"\"name\": \"a\", \"apiId\": \"same\", " CHAT, "\"name\": \"b\", \"apiId\": \"same\", " CHAT,
         "b.json: error: DIR/a.json has the id same too; give one of them another \"apiId\"\n1 error\n"},
        {"\"name\": \"a\", \"region\": \"eu-west-1\", " CHAT, "\"name\": \"b\", " CHAT,
         "b.json: error: /region: is us-east-1, and that of DIR/a.json is eu-west-1; one process serves one region\n1 "
         "error\n"},
        {"\"name\": \"a\", \"domains\": {\"x.com\": {\"v1\": \"dev\"}}, " CHAT,
         "\"name\": \"b\", \"domains\": {\"X.com\": {\"v1\": \"dev\", \"\": \"dev\"}}, " CHAT,
         "b.json: error: /domains/x.com: DIR/a.json maps \"v1\" of this domain too\n1 error\n"},
        {"\"name\": \"a\", " CHAT, "\"name\": \"b\", " SLOW_CHAT,
         "b.json: error: /functions/chat: DIR/a.json has another function of this name; an account has one function of "
         "a "
         "name, which APIs share if all of it is the same\n1 error\n"},
        {"\"name\": \"a\", \"rules\": {\"idle-timeout\": 5}, " CHAT,
         "\"name\": \"b\", \"rules\": {\"idle-timeout\": 6}, " CHAT,
         "b.json: error: /rules/idle-timeout: DIR/a.json sets this rule to something else; rules are those of all "
         "APIs\n1 error\n"},
        {"\"name\": \"a\", " CHAT, "\"name\": \"a\", \"region\": \"r\", " SLOW_CHAT, "\n3 errors\n"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct config *both[] = {load_named(f, "a.json", pairs[i].a), load_named(f, "b.json", pairs[i].b)};
        CLEANUP(buf_fini) struct buf diagnostics = {0}, shown = {0};
        int r = config_check_together(both, 2, &diagnostics);

        replace_all(&shown, buf_span(&diagnostics), span_of_str(f->dir), "DIR");
        assert_int_equal(r, pairs[i].says ? -1 : 0);
        if (!pairs[i].says)
            assert_int_equal(shown.len, 0);
        else if (!strstr(buf_terminate(&shown), pairs[i].says))
            fail_msg("\"%s\" is not in:\n%s", pairs[i].says, buf_terminate(&shown));
        config_unref(both[0]);
        config_unref(both[1]);
    }
}

/* ---- rules ---- */

static void settings_of_rules_arrive_in_order(void **state)
{
    struct fixture *f = *state;
    const struct config_rule_setting *rules;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/rules.json"), 0);
    assert_int_equal(f->config->rule_count, 8);
    rules = f->config->rules;
    assert_string_equal(rules[0].id, "binary-frame");
    assert_string_equal(rules[0].choice, "allow");
    assert_string_equal(rules[1].id, "idle-timeout");
    assert_null(rules[1].choice);
    assert_int_equal(rules[1].limit, 60000);
    assert_string_equal(rules[3].choice, "200");
    assert_null(rules[5].choice);
    assert_int_equal(rules[5].limit, 0);
}

static void where_nobody_checks_rules_none_can_be_tuned(void **state)
{
    struct fixture *f = *state;

    f->options.check_rule = NULL;
    assert_int_equal(load_str(f, MINIMAL "\"rules\": {\"binary-frame\": \"allow\"}, "
                                         "\"routes\": {\"$default\": {\"function\": \"chat\"}}}"),
                     -1);
    assert_said(f, "error: /rules/binary-frame: rules cannot be tuned here\n");
}

/* ---- more than AWS has ---- */

struct quota {
    const char *before;
    const char *member; /* with a # where its number goes */
    const char *after;
    unsigned max;
    const char *says; /* of one more */
};

/* clang-format off */
static const struct quota quotas[] = {
    {"\"authorizers\": {", "\"a#\": {\"function\": \"chat\"}", "}", CONFIG_AUTHORIZERS_MAX,
     "/authorizers: 11 authorizers are more than the 10 that AWS allows by default"},
    {"\"apiKeys\": {", "\"k#\": {\"value\": \"twenty-characters-at-least-#\"}", "}", CONFIG_API_KEYS_MAX,
     "/apiKeys: 10001 API keys are more than the 10000 that"},
    {"\"usagePlans\": {", "\"p#\": {}", "}", CONFIG_USAGE_PLANS_MAX,
     "/usagePlans: 301 usage plans are more than the 300 that"},
    {"\"iam\": {\"credentials\": {", "\"u#\": {\"accessKeyId\": \"#\", \"secretAccessKey\": \"s\"}", "}}",
     CONFIG_CREDENTIALS_MAX, "/iam/credentials: 5001 credentials are more than the 5000 that"},
};
/* clang-format on */

static void append_numbered(struct buf *out, const char *text, unsigned number)
{
    for (; *text; text++) {
        if (*text == '#')
            buf_printf(out, "%u", number);
        else
            buf_append_char(out, *text);
    }
}

static void append_quota(struct buf *out, const struct quota *quota, unsigned count)
{
    buf_append_str(out, quota->before);
    for (unsigned i = 0; i < count; i++) {
        buf_append_str(out, i ? ",\n" : "");
        append_numbered(out, quota->member, i);
    }
    buf_append_str(out, quota->after);
}

static void as_many_as_aws_allows_are_read_and_one_more_is_refused(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(quotas); i++) {
        for (unsigned more = 0; more <= 1; more++) {
            CLEANUP(buf_fini) struct buf text = {0};

            buf_append_str(&text, MINIMAL);
            append_quota(&text, &quotas[i], quotas[i].max + more);
            buf_append_str(&text, ", \"routes\": {\"$default\": {\"function\": \"chat\"}}}");
            assert_int_equal(load_text(f, buf_span(&text)), more ? -1 : 0);
            if (more)
                assert_said(f, quotas[i].says);
        }
        assert_said(f, "\n1 error\n");
    }
}

static void references_to_what_was_too_much_are_not_wrong(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, MINIMAL);
    append_quota(&text, &quotas[0], quotas[0].max + 1);
    buf_append_str(&text, ", ");
    append_quota(&text, &quotas[1], quotas[1].max + 1);
    buf_append_str(&text, ", \"usagePlans\": {\"p\": {\"apiKeys\": [\"k10000\"]}}, "
                          "\"routes\": {\"$connect\": {\"authorizer\": \"a10\"}}}");
    assert_int_equal(load_text(f, buf_span(&text)), -1);
    assert_said(f, "\n2 errors\n");
}

static void ten_thousand_mistakes_are_counted_and_a_hundred_shown(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, MINIMAL "\"apiKeys\": {");
    for (unsigned i = 0; i < CONFIG_API_KEYS_MAX; i++)
        buf_printf(&text, "%s\"k%u\": {\"value\": \"the-same-for-all-of-them\"}", i ? "," : "", i);
    buf_append_str(&text, "}, \"routes\": {\"$default\": {\"function\": \"chat\"}}}");
    assert_int_equal(load_text(f, buf_span(&text)), -1);
    assert_said(f, "/apiKeys/k1/value: \"k0\" has the same; each needs its own\n");
    assert_said(f, "\n(9899 more not shown)\n9999 errors\n");
}

static void of_many_names_that_lead_nowhere_a_hundred_are_shown(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, MINIMAL "\"routeSettings\": {");
    for (unsigned i = 0; i < 300; i++)
        buf_printf(&text, "%s\"say%u\": {}", i ? "," : "", i);
    buf_append_str(&text, "}, \"routes\": {\"say\": {\"function\": \"chat\"}}}");
    assert_int_equal(load_text(f, buf_span(&text)), -1);
    assert_said(f, "/routeSettings/say0: no route named \"say0\"; did you mean \"say\"?\n");
    assert_said(f, "\n(200 more not shown)\n300 errors\n");
}

/* ---- routes ---- */

static void each_of_300_routes_is_found_and_no_other(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, MINIMAL "\"routes\": {");
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "%s\"route%d\": {\"function\": \"chat\"}", i ? "," : "", i);
    buf_append_str(&text, "}}");
    assert_int_equal(load_text(f, buf_span(&text)), 0);
    for (int i = 0; i < 300; i++) {
        CLEANUP(free) char *key = mem_printf("route%d", i);

        assert_ptr_equal(config_find_route(f->config, span_of_str(key)), &f->config->routes[i]);
    }
    assert_null(config_find_route(f->config, SPAN("route300")));
    assert_null(config_find_route(f->config, SPAN("Route1")));
    assert_null(config_find_route(f->config, SPAN("route")));
    assert_null(config_find_route(f->config, SPAN("")));
    assert_null(config_find_route(f->config, SPAN("a key that is longer than all of the routes")));
}

static void a_configuration_made_by_hand_is_searched_in_order(void **state)
{
    struct config_route routes[] = {{.key = (char *)(uintptr_t) "a"}, {.key = (char *)(uintptr_t) "b"}};
    struct config c = {.routes = routes, .route_count = 2};

    assert_ptr_equal(config_find_route(&c, SPAN("b")), &routes[1]);
    assert_null(config_find_route(&c, SPAN("c")));
}

static void a_301st_route_is_refused(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, MINIMAL "\"routes\": {");
    for (int i = 0; i < 301; i++)
        buf_printf(&text, "%s\"route%d\": {\"function\": \"chat\"}", i ? "," : "", i);
    buf_append_str(&text, "}}");
    assert_int_equal(load_text(f, buf_span(&text)), -1);
    assert_said(f, "/routes: 301 routes are more than the 300 that AWS allows by default");
}

static void functions_over_the_limit_do_not_make_their_routes_wrong(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, "{\"name\": \"n\", \"stage\": \"s\", \"routeSelectionExpression\": \"x\", \"functions\": {");
    for (int i = 0; i < 301; i++)
        buf_printf(&text, "%s\"f%d\": {\"plugin\": \"chat.so\", \"handler\": \"chat\"}", i ? "," : "", i);
    buf_append_str(&text, "}, \"routes\": {\"$default\": {\"function\": \"f300\"}}}");
    assert_int_equal(load_text(f, buf_span(&text)), -1);
    assert_said(f, "/functions: 301 functions are more than the 300");
    assert_said(f, "\n1 error\n");
}

static void a_101st_stage_variable_is_refused(void **state)
{
    struct fixture *f = *state;

    for (int max = 100; max <= 101; max++) {
        CLEANUP(buf_fini) struct buf text = {0};

        buf_append_str(&text, MINIMAL "\"stageVariables\": {");
        for (int i = 0; i < max; i++)
            buf_printf(&text, "%s\"v%d\": \"x\"", i ? "," : "", i);
        buf_append_str(&text, "}, \"routes\": {\"$default\": {\"function\": \"chat\"}}}");
        assert_int_equal(load_text(f, buf_span(&text)), max == 100 ? 0 : -1);
    }
    assert_said(f, "/stageVariables: 101 stage variables are more than the 100");
}

static void the_environment_may_take_4096_bytes_as_json(void **state)
{
    struct fixture *f = *state;

    /* {"NAME":"…"} is 11 bytes around the value. */
    for (int size = 4085; size <= 4086; size++) {
        CLEANUP(buf_fini) struct buf text = {0};

        buf_append_str(&text,
                       "{\"name\": \"n\", \"stage\": \"s\", \"routeSelectionExpression\": \"x\", \"functions\": "
                       "{\"f\": {\"plugin\": \"chat.so\", \"handler\": \"chat\", \"environment\": {\"NAME\": \"");
        for (int i = 0; i < size; i++)
            buf_append_char(&text, 'x');
        buf_append_str(&text, "\"}}}, \"routes\": {\"$default\": {\"function\": \"f\"}}}");
        assert_int_equal(load_text(f, buf_span(&text)), size == 4085 ? 0 : -1);
    }
    assert_said(f,
                "/functions/f/environment: the variables take 4097 bytes as JSON; AWS Lambda's limit is 4096 (4 KB)");
}

/* ---- plugins ---- */

static void a_plugin_is_first_looked_for_beside_the_file(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *beside = mem_printf("%s/chat.so", f->dir);
    CLEANUP(free) char *real = realpath(beside, NULL);

    f->options.plugin_dir = "/nonexistent";
    assert_int_equal(load_str(f, MINIMAL "\"routes\": {\"$default\": {\"function\": \"chat\"}}}"), 0);
    assert_string_equal(f->config->functions[0].plugin_path, real);
}

static void an_absolute_plugin_path_is_taken_as_it_is(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free)
    char *text =
        mem_printf("{\"name\": \"n\", \"stage\": \"s\", \"routeSelectionExpression\": \"x\", \"functions\": {\"f\": "
                   "{\"plugin\": \"%s/chat.so\", \"handler\": \"admin\"}}, \"routes\": {\"x\": {\"function\": \"f\"}}}",
                   f->dir);

    assert_int_equal(load_str(f, text), 0);
    assert_true(ends_with(f->config->functions[0].plugin_path, "/chat.so"));
    f->options.plugin_dir = NULL;
    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/minimal.json"), -1);
    assert_said(f, "no such file; searched in " TEST_DATA_DIR "/config/accept\n");
}

static void a_plugin_is_asked_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, TEST_DATA_DIR "/config/accept/complete.json"), 0);
    assert_int_equal(f->config->function_count, 2);
    assert_int_equal(f->probes, 1);
}

static void without_a_probe_any_handler_will_do(void **state)
{
    struct fixture *f = *state;

    f->options.probe_plugin = NULL;
    assert_int_equal(load(f, TEST_DATA_DIR "/config/refuse/handler-missing.json"), 0);
    assert_string_equal(f->config->functions[0].handler, "chta");
}

static void a_folder_is_no_plugin(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load_str(f,
                              "{\"name\": \"n\", \"stage\": \"s\", \"routeSelectionExpression\": \"x\", \"functions\": "
                              "{\"f\": {\"plugin\": \".\", \"handler\": \"x\"}}, \"routes\": {\"x\": {\"function\": "
                              "\"f\"}}}"),
                     -1);
    assert_said(f, "/functions/f/plugin: the plugin cannot be used: ");
    assert_said(f, "/. is not a file");
}

/* ---- files that are not read ---- */

static void a_file_that_is_not_there_is_one_line(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, "/nonexistent/routes.json"), -1);
    assert_string_equal(said(f),
                        "/nonexistent/routes.json: error: cannot be read: No such file or directory\n1 error\n");
}

static void a_folder_and_a_fifo_are_no_files(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *fifo = mem_printf("%s/fifo", f->dir);

    assert_int_equal(load(f, f->dir), -1);
    assert_said(f, ": error: is a directory, not a file\n1 error\n");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(load(f, fifo), -1);
    assert_said(f, ": error: is not a regular file\n");
}

static void a_file_may_be_one_megabyte(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, MINIMAL "\"routes\": {\"$default\": {\"function\": \"chat\"}}}");
    while (text.len < CONFIG_FILE_BYTES_MAX)
        buf_append_char(&text, ' ');
    assert_int_equal(load_text(f, buf_span(&text)), 0);
    buf_append_char(&text, ' ');
    assert_int_equal(load_text(f, buf_span(&text)), -1);
    assert_said(f, "/routes.json: error: is over 1048576 bytes long");
}

/* ---- bad files ---- */

static void every_refused_file_is_explained_as_expected(void **state)
{
    check_folder(*state, TEST_DATA_DIR "/config/refuse", -1, 120);
}

static void warnings_do_not_fail(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load_str(f, MINIMAL "\"routes\": {\"$connect\": {\"routeResponse\": true}}}"), 0);
    assert_said(f, ":1:100: warning: /functions/chat: no route and no authorizer uses this function\n");
    assert_said(f, "warning: /routes/$connect: \"routeResponse\" has no effect here");
    assert_said(f, "\n2 warnings\n");
}

static void only_a_hundred_errors_are_shown_and_all_are_counted(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, MINIMAL "\"routes\": {\"$connect\": {");
    for (int i = 0; i < 30000; i++)
        buf_printf(&text, "%s\"unknown\":0", i ? "," : "");
    buf_append_str(&text, "}}}");
    assert_int_equal(load_text(f, buf_span(&text)), -1);
    assert_said(f, "\n(59899 more not shown)\n59999 errors\n"); /* each is unknown, all but the first duplicates */
}

static void every_cut_of_a_good_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct span text = SPAN(MINIMAL "\"routes\": {\"\\u0041\\n\": {\"function\": \"chat\"}}}");

    assert_int_equal(load_text(f, text), 0);
    for (size_t len = 0; len < text.len; len++) {
        assert_int_equal(load_text(f, span_of(text.ptr, len)), -1);
        assert_said(f, "\n1 error\n");
    }
}

/* ---- did you mean ---- */

static void the_nearest_name_is_found(void **state)
{
    static const char *const names[] = {"timeout", "handler", "memorySize", "plugin", "environment"};
    static const struct {
        const char *name, *nearest;
    } cases[] = {
        {"timout", "timeout"},
        {"TIMEOUT", "timeout"},
        {"hanlder", "handler"},
        {"memorysize", "memorySize"},
        {"plugins", "plugin"},
        {"xyz", NULL},
        {"", NULL},
        {"t", NULL},
        {"memory", NULL},
        {"environ", NULL},
        {"envronment", "environment"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *nearest = config_nearest(span_of_str(cases[i].name), names, 5);

        if (!cases[i].nearest)
            assert_null(nearest);
        else
            assert_string_equal(nearest, cases[i].nearest);
    }
}

static void a_very_long_name_has_no_nearest(void **state)
{
    char name[5000];
    const char *const names[] = {"timeout", name};

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_null(config_nearest(span_of_str(name), names, 2));
    assert_string_equal(config_nearest(SPAN("timeou"), names, 2), "timeout");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_least_file_is_loaded_with_the_defaults),
        TEST(every_field_arrives),
        TEST(every_accepted_file_loads_and_says_what_is_expected),
        TEST(the_api_id_depends_on_the_name_alone),
        TEST(a_reference_keeps_a_configuration),
        TEST(a_wrapped_function_has_one_environment_and_no_timeout),
        TEST(a_wrapper_with_a_slash_is_looked_for_beside_the_file),
        TEST(all_functions_can_be_wrapped_whatever_the_file_says),
        TEST(a_command_that_is_none_wraps_nothing_and_says_why),
        TEST(authorizers_and_where_they_look_arrive),
        TEST(a_route_with_an_authorizer_is_custom_and_one_with_nothing_is_open),
        TEST(credentials_arrive_with_their_policies_as_written),
        TEST(api_keys_and_usage_plans_arrive),
        TEST(a_plan_without_limits_has_none),
        TEST(each_quota_period_has_its_name),
        TEST(routes_are_throttled_by_their_settings_else_by_the_default_ones),
        TEST(without_settings_no_route_is_throttled),
        TEST(each_stage_has_its_own_variables_throttles_and_functions),
        TEST(a_stage_variable_picks_the_function_of_a_route),
        TEST(an_api_has_the_id_the_region_and_the_domains_that_it_was_given),
        TEST(a_stage_that_lacks_a_variable_is_one_error_for_each_route),
        TEST(what_several_apis_may_not_disagree_on_is_said),
        TEST(settings_of_rules_arrive_in_order),
        TEST(where_nobody_checks_rules_none_can_be_tuned),
        TEST(as_many_as_aws_allows_are_read_and_one_more_is_refused),
        TEST(references_to_what_was_too_much_are_not_wrong),
        TEST(ten_thousand_mistakes_are_counted_and_a_hundred_shown),
        TEST(of_many_names_that_lead_nowhere_a_hundred_are_shown),
        TEST(each_of_300_routes_is_found_and_no_other),
        TEST(a_configuration_made_by_hand_is_searched_in_order),
        TEST(a_301st_route_is_refused),
        TEST(functions_over_the_limit_do_not_make_their_routes_wrong),
        TEST(a_101st_stage_variable_is_refused),
        TEST(the_environment_may_take_4096_bytes_as_json),
        TEST(a_plugin_is_first_looked_for_beside_the_file),
        TEST(an_absolute_plugin_path_is_taken_as_it_is),
        TEST(a_plugin_is_asked_once),
        TEST(without_a_probe_any_handler_will_do),
        TEST(a_folder_is_no_plugin),
        TEST(a_file_that_is_not_there_is_one_line),
        TEST(a_folder_and_a_fifo_are_no_files),
        TEST(a_file_may_be_one_megabyte),
        TEST(every_refused_file_is_explained_as_expected),
        TEST(warnings_do_not_fail),
        TEST(only_a_hundred_errors_are_shown_and_all_are_counted),
        TEST(every_cut_of_a_good_file_is_refused),
        TEST(the_nearest_name_is_found),
        TEST(a_very_long_name_has_no_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
