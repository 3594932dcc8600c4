/* plugin_image.h - a plugin file, and the private, sealed copies of it that environments load.
 *
 * A compiler that writes the file anew cannot pull it from under a running handler, and no handler can change what the
 * next one loads. A copy is made again when the file has changed; if the file is gone, the last copy serves on.
 *
 * Owner    of an image: whoever called plugin_image_new. Copies are counted. Threads: loop thread only. */
#ifndef FUNCTION_PLUGIN_IMAGE_H
#define FUNCTION_PLUGIN_IMAGE_H

#include <stdint.h>

#include "base/buf.h"
#include "net/loop.h"

/* Lambda's limit on an unzipped deployment package (AWS Lambda developer guide, "Lambda quotas"). */
#define PLUGIN_IMAGE_BYTES_MAX (250u * 1024u * 1024u)

/* After the last write to a file it is left alone for so long: then it is whole. */
#define PLUGIN_SETTLE_MS 20

/* What the file held at one time. */
struct plugin_copy {
    unsigned refs;
    int fd;
    uint64_t serial; /* a later copy has a higher one */
};

struct plugin_copy *plugin_copy_ref(struct plugin_copy *copy);
void plugin_copy_unref(struct plugin_copy *copy); /* takes NULL */

struct plugin_image;

struct plugin_image *plugin_image_new(const char *path);
void plugin_image_free(struct plugin_image *image); /* takes NULL */

/* Calls back when the file has changed and settled. Says in the log if it cannot be watched. */
void plugin_image_watch(struct plugin_image *image, struct loop *loop, loop_timer_fn *on_changed, void *arg);

const char *plugin_image_path(const struct plugin_image *image);

/* A reference to an up-to-date copy; or NULL with a sentence in `ret_error`. Warns in the log, once, when it falls back
 * on the last copy. */
struct plugin_copy *plugin_image_copy(struct plugin_image *image, struct buf *ret_error);

#endif
