/* exit_reason.h - how a process ended, in Lambda's words. Pure. */
#ifndef FUNCTION_EXIT_REASON_H
#define FUNCTION_EXIT_REASON_H

#include <signal.h>
#include <stddef.h>

#define EXIT_REASON_SIZE 96

/* "Runtime exited with error: signal: segmentation fault", from what waitid filled in. */
void exit_reason_format(const siginfo_t *info, char out[EXIT_REASON_SIZE]);

/* "segmentation fault", "signal 42". `out` holds EXIT_REASON_SIZE. */
const char *exit_reason_signal(int signum, char out[EXIT_REASON_SIZE]);

#endif
