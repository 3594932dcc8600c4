/* process_memory.h - what memory a process has and had, as the kernel counts it. Linked by both programs. */
#ifndef BASE_PROCESS_MEMORY_H
#define BASE_PROCESS_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

struct process_memory {
    uint32_t max_kb;       /* the most that was resident at once */
    uint32_t anonymous_kb; /* resident now and backed by no file: heap, stacks, written data */
};

/* Of process `pid`, 0 for this one. Three system calls, about twenty microseconds. -1: it is gone, or there is no
 * /proc.
 */
int process_memory_read(pid_t pid, struct process_memory *ret);

#endif
