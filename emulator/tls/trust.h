/* trust.h - environment variables by which programs trust the local CA.
 *
 * Node.js adds NODE_EXTRA_CA_CERTS to the authorities that it knows. For the others a variable's file takes the place
 * of what they know, so it has to be a bundle: the user's, or the system's, and our CA behind it.
 *
 * Threads: loop thread only. */
#ifndef TLS_TRUST_H
#define TLS_TRUST_H

#include <stddef.h>

#include "base/buf.h"

/* Sets them in this process's environment, for what it starts, and makes the bundles in `folder` that are not up to
 * date. 0, or -1 with one sentence in `ret_error`: then nothing was set. */
int trust_set_environment(const char *folder, struct buf *ret_error);

/* The system's bundle and the CA, in one file: its path. NULL with one sentence. Free with free(). */
char *trust_bundle(const char *folder, struct buf *ret_error);

#endif
