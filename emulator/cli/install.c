/* install.c - in a build tree everything lies beside the program; installed, plugins lie under the library folder. */
#include "cli/install.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* The folder of this program, without a final slash. */
static char *program_dir(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n <= 0)
        return mem_strdup(".");
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    return mem_strdup(path);
}

char *install_host_path(void)
{
    CLEANUP(free) char *dir = program_dir();

    return mem_printf("%s/apigw-host", dir);
}

char *install_plugin_dir(void)
{
    static const char *const places[] = {"plugins", "../" APIGW_LIBDIR "/apigw/plugins"};
    CLEANUP(free) char *dir = program_dir();

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        CLEANUP(free) char *path = mem_printf("%s/%s", dir, places[i]);

        if (access(path, R_OK | X_OK) == 0)
            return TAKE(path);
    }
    return NULL;
}
