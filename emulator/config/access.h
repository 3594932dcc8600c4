/* access.h - "accessLog": where a stage's access log goes, and what its lines look like. */
#ifndef CONFIG_ACCESS_H
#define CONFIG_ACCESS_H

#include "config/reader.h"

/* `target` is a struct config_stage. */
void access_read(struct reader *r, const struct node *object, void *target);

void access_fini(struct config_access_log *log);

#endif
