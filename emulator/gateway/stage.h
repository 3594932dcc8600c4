/* stage.h - an API and its stages: what the gateway makes of a configuration.
 *
 * Owner    the gateway: api_init to api_fini. Connections and handshakes point to their stage, which stays where it is
 *          when the configuration changes.
 * Threads  loop thread only. */
#ifndef GATEWAY_STAGE_H
#define GATEWAY_STAGE_H

#include "authorization/api_keys.h"
#include "config/config.h"
#include "event/event.h"
#include "gateway/access_log.h"
#include "gateway/metrics.h"
#include "gateway/throttle.h"

struct api;

struct stage {
    struct api *api;
    const struct config_stage *config; /* of api->config */
    struct event_variable *variables;
    struct event_api event; /* as events show the two */
    struct route_rates rates;
    /* These stay when the configuration changes. */
    struct metrics *metrics;
    size_t open_connections;
    struct access_log *access_log; /* NULL: none */
};

struct api {
    struct config *config; /* referenced */
    struct api_keys *keys;
    struct stage *stages; /* in the file's order */
    size_t stage_count;
};

void api_init(struct api *api, struct config *config);
void api_fini(struct api *api);

/* From now on `config` counts, which has the same API id, and stages of the same names. Rates and quotas begin anew. */
void api_reconfigure(struct api *api, struct config *config);

/* What stands behind a route of the API's configuration; NULL: nothing. */
const struct config_function *stage_function(const struct stage *stage, const struct config_route *route);

/* Opens the access logs that `api` has, which closes those that it had. 0, or -1 with a sentence for the first that
 * cannot be written in `ret_error`; lines for it wait until it can. */
int api_open_logs(struct api *api, struct access_logs *logs, struct buf *ret_error);

/* Where a request to `route` is counted, of `config`: the present one, or one from before. NULL: it has no route. */
struct metrics_route *stage_metrics(const struct stage *stage, const struct config *config,
                                    const struct config_route *route);

/* "name/stage", for the log. */
void stage_describe(const struct stage *stage, struct buf *out);

#endif
