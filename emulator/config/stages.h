/* stages.h - the stages of an API, and the custom domains that lead to them. Routes must have been read.
 *
 * A file has either one stage, whose settings stand at the top, or "stages", each with its own. */
#ifndef CONFIG_STAGES_H
#define CONFIG_STAGES_H

#include "config/reader.h"

/* Makes room for the stages of `root`: before any of those below. */
void stages_prepare(struct reader *r, const struct node *root);

/* "stage": the name of the only one. */
void stages_read_sole(struct reader *r, const struct node *n, void *target);

/* A setting of the only one, by its key. */
void stages_read_setting(struct reader *r, const struct node *n, void *target);

void stages_read(struct reader *r, const struct node *object, void *target);

/* "domains": {"chat.example.com": {"": "prod", "beta": "dev"}}. */
void stages_read_domains(struct reader *r, const struct node *object, void *target);

/* Reports a file without any stage. */
void stages_check_named(struct reader *r, const struct node *root);

/* Gives stages without settings theirs: for a configuration without errors. */
void stages_complete(struct config *config);

/* Warns of an API that nobody can reach; when there are no errors. */
void stages_warn(struct reader *r, const struct node *root);

#endif
