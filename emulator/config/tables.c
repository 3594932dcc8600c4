/* tables.c - what routes.json may say: one table of fields for each kind of object, and AWS's rules as checks.
 *
 * routes.schema.json says the same to editors; a change here is a change there. */
#include "config/tables.h"

#include <ctype.h>
#include <math.h>

#include "base/mem.h"
#include "config/authorization.h"
#include "config/checks.h"
#include "config/expression_priv.h"
#include "config/limits.h"
#include "config/routes.h"
#include "config/stage_functions.h"
#include "config/stages.h"
#include "config/variables.h"
#include "config/wrapper.h"

#define NAME_MAX_CHARS 128    /* apigatewayv2: Api.name */
#define HANDLER_MAX_CHARS 128 /* lambda: Handler */
#define PATH_MAX_CHARS 4095   /* Linux: PATH_MAX with its terminator */

#define HANDLERS_LISTED_MAX 20
#define REGION_MAX_CHARS 32
#define RULE_ID_MAX 64
#define RULE_LIMIT_MAX 9007199254740992.0 /* 2 to the power of 53: JSON's whole numbers are exact up to here */

/* ---- variables of functions ---- */

/* AWS Lambda developer guide, "Defined runtime environment variables". */
static const char *const reserved_names[] = {
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
};

static bool check_environment_variable(struct reader *r, const struct node *n)
{
    const char *name = n->item->string;

    for (size_t i = 0; i < COUNT(reserved_names); i++) {
        if (strcmp(name, reserved_names[i]) == 0) {
            reader_error(r, n, document_key(&r->document, n), "AWS Lambda reserves this name and sets it itself");
            return false;
        }
    }
    if (isalpha((unsigned char)name[0]) && name[1] && !name[first_refused(name, is_word_char)])
        return true;
    reader_error(r, n, document_key(&r->document, n),
                 "AWS Lambda takes names of a letter and at least one more letter, digit or '_'");
    return false;
}

/* Lambda measures the variables as the JSON text of an object. */
static size_t environment_size(const struct config_variables *variables)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct json_writer w = {.out = &text};

    json_object_begin(&w);
    for (size_t i = 0; i < variables->count; i++) {
        json_key(&w, variables->items[i].name);
        json_string(&w, span_of_str(variables->items[i].value));
    }
    json_object_end(&w);
    return text.len;
}

static void read_environment(struct reader *r, const struct node *n, void *target)
{
    struct config_variables *environment = &((struct config_function *)target)->environment;
    size_t size;

    variables_read(r, n, (size_t)cJSON_GetArraySize(n->item), environment, check_environment_variable);
    size = environment_size(environment);
    if (size > CONFIG_ENVIRONMENT_BYTES_MAX)
        reader_error(r, n, document_key(&r->document, n),
                     "the variables take %zu bytes as JSON; AWS Lambda's limit is %d (4 KB) for all of a function",
                     size, CONFIG_ENVIRONMENT_BYTES_MAX);
}

/* ---- functions ---- */

static void check_plugin(struct reader *r, const struct node *n, void *target)
{
    struct config_function *function = target;
    CLEANUP(buf_fini) struct buf error = {0};

    if (r->plugins.options->without_plugins)
        return;
    free(function->plugin_path);
    function->plugin_path = plugins_find(&r->plugins, function->plugin, &error);
    if (!function->plugin_path)
        reader_error(r, n, document_value(&r->document, n), "the plugin cannot be used: " SPAN_FMT,
                     SPAN_ARG(buf_span(&error)));
}

static void check_handler_name(struct reader *r, const struct node *n, void *target)
{
    struct config_function *function = target;

    if (!check_characters(r, n, is_visible_char, "a handler's name has printable characters and no blanks"))
        free(TAKE(function->handler)); /* not to be looked for */
}

/* From where plugins are looked for too. */
static void read_wrap(struct reader *r, const struct node *n, void *target)
{
    struct config_function *function = target;
    CLEANUP(buf_fini) struct buf error = {0};

    words_fini(&function->wrap); /* of a duplicate key, which was reported */
    if (wrapper_parse(n->item->valuestring, r->plugins.config_dir, &function->wrap, &error) < 0)
        reader_error(r, n, document_value(&r->document, n), "the command cannot be used: " SPAN_FMT,
                     SPAN_ARG(buf_span(&error)));
}

