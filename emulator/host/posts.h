/* posts.h - one message to many connections, asked for in few frames: a post for each would wait for each.
 *
 * Threads  the runtime's; the caller has seen to it that it may act. */
#ifndef HOST_POSTS_H
#define HOST_POSTS_H

#include "host/runtime.h"

#define CONNECTION_ID_MAX 1024 /* far over any id of AWS's: what is longer is none */

/* As apigw_broadcast. */
size_t posts_send(struct runtime *rt, const struct apigw_span *ids, size_t count, struct apigw_span data,
                  int *ret_results);

#endif
