/* authorization.c - Lambda authorizers and IAM callers. */
#include "config/authorization.h"

#include "base/mem.h"
#include "config/checks.h"
#include "config/policy.h"

#define USER_NAME_MAX 64 /* iam: UserName */
#define ACCESS_KEY_ID_MAX 128
#define SECRET_MAX 128
#define SESSION_TOKEN_MAX 4096
#define ARN_MAX 2048
#define ARN_PARTS 6

/* ---- authorizers ---- */

static const struct {
    const char *prefix;
    enum config_identity_place place;
} identity_places[] = {
    {"route.request.header.", CONFIG_IDENTITY_HEADER},
    {"route.request.querystring.", CONFIG_IDENTITY_QUERYSTRING},
    {"context.", CONFIG_IDENTITY_CONTEXT},
    {"stageVariables.", CONFIG_IDENTITY_STAGE},
};

/* What follows a prefix of `text`, and which that is; NULL if it has none or nothing follows. */
static const char *identity_name(const char *text, enum config_identity_place *ret_place)
{
    for (size_t i = 0; i < COUNT(identity_places); i++) {
        size_t len = strlen(identity_places[i].prefix);

        if (strncmp(text, identity_places[i].prefix, len) != 0)
            continue;
        *ret_place = identity_places[i].place;
        return text[len] ? text + len : NULL;
    }
    return NULL;
}

/* HTTP APIs write $request.header.X; AWS refuses that for WebSocket APIs. */
static void report_identity_source(struct reader *r, const struct node *n)
{
    static const char http_api[] = "$request.";
    const char *text = n->item->valuestring;
    CLEANUP(buf_fini) struct buf hint = {0};

    if (strncmp(text, http_api, strlen(http_api)) == 0) {
        diagnostics_append(&hint, span_of_str(text + strlen(http_api)));
        reader_error(
            r, n, document_value(&r->document, n),
            "HTTP APIs write \"$request.\", and AWS refuses it for WebSocket APIs; write \"route.request." SPAN_FMT
            "\"",
            SPAN_ARG(buf_span(&hint)));
        return;
    }
    diagnostics_quote(&hint, span_of_str(text));
    reader_error(r, n, document_value(&r->document, n),
                 "an identity source is route.request.header.NAME, route.request.querystring.NAME, context.NAME or "
                 "stageVariables.NAME, not " SPAN_FMT,
                 SPAN_ARG(buf_span(&hint)));
}

static void read_identity_sources(struct reader *r, const struct node *array, void *target)
{
    struct config_authorizer *authorizer = target;

    if (authorizer->identity_sources) /* a duplicate key, which was reported */
        return;
    authorizer->identity_sources =
        mem_zalloc((size_t)cJSON_GetArraySize(array->item) * sizeof(*authorizer->identity_sources));
    for (struct node n = node_first(array); n.item; n = node_next(&n)) {
        struct config_identity_source *source = &authorizer->identity_sources[authorizer->identity_source_count];
        const char *name;

        if (!reader_is_string(r, &n))
            continue;
        name = identity_name(n.item->valuestring, &source->place);
        if (!name) {
            report_identity_source(r, &n);
            continue;
        }
        source->name = mem_strdup(name);
        authorizer->identity_source_count++;
    }
}

static void read_authorizer_function(struct reader *r, const struct node *n, void *target)
{
    ((struct config_authorizer *)target)->function = check_reference(r, n, &r->functions);
}

/* clang-format off */
static const struct field authorizer_fields[] = {
    {.key = "function", .type = FIELD_STRING, .required = true, .offset = FIELD_NOWHERE,
     .max = CONFIG_FILE_BYTES_MAX, .limit = "", .read = read_authorizer_function},
    {.key = "identitySource", .type = FIELD_ARRAY, .offset = FIELD_NOWHERE, .read = read_identity_sources},
};
/* clang-format on */

void authorization_read_authorizers(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, object, CONFIG_AUTHORIZERS_MAX, "authorizers");

    if (config->authorizers) /* a duplicate key, which was reported */
        return;
    config->authorizers = mem_zalloc(count * sizeof(*config->authorizers));
    referable_init(&r->authorizers, config->authorizers, sizeof(*config->authorizers), count);
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n)) {
        struct config_authorizer *authorizer = &config->authorizers[config->authorizer_count++];

        authorizer->name = mem_strdup(n.item->string);
        check_free_name(r, &n);
        reader_object(r, &n, authorizer_fields, COUNT(authorizer_fields), authorizer);
    }
}

/* ---- IAM callers ---- */

static bool is_user_char(char c)
{
    return is_name_char(c) || (c && strchr("+=,.@", c));
}

static void check_access_key_id(struct reader *r, const struct node *n, void *target)
{
    check_characters(r, n, is_word_char, "an access key id has letters, digits and '_' only");
}

static void check_session_token(struct reader *r, const struct node *n, void *target)
{
    check_characters(r, n, is_visible_char,
                     "a session token is sent in a header: it has printable characters and no blanks");
}

static void check_arn(struct reader *r, const struct node *n, void *target)
{
    const char *text = n->item->valuestring;
    size_t parts = 1;

    for (const char *at = text; (at = strchr(at, ':')); at++)
        parts++;
    if (strncmp(text, "arn:", 4) != 0 || parts < ARN_PARTS)
        reader_error(r, n, document_value(&r->document, n),
                     "must be an ARN such as arn:aws:iam::123456789012:user/alice");
}

