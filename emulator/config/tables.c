/* tables.c - what routes.json may say: one table of fields for each kind of object, and AWS's rules as checks.
 *
 * routes.schema.json says the same to editors; a change here is a change there. */
#include "config/tables.h"

#include <ctype.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "config/expression_priv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NAME_MAX_CHARS 128    /* apigatewayv2: Api.name */
#define HANDLER_MAX_CHARS 128 /* lambda: Handler */
#define PATH_MAX_CHARS 4095   /* Linux: PATH_MAX with its terminator */

#define HANDLERS_LISTED_MAX 20

/* ---- characters of names and values ---- */

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool is_name_char(char c)
{
    return is_word_char(c) || c == '-';
}

static bool is_value_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("-._~:/?#&=,", c));
}

static bool is_handler_char(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f;
}

/* Where the first byte is that `allowed` refuses, or `text`'s length. */
static size_t first_refused(const char *text, bool (*allowed)(char c))
{
    size_t i = 0;

    while (text[i] && allowed(text[i]))
        i++;
    return i;
}

/* The bytes of the character at `text`. */
static size_t character_length(const char *text)
{
    size_t len = utf8_sequence(span_of_str(text));

    return len ? len : 1;
}

/* `rule`, and the character at `text` that breaks it. */
static void report_character(struct reader *r, const struct node *n, struct range where, const char *rule,
                             const char *text)
{
    CLEANUP(buf_fini) struct buf character = {0};

    diagnostics_quote(&character, span_of(text, character_length(text)));
    reader_error(r, n, where, "%s, not " SPAN_FMT, rule, SPAN_ARG(buf_span(&character)));
}

/* Checks the characters of a string value and points at the first wrong one. */
static bool check_characters(struct reader *r, const struct node *n, bool (*allowed)(char c), const char *rule)
{
    const char *text = n->item->valuestring;
    size_t at = first_refused(text, allowed);

    if (text[at])
        report_character(r, n, document_inside(&r->document, n, at, character_length(text + at)), rule, text + at);
    return !text[at];
}

/* The same for the member's key, which also has a longest length. */
static bool check_key(struct reader *r, const struct node *n, bool (*allowed)(char c), size_t max, const char *rule)
{
    const char *key = n->item->string;
    size_t at = first_refused(key, allowed);
    bool fits = at > 0 && at <= max;

    if (key[at])
        report_character(r, n, document_inside_key(&r->document, n, at, character_length(key + at)), rule, key + at);
    else if (!fits)
        reader_error(r, n, document_key(&r->document, n), "the name must be 1 to %zu characters long; this is %zu", max,
                     at);
    return !key[at] && fits;
}

/* How many members will be read; more than the limit are reported and left. */
static size_t count_members(struct reader *r, const struct node *n, size_t max, const char *what)
{
    size_t count = (size_t)cJSON_GetArraySize(n->item);

    if (count <= max)
        return count;
    reader_error(r, n, document_key(&r->document, n), "%zu %s are more than the %zu that %s", count, what, max,
                 "AWS allows by default");
    return max;
}

/* ---- variables: names and strings ---- */

static void add_variable(struct config_variables *variables, const struct node *n)
{
    variables->items[variables->count++] = (struct config_variable){
        .name = mem_strdup(n->item->string),
        .value = mem_strdup(n->item->valuestring),
    };
}

static void read_variables(struct reader *r, const struct node *object, size_t count,
                           struct config_variables *variables, bool (*check)(struct reader *r, const struct node *n))
{
    if (variables->items) /* a duplicate key, which was reported */
        return;
    variables->items = mem_zalloc(count * sizeof(*variables->items));
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n))
        if (reader_is_string(r, &n) && check(r, &n))
            add_variable(variables, &n);
}

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

    read_variables(r, n, (size_t)cJSON_GetArraySize(n->item), environment, check_environment_variable);
    size = environment_size(environment);
    if (size > CONFIG_ENVIRONMENT_BYTES_MAX)
        reader_error(r, n, document_key(&r->document, n),
                     "the variables take %zu bytes as JSON; AWS Lambda's limit is %d (4 KB) for all of a function",
                     size, CONFIG_ENVIRONMENT_BYTES_MAX);
}

static bool check_stage_variable(struct reader *r, const struct node *n)
{
    size_t length = reader_length(n->item->valuestring);

    if (!check_key(r, n, is_word_char, CONFIG_STAGE_VARIABLE_NAME_MAX,
                   "a stage variable's name has letters, digits and '_' only"))
        return false;
    if (length == 0 || length > CONFIG_STAGE_VARIABLE_VALUE_MAX) {
        reader_error(r, n, document_value(&r->document, n),
                     "a stage variable's value must be 1 to %d characters long; this is %zu",
                     CONFIG_STAGE_VARIABLE_VALUE_MAX, length);
        return false;
    }
    return check_characters(r, n, is_value_char, "a stage variable's value has letters, digits and -._~:/?#&=, only");
}

