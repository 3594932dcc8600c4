/* input.h - what a command is given in a file, or on its standard input. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "base/buf.h"

/* Reads the whole file, "-" for standard input, of at most `bytes_max`. 0, or -1 with one sentence in `ret_error`. */
int input_read(const char *path, size_t bytes_max, struct buf *ret, struct buf *ret_error);

#endif
