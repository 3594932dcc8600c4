/* sandbox.h - what an environment finds around it as on Lambda: its folder, its limit of memory, its trace id. */
#ifndef HOST_SANDBOX_H
#define HOST_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* The working directory is LAMBDA_TASK_ROOT, if that is there. */
void sandbox_enter_task_root(void);

/* Limits what the process can ask of malloc and mmap. The limit is well over `memory_mb`: stacks of threads and memory
 * that is asked for and never touched count there. What is in use is judged by the gateway, which ends an environment
 * that is over memory_mb. False if a sanitizer is in the process: then nothing is limited. */
bool sandbox_limit_memory(uint32_t memory_mb);

/* Puts the variable _X_AMZN_TRACE_ID into the environment. A plugin may remove it, and it comes not back. */
void sandbox_open_trace(void);

/* Gives it the value of an invocation: made of its time and its request id, a UUID. */
void sandbox_set_trace(uint64_t request_time_ms, struct span aws_request_id);

#endif
