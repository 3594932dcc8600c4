/* authorization.h - who may connect: Lambda authorizers and IAM callers. */
#ifndef CONFIG_AUTHORIZATION_H
#define CONFIG_AUTHORIZATION_H

#include "config/reader.h"

/* Functions must have been read. */
void authorization_read_authorizers(struct reader *r, const struct node *object, void *target);
void authorization_read_iam(struct reader *r, const struct node *object, void *target);

/* Warns of what is not used, or can let nobody in; when there are no errors. */
void authorization_warn(struct reader *r, const struct node *root);

#endif
