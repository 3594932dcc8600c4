/* usage.c - see usage.h. */
#include "host/usage.h"

#define LONG_NS UINT64_C(1000000)
#define SAMPLE_NS UINT64_C(100000000)

struct protocol_usage usage_since(struct usage *u, uint64_t began_ns, uint64_t now_ns)
{
    struct process_memory memory;

    if (now_ns - began_ns >= LONG_NS || now_ns - u->sampled_ns >= SAMPLE_NS) {
        u->sampled_ns = now_ns;
        if (process_memory_read(0, &memory) == 0) /* a plugin may have used up every descriptor */
            u->memory = memory;
    }
    return (struct protocol_usage){
        .duration_ns = now_ns - began_ns,
        .memory_max_kb = u->memory.max_kb,
        .memory_kb = u->memory.anonymous_kb,
    };
}
