/* plugin.c - dlopen, and what is checked between that and the first call. */
#include "host/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include "host/plugin_file.h"

#define HANDLER_SIZE_MAX 4096

const struct apigw_handler *plugin_handler(const struct apigw_plugin *plugin, uint32_t index)
{
    const void *at = (const char *)plugin->handlers + (size_t)index * plugin->handler_size;
    return at;
}

/* Without blanks, as Lambda has it; so names can be listed one a line. */
static bool name_is_valid(const char *name)
{
    size_t len = strnlen(name, PLUGIN_HANDLER_NAME_MAX + 1);

    if (len == 0 || len > PLUGIN_HANDLER_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
            return false;
    return true;
}

static bool name_is_new(const struct apigw_plugin *plugin, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (strcmp(plugin_handler(plugin, i)->name, plugin_handler(plugin, index)->name) == 0)
            return false;
    return true;
}

static int check_handler(const struct apigw_plugin *plugin, uint32_t index, struct buf *ret_error)
{
    const struct apigw_handler *h = plugin_handler(plugin, index);

    if (!h->name || !name_is_valid(h->name))
        buf_printf(ret_error, "its handler number %u has no name of 1 to %d characters without blanks", index + 1,
                   PLUGIN_HANDLER_NAME_MAX);
    else if (!h->handle)
        buf_printf(ret_error, "its handler \"%s\" has no function", h->name);
    else if (!name_is_new(plugin, index))
        buf_printf(ret_error, "it has two handlers named \"%s\"", h->name);
    else
        return 0;
    return -1;
}

static int check_handlers(const struct apigw_plugin *plugin, struct buf *ret_error)
{
    if (!plugin->handlers || plugin->handler_count == 0) {
        buf_append_str(ret_error, "it has no handlers; name them in APIGW_PLUGIN");
        return -1;
    }
    if (plugin->handler_count > PLUGIN_HANDLERS_MAX) {
        buf_printf(ret_error, "it says that it has %u handlers, %d is the most", plugin->handler_count,
                   PLUGIN_HANDLERS_MAX);
        return -1;
    }
    if (plugin->handler_size < sizeof(struct apigw_handler) || plugin->handler_size > HANDLER_SIZE_MAX ||
        plugin->handler_size % _Alignof(struct apigw_handler) != 0) {
        buf_printf(ret_error,
                   "its handler_size is %u, sizeof(struct apigw_handler) is %zu; define it with APIGW_PLUGIN",
                   plugin->handler_size, sizeof(struct apigw_handler));
        return -1;
    }
    for (uint32_t i = 0; i < plugin->handler_count; i++)
        if (check_handler(plugin, i, ret_error) < 0)
            return -1;
    return 0;
}

/* dlerror without the name in /proc, which says nothing to anybody. */
static void append_load_error(struct buf *ret_error, const char *path)
{
    const char *error = dlerror();
    size_t len = strlen(path);

    if (!error)
        error = "unknown error";
    if (strncmp(error, path, len) == 0 && strncmp(error + len, ": ", 2) == 0)
        error += len + 2;
    buf_printf(ret_error, "cannot be loaded: %s", error);
}

int plugin_load(int fd, const struct apigw_plugin **ret, struct buf *ret_error)
{
    const struct apigw_plugin *plugin;
    char path[64];
    void *object;

    if (plugin_file_check(fd, ret_error) < 0)
        return -1;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        append_load_error(ret_error, path);
        return -1;
    }
    plugin = dlsym(object, "apigw_plugin");
    if (!plugin) {
        buf_append_str(ret_error, "cannot be loaded: the dynamic loader finds no apigw_plugin");
        return -1;
    }
    /* Again, now as it is in memory: constructors have run, and they may write anywhere. */
    if (plugin_abi_check(&plugin->abi, ret_error) < 0 || check_handlers(plugin, ret_error) < 0)
        return -1;
    *ret = plugin;
    return 0;
}

static void append_handler_names(struct buf *out, const struct apigw_plugin *plugin)
{
    for (uint32_t i = 0; i < plugin->handler_count; i++)
        buf_printf(out, "%s\"%s\"", i ? ", " : "", plugin_handler(plugin, i)->name);
}

const struct apigw_handler *plugin_find_handler(const struct apigw_plugin *plugin, const char *name,
                                                struct buf *ret_error)
{
    for (uint32_t i = 0; i < plugin->handler_count; i++)
        if (strcmp(plugin_handler(plugin, i)->name, name) == 0)
            return plugin_handler(plugin, i);
    buf_printf(ret_error, "no handler is named \"%s\"; there is ", name);
    append_handler_names(ret_error, plugin);
    return NULL;
}
