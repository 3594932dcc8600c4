/* variables.h - the environment variables of a handler process. */
#ifndef FUNCTION_VARIABLES_H
#define FUNCTION_VARIABLES_H

#include "config/config.h"

/* "NAME=value" strings and a NULL, for exec. */
struct variables {
    char **items;
    size_t count;
};

/* What Lambda gives every function, then the function's own; of the emulator's own only a few that programs need to
 * run, so that a handler cannot come to rely on a developer's shell. */
void variables_init(struct variables *v, const struct config *config, const struct config_function *function);
void variables_fini(struct variables *v);

static inline void variables_fini_ptr(struct variables *v)
{
    variables_fini(v);
}

#endif
