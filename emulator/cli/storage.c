/* storage.c - see storage.h. */
#include "cli/storage.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/install.h"
#include "store/services.h"

/* A handler may change its working directory. */
static char *absolute(const char *path)
{
    char here[PATH_MAX];

    return path[0] == '/' || !getcwd(here, sizeof(here)) ? mem_strdup(path) : mem_printf("%s/%s", here, path);
}

char *storage_path(const char *config_path)
{
    const char *chosen = getenv(STORAGE_VARIABLE), *slash = strrchr(config_path, '/');
    CLEANUP(free) char *beside = NULL;

    if (chosen && *chosen)
        return absolute(chosen);
    beside = mem_printf("%.*s.apigw/store.db", slash ? (int)(slash + 1 - config_path) : 0, config_path);
    return absolute(beside);
}

const struct store_reader *storage_reader(void)
{
    CLEANUP(free) char *path = install_store_module();
    const struct store_module *const *table;
    void *object;

    if (!path) {
        fprintf(stderr, "apigw: apigw-store.so is not where apigw is installed (install apigw again)\n");
        return NULL;
    }
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    table = object ? dlsym(object, STORE_MODULE_SYMBOL) : NULL;
    if (!table)
        fprintf(stderr, "apigw: %s (install apigw again)\n", dlerror());
    else if ((*table)->version != STORE_MODULE_VERSION)
        fprintf(stderr, "apigw: %s is of another version of apigw (install apigw again)\n", path);
    else
        return (*table)->reader;
    return NULL;
}

static char *make_folder(void)
{
    const char *temporary = getenv("TMPDIR");
    char *folder = mem_printf("%s/apigw-XXXXXX", temporary && *temporary ? temporary : "/tmp");

    if (mkdtemp(folder))
        return folder;
    log_error(LOG_CONFIG, "a folder for collections cannot be made: %s: %s", folder, strerror(errno));
    free(folder);
    return NULL;
}

int storage_open(const char *config_path, bool ephemeral, char **ret_folder)
{
    CLEANUP(free) char *path = NULL;

    *ret_folder = NULL;
    if (ephemeral) {
        *ret_folder = make_folder();
        if (!*ret_folder)
            return -1;
        path = mem_printf("%s/store.db", *ret_folder);
    } else {
        path = storage_path(config_path);
    }
    setenv(STORAGE_VARIABLE, path, 1);
    return 0;
}

/* Files alone: we have made no folders there. */
static void remove_files(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

void storage_close(char *folder)
{
    if (!folder)
        return;
    remove_files(folder);
    if (rmdir(folder) < 0)
        log_warn(LOG_CONFIG, "%s cannot be removed: %s", folder, strerror(errno));
    free(folder);
}
