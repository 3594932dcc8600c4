/* plugin_image.h - a private, sealed copy of a plugin file that all of a function's environments load.
 *
 * A compiler that writes the file anew cannot pull it from under a running handler, and no handler can change what the
 * next one loads. The copy is made again when the file has changed; if the file is gone, the last copy serves on.
 *
 * Owner: whoever called plugin_image_new. Threads: loop thread only. */
#ifndef FUNCTION_PLUGIN_IMAGE_H
#define FUNCTION_PLUGIN_IMAGE_H

#include <stdint.h>

#include "base/buf.h"

/* Lambda's limit on an unzipped deployment package (AWS Lambda developer guide, "Lambda quotas"). */
#define PLUGIN_IMAGE_BYTES_MAX (250u * 1024u * 1024u)

struct plugin_image;

struct plugin_image *plugin_image_new(const char *path);
void plugin_image_free(struct plugin_image *image); /* takes NULL */

const char *plugin_image_path(const struct plugin_image *image);

/* The descriptor of an up-to-date copy, which stays the image's; or -1 with a sentence in `ret_error`. Warns in the
 * log, once, when it falls back on the last copy. */
int plugin_image_fd(struct plugin_image *image, struct buf *ret_error);

#endif
