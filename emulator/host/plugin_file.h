/* plugin_file.h - is this file a plugin that this emulator can run? Answered from its bytes, before any of its code
 * runs: dlopen calls constructors, and a file that is not for us should not get that far. */
#ifndef HOST_PLUGIN_FILE_H
#define HOST_PLUGIN_FILE_H

#include <apigw/plugin.h>

#include "base/buf.h"

/* Bytes of struct apigw_plugin in ABI 1.0, the least that a plugin exports. */
#define PLUGIN_STRUCT_BYTES_MIN (offsetof(struct apigw_plugin, fini) + sizeof(((struct apigw_plugin *)0)->fini))

/* 0, or -1 with one sentence in `ret_error`, without a full stop. */
int plugin_file_check(int fd, struct buf *ret_error);

/* The same for the first 16 bytes alone. */
int plugin_abi_check(const struct apigw_abi *abi, struct buf *ret_error);

#endif
