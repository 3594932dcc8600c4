/* limits.c - throttles, API keys and usage plans. */
#include "config/limits.h"

#include "base/mem.h"
#include "config/checks.h"

/* ---- throttles ---- */

void limits_read_throttle(struct reader *r, const struct node *object, const struct field *fields, size_t count,
                          struct config_throttle *ret)
{
    *ret = (struct config_throttle){
        .set = node_first(object).item,
        .rate_limit = CONFIG_THROTTLE_RATE_DEFAULT,
        .burst_limit = CONFIG_THROTTLE_BURST_DEFAULT,
    };
    reader_fields(r, object, fields, count, ret);
}

/* ---- API keys ---- */

static bool is_key_char(char c)
{
    return c > ' ' && c < 0x7f;
}

static void check_key_value(struct reader *r, const struct node *n, void *target)
{
    check_characters(r, n, is_key_char,
                     "an API key is sent in a header: it has printable ASCII characters and no blanks");
}

/* clang-format off */
static const struct field api_key_fields[] = {
    {.key = "value", .type = FIELD_STRING, .required = true, .offset = offsetof(struct config_api_key, value),
     .min = CONFIG_API_KEY_MIN, .max = CONFIG_API_KEY_MAX, .limit = " (as on AWS)", .read = check_key_value},
    {.key = "enabled", .type = FIELD_BOOLEAN, .offset = offsetof(struct config_api_key, enabled)},
};
/* clang-format on */

void limits_read_api_keys(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, object, CONFIG_API_KEYS_MAX, "API keys");

    if (config->api_keys) /* a duplicate key, which was reported */
        return;
    config->api_keys = mem_zalloc(count * sizeof(*config->api_keys));
    referable_init(&r->api_keys, config->api_keys, sizeof(*config->api_keys), count);
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n)) {
        struct config_api_key *key = &config->api_keys[config->api_key_count++];

        *key = (struct config_api_key){.name = mem_strdup(n.item->string), .enabled = true};
        check_free_name(r, &n);
        reader_object(r, &n, api_key_fields, COUNT(api_key_fields), key);
    }
    check_unique(r, object, "value");
}

void limits_read_key_selection(struct reader *r, const struct node *n, void *target)
{
    static const char *const expressions[] = {"$request.header.x-api-key", "$context.authorizer.usageIdentifierKey"};

    ((struct config *)target)->api_key_from_authorizer = check_choice(r, n, expressions, COUNT(expressions)) == 1;
}

/* ---- usage plans ---- */

static void add_plan_key(struct reader *r, const struct node *n, struct config_usage_plan *plan)
{
    const struct config_api_key *key = check_reference(r, n, &r->api_keys);

    if (!key)
        return;
    plan->api_keys[plan->api_key_count++] = key;
    if (r->api_keys.used[referable_index(&r->api_keys, key)] > 1)
        reader_error(r, n, document_value(&r->document, n),
                     "this API key is in a usage plan already; a stage looks for one plan per key (as on AWS)");
}

static void read_plan_keys(struct reader *r, const struct node *array, void *target)
{
    struct config_usage_plan *plan = target;

    if (plan->api_keys || r->api_keys.incomplete) /* a duplicate key, or keys that were not read: it was reported */
        return;
    plan->api_keys = mem_zalloc((size_t)cJSON_GetArraySize(array->item) * sizeof(*plan->api_keys));
    for (struct node n = node_first(array); n.item && !too_many_errors(r); n = node_next(&n))
        if (reader_is_string(r, &n))
            add_plan_key(r, &n, plan);
}

/* clang-format off */
static const struct field throttle_fields[] = {
    {.key = "rateLimit", .type = FIELD_NUMBER, .offset = offsetof(struct config_throttle, rate_limit),
     .max = LIMITS_NUMBER_MAX, .limit = " requests per second"},
    {.key = "burstLimit", .type = FIELD_NUMBER, .whole = true, .offset = offsetof(struct config_throttle, burst_limit),
     .max = LIMITS_NUMBER_MAX, .limit = " requests"},
};
/* clang-format on */

static void read_plan_throttle(struct reader *r, const struct node *n, void *target)
{
    limits_read_throttle(r, n, throttle_fields, COUNT(throttle_fields),
                         &((struct config_usage_plan *)target)->throttle);
}

struct quota {
    unsigned limit;
    enum config_quota_period period;
};

static void read_quota_period(struct reader *r, const struct node *n, void *target)
{
    static const char *const periods[] = {
        [CONFIG_QUOTA_DAY] = "DAY",
        [CONFIG_QUOTA_WEEK] = "WEEK",
        [CONFIG_QUOTA_MONTH] = "MONTH",
    };
    int period = check_choice(r, n, periods, COUNT(periods));

    if (period >= 0)
        ((struct quota *)target)->period = (enum config_quota_period)period;
}

/* clang-format off */
static const struct field quota_fields[] = {
    {.key = "limit", .type = FIELD_INTEGER, .required = true, .offset = offsetof(struct quota, limit),
     .min = 1, .max = LIMITS_NUMBER_MAX, .scale = 1, .limit = " requests"},
    {.key = "period", .type = FIELD_STRING, .required = true, .offset = FIELD_NOWHERE,
     .max = CONFIG_FILE_BYTES_MAX, .limit = "", .read = read_quota_period},
};
/* clang-format on */

static void read_plan_quota(struct reader *r, const struct node *n, void *target)
{
    struct config_usage_plan *plan = target;
    struct quota quota = {0};

    reader_fields(r, n, quota_fields, COUNT(quota_fields), &quota);
    plan->has_quota = true;
    plan->quota_limit = quota.limit;
    plan->quota_period = quota.period;
}

/* clang-format off */
static const struct field usage_plan_fields[] = {
    {.key = "apiKeys", .type = FIELD_ARRAY, .offset = FIELD_NOWHERE, .read = read_plan_keys},
    {.key = "throttle", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_plan_throttle},
    {.key = "quota", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = read_plan_quota},
};
/* clang-format on */

void limits_read_usage_plans(struct reader *r, const struct node *object, void *target)
{
    struct config *config = target;
    size_t count = count_members(r, object, CONFIG_USAGE_PLANS_MAX, "usage plans");

    if (config->usage_plans) /* a duplicate key, which was reported */
        return;
    config->usage_plans = mem_zalloc(count * sizeof(*config->usage_plans));
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n)) {
        struct config_usage_plan *plan = &config->usage_plans[config->usage_plan_count++];

        plan->name = mem_strdup(n.item->string);
        check_free_name(r, &n);
        reader_object(r, &n, usage_plan_fields, COUNT(usage_plan_fields), plan);
    }
}

void limits_warn(struct reader *r, const struct node *root)
{
    struct node plans = node_member(root, "usagePlans");

    warn_unused(r, root, "apiKeys", &r->api_keys, "no usage plan has this key, so it opens nothing (as on AWS)");
    if (!plans.item)
        return;
    for (struct node n = node_first(&plans); n.item; n = node_next(&n))
        if (r->config->usage_plans[n.index].api_key_count == 0)
            reader_warn(r, &n, document_key(&r->document, &n), "no API key is in this usage plan, so it limits nobody");
}
