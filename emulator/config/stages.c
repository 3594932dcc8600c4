/* stages.c - see stages.h. */
#include "config/stages.h"

#include <ctype.h>

#include "base/mem.h"
#include "config/access.h"
#include "config/checks.h"
#include "config/routes.h"
#include "config/variables.h"

/* ---- names ---- */

/* What no stage can be called, and why. */
static const struct {
    const char *name, *why;
} refused_names[] = {
    {"$default", "a WebSocket API has no $default stage (HTTP APIs have; $default here is a route); "
                 "the stage is part of the URL, give it a name such as \"dev\""},
    {"_apigw", "what is under /_apigw/ belongs to the emulator itself, so no stage can have this name here; "
               "give it a name such as \"dev\""},
};

static const char *why_refused(const char *name)
{
    for (size_t i = 0; i < COUNT(refused_names); i++)
        if (strcmp(name, refused_names[i].name) == 0)
            return refused_names[i].why;
    return NULL;
}

#define NAME_RULE "a stage's name has letters, digits, '-' and '_' only"

void stages_read_sole(struct reader *r, const struct node *n, void *target)
{
    struct config *config = target;
    const char *why = why_refused(n->item->valuestring);
    struct node stages = node_member(n->up, "stages");

    if (stages.item) {
        reader_error(r, n, document_key(&r->document, n), "either \"stage\" or \"stages\", not both");
        return;
    }
    free(config->stages[0].name); /* of a duplicate key, which was reported */
    config->stages[0].name = mem_strdup(n->item->valuestring);
    if (why)
        reader_error(r, n, document_value(&r->document, n), "%s", why);
    else
        check_characters(r, n, is_name_char, NAME_RULE);
}

/* ---- stage variables ---- */

static bool is_value_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("-._~:/?#&=,", c));
}

static bool check_variable(struct reader *r, const struct node *n)
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

static void read_variables(struct reader *r, const struct node *n, void *target)
{
    struct config_stage *stage = target;
    size_t count = count_members(r, n, CONFIG_STAGE_VARIABLES_MAX, "stage variables");

    variables_read(r, n, count, &stage->variables, check_variable);
}

/* ---- stages ---- */

/* clang-format off */
static const struct field stage_fields[] = {
    {.key = "stageVariables", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_variables},
    {.key = "routeSettings", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = routes_read_settings},
    /* Fills what routeSettings left. */
    {.key = "defaultRouteSettings", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE,
     .read = routes_read_default_settings},
    {.key = "accessLog", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = access_read},
};
/* clang-format on */

static void add_stage(struct config *config, char *name)
{
    config->stages[config->stage_count++] = (struct config_stage){.name = name};
}

void stages_prepare(struct reader *r, const struct node *root)
{
    struct node stages = node_member(root, "stages");

    r->config->stages = mem_zalloc(CONFIG_STAGES_MAX * sizeof(*r->config->stages));
    if (!stages.item)
        add_stage(r->config, NULL);
}

void stages_complete(struct config *config)
{
    for (size_t i = 0; i < config->stage_count; i++)
        if (!config->stages[i].throttles)
            config->stages[i].throttles = mem_zalloc((config->route_count + 1) * sizeof(*config->stages[i].throttles));
}

void stages_read_setting(struct reader *r, const struct node *n, void *target)
{
    struct config *config = target;
    struct node stages = node_member(n->up, "stages");

    if (stages.item) {
        reader_error(r, n, document_key(&r->document, n), "with \"stages\", this belongs into each of them");
        return;
    }
    for (size_t i = 0; i < COUNT(stage_fields); i++)
        if (strcmp(stage_fields[i].key, n->item->string) == 0)
            stage_fields[i].read(r, n, &config->stages[0]);
}

static void read_stage(struct reader *r, const struct node *n)
{
    struct config *config = r->config;
    const char *why = why_refused(n->item->string);

    add_stage(config, mem_strdup(n->item->string));
    if (why)
        reader_error(r, n, document_key(&r->document, n), "%s", why);
    else
        check_key(r, n, is_name_char, CONFIG_STAGE_NAME_MAX, NAME_RULE);
    reader_object(r, n, stage_fields, COUNT(stage_fields), &config->stages[config->stage_count - 1]);
}

void stages_read(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, object, CONFIG_STAGES_MAX, "stages");

    if (r->stages.items) /* a duplicate key, which was reported */
        return;
    if (count == 0)
        reader_error(r, object, document_key(&r->document, object), "at least one stage is needed");
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n))
        read_stage(r, &n);
    referable_init(&r->stages, config->stages, sizeof(*config->stages), config->stage_count);
}

void stages_check_named(struct reader *r, const struct node *root)
{
    struct node stage = node_member(root, "stage"), stages = node_member(root, "stages");

    if (!stage.item && !stages.item)
        reader_error(r, root, document_key(&r->document, root), "\"stage\" is missing");
}

/* ---- custom domains ---- */

static bool is_domain_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.';
}

/* AWS: letters, digits and $-_.+!*'(). */
static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("$-_.+!*'()", c));
}

/* Of more than one label, none of which is empty. */
static bool has_labels(const char *domain)
{
    size_t len = strlen(domain);

    return strchr(domain, '.') && domain[0] != '.' && domain[len - 1] != '.' && !strstr(domain, "..");
}

