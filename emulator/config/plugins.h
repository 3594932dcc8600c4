/* plugins.h - the plugin files that a configuration names: where they are, which handlers they have.
 *
 * Owner: the caller; plugins_fini. Each file is asked once. */
#ifndef CONFIG_PLUGINS_H
#define CONFIG_PLUGINS_H

#include "config/config.h"

struct plugin_file {
    char *path; /* absolute */
    int probed; /* what probe_plugin returned */
    struct buf names;
    struct buf error;
};

struct plugins {
    const struct config_options *options;
    char *config_dir; /* of routes.json */
    struct plugin_file *files;
    size_t count;
};

void plugins_init(struct plugins *p, const struct config_options *options, const char *config_path);
void plugins_fini(struct plugins *p);

/* The absolute path of the plugin that the configuration calls `name`, for the caller to free; or NULL with one
 * sentence in `ret_error`. */
char *plugins_find(const struct plugins *p, const char *name, struct buf *ret_error);

/* Asks the plugin at an absolute path for its handlers, the first time; NULL if nobody is to be asked. Valid until the
 * next call. */
const struct plugin_file *plugins_probe(struct plugins *p, const char *path);

#endif
