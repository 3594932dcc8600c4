/* api_keys.c - see api_keys.h. What a client sends is never logged: the key's name is. */
#include "authorization/api_keys.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <time.h>

#include "base/mem.h"
#include "gateway/token_bucket.h"

#define DAY_MS (24u * 3600u * 1000u)

/* What one key has used. */
struct meter {
    const struct config_usage_plan *plan; /* NULL: the key is in none */
    struct token_bucket bucket;
    uint64_t period; /* the one that `used` is of */
    uint64_t used;
};

struct api_keys {
    const struct config *config;
    struct meter meters[]; /* one for each of the config's keys */
};

/* AWS lets a key be in one usage plan for a stage, so the first is the only one. */
static void enter_plan(struct api_keys *keys, const struct config_usage_plan *plan)
{
    for (size_t i = 0; i < plan->api_key_count; i++) {
        struct meter *meter = &keys->meters[plan->api_keys[i] - keys->config->api_keys];

        if (meter->plan)
            continue;
        meter->plan = plan;
        token_bucket_init(&meter->bucket, plan->throttle.rate_limit, plan->throttle.burst_limit);
    }
}

struct api_keys *api_keys_new(const struct config *config)
{
    struct api_keys *keys = mem_zalloc(sizeof(*keys) + config->api_key_count * sizeof(keys->meters[0]));

    keys->config = config;
    for (size_t i = 0; i < config->usage_plan_count; i++)
        enter_plan(keys, &config->usage_plans[i]);
    return keys;
}

void api_keys_free(struct api_keys *keys)
{
    free(keys);
}

/* In a time that does not tell how much of a value is right. */
static const struct config_api_key *find_key(const struct config *config, struct span value)
{
    for (size_t i = 0; i < config->api_key_count; i++) {
        const struct span known = span_of_str(config->api_keys[i].value);

        if (known.len == value.len && CRYPTO_memcmp(known.ptr, value.ptr, value.len) == 0)
            return &config->api_keys[i];
    }
    return NULL;
}

/* ---- quotas ---- */

/* Of each kind of period: its number, counted from some beginning. */
static uint64_t day_of(uint64_t wall_ms)
{
    return wall_ms / DAY_MS;
}

static uint64_t week_of(uint64_t wall_ms)
{
    return (day_of(wall_ms) + 4) / 7; /* 1970 began on a Thursday, four days behind a Sunday */
}

static uint64_t month_of(uint64_t wall_ms)
{
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    return (uint64_t)tm.tm_year * 12 + (uint64_t)tm.tm_mon;
}

static const struct {
    uint64_t (*number)(uint64_t wall_ms);
    const char *name;
} periods[] = {
    [CONFIG_QUOTA_DAY] = {day_of, "day"},
    [CONFIG_QUOTA_WEEK] = {week_of, "week"},
    [CONFIG_QUOTA_MONTH] = {month_of, "month"},
};

/* False if the quota is used up. */
static bool take_from_quota(struct meter *meter, uint64_t wall_ms)
{
    const uint64_t period = periods[meter->plan->quota_period].number(wall_ms);

    if (!meter->plan->has_quota)
        return true;
    if (meter->period != period)
        meter->used = 0;
    meter->period = period;
    if (meter->used >= meter->plan->quota_limit)
        return false;
    meter->used++;
    return true;
}

/* ---- using a key ---- */

static void deny(struct denial *denial, enum rule_id rule, const struct config_api_key *key, const char *why)
{
    denial_set(denial, rule, NULL);
    if (key)
        buf_printf(&denial->detail, "the API key %s ", key->name);
    buf_append_str(&denial->detail, why);
}

static void deny_quota(struct denial *denial, const struct config_api_key *key, const struct config_usage_plan *plan)
{
    deny(denial, RULE_USAGE_PLAN_QUOTA, key, "");
    buf_printf(&denial->detail, "has had its %" PRIu64 " requests of this %s (usage plan %s)", plan->quota_limit,
               periods[plan->quota_period].name, plan->name);
}

static void deny_throttle(struct denial *denial, const struct config_api_key *key, const struct config_usage_plan *plan)
{
    deny(denial, RULE_USAGE_PLAN_THROTTLE, key, "");
    buf_printf(&denial->detail, "may be used %g times a second, and %g times at once (usage plan %s)",
               plan->throttle.rate_limit, plan->throttle.burst_limit, plan->name);
}

const struct config_api_key *api_keys_use(struct api_keys *keys, struct span value, uint64_t mono_ns, uint64_t wall_ms,
                                          struct denial *denial)
{
    const struct config_api_key *key = value.len ? find_key(keys->config, value) : NULL;
    struct meter *meter = key ? &keys->meters[key - keys->config->api_keys] : NULL;

    if (!value.len)
        deny(denial, RULE_API_KEY_INVALID, NULL, "$connect requires an API key, and there is none");
    else if (!key)
        deny(denial, RULE_API_KEY_INVALID, NULL, "no API key has the value that was sent");
    else if (!key->enabled)
        deny(denial, RULE_API_KEY_INVALID, key, "is not enabled");
    else if (!meter->plan)
        deny(denial, RULE_API_KEY_INVALID, key, "is in no usage plan");
    else if (meter->plan->throttle.set && !token_bucket_take(&meter->bucket, mono_ns))
        deny_throttle(denial, key, meter->plan);
    else if (!take_from_quota(meter, wall_ms))
        deny_quota(denial, key, meter->plan);
    return denial->rule ? NULL : key;
}

void api_key_write_id(const struct config_api_key *key, char *out)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (const char *at = key->name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    for (size_t i = 0; i < API_KEY_ID_SIZE - 1; i++, hash /= 36)
        out[i] = digits[hash % 36];
    out[API_KEY_ID_SIZE - 1] = '\0';
}