static void read_stage_variables(struct reader *r, const struct node *n, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, n, CONFIG_STAGE_VARIABLES_MAX, "stage variables");

    read_variables(r, n, count, &config->stage_variables, check_stage_variable);
}

/* ---- functions ---- */

static void check_plugin(struct reader *r, const struct node *n, void *target)
{
    struct config_function *function = target;
    CLEANUP(buf_fini) struct buf error = {0};

    free(function->plugin_path);
    function->plugin_path = plugins_find(&r->plugins, function->plugin, &error);
    if (!function->plugin_path)
        reader_error(r, n, document_value(&r->document, n), "the plugin cannot be used: " SPAN_FMT,
                     SPAN_ARG(buf_span(&error)));
}

static void check_handler_name(struct reader *r, const struct node *n, void *target)
{
    struct config_function *function = target;

    if (!check_characters(r, n, is_handler_char, "a handler's name has printable characters and no blanks"))
        free(TAKE(function->handler)); /* not to be looked for */
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
    {.key = "environment", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_environment},
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

static bool contains(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
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
    if (!contains(names, count, function->handler) && cJSON_IsString(handler.item))
        report_missing_handler(r, &handler, function->handler, names, count);
}

static void read_function(struct reader *r, const struct node *n)
{
    struct config_function *function = &r->config->functions[r->config->function_count];

    *function = (struct config_function){
        .name = mem_strdup(n->item->string),
        .timeout_ms = CONFIG_TIMEOUT_S_DEFAULT * 1000,
        .memory_mb = CONFIG_MEMORY_MB_DEFAULT,
        .concurrency = CONFIG_CONCURRENCY_DEFAULT,
        .index = r->config->function_count++,
    };
    check_key(r, n, is_name_char, CONFIG_FUNCTION_NAME_MAX,
              "a function's name has letters, digits, '-' and '_' only (as on AWS Lambda)");
    reader_object(r, n, function_fields, COUNT(function_fields), function);
    if (cJSON_IsObject(n->item))
        check_handler(r, n, function);
}

static void read_functions(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, object, CONFIG_FUNCTIONS_MAX, "functions");

    if (config->functions) /* a duplicate key, which was reported */
        return;
    r->functions_incomplete = r->functions_incomplete || count < (size_t)cJSON_GetArraySize(object->item);
    config->functions = mem_zalloc(count * sizeof(*config->functions));
    r->function_used = mem_zalloc(count * sizeof(*r->function_used));
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n))
        read_function(r, &n);
}

/* ---- routes ---- */

static const char *const reserved_keys[] = {"$connect", "$disconnect", "$default"};

static bool is_lifecycle_key(const char *key)
{
    return strcmp(key, "$connect") == 0 || strcmp(key, "$disconnect") == 0;
}

static void report_no_function(struct reader *r, const struct node *n, const char *name)
{
    const struct config *config = r->config;
    CLEANUP(free) const char **names = mem_alloc(config->function_count * sizeof(*names));
    CLEANUP(buf_fini) struct buf text = {0};

    for (size_t i = 0; i < config->function_count; i++)
        names[i] = config->functions[i].name;
    diagnostics_quote(&text, span_of_str(name));
    if (config->function_count == 0)
        buf_append_str(&text, "; the file has no functions");
    if (!diagnostics_full(r->diagnostics))
        reader_append_nearest(&text, name, names, config->function_count);
    reader_error(r, n, document_value(&r->document, n), "no function named " SPAN_FMT, SPAN_ARG(buf_span(&text)));
}

static void resolve_function(struct reader *r, const struct node *n, void *target)
{
    struct config_route *route = target;
    const struct config *config = r->config;

    for (size_t i = 0; i < config->function_count; i++) {
        if (strcmp(config->functions[i].name, n->item->valuestring) == 0) {
            route->function = &config->functions[i];
            r->function_used[i] = true;
            return;
        }
    }
    if (!r->functions_incomplete)
        report_no_function(r, n, n->item->valuestring);
}

/* clang-format off */
static const struct field route_fields[] = {
    {.key = "function", .type = FIELD_STRING, .offset = FIELD_NOWHERE,
     .max = CONFIG_FILE_BYTES_MAX, .limit = "", .read = resolve_function},
    {.key = "routeResponse", .type = FIELD_BOOLEAN, .offset = offsetof(struct config_route, route_response)},
};
/* clang-format on */

