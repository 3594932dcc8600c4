/* health.h - may the emulator be used at present, and if not, why? Whoever knows adds reasons; the worst counts.
 *
 * Threads  loop thread only. */
#ifndef MANAGEMENT_HEALTH_H
#define MANAGEMENT_HEALTH_H

#include "base/span.h"

/* From the best to the worst. */
enum health_status {
    HEALTH_READY,
    HEALTH_STARTING, /* not yet */
    HEALTH_DEGRADED, /* clients are served, but something does not work */
    HEALTH_STOPPING
};

struct health;

/* `code` names the kind of reason and is a literal (docs/inspection.md lists them); `subject` is what it is about, such
 * as a function's name; `message` is a sentence without a full stop. Both are copied. */
void health_add(struct health *health, enum health_status status, const char *code, struct span subject,
                struct span message);

/* Adds what it knows. */
typedef void health_source_fn(void *arg, struct health *health);

#endif
