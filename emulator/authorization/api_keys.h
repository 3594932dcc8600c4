/* api_keys.h - API keys, and the usage plans that say how much each may be used.
 *
 * A key counts only if it is enabled and in a usage plan. Each key has a bucket and a quota of its own; quotas are per
 * day, week or month of UTC.
 *
 * Owner    api_keys_new to api_keys_free; the config is borrowed for as long. Pure but for what was used: the times are
 *          arguments. Loop thread only. */
#ifndef AUTHORIZATION_API_KEYS_H
#define AUTHORIZATION_API_KEYS_H

#include <stdint.h>

#include "authorization/denial.h"
#include "base/span.h"
#include "config/config.h"

struct api_keys;

struct api_keys *api_keys_new(const struct config *config);
void api_keys_free(struct api_keys *keys); /* NULL is fine */

/* Uses the key that has this value once, at `mono_ns` and `wall_ms` (base/clock.h). NULL with `denial` filled in if it
 * may not be used; an empty `value` stands for none. */
const struct config_api_key *api_keys_use(struct api_keys *keys, struct span value, uint64_t mono_ns, uint64_t wall_ms,
                                          struct denial *denial);

/* identity.apiKeyId: ten of [a-z0-9], always the same for one key's name. `out` holds API_KEY_ID_SIZE. */
#define API_KEY_ID_SIZE 11
void api_key_write_id(const struct config_api_key *key, char *out);

#endif
