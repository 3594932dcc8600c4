/* process_memory.c - reads /proc/PID/status: rusage would count what the process was before it became the program. */
#include "base/process_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_BYTES_MAX 4096

/* The number behind "NAME:", in KB; 0 if there is none. */
static uint32_t find_kb(const char *status, const char *name)
{
    const char *at = strstr(status, name);

    return at ? (uint32_t)strtoul(at + strlen(name), NULL, 10) : 0;
}

int process_memory_read(pid_t pid, struct process_memory *ret)
{
    char path[32] = "/proc/self/status", status[STATUS_BYTES_MAX + 1];
    ssize_t len;
    int fd;

    if (pid != 0)
        snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    len = read(fd, status, STATUS_BYTES_MAX);
    close(fd);
    if (len <= 0)
        return -1;
    status[len] = '\0';
    *ret = (struct process_memory){
        .max_kb = find_kb(status, "\nVmHWM:"),
        .anonymous_kb = find_kb(status, "\nRssAnon:"),
    };
    return ret->max_kb > 0 ? 0 : -1; /* a process that has ended has no memory */
}
