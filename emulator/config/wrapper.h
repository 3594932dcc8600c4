/* wrapper.h - the command that a function's environments are started under, such as a debugger. */
#ifndef CONFIG_WRAPPER_H
#define CONFIG_WRAPPER_H

#include "config/config.h"

/* The words of `text`, the first of them as the path of a program that can be run: one with a slash in it is meant from
 * `folder`, any other is looked for in PATH. 0 and *ret, or -1 with one sentence in `ret_error`. */
int wrapper_parse(const char *text, const char *folder, struct words *ret, struct buf *ret_error);

/* What a debugger would run into: for a function that is wrapped. */
void wrapper_suspend_limits(struct config_function *function);

#endif