/* Also of all of them: "*.execute-api.us-east-1.localhost". */
static bool is_execute_api(const char *domain)
{
    return strstr(domain, ".execute-api.");
}

static char *lower_case(const char *text)
{
    char *lower = mem_strdup(text);

    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return lower;
}

/* Is it a name, and one that stands for nothing else? */
static bool check_domain(struct reader *r, const struct node *n, const char *domain)
{
    const char *labels = strncmp(domain, "*.", 2) == 0 ? domain + 2 : domain;
    const char *last = strrchr(labels, '.');
    const char *why = NULL;

    if (strlen(domain) > CONFIG_DOMAIN_MAX || labels[first_refused(labels, is_domain_char)] || !has_labels(labels))
        why = "a custom domain is the name of a host, such as \"chat.example.com\" or \"*.example.com\", without a "
              "scheme, a port or a path";
    else if (isdigit((unsigned char)last[1]))
        why = "an address is no custom domain";
    else if (is_execute_api(domain))
        why = "this is the form of an API's own host; every API has one already";
    if (why)
        reader_error(r, n, document_key(&r->document, n), "%s", why);
    return !why;
}

/* Segments between single slashes, none of which is what the emulator or AWS have taken. */
static bool check_mapping_key(struct reader *r, const struct node *n)
{
    const char *key = n->item->string, *why = NULL;
    size_t len = strlen(key);

    if (len == 0)
        return true;
    if (len > CONFIG_MAPPING_KEY_MAX)
        why = "an API mapping's key has 300 characters at most (as on AWS)";
    else if (key[0] == '/' || key[len - 1] == '/' || strstr(key, "//"))
        why = "an API mapping's key has no '/' at its ends, and none behind another";
    else if (strncmp(key, "_apigw", 6) == 0 && (key[6] == '\0' || key[6] == '/'))
        why = "what is under /_apigw/ belongs to the emulator itself";
    for (size_t i = 0; !why && i < len; i++)
        if (key[i] != '/' && !is_key_char(key[i]))
            why = "an API mapping's key has letters, digits and $-_.+!*'() only, and '/' between segments";
    if (why)
        reader_error(r, n, document_key(&r->document, n), "%s", why);
    return !why;
}

static const struct config_stage *find_mapped_stage(struct reader *r, const struct node *n)
{
    const struct config *config = r->config;

    if (r->stages.items)
        return check_reference(r, n, &r->stages);
    if (config->stage_count == 0 || !config->stages[0].name || r->stages.incomplete)
        return NULL; /* which was reported */
    if (strcmp(config->stages[0].name, n->item->valuestring) == 0)
        return &config->stages[0];
    reader_error(r, n, document_value(&r->document, n), "no stage named \"%s\"; the file has \"%s\"",
                 n->item->valuestring, config->stages[0].name);
    return NULL;
}

static void read_mapping(struct reader *r, const struct node *n, const char *domain)
{
    struct config *config = r->config;
    const struct config_stage *stage;

    if (!reader_is_string(r, n) || !check_mapping_key(r, n) || !(stage = find_mapped_stage(r, n)))
        return;
    config->mappings = mem_realloc(config->mappings, (config->mapping_count + 1) * sizeof(*config->mappings));
    config->mappings[config->mapping_count++] =
        (struct config_mapping){.domain = mem_strdup(domain), .key = mem_strdup(n->item->string), .stage = stage};
}

/* The host of a URL has no case. Domains that are spelled the same are a duplicate key, which was reported. */
static bool check_spelt_once(struct reader *r, const struct node *n)
{
    for (struct node other = node_first(n->up); other.index < n->index; other = node_next(&other)) {
        if (strcasecmp(other.item->string, n->item->string) != 0)
            continue;
        if (strcmp(other.item->string, n->item->string) != 0)
            reader_error(r, n, document_key(&r->document, n),
                         "is the same domain as \"%s\": upper and lower case are one", other.item->string);
        return false;
    }
    return true;
}

static void read_domain(struct reader *r, const struct node *n)
{
    CLEANUP(free) char *domain = lower_case(n->item->string);
    size_t count;

    if (!check_domain(r, n, domain) || !check_spelt_once(r, n) || !reader_is_object(r, n))
        return;
    count = count_members(r, n, CONFIG_MAPPINGS_MAX, "API mappings");
    if (count == 0)
        reader_error(r, n, document_key(&r->document, n),
                     "has no API mapping; {\"\": \"STAGE\"} maps the whole domain to a stage");
    for (struct node mapping = node_first(n); mapping.item && mapping.index < count; mapping = node_next(&mapping))
        read_mapping(r, &mapping, domain);
}

void stages_read_domains(struct reader *r, const struct node *object, void *target)
{
    size_t count = count_members(r, object, CONFIG_DOMAINS_MAX, "custom domains");

    if (r->config->mapping_count > 0) /* a duplicate key, which was reported */
        return;
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n))
        read_domain(r, &n);
}

void stages_warn(struct reader *r, const struct node *root)
{
    struct node disabled = node_member(root, "disableExecuteApiEndpoint");

    if (r->config->disable_execute_api_endpoint && r->config->mapping_count == 0)
        reader_warn(r, &disabled, document_value(&r->document, &disabled),
                    "there are no \"domains\": nobody can reach the API");
}
