/* log_tail.h - the last bytes of one invocation's log, for a caller that asked for them.
 *
 * Lambda gives the last 4 KB (AWS Lambda API reference, "Invoke"). Owner: the invocation. Loop thread only. */
#ifndef FUNCTION_LOG_TAIL_H
#define FUNCTION_LOG_TAIL_H

#include "base/span.h"

#define LOG_TAIL_BYTES 4096

struct log_tail;

struct log_tail *log_tail_new(void);
void log_tail_free(struct log_tail *tail); /* NULL is fine */

/* Appends a line, which is without its newline. */
void log_tail_add(struct log_tail *tail, struct span line);

/* At most LOG_TAIL_BYTES; valid until the next log_tail_add. */
struct span log_tail_get(const struct log_tail *tail);

#endif
