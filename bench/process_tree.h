/* process_tree.h - what a server and all that it has started use.
 *
 * Errors   that the server is not there ends the program through load_die; a child that has gone meanwhile counts
 *          nothing. */
#ifndef BENCH_PROCESS_TREE_H
#define BENCH_PROCESS_TREE_H

#include <stdint.h>

/* The memory that they have in RAM, in bytes; of what is shared with others their share. */
uint64_t process_tree_bytes(unsigned pid);

/* The CPU time of all their threads so far. */
uint64_t process_tree_cpu_ns(unsigned pid);

#endif
