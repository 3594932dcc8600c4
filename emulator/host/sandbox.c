/* sandbox.c - see sandbox.h. */
#include "host/sandbox.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MB (1024u * 1024u)

/* Over memorySize, for what is mapped and not used: twice as much, and room for some dozens of threads. */
#define MAPPED_FACTOR 2u
#define MAPPED_EXTRA_MB 512u

void sandbox_enter_task_root(void)
{
    const char *folder = getenv("LAMBDA_TASK_ROOT");

    if (folder && chdir(folder) < 0)
        return; /* the folder is gone; the plugin's copy serves on */
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUILT_WITH_SANITIZER true
#else
#define BUILT_WITH_SANITIZER false
#endif

/* Built in, or loaded in front of us for a plugin that has it. Where nothing was, nothing is looked for: a name that is
 * not found costs as much as loading a small plugin. */
static bool is_sanitized(void)
{
    static const char *const entries[] = {"__asan_init", "__tsan_init", "__msan_init", "__hwasan_init"};

    if (BUILT_WITH_SANITIZER)
        return true;
    if (!getenv("LD_PRELOAD") && access("/etc/ld.so.preload", F_OK) < 0)
        return false;

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        if (dlsym(RTLD_DEFAULT, entries[i]))
            return true;
    return false;
}

bool sandbox_limit_memory(uint32_t memory_mb)
{
    rlim_t bytes = ((rlim_t)memory_mb * MAPPED_FACTOR + MAPPED_EXTRA_MB) * MB;
    struct rlimit limit;

    if (memory_mb == 0 || is_sanitized())
        return false;
    if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_max > bytes) {
        limit.rlim_cur = limit.rlim_max = bytes;
        setrlimit(RLIMIT_DATA, &limit);
    }
    return true;
}

/* ---- the trace ----
 * The environment points to this text and it is overwritten in place: setenv would keep every value it was ever given.
 */
static char trace[] = "_X_AMZN_TRACE_ID=Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0";

#define TRACE_TIME (sizeof("_X_AMZN_TRACE_ID=Root=1-") - 1)
#define TRACE_ROOT (TRACE_TIME + sizeof("00000000-") - 1)
#define TRACE_PARENT (TRACE_ROOT + sizeof("000000000000000000000000;Parent=") - 1)
#define ROOT_DIGITS 24
#define PARENT_DIGITS 16
#define UUID_DIGITS 32

void sandbox_open_trace(void)
{
    putenv(trace);
}

static size_t digits_of(struct span uuid, char out[UUID_DIGITS])
{
    size_t count = 0;

    for (size_t i = 0; i < uuid.len && count < UUID_DIGITS; i++)
        if (uuid.ptr[i] != '-')
            out[count++] = uuid.ptr[i];
    return count;
}

void sandbox_set_trace(uint64_t request_time_ms, struct span aws_request_id)
{
    static const char hex[] = "0123456789abcdef";
    uint32_t seconds = (uint32_t)(request_time_ms / 1000);
    char digits[UUID_DIGITS];

    if (digits_of(aws_request_id, digits) < UUID_DIGITS)
        return;
    for (unsigned i = 0; i < 8; i++)
        trace[TRACE_TIME + i] = hex[seconds >> (28 - 4 * i) & 15];
    memcpy(trace + TRACE_ROOT, digits, ROOT_DIGITS);
    memcpy(trace + TRACE_PARENT, digits + UUID_DIGITS - PARENT_DIGITS, PARENT_DIGITS);
}
