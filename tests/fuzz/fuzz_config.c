/* fuzz_config.c - routes.json, as a whole (config/config.h). The plugins' files are empty and never loaded; chat.so is
 * said to have two handlers. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "authorization/api_keys.h"
#include "base/mem.h"
#include "config/config.h"
#include "fuzz.h"
#include "gateway/rules.h"
#include "gateway/throttle.h"

#define FILES_MAX 4

static const char *const files[FILES_MAX] = {"routes.json", "chat.so", "broken.so", "empty.so"};
static char folder[] = "/tmp/apigw-fuzz-config-XXXXXX";
static char paths[FILES_MAX][sizeof(folder) + 16];

static void remove_folder(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        unlink(paths[i]);
    rmdir(folder);
}

static void write_file(const char *path, struct span text)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert(fd >= 0);
    assert(write(fd, text.ptr, text.len) == (ssize_t)text.len);
    close(fd);
}

static void make_folder(void)
{
    if (paths[0][0])
        return;
    assert(mkdtemp(folder));
    for (size_t i = 0; i < FILES_MAX; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, files[i]);
        write_file(paths[i], span_of("", 0));
    }
    atexit(remove_folder);
}

static int probe(void *arg, const char *path, struct buf *ret_names, struct buf *ret_error)
{
    if (strstr(path, "broken.so")) {
        buf_append_str(ret_error, "undefined symbol: missing");
        return -1;
    }
    if (strstr(path, "chat.so"))
        buf_append(ret_names, span_of("chat\0admin", sizeof("chat\0admin")));
    return 0;
}

static void check_routes(const struct config *c)
{
    assert(c->route_count > 0 && c->route_count <= CONFIG_ROUTES_MAX);
    for (size_t i = 0; i < c->route_count; i++) {
        const struct config_route *route = &c->routes[i];

        assert(config_find_route(c, span_of_str(route->key)) == route);
        assert((route->authorization == CONFIG_AUTHORIZATION_CUSTOM) == (route->authorizer != NULL));
    }
}

/* Everybody who is made from a configuration can be made from this one. */
static void use(const struct config *c)
{
    struct api_keys *keys = api_keys_new(c);
    struct throttle throttle;
    struct route_rates rates;
    CLEANUP(denial_fini) struct denial denial = {0};

    rules_apply(c->rules, c->rule_count);
    throttle_init(&throttle);
    for (size_t i = 0; i < c->stage_count; i++) {
        route_rates_init(&rates, c, &c->stages[i]);
        throttle_handshake(&throttle, &rates, config_find_route(c, SPAN("$connect")));
        route_rates_fini(&rates);
    }
    if (c->api_key_count)
        api_keys_use(keys, span_of_str(c->api_keys[0].value), 0, 0, &denial);
    api_keys_free(keys);
    rules_apply(NULL, 0);
}

static void check_accepted(const struct config *c)
{
    assert(c->name && c->selection && strlen(c->api_id) > 0 && strlen(c->api_id) <= CONFIG_API_ID_MAX);
    assert(c->stage_count > 0 && c->stage_count <= CONFIG_STAGES_MAX);
    for (size_t i = 0; i < c->stage_count; i++)
        assert(config_find_stage(c, span_of_str(c->stages[i].name)) == &c->stages[i]);
    for (size_t i = 0; i < c->mapping_count; i++)
        assert(c->mappings[i].stage >= c->stages && c->mappings[i].stage < c->stages + c->stage_count);
    for (size_t i = 0; i < c->stage_count; i++)
        for (size_t route = 0; route < c->route_count; route++)
            assert(!c->stages[i].functions[route] == !c->routes[route].function);
    assert(c->region && c->account_id);
    for (size_t i = 0; i < c->function_count; i++)
        assert(c->functions[i].plugin_path && c->functions[i].index == i);
    for (size_t i = 0; i < c->authorizer_count; i++)
        assert(c->authorizers[i].function);
    for (size_t i = 0; i < c->credential_count; i++)
        assert(c->credentials[i].access_key_id && c->credentials[i].secret_access_key && c->credentials[i].user_arn);
    check_routes(c);
    use(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config_options options = {.probe_plugin = probe, .check_rule = rule_check_setting};
    CLEANUP(buf_fini) struct buf diagnostics = {0};
    struct config *c = NULL;

    make_folder();
    write_file(paths[0], span_of((const char *)data, size));
    if (config_load(paths[0], &options, &diagnostics, &c) < 0) {
        assert(!c && strstr(buf_terminate(&diagnostics), " error"));
        return 0;
    }
    check_accepted(c);
    config_unref(c);
    return 0;
}
