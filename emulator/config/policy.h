/* policy.h - the grammar of an IAM policy, as far as it can be told without evaluating one: a policy with a typing
 * error would refuse everything and not say why. */
#ifndef CONFIG_POLICY_H
#define CONFIG_POLICY_H

#include "config/reader.h"

/* Checks the policy document of an IAM user: an object, of which nothing is stored. */
void policy_check(struct reader *r, const struct node *object);

#endif
