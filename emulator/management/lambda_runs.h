/* lambda_runs.h - the invocations of the Invoke API that are under way, in the order in which they began: for whoever
 * moves the clock. Loop thread only. */
#ifndef MANAGEMENT_LAMBDA_RUNS_H
#define MANAGEMENT_LAMBDA_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct lambda_runs {
    struct list list; /* struct lambda_run */
    uint64_t count;   /* that have begun until now */
};

/* Part of what knows of an invocation. */
struct lambda_run {
    struct list link;
    uint64_t number;
};

static inline void lambda_run_begin(struct lambda_runs *runs, struct lambda_run *run)
{
    run->number = ++runs->count;
    list_append(&runs->list, &run->link);
}

static inline void lambda_run_end(struct lambda_run *run)
{
    list_remove(&run->link);
}

#endif
