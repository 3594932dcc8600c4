/* caller.h - what the code in sdk/src asks of the program that it is part of: apigw-host, or the fake host of unit
 * tests. A plugin hands over a context and nothing else; who that is, and whether it may ask now, only they know. */
#ifndef SDK_CALLER_H
#define SDK_CALLER_H

#include <apigw/plugin.h>

#include "base/buf.h"
#include "src/arena.h"

/* The invocation, or the init or fini, that runs. */
struct caller {
    struct arena arena; /* what is handed to the plugin; reset when it has returned */
    struct buf scratch; /* for whoever needs it during one call */
};

/* NULL unless it is the context that the plugin was given, on the thread it was called on, and before it returns. */
struct caller *caller_of(struct apigw_context *context);

#endif