/* clang-format off */
static const struct field function_fields[] = {
    {.key = "plugin", .type = FIELD_STRING, .required = true, .offset = offsetof(struct config_function, plugin),
     .min = 1, .max = PATH_MAX_CHARS, .limit = "", .read = check_plugin},
    {.key = "handler", .type = FIELD_STRING, .required = true, .offset = offsetof(struct config_function, handler),
     .min = 1, .max = HANDLER_MAX_CHARS, .limit = " (as on AWS Lambda)", .read = check_handler_name},
    {.key = "timeout", .type = FIELD_INTEGER, .offset = offsetof(struct config_function, timeout_ms),
     .min = 1, .max = CONFIG_TIMEOUT_S_MAX, .scale = 1000, .limit = " seconds (as on AWS Lambda)"},
    {.key = "memorySize", .type = FIELD_INTEGER, .offset = offsetof(struct config_function, memory_mb),
     .min = CONFIG_MEMORY_MB_MIN, .max = CONFIG_MEMORY_MB_MAX, .scale = 1, .limit = " megabytes (as on AWS Lambda)"},
    {.key = "concurrency", .type = FIELD_INTEGER, .offset = offsetof(struct config_function, concurrency),
     .min = 1, .max = CONFIG_CONCURRENCY_MAX, .scale = 1, .limit = " execution environments"},
    {.key = "reservedConcurrency", .type = FIELD_INTEGER,
     .offset = offsetof(struct config_function, reserved_concurrency),
     .min = 0, .max = CONFIG_CONCURRENCY_MAX, .scale = 1, .limit = " invocations at once"},
    {.key = "provisioned", .type = FIELD_INTEGER, .offset = offsetof(struct config_function, provisioned),
     .min = 0, .max = CONFIG_CONCURRENCY_MAX, .scale = 1, .limit = " execution environments"},
    {.key = "idleTimeout", .type = FIELD_INTEGER, .offset = offsetof(struct config_function, idle_timeout_ms),
     .min = 1, .max = CONFIG_IDLE_TIMEOUT_S_MAX, .scale = 1000, .limit = " seconds"},
    {.key = "environment", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_environment},
    {.key = "wrap", .type = FIELD_STRING, .offset = FIELD_NOWHERE,
     .min = 1, .max = PATH_MAX_CHARS, .limit = "", .read = read_wrap},
};
/* clang-format on */

/* The names that a probe wrote one after another, each terminated. */
static const char **split_names(const struct buf *names, size_t *ret_count)
{
    const char **list = mem_alloc((names->len + 1) * sizeof(*list));
    size_t start = 0;

    *ret_count = 0;
    for (size_t i = 0; i < names->len; i++) {
        if (names->ptr[i])
            continue;
        list[(*ret_count)++] = names->ptr + start;
        start = i + 1;
    }
    return list;
}

static void report_missing_handler(struct reader *r, const struct node *n, const char *handler,
                                   const char *const *names, size_t count)
{
    CLEANUP(buf_fini) struct buf text = {0};

    diagnostics_quote(&text, span_of_str(handler));
    buf_append_str(&text, count ? "; it has " : "; it has none");
    for (size_t i = 0; i < count && i < HANDLERS_LISTED_MAX; i++) {
        buf_append_str(&text, i ? ", " : "");
        diagnostics_quote(&text, span_of_str(names[i]));
    }
    buf_append_str(&text, count > HANDLERS_LISTED_MAX ? ", …" : "");
    reader_append_nearest(&text, handler, names, count);
    reader_error(r, n, document_value(&r->document, n), "the plugin has no handler " SPAN_FMT,
                 SPAN_ARG(buf_span(&text)));
}

/* `object` is the function whose fields were read. */
static void check_handler(struct reader *r, const struct node *object, const struct config_function *function)
{
    const struct plugin_file *file;
    struct node plugin, handler;
    CLEANUP(free) const char **names = NULL;
    size_t count;

    if (!function->plugin_path || !function->handler || !(file = plugins_probe(&r->plugins, function->plugin_path)))
        return;
    if (file->probed < 0) {
        plugin = node_member(object, "plugin");
        reader_error(r, &plugin, document_value(&r->document, &plugin), "the plugin cannot be used: " SPAN_FMT,
                     SPAN_ARG(buf_span(&file->error)));
        return;
    }
    names = split_names(&file->names, &count);
    handler = node_member(object, "handler");
    if (!is_one_of(function->handler, names, count) && cJSON_IsString(handler.item))
        report_missing_handler(r, &handler, function->handler, names, count);
}

