/* output.h - what a plugin prints becomes lines of the log, tagged with the invocation that printed them.
 *
 * The C streams stdout and stderr are replaced; descriptors 1 and 2 stay, for raw writes and for child processes. What
 * other threads, forked children and signal handlers print goes to the descriptors. */
#ifndef HOST_OUTPUT_H
#define HOST_OUTPUT_H

#include "host/link.h"

/* Replaces the streams; `l` must outlive the process's exit handlers. */
void output_open(struct link *l);

/* Sends what was printed without a newline, as lines. */
void output_finish_lines(void);

#endif
