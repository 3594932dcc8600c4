/* process_tree.c - see process_tree.h. */
#include "process_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define PATH_SIZE 64
#define DEPTH_MAX 8 /* a server, its hosts, and what these start */

/* What one file of one process says; false: there is no such file. */
typedef bool reader_fn(unsigned pid, uint64_t *ret);

static bool read_bytes(unsigned pid, uint64_t *ret)
{
    unsigned long long kilobytes = 0;
    char path[PATH_SIZE];
    char line[256];
    bool found = false;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    while (!found && fgets(line, sizeof(line), file))
        found = sscanf(line, "Pss: %llu kB", &kilobytes) == 1;
    fclose(file);
    *ret = kilobytes * 1024;
    return found;
}

static uint64_t thread_cpu_ns(unsigned pid, const char *thread)
{
    unsigned long long ran_ns = 0;
    char path[PATH_SIZE + 256];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%u/task/%s/schedstat", pid, thread);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%llu", &ran_ns) != 1)
        ran_ns = 0;
    fclose(file);
    return ran_ns;
}

static bool read_cpu_ns(unsigned pid, uint64_t *ret)
{
    char path[PATH_SIZE];
    struct dirent *thread;
    DIR *threads;

    snprintf(path, sizeof(path), "/proc/%u/task", pid);
    threads = opendir(path);
    if (!threads)
        return false;
    *ret = 0;
    while ((thread = readdir(threads)))
        if (thread->d_name[0] != '.')
            *ret += thread_cpu_ns(pid, thread->d_name);
    closedir(threads);
    return true;
}

/* Children of threads other than the first are not looked for: no server here has any. */
static uint64_t sum(unsigned pid, unsigned depth, reader_fn *read)
{
    uint64_t total = 0;
    char path[PATH_SIZE];
    unsigned child;
    FILE *children;

    if (!read(pid, &total) && depth == 0)
        load_die("process %u is not there, or cannot be looked at", pid);
    snprintf(path, sizeof(path), "/proc/%u/task/%u/children", pid, pid);
    children = depth < DEPTH_MAX ? fopen(path, "re") : NULL;
    if (!children)
        return total;
    while (fscanf(children, "%u", &child) == 1)
        total += sum(child, depth + 1, read);
    fclose(children);
    return total;
}

uint64_t process_tree_bytes(unsigned pid)
{
    return sum(pid, 0, read_bytes);
}

uint64_t process_tree_cpu_ns(unsigned pid)
{
    return sum(pid, 0, read_cpu_ns);
}
