/* config.h - routes.json, read once into an immutable value.
 *
 * Owner    whoever holds a reference; config_unref frees with the last one. A reload makes a new config beside it.
 * Threads  loop thread only.
 * Errors   config_load reports every error of a file together, in the file's order. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/span.h"
#include "config/expression.h"

/* AWS quotas that a configuration can break (API Gateway developer guide, "Quotas for configuring and running a
 * WebSocket API"; AWS Lambda developer guide, "Lambda quotas"). */
#define CONFIG_ROUTES_MAX 300
#define CONFIG_STAGE_VARIABLES_MAX 100
#define CONFIG_STAGE_VARIABLE_NAME_MAX 64
#define CONFIG_STAGE_VARIABLE_VALUE_MAX 512
#define CONFIG_STAGE_NAME_MAX 128
#define CONFIG_FUNCTION_NAME_MAX 64
#define CONFIG_FUNCTIONS_MAX 300
#define CONFIG_ENVIRONMENT_BYTES_MAX 4096
#define CONFIG_TIMEOUT_S_DEFAULT 3
#define CONFIG_TIMEOUT_S_MAX 900
#define CONFIG_MEMORY_MB_DEFAULT 128
#define CONFIG_MEMORY_MB_MIN 128
#define CONFIG_MEMORY_MB_MAX 10240
#define CONFIG_CONCURRENCY_DEFAULT 100
#define CONFIG_CONCURRENCY_MAX 1000
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)

struct config_variable {
    char *name;
    char *value;
};

struct config_variables {
    struct config_variable *items; /* in the file's order */
    size_t count;
};

struct config_function {
    char *name;
    char *plugin;      /* as written */
    char *plugin_path; /* the file it was found at, absolute */
    char *handler;
    unsigned timeout_ms;
    unsigned memory_mb;
    unsigned concurrency; /* most execution environments at once */
    struct config_variables environment;
    size_t index; /* in config.functions */
};

struct config_route {
    char *key;
    const struct config_function *function; /* NULL: a route without integration */
    bool route_response;                    /* two-way */
};

struct config {
    unsigned refs;
    char *path; /* as given */
    char *name;
    char *stage;
    char *api_id;     /* ten of [a-z0-9], always the same for one name */
    char *region;     /* "us-east-1" */
    char *account_id; /* "123456789012" */
    char *route_selection_expression;
    struct expression *selection;
    struct config_function *functions;
    size_t function_count;
    struct config_route *routes; /* in the file's order */
    size_t route_count;
    struct config_variables stage_variables;
    struct config_route_index *route_index; /* of config_find_route, which searches in order where this is NULL */
};

/* How to look for plugin files and what to ask of them. */
struct config_options {
    const char *plugin_dir; /* searched after the directory of the file; may be NULL */

    /* Which handlers does the plugin at `path` have? Fills `ret_names` with their names, each terminated, one after
     * another, and returns 0; or -1 with one sentence in `ret_error`, without a full stop. NULL: do not ask. Called
     * once per plugin file. */
    int (*probe_plugin)(void *arg, const char *path, struct buf *ret_names, struct buf *ret_error);
    void *arg;
};

/* Reads and checks the file at `path`. 0 and *ret with one reference, or -1. Either way `diagnostics` gets the text to
 * show: each error as "file:line:col: error: …", the source line and a caret; ends in "N errors" when there are any. */
int config_load(const char *path, const struct config_options *options, struct buf *diagnostics, struct config **ret);

struct config *config_ref(struct config *c);
void config_unref(struct config *c);

const struct config_route *config_find_route(const struct config *c, struct span key);

/* The name nearest to `name` among `count` of them, for "did you mean"; NULL if none is near. */
const char *config_nearest(struct span name, const char *const *names, size_t count);

#endif