/* On Lambda too, provisioned concurrency is a part of what is reserved. */
static void check_provisioned(struct reader *r, const struct node *object, const struct config_function *function)
{
    struct node n = node_member(object, "provisioned");
    bool reserved_is_less = function->reserved_concurrency < function->concurrency;

    if (function->provisioned > (reserved_is_less ? function->reserved_concurrency : function->concurrency))
        reader_error(r, &n, document_value(&r->document, &n), "is more than %s, %u",
                     reserved_is_less ? "reservedConcurrency" : "concurrency",
                     reserved_is_less ? function->reserved_concurrency : function->concurrency);
}

static void read_function(struct reader *r, const struct node *n)
{
    struct config_function *function = &r->config->functions[r->config->function_count];

    *function = (struct config_function){
        .name = mem_strdup(n->item->string),
        .timeout_ms = CONFIG_TIMEOUT_S_DEFAULT * 1000,
        .memory_mb = CONFIG_MEMORY_MB_DEFAULT,
        .concurrency = CONFIG_CONCURRENCY_DEFAULT,
        .reserved_concurrency = CONFIG_UNRESERVED,
        .idle_timeout_ms = CONFIG_IDLE_TIMEOUT_S_DEFAULT * 1000,
        .index = r->config->function_count++,
    };
    check_key(r, n, is_name_char, CONFIG_FUNCTION_NAME_MAX,
              "a function's name has letters, digits, '-' and '_' only (as on AWS Lambda)");
    reader_object(r, n, function_fields, COUNT(function_fields), function);
    if (!cJSON_IsObject(n->item))
        return;
    check_provisioned(r, n, function);
    if (config_function_is_wrapped(function))
        wrapper_suspend_limits(function);
    check_handler(r, n, function);
}

static void read_functions(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, object, CONFIG_FUNCTIONS_MAX, "functions");

    if (config->functions) /* a duplicate key, which was reported */
        return;
    config->functions = mem_zalloc(count * sizeof(*config->functions));
    referable_init(&r->functions, config->functions, sizeof(*config->functions), count);
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n))
        read_function(r, &n);
}

/* ---- the file ---- */

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_region_char(char c)
{
    return is_id_char(c) || c == '-';
}

/* Both are labels of a host's name. */
static void check_api_id(struct reader *r, const struct node *n, void *target)
{
    check_characters(r, n, is_id_char, "an API's id has lower-case letters and digits only (as on AWS)");
}

static void check_region(struct reader *r, const struct node *n, void *target)
{
    check_characters(r, n, is_region_char, "a region's name has lower-case letters, digits and '-' only");
}

static void check_selection(struct reader *r, const struct node *n, void *target)
{
    struct config *config = target;
    struct expression_error error;

    expression_free(config->selection); /* of a duplicate key, which was reported */
    config->selection = NULL;
    if (expression_compile(span_of_str(n->item->valuestring), &config->selection, &error) < 0)
        reader_error(r, n, document_inside(&r->document, n, error.offset, error.len), "%s", error.what);
}

static bool is_rule_char(char c)
{
    return isalnum((unsigned char)c) || c == '-';
}

static void check_rule(struct reader *r, const struct node *n, const char *choice, uint64_t limit)
{
    const struct config_options *options = r->plugins.options;
    CLEANUP(buf_fini) struct buf error = {0};
    enum config_rule_check found;

    if (!check_key(r, n, is_rule_char, RULE_ID_MAX, "a rule's id has letters, digits and '-' only"))
        return;
    if (!options->check_rule) {
        reader_error(r, n, document_key(&r->document, n), "rules cannot be tuned here");
        return;
    }
    found = options->check_rule(n->item->string, choice, limit, &error);
    if (found != CONFIG_RULE_FITS)
        reader_error(r, n,
                     found == CONFIG_RULE_ID_WRONG ? document_key(&r->document, n) : document_value(&r->document, n),
                     SPAN_FMT, SPAN_ARG(buf_span(&error)));
}

static void read_rule(struct reader *r, const struct node *n)
{
    struct config_rule_setting *rule = &r->config->rules[r->config->rule_count];
    double limit = n->item->valuedouble;

    if (cJSON_IsString(n->item)) {
        rule->choice = mem_strdup(n->item->valuestring);
    } else if (!cJSON_IsNumber(n->item) || !(limit >= 0 && limit <= RULE_LIMIT_MAX) || floor(limit) != limit) {
        reader_error(r, n, document_value(&r->document, n), "a rule is set to a string or a whole number from 0");
        return;
    } else {
        rule->limit = (uint64_t)limit;
    }
    r->config->rule_count++;
    rule->id = mem_strdup(n->item->string);
    check_rule(r, n, rule->choice, rule->limit);
}

