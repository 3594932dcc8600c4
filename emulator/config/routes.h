/* routes.h - "routes", and the settings of their throttles. Functions and authorizers must have been read. */
#ifndef CONFIG_ROUTES_H
#define CONFIG_ROUTES_H

#include "config/reader.h"

void routes_read(struct reader *r, const struct node *object, void *target);

/* Of a stage: "routeSettings", then "defaultRouteSettings" for the routes that have none of their own. */
void routes_read_settings(struct reader *r, const struct node *object, void *target);
void routes_read_default_settings(struct reader *r, const struct node *object, void *target);

/* Warns of a $connect that nobody can pass, and of keys that nobody needs; when there are no errors. */
void routes_warn(struct reader *r, const struct node *root);

#endif
