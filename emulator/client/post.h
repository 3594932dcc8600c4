/* post.h - POST to @connections. */
#ifndef CLIENT_POST_H
#define CLIENT_POST_H

#include "client/transfer.h"

struct post_request {
    const char *connections; /* http://HOST:PORT/STAGE/@connections */
    struct span id;
    struct span body;
};

/* CLIENT_OK; or CLIENT_FAILED with a sentence, and a newline and a hint behind it. Signed with the credentials of the
 * environment, where there are any. */
int post_send(const struct post_request *request, const struct transfer_options *options, struct buf *ret_error);

#endif
