/* config.h - routes.json, read once into an immutable value.
 *
 * Owner    whoever holds a reference; config_unref frees with the last one. A reload makes a new config beside it.
 * Threads  loop thread only.
 * Errors   config_load reports every error of a file together, in the file's order. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "base/words.h"
#include "config/access_format.h"
#include "config/expression.h"

/* AWS quotas that a configuration can break (API Gateway developer guide, "Quotas for configuring and running a
 * WebSocket API"; AWS Lambda developer guide, "Lambda quotas"). */
#define CONFIG_ROUTES_MAX 300
#define CONFIG_STAGE_VARIABLES_MAX 100
#define CONFIG_STAGE_VARIABLE_NAME_MAX 64
#define CONFIG_STAGE_VARIABLE_VALUE_MAX 512
#define CONFIG_STAGE_NAME_MAX 128
#define CONFIG_STAGES_MAX 10
#define CONFIG_API_ID_MAX 32    /* AWS makes ids of 10 */
#define CONFIG_DOMAINS_MAX 120  /* "Public custom domain names per account per Region" */
#define CONFIG_DOMAIN_MAX 253   /* characters of a name in DNS (RFC 1035) */
#define CONFIG_MAPPINGS_MAX 200 /* "API mappings per custom domain" */
#define CONFIG_MAPPING_KEY_MAX 300
#define CONFIG_APIS_MAX 100 /* that one process serves */
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
#define CONFIG_UNRESERVED UINT32_MAX      /* reserved_concurrency: invocations are not counted */
#define CONFIG_IDLE_TIMEOUT_S_DEFAULT 600 /* Lambda says nothing; some 5 to 15 minutes were observed */
#define CONFIG_IDLE_TIMEOUT_S_MAX 86400
#define CONFIG_WRAPPED_TIMEOUT_MS (24u * 3600u * 1000u) /* what a wrapped handler is told; it is not ended then */
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)
#define CONFIG_AUTHORIZERS_MAX 10
#define CONFIG_API_KEYS_MAX 10000
#define CONFIG_API_KEY_MIN 20
#define CONFIG_API_KEY_MAX 128
#define CONFIG_USAGE_PLANS_MAX 300
#define CONFIG_CREDENTIALS_MAX 5000 /* IAM users in an account */

/* What a stage is made with: the half that throttle settings leave out. */
#define CONFIG_THROTTLE_RATE_DEFAULT 10000
#define CONFIG_THROTTLE_BURST_DEFAULT 5000

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
    unsigned concurrency;          /* most execution environments at once */
    unsigned reserved_concurrency; /* most invocations under way at once, 0: none; CONFIG_UNRESERVED */
    unsigned provisioned;          /* environments that are started ahead and kept */
    unsigned idle_timeout_ms;      /* the others are ended when they have been idle for so long */
    struct config_variables environment;
    struct words
        wrap; /* what its environments are started under: a program's path and its arguments; of no words: nothing */
    size_t index; /* in config.functions */
};

/* Where a Lambda authorizer looks for the caller's identity, such as route.request.header.Auth. */
enum config_identity_place {
    CONFIG_IDENTITY_HEADER,      /* route.request.header.NAME */
    CONFIG_IDENTITY_QUERYSTRING, /* route.request.querystring.NAME */
    CONFIG_IDENTITY_CONTEXT,     /* context.NAME */
    CONFIG_IDENTITY_STAGE        /* stageVariables.NAME */
};

struct config_identity_source {
    enum config_identity_place place;
    char *name;
};

struct config_authorizer {
    char *name;
    const struct config_function *function;
    struct config_identity_source *identity_sources;
    size_t identity_source_count;
};

/* Tokens per second and the size of the bucket. A limit of 0 refuses everything, as on AWS. */
struct config_throttle {
    bool set; /* false: not limited here */
    double rate_limit;
    double burst_limit;
};

struct config_api_key {
    char *name;
    char *value;
    bool enabled;
};

enum config_quota_period { CONFIG_QUOTA_DAY, CONFIG_QUOTA_WEEK, CONFIG_QUOTA_MONTH };

struct config_usage_plan {
    char *name;
    const struct config_api_key **api_keys;
    size_t api_key_count;
    struct config_throttle throttle; /* per key */
    bool has_quota;
    uint64_t quota_limit; /* requests per period and key */
    enum config_quota_period quota_period;
};

/* An IAM caller whose SigV4 signatures are accepted. */
struct config_credential {
    char *name;
    char *access_key_id;
    char *secret_access_key;
    char *session_token; /* NULL: a long-term key */
    char *user_arn;      /* default arn:aws:iam::{account}:user/{name} */
    char *policy;        /* JSON policy document; NULL: everything is allowed */
};

enum config_authorization { CONFIG_AUTHORIZATION_NONE, CONFIG_AUTHORIZATION_CUSTOM, CONFIG_AUTHORIZATION_IAM };

struct config_route {
    char *key;
    char *function;      /* as written, see config_stage_function; NULL: a route without integration */
    bool route_response; /* two-way */
    /* $connect alone: */
    enum config_authorization authorization;
    const struct config_authorizer *authorizer; /* for CUSTOM */
    bool api_key_required;
};

/* What is written of each event of a stage (gateway/access_log.h). */
struct config_access_log {
    bool set;                     /* false: nothing is */
    char *path;                   /* of the file; NULL: standard output */
    struct access_format *format; /* NULL only where nothing is written */
};

