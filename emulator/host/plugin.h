/* plugin.h - loads a plugin from a descriptor and knows its handlers. */
#ifndef HOST_PLUGIN_H
#define HOST_PLUGIN_H

#include <apigw/plugin.h>

#include "base/buf.h"

#define PLUGIN_HANDLERS_MAX 1000
#define PLUGIN_HANDLER_NAME_MAX 128 /* Lambda's limit on a handler's name */

/* Checks the file (plugin_file.h), loads it, checks its handlers. The descriptor stays open: the loaded object is known
 * to debuggers by its name in /proc. 0, or -1 with one sentence in `ret_error`, without a full stop. */
int plugin_load(int fd, const struct apigw_plugin **ret, struct buf *ret_error);

/* Handler `index`, index < handler_count. */
const struct apigw_handler *plugin_handler(const struct apigw_plugin *plugin, uint32_t index);

/* The handler of that name, or NULL with a sentence that lists those there are. */
const struct apigw_handler *plugin_find_handler(const struct apigw_plugin *plugin, const char *name,
                                                struct buf *ret_error);

#endif
