/* stage_functions.h - which function stands behind a route, stage by stage: "chat", or "${stageVariables.NAME}", alone
 * or with text around it, as in an integration's URI on AWS. */
#ifndef CONFIG_STAGE_FUNCTIONS_H
#define CONFIG_STAGE_FUNCTIONS_H

#include "config/reader.h"

/* Checks a route's "function": is there one of that name, or is it a text with stage variables? */
void stage_functions_check(struct reader *r, const struct node *n);

/* Fills each stage's `functions`, when routes and stages were read without errors. What a stage's variables make of a
 * text must be a function, in every stage: on AWS, messages would fail there. */
void stage_functions_resolve(struct reader *r, const struct node *root);

#endif
