/* variables.c - Lambda's environment variables, and the few that are let through from outside for debugging. */
#include "function/variables.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

/* Names of the emulator's own environment that handlers see too. A leading '*' stands for any beginning. */
static const char *const let_through[] = {
    "LD_PRELOAD",          "*SAN_OPTIONS",        "APIGW_STORE",
    "APIGW_WEBSOCKET_URL", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", /* with the local CA, see tls/trust.h */
    "SSL_CERT_FILE",       "REQUESTS_CA_BUNDLE",  "CURL_CA_BUNDLE",
};

/* The same for every function. Nobody checks these credentials; an SDK in a handler only wants to find some. */
static const struct {
    const char *name;
    const char *value;
} fixed[] = {
    {"AWS_ACCESS_KEY_ID", "local"},
    {"AWS_SECRET_ACCESS_KEY", "local"},
    {"AWS_SESSION_TOKEN", "local"},
    {"AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"},
    {"AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001"},
    {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
    {"AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"},
    {"_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"},
    {"_AWS_XRAY_DAEMON_PORT", "2000"},
    {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
    {"LANG", "en_US.UTF-8"},
    {"PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
    {"SHLVL", "0"},
    {"TZ", ":UTC"},
};

/* Does "NAME=value" set `name`? */
static bool sets(const char *item, struct span name)
{
    return strncmp(item, name.ptr, name.len) == 0 && item[name.len] == '=';
}

/* Takes `item`; it replaces one of the same name. */
static void put(struct variables *v, char *item)
{
    const char *equals = strchr(item, '=');
    size_t i = 0;

    assert(equals);
    while (i < v->count && !sets(v->items[i], span_of(item, (size_t)(equals - item))))
        i++;
    if (i < v->count)
        free(v->items[i]);
    else
        v->items = mem_realloc(v->items, (++v->count + 1) * sizeof(*v->items));
    v->items[i] = item;
    v->items[v->count] = NULL;
}

static bool is_let_through(const char *item)
{
    size_t len = strcspn(item, "=");

    if (item[len] != '=')
        return false;
    for (size_t i = 0; i < sizeof(let_through) / sizeof(let_through[0]); i++) {
        struct span name = span_of_str(let_through[i]);
        bool any_start = name.ptr[0] == '*';
        name = span_from(name, any_start);
        if (len >= name.len && (any_start || len == name.len) && memcmp(item + len - name.len, name.ptr, name.len) == 0)
            return true;
    }
    return false;
}

/* Where the function's code is: the directory of its plugin file, which is absolute. */
static char *task_root(const char *plugin_path)
{
    const char *slash = strrchr(plugin_path, '/');
    int len = slash ? (int)(slash - plugin_path) : 0;

    return mem_printf("%.*s", slash && len == 0 ? 1 : len, plugin_path);
}

/* Libraries beside the plugin are found, and in its folder lib, as on Lambda; then those that the emulator itself would
 * find. */
static void put_task_root(struct variables *v, const char *plugin_path)
{
    CLEANUP(free) char *root = task_root(plugin_path);
    const char *own = getenv("LD_LIBRARY_PATH");
    bool more = own && *own;

    put(v, mem_printf("LAMBDA_TASK_ROOT=%s", root));
    put(v, mem_printf("PWD=%s", root));
    put(v, mem_printf("LD_LIBRARY_PATH=%s:%s/lib%s%s", root, root, more ? ":" : "", more ? own : ""));
}

void variables_init(struct variables *v, const struct config *config, const struct config_function *function,
                    const struct variables_of_environment *environment)
{
    *v = (struct variables){0};
    for (char **own = environ; own && *own; own++)
        if (is_let_through(*own))
            put(v, mem_strdup(*own));
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        put(v, mem_printf("%s=%s", fixed[i].name, fixed[i].value));
    put(v, mem_printf("_HANDLER=%s", function->handler));
    put(v, mem_printf("AWS_REGION=%s", config->region));
    put(v, mem_printf("AWS_DEFAULT_REGION=%s", config->region));
    put(v, mem_printf("AWS_LAMBDA_FUNCTION_NAME=%s", function->name));
    put(v, mem_printf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%u", function->memory_mb));
    put(v, mem_printf("AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/%s", function->name));
    put(v, mem_printf("AWS_LAMBDA_LOG_STREAM_NAME=%s", environment->log_stream_name));
    put(v, mem_printf("AWS_LAMBDA_INITIALIZATION_TYPE=%s",
                      environment->provisioned ? "provisioned-concurrency" : "on-demand"));
    put_task_root(v, function->plugin_path);
    for (size_t i = 0; i < function->environment.count; i++)
        put(v, mem_printf("%s=%s", function->environment.items[i].name, function->environment.items[i].value));
}

void variables_fini(struct variables *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->items[i]);
    free(v->items);
    *v = (struct variables){0};
}
