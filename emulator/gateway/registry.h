/* registry.h - every connection, by id.
 *
 * Owner    of the connections in it: registry_free frees them, registry_take gives one back.
 * Threads  loop thread only. */
#ifndef GATEWAY_REGISTRY_H
#define GATEWAY_REGISTRY_H

#include "event/id.h"
#include "gateway/connection.h"

struct registry;

typedef void registry_id_fn(char out[ID_SIZE]);

/* `make_id` makes ids; that they differ from each other is seen to here. */
struct registry *registry_new(registry_id_fn *make_id);
void registry_free(struct registry *registry); /* NULL is fine */

/* An id that no connection here has. */
void registry_unused_id(const struct registry *registry, char out[ID_SIZE]);

/* Numbers it. */
void registry_add(struct registry *registry, struct connection *connection);
struct connection *registry_find(const struct registry *registry, struct span id);

/* The connection leaves and is the caller's to free. */
struct connection *registry_take(struct registry *registry, struct connection *connection);

/* The one that came after `connection`, the first if that is NULL; NULL: there is none. */
struct connection *registry_next(const struct registry *registry, const struct connection *connection);

size_t registry_count(const struct registry *registry);

/* Calls `visit` once for each; it may take the connection it is given. */
typedef void registry_visit_fn(void *arg, struct connection *connection);
void registry_for_each(struct registry *registry, registry_visit_fn *visit, void *arg);

#endif
