/* runtime_folder.c - see runtime_folder.h. /tmp is everybody's: what is there must be ours, no link, and closed to
 * others. */
#include "base/runtime_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static char *path_of_folder(void)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");

    return folder && *folder == '/' ? mem_printf("%s/apigw", folder) : mem_printf("/tmp/apigw-%u", (unsigned)geteuid());
}

static bool is_ours(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 077) == 0;
}

int runtime_folder_open(bool make)
{
    CLEANUP(free) char *path = path_of_folder();
    int fd;

    if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
        return -1;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || is_ours(fd))
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}
