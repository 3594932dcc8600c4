/* log_stream.h - log streams as files: DIR/aws/lambda/<function>/YYYY/MM/DD/[$LATEST]<32 hex>, one for each
 * environment.
 *
 * Lines are gathered and written together, LOG_STREAM_DELAY_MS later at most, or when LOG_STREAM_BUFFER bytes are
 * there: a line costs no system call. A file that cannot be written is told once, and its lines are lost; one that has
 * reached its limit says so in its last line.
 *
 * Owner    log_streams_open to log_streams_close, each stream log_stream_new to log_stream_free, before that.
 * Threads  loop thread only. */
#ifndef FUNCTION_LOG_STREAM_H
#define FUNCTION_LOG_STREAM_H

#include <stdint.h>

#include "base/buf.h"
#include "net/loop.h"

#define LOG_STREAM_DELAY_MS 20
#define LOG_STREAM_BUFFER (64u * 1024u)
#define LOG_STREAM_BYTES_MAX (UINT64_C(1) << 30) /* of one file */

struct log_streams;
struct log_stream;

/* Makes `folder` if it is not there, and those above it. NULL with a sentence in `ret_error`. */
struct log_streams *log_streams_open(struct loop *loop, const char *folder, uint64_t bytes_max, struct buf *ret_error);
void log_streams_close(struct log_streams *s); /* takes NULL */

/* `name` is a path below the folder. The file is made when there is something to write. */
struct log_stream *log_stream_new(struct log_streams *s, const char *name);
void log_stream_write(struct log_stream *stream, struct span line); /* without its newline */
void log_stream_free(struct log_stream *stream);                    /* writes what is left; takes NULL */

#endif
