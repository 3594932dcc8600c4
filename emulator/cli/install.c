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

char *install_client_path(void)
{
    CLEANUP(free) char *dir = program_dir();

    return mem_printf("%s/apigw-client", dir);
}

/* The first of both places that may be accessed so; NULL if neither may. */
static char *find(const char *const places[2], int access_mode)
{
    CLEANUP(free) char *dir = program_dir();

    for (size_t i = 0; i < 2; i++) {
        CLEANUP(free) char *path = mem_printf("%s/%s", dir, places[i]);

        if (access(path, access_mode) == 0)
            return TAKE(path);
    }
    return NULL;
}

char *install_plugin_dir(void)
{
    static const char *const places[2] = {"plugins", "../" APIGW_LIBDIR "/apigw/plugins"};

    return find(places, R_OK | X_OK);
}

char *install_store_module(void)
{
    static const char *const places[2] = {"apigw-store.so", "../" APIGW_LIBDIR "/apigw/apigw-store.so"};

    return find(places, R_OK);
}
