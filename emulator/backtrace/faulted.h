/* faulted.h - the process that has faulted, as libdw wants to see it: its modules, its registers, its memory.
 *
 * Owner: the caller, faulted_open to faulted_close. */
#ifndef BACKTRACE_FAULTED_H
#define BACKTRACE_FAULTED_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

#include "backtrace/talk.h"

/* A frame of the stack, the innermost first. */
struct frame {
    Dwarf_Addr pc;       /* within the instruction that is under way */
    Dwfl_Module *module; /* NULL: there is none at this address */
};

struct faulted {
    struct fault fault;
    const char *task_root; /* where the plugin's file is */
    Dwfl *dwfl;

    Dwarf_Addr page_address; /* of the memory that was asked for last */
    bool page_readable;
    char page[TALK_PIECE];

    struct frame frames[TALK_FRAMES_MAX];
    unsigned frame_count;
    bool frames_left_out;
};

/* Takes the packet off TALK_FD_SOCKET, and finds the modules. NULL, or what failed. */
const char *faulted_open(struct faulted *f, const char *task_root);

/* Fills in the frames, as far as they can be found. */
void faulted_unwind(struct faulted *f);

void faulted_close(struct faulted *f);

#endif
