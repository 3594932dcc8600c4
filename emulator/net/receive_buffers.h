/* receive_buffers.h - where libwebsockets has the memory of its connections from.
 *
 * It gives each connection a buffer for a whole read, most of which is never touched. From malloc those would lie
 * between the small things that belong to connections, so that each of these takes a page of its own; here the buffers
 * lie together, and one that nobody has written to costs nothing but addresses. All else comes from malloc.
 *
 * Owner    the process: pages of closed connections are given back, addresses are kept.
 * Threads  loop thread only.
 * Errors   as realloc: NULL; where there are no addresses left, buffers come from malloc too. */
#ifndef NET_RECEIVE_BUFFERS_H
#define NET_RECEIVE_BUFFERS_H

#include <stddef.h>

/* Larger ones come from malloc. */
#define RECEIVE_BUFFER_BYTES_MAX (36u * 1024u)

/* For lws_set_allocator: allocates, resizes, and with `size` 0 frees. `why` is the library's word for what it is. */
void *receive_buffers_realloc(void *p, size_t size, const char *why);

#endif
