/* usage.h - how long it took and what memory it needed, for Lambda's REPORT lines.
 *
 * Memory is asked of the kernel after init, after what took longer than a millisecond, and else every tenth of a
 * second: quick invocations one after another pay no system call, and what they report is that old at most. */
#ifndef HOST_USAGE_H
#define HOST_USAGE_H

#include <stdint.h>

#include "base/process_memory.h"
#include "function/protocol.h"

struct usage {
    uint64_t sampled_ns; /* 0: never */
    struct process_memory memory;
};

/* What the phase from `began_ns` to now has used; both of CLOCK_MONOTONIC. */
struct protocol_usage usage_since(struct usage *u, uint64_t began_ns, uint64_t now_ns);

#endif
