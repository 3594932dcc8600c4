/* route.h - which route a message takes (API Gateway developer guide, "Routes for WebSocket APIs"). Pure. */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "base/buf.h"
#include "base/span.h"
#include "config/config.h"

struct route_choice {
    const struct config_route *route; /* NULL: nothing matches and there is no $default */
    struct span selected;             /* what the selection expression gave; into `scratch` */
    bool json;                        /* the body is JSON, as far as the expression had to look */
};

/* Chooses for one message body. `scratch` is emptied and holds the selected key. */
struct route_choice route_select(const struct config *config, struct span body, struct buf *scratch);

/* Appends why nothing was chosen and what could have been, as one sentence for the log. */
void route_explain(const struct config *config, const struct route_choice *choice, struct buf *out);

#endif
