/* path.h - what the path of an HTTP request names, behind its stage. Pure. */
#ifndef MANAGEMENT_PATH_H
#define MANAGEMENT_PATH_H

#include "base/buf.h"
#include "base/span.h"

enum path_kind {
    PATH_STAGE,       /* the stage, or something under it that is not @connections */
    PATH_CONNECTIONS, /* @connections without exactly one id behind it */
    PATH_CONNECTION   /* @connections/{id} */
};

struct path {
    enum path_kind kind;
    struct span connection_id; /* PATH_CONNECTION: decoded, into `scratch` */
    struct span route;         /* what follows the stage and a slash, as sent; NULL ptr: nothing does */
};

/* Takes apart at its slashes what follows the stage, empty or from its '/' on, and only then undoes the
 * percent-encoding, so that an encoded slash is part of an id. What is no valid encoding stays as it is. */
struct path path_parse(struct span rest, struct buf *scratch);

#endif
