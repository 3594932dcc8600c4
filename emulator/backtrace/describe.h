/* describe.h - what a place in the code is called: function, file and line where there is debug information, else the
 * module and the offset in it. */
#ifndef BACKTRACE_DESCRIBE_H
#define BACKTRACE_DESCRIBE_H

#include <elfutils/libdwfl.h>

#include "backtrace/talk.h"

/* A text such as "say (chat.c:42)", valid during the call. */
typedef void describe_fn(void *arg, const char *text);

/* Calls `on_text` for each function that is at `pc`: one, and those that it was inlined into, the innermost first.
 * `module` may be NULL. */
void describe_code(Dwfl_Module *module, Dwarf_Addr pc, describe_fn *on_text, void *arg);

/* The file name of a module, without its folder. Fills and returns `out`. */
const char *describe_module(Dwfl_Module *module, char out[TALK_LINE_MAX]);

#endif
