/* access_log.h - where the lines of access logs go: files, or standard output.
 *
 * Lines are gathered and written together, ACCESS_LOG_DELAY_MS later at most, or when ACCESS_LOG_BUFFER bytes are
 * there: a line costs no system call. Who names the same destination writes to the same one. A file that was removed,
 * or moved away as log rotation does it, is made anew. What cannot be written now, since the disk is full or nobody
 * reads the pipe, waits, up to ACCESS_LOG_WAITING_MAX bytes; then lines are dropped, and counted. The log says so when
 * it begins and when it ends. Nothing here waits for a slow reader.
 *
 * Owner    access_logs_new to access_logs_free; each log access_log_open to access_log_close, before that.
 * Threads  loop thread only. */
#ifndef GATEWAY_ACCESS_LOG_H
#define GATEWAY_ACCESS_LOG_H

#include "base/buf.h"
#include "base/span.h"
#include "net/loop.h"

#define ACCESS_LOG_DELAY_MS 20
#define ACCESS_LOG_RETRY_MS 1000 /* while it cannot be written */
#define ACCESS_LOG_BUFFER (64u * 1024u)
#define ACCESS_LOG_WAITING_MAX (4u * 1024u * 1024u)

struct access_logs;
struct access_log;

struct access_logs *access_logs_new(struct loop *loop);
void access_logs_free(struct access_logs *logs); /* NULL is fine */

/* `path` NULL: standard output. A file is opened for appending, or made. Where that fails, one sentence is in
 * `ret_error`, and the log is given all the same: it tries again for as long as there is something to write. */
struct access_log *access_log_open(struct access_logs *logs, const char *path, struct buf *ret_error);

/* Why lines wait or are dropped, as a word of the system's, and where they should go; NULL: they do not. */
const char *access_log_failure(const struct access_log *log, const char **ret_name);

/* Begins a line: append to the buffer, then end it. NULL if lines are dropped now; this one was counted. */
struct buf *access_log_begin(struct access_log *log);
void access_log_end(struct access_log *log);

/* Writes what is left, with the last of its owners; NULL is fine. */
void access_log_close(struct access_log *log);

#endif
