/* routes.c - routes, who may take them, and how often. */
#include "config/routes.h"

#include "base/mem.h"
#include "config/checks.h"
#include "config/limits.h"
#include "config/stage_functions.h"

static const char *const reserved_keys[] = {"$connect", "$disconnect", "$default"};

static bool is_connect(const struct node *route)
{
    return strcmp(route->item->string, "$connect") == 0;
}

static bool is_lifecycle_key(const char *key)
{
    return strcmp(key, "$connect") == 0 || strcmp(key, "$disconnect") == 0;
}

static void read_route_function(struct reader *r, const struct node *n, void *target)
{
    stage_functions_check(r, n);
}

static void read_authorization_type(struct reader *r, const struct node *n, void *target)
{
    static const char *const types[] = {
        [CONFIG_AUTHORIZATION_NONE] = "NONE",
        [CONFIG_AUTHORIZATION_CUSTOM] = "CUSTOM",
        [CONFIG_AUTHORIZATION_IAM] = "AWS_IAM",
    };
    int type = check_choice(r, n, types, COUNT(types));

    if (type >= 0)
        ((struct config_route *)target)->authorization = (enum config_authorization)type;
}

static void read_route_authorizer(struct reader *r, const struct node *n, void *target)
{
    ((struct config_route *)target)->authorizer = check_reference(r, n, &r->authorizers);
}

/* clang-format off */
static const struct field route_fields[] = {
    {.key = "function", .type = FIELD_STRING, .offset = offsetof(struct config_route, function),
     .max = CONFIG_FILE_BYTES_MAX, .limit = "", .read = read_route_function},
    {.key = "routeResponse", .type = FIELD_BOOLEAN, .offset = offsetof(struct config_route, route_response)},
    {.key = "authorizationType", .type = FIELD_STRING, .offset = FIELD_NOWHERE,
     .max = CONFIG_FILE_BYTES_MAX, .limit = "", .read = read_authorization_type},
    {.key = "authorizer", .type = FIELD_STRING, .offset = FIELD_NOWHERE,
     .max = CONFIG_FILE_BYTES_MAX, .limit = "", .read = read_route_authorizer},
    {.key = "apiKeyRequired", .type = FIELD_BOOLEAN, .offset = offsetof(struct config_route, api_key_required)},
};
/* clang-format on */

static void check_route_key(struct reader *r, const struct node *n)
{
    const char *key = n->item->string;
    CLEANUP(buf_fini) struct buf text = {0};

    if (key[0] == '\0')
        reader_error(r, n, document_key(&r->document, n), "the route key is empty; no message can select it");
    if (key[0] != '$' || is_one_of(key, reserved_keys, COUNT(reserved_keys)))
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

    if (!function.item && !is_connect(n) && !reader_is_misspelt(n, "function", route_fields, COUNT(route_fields)))
        reader_error(r, n, document_key(&r->document, n),
                     "\"function\" is missing; only $connect can be a route without integration");
    if (response.item && route->route_response && is_lifecycle_key(route->key))
        diagnostics_warn(r->diagnostics, document_key(&r->document, &response),
                         "/routes/%s: \"routeResponse\" has no effect here: no message is there to be answered",
                         route->key);
}

#define WHY_CONNECT_ALONE "AWS authorizes the handshake, not each message"

/* Every other route is open to whoever is connected. */
static void check_no_authorization(struct reader *r, const struct node *n, const struct config_route *route)
{
    struct node type = node_member(n, "authorizationType");
    struct node authorizer = node_member(n, "authorizer");
    struct node required = node_member(n, "apiKeyRequired");

    if (type.item && route->authorization != CONFIG_AUTHORIZATION_NONE)
        reader_error(r, &type, document_value(&r->document, &type), "only $connect is authorized: " WHY_CONNECT_ALONE);
    if (authorizer.item)
        reader_error(r, &authorizer, document_key(&r->document, &authorizer),
                     "only $connect is authorized: " WHY_CONNECT_ALONE);
    if (required.item && route->api_key_required)
        reader_error(r, &required, document_value(&r->document, &required),
                     "only $connect can ask for an API key: " WHY_CONNECT_ALONE);
}

static bool is_type_without_authorizer(const cJSON *type)
{
    return type && cJSON_IsString(type) &&
           (strcmp(type->valuestring, "NONE") == 0 || strcmp(type->valuestring, "AWS_IAM") == 0);
}

