/* plugins.c - finds plugin files, and asks each once for its handlers. */
#include "config/plugins.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

void plugins_init(struct plugins *p, const struct config_options *options, const char *config_path)
{
    const char *slash = strrchr(config_path, '/');
    size_t len = slash == config_path ? 1 : slash ? (size_t)(slash - config_path) : 0;

    *p = (struct plugins){.options = options};
    p->config_dir = len ? mem_span_dup(span_of(config_path, len)) : mem_strdup(".");
}

void plugins_fini(struct plugins *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->files[i].path);
        buf_fini(&p->files[i].names);
        buf_fini(&p->files[i].error);
    }
    free(p->files);
    free(p->config_dir);
}

/* NULL if there is no such file; else the path, or NULL and what is the matter with the file. */
static char *look_at(const char *path, struct buf *ret_error)
{
    char *real = realpath(path, NULL);
    struct stat st;

    if (!real && (errno == ENOENT || errno == ENOTDIR))
        return NULL;
    if (!real || stat(real, &st) < 0 || access(real, R_OK) < 0)
        buf_printf(ret_error, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        buf_printf(ret_error, "%s is not a file", path);
    if (!ret_error->len)
        return real;
    free(real);
    return NULL;
}

static char *look_in(const char *dir, const char *name, struct buf *ret_error)
{
    CLEANUP(free) char *path = mem_printf("%s/%s", dir, name);

    return look_at(path, ret_error);
}

char *plugins_find(const struct plugins *p, const char *name, struct buf *ret_error)
{
    const char *plugin_dir = p->options->plugin_dir;
    char *found;

    if (name[0] == '/') {
        found = look_at(name, ret_error);
        if (!found && !ret_error->len)
            buf_append_str(ret_error, "no such file");
        return found;
    }
    found = look_in(p->config_dir, name, ret_error);
    if (!found && !ret_error->len && plugin_dir)
        found = look_in(plugin_dir, name, ret_error);
    if (!found && !ret_error->len)
        buf_printf(ret_error, "no such file; searched in %s%s%s", p->config_dir, plugin_dir ? " and " : "",
                   plugin_dir ? plugin_dir : "");
    return found;
}

const struct plugin_file *plugins_probe(struct plugins *p, const char *path)
{
    struct plugin_file *file;

    if (!p->options->probe_plugin)
        return NULL;
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->files[i].path, path) == 0)
            return &p->files[i];
    p->files = mem_realloc(p->files, (p->count + 1) * sizeof(*p->files));
    file = &p->files[p->count++];
    *file = (struct plugin_file){.path = mem_strdup(path)};
    file->probed = p->options->probe_plugin(p->options->arg, path, &file->names, &file->error);
    return file;
}