static void read_rules(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;

    if (config->rules) /* a duplicate key, which was reported */
        return;
    config->rules = mem_zalloc((size_t)cJSON_GetArraySize(object->item) * sizeof(*config->rules));
    for (struct node n = node_first(object); n.item && !too_many_errors(r); n = node_next(&n))
        read_rule(r, &n);
}

/* What is referred to stands before what refers to it. */
/* clang-format off */
static const struct field config_fields[] = {
    {.key = "$schema", .type = FIELD_STRING, .offset = FIELD_NOWHERE, .max = CONFIG_FILE_BYTES_MAX, .limit = ""},
    {.key = "name", .type = FIELD_STRING, .required = true, .offset = offsetof(struct config, name),
     .min = 1, .max = NAME_MAX_CHARS, .limit = " (as on AWS)"},
    {.key = "apiId", .type = FIELD_STRING, .offset = offsetof(struct config, api_id),
     .min = 1, .max = CONFIG_API_ID_MAX, .limit = "", .read = check_api_id},
    {.key = "region", .type = FIELD_STRING, .offset = offsetof(struct config, region),
     .min = 1, .max = REGION_MAX_CHARS, .limit = "", .read = check_region},
    {.key = "routeSelectionExpression", .type = FIELD_STRING, .required = true,
     .offset = offsetof(struct config, route_selection_expression),
     .min = 1, .max = EXPRESSION_BYTES_MAX, .limit = "", .read = check_selection},
    {.key = "functions", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_functions},
    {.key = "authorizers", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = authorization_read_authorizers},
    {.key = "iam", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = authorization_read_iam},
    {.key = "apiKeySelectionExpression", .type = FIELD_STRING, .offset = FIELD_NOWHERE,
     .max = CONFIG_FILE_BYTES_MAX, .limit = "", .read = limits_read_key_selection},
    {.key = "apiKeys", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = limits_read_api_keys},
    {.key = "usagePlans", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = limits_read_usage_plans},
    {.key = "routes", .type = FIELD_OBJECT, .required = true, .offset = FIELD_NOWHERE, .read = routes_read},
    {.key = "stage", .type = FIELD_STRING, .offset = FIELD_NOWHERE,
     .min = 1, .max = CONFIG_STAGE_NAME_MAX, .limit = " (as on AWS)", .read = stages_read_sole},
    {.key = "stageVariables", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = stages_read_setting},
    {.key = "routeSettings", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = stages_read_setting},
    {.key = "defaultRouteSettings", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = stages_read_setting},
    {.key = "accessLog", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = stages_read_setting},
    {.key = "stages", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = stages_read},
    {.key = "domains", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = stages_read_domains},
    {.key = "disableExecuteApiEndpoint", .type = FIELD_BOOLEAN,
     .offset = offsetof(struct config, disable_execute_api_endpoint)},
    {.key = "rules", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_rules},
};
/* clang-format on */

/* What was not read, because it is no object or too much, may be referred to all the same. */
static void note_incomplete(struct reader *r, const struct node *root)
{
    const struct {
        const char *key;
        struct referable *to;
        size_t max;
    } all[] = {
        {"functions", &r->functions, CONFIG_FUNCTIONS_MAX}, {"authorizers", &r->authorizers, CONFIG_AUTHORIZERS_MAX},
        {"apiKeys", &r->api_keys, CONFIG_API_KEYS_MAX},     {"routes", &r->routes, CONFIG_ROUTES_MAX},
        {"stages", &r->stages, CONFIG_STAGES_MAX},
    };

    for (size_t i = 0; i < COUNT(all); i++) {
        struct node n = node_member(root, all[i].key);

        all[i].to->incomplete = n.item && (!cJSON_IsObject(n.item) || (size_t)cJSON_GetArraySize(n.item) > all[i].max);
    }
}

void tables_read(struct reader *r)
{
    struct node root = document_root(&r->document);

    if (!reader_is_object(r, &root))
        return;
    note_incomplete(r, &root);
    stages_prepare(r, &root);
    reader_fields(r, &root, config_fields, COUNT(config_fields), r->config);
    if (!reader_is_misspelt(&root, "stage", config_fields, COUNT(config_fields)))
        stages_check_named(r, &root);
    if (r->diagnostics->errors > 0) /* a typing error may be why something looks missing or unused */
        return;
    stage_functions_resolve(r, &root);
    if (r->diagnostics->errors > 0)
        return;
    warn_unused(r, &root, "functions", &r->functions, "no route and no authorizer uses this function");
    authorization_warn(r, &root);
    limits_warn(r, &root);
    routes_warn(r, &root);
    stages_warn(r, &root);
}
