/* variables.h - objects of names and strings: a function's environment, a stage's variables. */
#ifndef CONFIG_VARIABLES_H
#define CONFIG_VARIABLES_H

#include "config/reader.h"

/* Fills `variables` from the first `count` members that are strings and pass `check`, which reports what is wrong. */
void variables_read(struct reader *r, const struct node *object, size_t count, struct config_variables *variables,
                    bool (*check)(struct reader *r, const struct node *n));

#endif
