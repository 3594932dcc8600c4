/* fault.h - what the log says when a handler faults: the signal, the address, and a backtrace.
 *
 * For SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT, where nobody else has a handler: a plugin's own, and a sanitizer's,
 * come first. The process then ends as it would have without, by the same signal and with a core file if there is to be
 * one.
 *
 * The handler runs on a stack of its own and makes system calls only. apigw-backtrace, beside apigw-host, does the work
 * (backtrace/talk.h). It is waited for as long as the invocation has time, and no longer than FAULT_MS_MAX. */
#ifndef HOST_FAULT_H
#define HOST_FAULT_H

#include "host/runtime.h"

#define FAULT_MS_MAX 5000

/* To be called before any code of a plugin runs; `rt` must stay. The plugin's image is open at `plugin_fd`. */
void fault_open(const struct runtime *rt, int plugin_fd);

#endif
