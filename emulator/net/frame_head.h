/* frame_head.h - what stands before the bytes of a text frame from a server: RFC 6455, section 5.2. Pure. */
#ifndef NET_FRAME_HEAD_H
#define NET_FRAME_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define FRAME_HEAD_MAX 10

/* Writes the head of a frame with `len` bytes, unmasked, and returns its length. `first` of a message, else it goes on
 * with one; `last` of it. */
size_t frame_head_write(char out[FRAME_HEAD_MAX], size_t len, bool first, bool last);

#endif