static void check_authorization(struct reader *r, const struct node *n, struct config_route *route)
{
    struct node type = node_member(n, "authorizationType");
    struct node authorizer = node_member(n, "authorizer");

    if (!type.item && authorizer.item)
        route->authorization = CONFIG_AUTHORIZATION_CUSTOM;
    if (route->authorization == CONFIG_AUTHORIZATION_CUSTOM && !authorizer.item &&
        !reader_is_misspelt(n, "authorizer", route_fields, COUNT(route_fields)))
        reader_error(r, &type, document_value(&r->document, &type),
                     "CUSTOM is authorization by a Lambda authorizer: \"authorizer\" must name one");
    if (is_type_without_authorizer(type.item) && authorizer.item)
        reader_error(r, &authorizer, document_key(&r->document, &authorizer),
                     "only with \"authorizationType\": \"CUSTOM\", not \"%s\"", type.item->valuestring);
}

static void read_route(struct reader *r, const struct node *n)
{
    struct config_route *route = &r->config->routes[r->config->route_count++];

    *route = (struct config_route){.key = mem_strdup(n->item->string)};
    check_route_key(r, n);
    reader_object(r, n, route_fields, COUNT(route_fields), route);
    if (cJSON_IsObject(n->item)) {
        check_route(r, n, route);
        if (is_connect(n))
            check_authorization(r, n, route);
        else
            check_no_authorization(r, n, route);
    }
}

void routes_read(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, object, CONFIG_ROUTES_MAX, "routes");

    if (config->routes) /* a duplicate key, which was reported */
        return;
    if (count == 0)
        reader_error(r, object, document_key(&r->document, object), "at least one route is needed");
    config->routes = mem_zalloc(count * sizeof(*config->routes));
    referable_init(&r->routes, config->routes, sizeof(*config->routes), count);
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n))
        read_route(r, &n);
}

/* ---- throttle settings ---- */

/* clang-format off */
static const struct field settings_fields[] = {
    {.key = "throttlingRateLimit", .type = FIELD_NUMBER, .offset = offsetof(struct config_throttle, rate_limit),
     .max = LIMITS_NUMBER_MAX, .limit = " requests per second"},
    {.key = "throttlingBurstLimit", .type = FIELD_NUMBER, .whole = true,
     .offset = offsetof(struct config_throttle, burst_limit), .max = LIMITS_NUMBER_MAX, .limit = " requests"},
};
/* clang-format on */

static struct config_route *find_route(struct config *config, const char *key)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (strcmp(config->routes[i].key, key) == 0)
            return &config->routes[i];
    return NULL;
}

/* The throttles of a stage, which are made with its first settings. */
static struct config_throttle *throttles_of(const struct config *config, struct config_stage *stage)
{
    if (!stage->throttles)
        stage->throttles = mem_zalloc((config->route_count + 1) * sizeof(*stage->throttles));
    return stage->throttles;
}

void routes_read_settings(struct reader *r, const struct node *object, void *target)
{
    struct config_throttle *throttles = throttles_of(r->config, target);

    for (struct node n = node_first(object); n.item; n = node_next(&n)) {
        const struct config_route *route = find_route(r->config, n.item->string);
        struct config_throttle nowhere;

        if (!route)
            report_dangling(r, &n, document_key(&r->document, &n), n.item->string, &r->routes);
        if (reader_is_object(r, &n))
            limits_read_throttle(r, &n, settings_fields, COUNT(settings_fields),
                                 route ? &throttles[route - r->config->routes] : &nowhere);
    }
}

void routes_read_default_settings(struct reader *r, const struct node *object, void *target)
{
    struct config_throttle *throttles = throttles_of(r->config, target);
    struct config_throttle throttle;

    limits_read_throttle(r, object, settings_fields, COUNT(settings_fields), &throttle);
    for (size_t i = 0; i < r->config->route_count; i++)
        if (!throttles[i].set)
            throttles[i] = throttle;
}

/* ---- what no handshake can pass ---- */

static void warn_refused(struct reader *r, const struct node *connect, const char *key, const char *why)
{
    struct node n = node_member(connect, key);

    reader_warn(r, &n, document_value(&r->document, &n), "%s: every client is refused", why);
}

void routes_warn(struct reader *r, const struct node *root)
{
    struct config *config = r->config;
    const struct config_route *route = find_route(config, "$connect");
    struct node routes = node_member(root, "routes");
    struct node keys = node_member(root, "apiKeys");
    struct node connect = node_member(&routes, "$connect");

    if (route && route->authorization == CONFIG_AUTHORIZATION_IAM && config->credential_count == 0)
        warn_refused(r, &connect, "authorizationType", "\"iam\" has no credentials to sign with");
    if (route && route->api_key_required && config->api_key_from_authorizer && !route->authorizer)
        warn_refused(r, &connect, "apiKeyRequired",
                     "\"apiKeySelectionExpression\" needs an authorizer to name the key");
    if (route && route->api_key_required && config->api_key_count == 0)
        warn_refused(r, &connect, "apiKeyRequired", "there are no \"apiKeys\"");
    if (config->api_key_count > 0 && !(route && route->api_key_required))
        reader_warn(r, &keys, document_key(&r->document, &keys),
                    "nobody needs one: $connect has no \"apiKeyRequired\": true");
}