static void read_policy(struct reader *r, const struct node *n, void *target)
{
    policy_check(r, n); /* and keep_policies will keep it */
}

/* clang-format off */
static const struct field credential_fields[] = {
    {.key = "accessKeyId", .type = FIELD_STRING, .required = true,
     .offset = offsetof(struct config_credential, access_key_id),
     .min = 1, .max = ACCESS_KEY_ID_MAX, .limit = " (as on AWS)", .read = check_access_key_id},
    {.key = "secretAccessKey", .type = FIELD_STRING, .required = true,
     .offset = offsetof(struct config_credential, secret_access_key), .min = 1, .max = SECRET_MAX, .limit = ""},
    {.key = "sessionToken", .type = FIELD_STRING, .offset = offsetof(struct config_credential, session_token),
     .min = 1, .max = SESSION_TOKEN_MAX, .limit = "", .read = check_session_token},
    {.key = "userArn", .type = FIELD_STRING, .offset = offsetof(struct config_credential, user_arn),
     .min = 1, .max = ARN_MAX, .limit = " (as on AWS)", .read = check_arn},
    {.key = "policy", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_policy},
};
/* clang-format on */

static void read_credential(struct reader *r, const struct node *n)
{
    struct config_credential *credential = &r->config->credentials[r->config->credential_count++];

    credential->name = mem_strdup(n->item->string);
    check_key(r, n, is_user_char, USER_NAME_MAX, "a user's name has letters, digits and +=,.@-_ only (as on AWS)");
    reader_object(r, n, credential_fields, COUNT(credential_fields), credential);
    if (!credential->user_arn)
        credential->user_arn = mem_printf("arn:aws:iam::%s:user/%s", r->config->account_id, credential->name);
}

/* The text of each policy as it stands: who evaluates it reads it then. One walk for all of them, as each place in the
 * text is found by walking. */
static void keep_policies(struct reader *r, const struct node *object)
{
    struct config *config = r->config;
    struct json_value value = {JSON_OBJECT, document_text(&r->document, object)};
    struct json_value policy;
    struct json_iter it;
    struct span key;

    json_iter_init(&it, value);
    for (size_t i = 0; i < config->credential_count && json_iter_next(&it, &key, &value); i++)
        if (value.type == JSON_OBJECT && json_get(value, SPAN("policy"), &policy))
            config->credentials[i].policy = mem_span_dup(policy.raw);
}

static void read_credentials(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, object, CONFIG_CREDENTIALS_MAX, "credentials");

    if (config->credentials) /* a duplicate key, which was reported */
        return;
    config->credentials = mem_zalloc(count * sizeof(*config->credentials));
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n))
        read_credential(r, &n);
    keep_policies(r, object);
    check_unique(r, object, "accessKeyId");
}

/* clang-format off */
static const struct field iam_fields[] = {
    {.key = "credentials", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_credentials},
    {.key = "connections", .type = FIELD_BOOLEAN, .offset = offsetof(struct config, connections_iam)},
};
/* clang-format on */

void authorization_read_iam(struct reader *r, const struct node *object, void *target)
{
    reader_fields(r, object, iam_fields, COUNT(iam_fields), target);
}

/* ---- warnings ---- */

static bool has_variable(const struct config_variables *variables, const char *name)
{
    for (size_t i = 0; i < variables->count; i++)
        if (strcmp(variables->items[i].name, name) == 0)
            return true;
    return false;
}

/* The first stage without that variable, or NULL. */
static const struct config_stage *stage_without(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->stage_count; i++)
        if (!has_variable(&config->stages[i].variables, name))
            return &config->stages[i];
    return NULL;
}

/* An identity source that is never there refuses everybody. */
static void warn_missing_variables(struct reader *r, const struct node *n, const struct config_authorizer *authorizer)
{
    struct node sources = node_member(n, "identitySource");

    if (!sources.item)
        return;
    for (struct node at = node_first(&sources); at.item; at = node_next(&at)) {
        const struct config_identity_source *source = &authorizer->identity_sources[at.index];
        const struct config_stage *stage =
            source->place == CONFIG_IDENTITY_STAGE ? stage_without(r->config, source->name) : NULL;

        if (stage && r->config->stage_count == 1)
            reader_warn(r, &at, document_value(&r->document, &at), "no such stage variable: every client is refused");
        else if (stage)
            reader_warn(r, &at, document_value(&r->document, &at),
                        "the stage \"%s\" has no such variable: every client of it is refused", stage->name);
    }
}

void authorization_warn(struct reader *r, const struct node *root)
{
    struct node iam = node_member(root, "iam");
    struct node authorizers = node_member(root, "authorizers");

    warn_unused(r, root, "authorizers", &r->authorizers, "no route uses this authorizer");
    if (authorizers.item)
        for (struct node n = node_first(&authorizers); n.item; n = node_next(&n))
            warn_missing_variables(r, &n, &r->config->authorizers[n.index]);
    if (r->config->connections_iam && r->config->credential_count == 0) {
        struct node connections = node_member(&iam, "connections");

        reader_warn(r, &connections, document_value(&r->document, &connections),
                    "\"iam\" has no credentials to sign with: every request to @connections is refused");
    }
}
