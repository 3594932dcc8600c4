/* announcement.c - see announcement.h. The file is locked before it has its name, so whoever finds it knows that it
 * counts. */
#include "cli/announcement.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/runtime_folder.h"

#define NAME_SIZE 32u
#define STALE_LOOKED_AT_MAX 1000 /* files in the folder; others of this user's may be there */

struct announcement {
    int folder;
    int file;
    char name[NAME_SIZE];
};

/* The process that a name is of; 0: it is no announcement's. */
static pid_t pid_of(const char *name)
{
    int pid, end = 0;

    return sscanf(name, "%d.json%n", &pid, &end) == 1 && end > 0 && !name[end] && pid > 0 ? pid : 0;
}

/* What killed emulators have left: nobody holds it, and nobody has that process id. */
static void remove_if_stale(int folder, const char *name)
{
    const pid_t pid = pid_of(name);
    int fd;

    if (!pid || kill(pid, 0) == 0 || errno != ESRCH)
        return;
    fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
    close(fd);
}

static void remove_stale(int folder)
{
    const int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;

    for (int i = 0; entries && i < STALE_LOOKED_AT_MAX && (entry = readdir(entries)); i++)
        remove_if_stale(folder, entry->d_name);
    if (entries)
        closedir(entries);
    else if (copy >= 0)
        close(copy);
}

static int write_file(struct announcement *a, struct span text)
{
    char temporary[NAME_SIZE];

    snprintf(a->name, sizeof(a->name), "%d.json", (int)getpid());
    snprintf(temporary, sizeof(temporary), "%d.tmp", (int)getpid());
    unlinkat(a->folder, temporary, 0);
    a->file = openat(a->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (a->file < 0)
        return -1;
    if (flock(a->file, LOCK_EX | LOCK_NB) == 0 && write(a->file, text.ptr, text.len) == (ssize_t)text.len &&
        renameat(a->folder, temporary, a->folder, a->name) == 0)
        return 0;
    unlinkat(a->folder, temporary, 0);
    return -1;
}

struct announcement *announcement_open(struct span text)
{
    struct announcement *a = mem_zalloc(sizeof(*a));

    a->file = -1;
    a->folder = runtime_folder_open(true);
    if (a->folder >= 0) {
        remove_stale(a->folder);
        if (write_file(a, text) == 0)
            return a;
    }
    log_debug(LOG_NET, "that it runs cannot be announced, so 'apigw connect' needs a URL: %s", strerror(errno));
    a->name[0] = '\0';
    announcement_close(a);
    return NULL;
}

void announcement_close(struct announcement *a)
{
    if (!a)
        return;
    if (a->folder >= 0 && a->name[0])
        unlinkat(a->folder, a->name, 0);
    if (a->file >= 0)
        close(a->file);
    if (a->folder >= 0)
        close(a->folder);
    free(a);
}