static void check_route_key(struct reader *r, const struct node *n)
{
    const char *key = n->item->string;
    CLEANUP(buf_fini) struct buf text = {0};

    if (key[0] == '\0')
        reader_error(r, n, document_key(&r->document, n), "the route key is empty; no message can select it");
    if (key[0] != '$' || contains(reserved_keys, COUNT(reserved_keys), key))
        return;
    reader_append_nearest(&text, key, reserved_keys, COUNT(reserved_keys));
    reader_error(r, n, document_key(&r->document, n),
                 "a route key starts with '$' only if it is $connect, $disconnect or $default" SPAN_FMT,
                 SPAN_ARG(buf_span(&text)));
}

/* What AWS minds, and what it ignores, about a route of this key. */
static void check_route(struct reader *r, const struct node *n, const struct config_route *route)
{
    struct node function = node_member(n, "function");
    struct node response = node_member(n, "routeResponse");

    if (!function.item && strcmp(route->key, "$connect") != 0 &&
        !reader_is_misspelt(n, "function", route_fields, COUNT(route_fields)))
        reader_error(r, n, document_key(&r->document, n),
                     "\"function\" is missing; only $connect can be a route without integration");
    if (response.item && route->route_response && is_lifecycle_key(route->key))
        diagnostics_warn(r->diagnostics, document_key(&r->document, &response),
                         "/routes/%s: \"routeResponse\" has no effect here: no message is there to be answered",
                         route->key);
}

static void read_route(struct reader *r, const struct node *n)
{
    struct config_route *route = &r->config->routes[r->config->route_count++];

    *route = (struct config_route){.key = mem_strdup(n->item->string)};
    check_route_key(r, n);
    reader_object(r, n, route_fields, COUNT(route_fields), route);
    if (cJSON_IsObject(n->item))
        check_route(r, n, route);
}

static void read_routes(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, object, CONFIG_ROUTES_MAX, "routes");

    if (config->routes) /* a duplicate key, which was reported */
        return;
    if (count == 0)
        reader_error(r, object, document_key(&r->document, object), "at least one route is needed");
    config->routes = mem_zalloc(count * sizeof(*config->routes));
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n))
        read_route(r, &n);
}

/* ---- the file ---- */

static void check_stage(struct reader *r, const struct node *n, void *target)
{
    if (strcmp(n->item->valuestring, "$default") == 0)
        reader_error(r, n, document_value(&r->document, n),
                     "a WebSocket API has no $default stage (HTTP APIs have; $default here is a route); "
                     "the stage is part of the URL, give it a name such as \"dev\"");
    else
        check_characters(r, n, is_name_char, "a stage's name has letters, digits, '-' and '_' only");
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

/* Functions stand before routes: those refer to them. */
/* clang-format off */
static const struct field config_fields[] = {
    {.key = "$schema", .type = FIELD_STRING, .offset = FIELD_NOWHERE, .max = CONFIG_FILE_BYTES_MAX, .limit = ""},
    {.key = "name", .type = FIELD_STRING, .required = true, .offset = offsetof(struct config, name),
     .min = 1, .max = NAME_MAX_CHARS, .limit = " (as on AWS)"},
    {.key = "stage", .type = FIELD_STRING, .required = true, .offset = offsetof(struct config, stage),
     .min = 1, .max = CONFIG_STAGE_NAME_MAX, .limit = " (as on AWS)", .read = check_stage},
    {.key = "routeSelectionExpression", .type = FIELD_STRING, .required = true,
     .offset = offsetof(struct config, route_selection_expression),
     .min = 1, .max = EXPRESSION_BYTES_MAX, .limit = "", .read = check_selection},
    {.key = "functions", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_functions},
    {.key = "routes", .type = FIELD_OBJECT, .required = true, .offset = FIELD_NOWHERE, .read = read_routes},
    {.key = "stageVariables", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_stage_variables},
};
/* clang-format on */

static void warn_unused(struct reader *r, const struct node *root)
{
    struct node functions = node_member(root, "functions");

    if (!functions.item)
        return;
    for (struct node n = node_first(&functions); n.item; n = node_next(&n))
        if (!r->function_used[n.index])
            diagnostics_warn(r->diagnostics, document_key(&r->document, &n),
                             "/functions/%s: no route uses this function", n.item->string);
}

void tables_read(struct reader *r)
{
    struct node root = document_root(&r->document);
    struct node functions;

    functions = node_member(&root, "functions");
    r->functions_incomplete = functions.item && !cJSON_IsObject(functions.item);
    reader_object(r, &root, config_fields, COUNT(config_fields), r->config);
    if (r->diagnostics->errors == 0) /* else a typing error may be why it looks unused */
        warn_unused(r, &root);
}
