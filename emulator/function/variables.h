/* variables.h - the environment variables of a handler process. */
#ifndef FUNCTION_VARIABLES_H
#define FUNCTION_VARIABLES_H

#include "config/config.h"

/* "NAME=value" strings and a NULL, for exec. */
struct variables {
    char **items;
    size_t count;
};

/* What Lambda gives every function, then the function's own; of the emulator's own only a few for debugging, so that a
 * handler cannot come to rely on a developer's shell. What differs from one environment to the next: */
struct variables_of_environment {
    const char *log_stream_name;
    bool provisioned;
};

void variables_init(struct variables *v, const struct config *config, const struct config_function *function,
                    const struct variables_of_environment *environment);
void variables_fini(struct variables *v);

static inline void variables_fini_ptr(struct variables *v)
{
    variables_fini(v);
}

#endif
