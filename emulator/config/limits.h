/* limits.h - throttles, API keys and the usage plans they belong to. */
#ifndef CONFIG_LIMITS_H
#define CONFIG_LIMITS_H

#include "config/reader.h"

#define LIMITS_NUMBER_MAX 2147483647 /* AWS's limits are 32-bit integers */

/* A throttle by the table of its fields, one for its rate and one for its burst. What it leaves out takes AWS's
 * default; if that is all, it is not set. */
void limits_read_throttle(struct reader *r, const struct node *object, const struct field *fields, size_t count,
                          struct config_throttle *ret);

void limits_read_api_keys(struct reader *r, const struct node *object, void *target);
void limits_read_key_selection(struct reader *r, const struct node *n, void *target);
void limits_read_usage_plans(struct reader *r, const struct node *object, void *target);

/* Warns of keys without a plan, and of plans without a key; when there are no errors. */
void limits_warn(struct reader *r, const struct node *root);

#endif
