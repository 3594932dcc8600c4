/* core_file.h - where the kernel has put the core file of a process, as core(5) has it. */
#ifndef FUNCTION_CORE_FILE_H
#define FUNCTION_CORE_FILE_H

#include <signal.h>

#include "base/buf.h"

/* What of kernel.core_pattern decides. */
struct core_file_pattern {
    struct span pattern; /* without its newline */
    bool uses_pid;       /* kernel.core_uses_pid */
};

/* The files that a core of this process may be, as a pattern for glob(3): what only the kernel knows is "*". Pure. */
void core_file_glob(const struct core_file_pattern *pattern, const siginfo_t *exit, struct buf *ret);

/* One sentence about the core file of a process that has ended with CLD_DUMPED, without a full stop: where it is, or
 * which program was given it. A name that is no absolute path is looked for in our working directory, where handlers
 * begin, and in `folder`, where the plugin is. */
void core_file_describe(const struct core_file_pattern *pattern, const siginfo_t *exit, struct span folder,
                        struct buf *ret);

/* The same for this system's pattern. */
void core_file_describe_here(const siginfo_t *exit, struct span folder, struct buf *ret);

#endif
