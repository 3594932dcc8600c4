/* source.h - the text of a configuration file: read, and known to be JSON. */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include "base/buf.h"
#include "config/diagnostics.h"

/* The whole file into `ret`; or -1 with one sentence in `ret_error`. */
int source_read(const char *path, struct buf *ret, struct buf *ret_error);

/* Is d->text UTF-8 without a byte order mark, and JSON? Reports the first thing that is wrong and returns -1. */
int source_check(struct diagnostics *d);

#endif