/* A deployment of the API under a name of its own, which is part of its URL. */
struct config_stage {
    char *name;
    struct config_variables variables;
    struct config_throttle *throttles;        /* one for each route, in their order: from routeSettings, else
                                                 defaultRouteSettings */
    const struct config_function **functions; /* the same: what stands behind it; NULL: nothing */
    struct config_access_log access_log;
};

/* A custom domain's way to a stage: wss://{domain}/{key}, without the stage's name. */
struct config_mapping {
    char *domain; /* lower case; may begin with "*." for any one label */
    char *key;    /* "" for the domain itself; may have several segments */
    const struct config_stage *stage;
};

/* A tuned rule: "rules": {"binary-frame": "allow", "idle-timeout": 60000}. Which ids there are and what each may be set
 * to is told by config_options.check_rule. */
struct config_rule_setting {
    char *id;
    char *choice;   /* a string, or NULL */
    uint64_t limit; /* a number, if choice is NULL */
};

struct config {
    unsigned refs;
    char *path; /* as given */
    char *name;
    char *api_id;     /* given, else ten of [a-z0-9], always the same for one name */
    char *region;     /* "us-east-1" */
    char *account_id; /* "123456789012" */
    char *route_selection_expression;
    struct expression *selection;
    struct config_function *functions;
    size_t function_count;
    struct config_route *routes; /* in the file's order */
    size_t route_count;
    struct config_stage *stages; /* one at least */
    size_t stage_count;
    struct config_mapping *mappings; /* of all custom domains */
    size_t mapping_count;
    bool disable_execute_api_endpoint; /* it is reached through its custom domains alone */
    struct config_authorizer *authorizers;
    size_t authorizer_count;
    bool api_key_from_authorizer; /* apiKeySelectionExpression is $context.authorizer.usageIdentifierKey */
    struct config_api_key *api_keys;
    size_t api_key_count;
    struct config_usage_plan *usage_plans;
    size_t usage_plan_count;
    struct config_credential *credentials;
    size_t credential_count;
    bool connections_iam; /* @connections wants signatures */
    struct config_rule_setting *rules;
    size_t rule_count;
    struct config_route_index *route_index; /* of config_find_route, which searches in order where this is NULL */
};

/* What of a rule's setting does not fit. */
enum config_rule_check { CONFIG_RULE_FITS, CONFIG_RULE_ID_WRONG, CONFIG_RULE_VALUE_WRONG };

/* How to look for plugin files and what to ask of them. */
struct config_options {
    const char *plugin_dir; /* searched after the directory of the file; may be NULL */
    bool without_plugins;   /* do not look for plugins: what is read is not to be served */

    /* Which handlers does the plugin at `path` have? Fills `ret_names` with their names, each terminated, one after
     * another, and returns 0; or -1 with one sentence in `ret_error`, without a full stop. NULL: do not ask. Called
     * once per plugin file. */
    int (*probe_plugin)(void *arg, const char *path, struct buf *ret_names, struct buf *ret_error);
    void *arg;

    /* May rule `id` be set to this (choice, or limit if choice is NULL)? If not, with one sentence in `ret_error`, for
     * an unknown id with the nearest known one. NULL: every rule setting is an error. */
    enum config_rule_check (*check_rule)(const char *id, const char *choice, uint64_t limit, struct buf *ret_error);
};

/* Reads and checks the file at `path`. 0 and *ret with one reference, or -1. Either way `diagnostics` gets the text to
 * show: each error as "file:line:col: error: …", the source line and a caret; ends in "N errors" when there are any. */
int config_load(const char *path, const struct config_options *options, struct buf *diagnostics, struct config **ret);

/* Starts every function under the command `text`, whatever the file says: for a configuration that nobody shares yet. A
 * program with a slash in its name is meant from the working directory. 0, or -1 with one sentence in `ret_error`. */
int config_wrap(struct config *c, const char *text, struct buf *ret_error);

/* Then nobody ends it for the time it takes, and it has one environment. */
bool config_function_is_wrapped(const struct config_function *function);

struct config *config_ref(struct config *c);
void config_unref(struct config *c);

const struct config_route *config_find_route(const struct config *c, struct span key);
const struct config_stage *config_find_stage(const struct config *c, struct span name);

/* What stands behind `route` in `stage`, both of `c`; NULL: nothing. Stages differ where a route names its function by
 * a stage variable. */
const struct config_function *config_stage_function(const struct config *c, const struct config_stage *stage,
                                                    const struct config_route *route);

/* Can these be served together? API ids and custom domains must differ, functions of one name be the same, and rules be
 * tuned in the same way. 0, or -1 with one line for each error in `diagnostics`, ended like that of config_load. */
int config_check_together(struct config *const *configs, size_t count, struct buf *diagnostics);

/* Is everything of both functions the same, name included? */
bool config_functions_equal(const struct config_function *a, const struct config_function *b);

/* What it sets a rule to, NULL: nothing; and do both set it to the same? */
const struct config_rule_setting *config_find_rule_setting(const struct config *c, const char *id);
bool config_rule_settings_equal(const struct config_rule_setting *a, const struct config_rule_setting *b);

/* Do both tune the same rules in the same way? */
bool config_rules_equal(const struct config *a, const struct config *b);

/* The name nearest to `name` among `count` of them, for "did you mean"; NULL if none is near. */
const char *config_nearest(struct span name, const char *const *names, size_t count);

#endif
