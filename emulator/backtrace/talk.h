/* talk.h - what apigw-host and apigw-backtrace say to each other when a handler has faulted.
 *
 * The faulted process starts apigw-backtrace and then does as it is asked: it gives pieces of its own memory, and puts
 * lines into the log. So nothing needs the right to trace another process, which containers and hardened systems do not
 * give; and what runs in the faulted process is a few system calls.
 *
 * They share a socket of packets (SOCK_SEQPACKET). The first is a struct fault, from the host. From then on each packet
 * of apigw-backtrace begins with a byte, enum talk_kind. It ends by closing the socket. */
#ifndef BACKTRACE_TALK_H
#define BACKTRACE_TALK_H

#include <stdint.h>

/* What apigw-backtrace is started with, besides the standard streams. */
#define TALK_FD_SOCKET 3
#define TALK_FD_MAPS 4   /* /proc/PID/maps of the faulted process */
#define TALK_FD_PLUGIN 5 /* the plugin's image, if the process still had it */

#define TALK_REGISTERS_MAX 33

/* At most so much memory is asked for at once, aligned to as much: a page is there whole or not at all. */
#define TALK_PIECE 4096u

#define TALK_LINE_MAX 1000u /* bytes */
#define TALK_FRAMES_MAX 64u
#define TALK_LINES_MAX (TALK_FRAMES_MAX + 2u) /* with a remark or two */

struct fault {
    int32_t pid;
    int32_t tid;
    uint32_t register_count; /* 0: not known on this kind of machine */
    uint32_t reserved;
    uint64_t pc;
    uint64_t host_code;                     /* an address in apigw-host itself */
    uint64_t registers[TALK_REGISTERS_MAX]; /* by their numbers in DWARF; the stack pointer is one of them */
};

enum talk_kind {
    TALK_MEMORY = 'm', /* struct talk_memory: answered with TALK_PIECE bytes, or with one: not readable */
    TALK_LINE = 'l'    /* a line for the log */
};

struct talk_memory {
    char kind;
    char reserved[7];
    uint64_t address;
};

#endif
