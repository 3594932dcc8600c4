/* duration.h - "10m": a length of time as people write it. Pure. */
#ifndef MANAGEMENT_DURATION_H
#define MANAGEMENT_DURATION_H

#include <stdint.h>

#include "base/span.h"

#define DURATION_MS_MAX (365ull * 24 * 60 * 60 * 1000)

/* A decimal number and a unit: ms, s, m, h, d. 0 and *ret_ms, rounded to the nearest; -1 if it is not of that form, is
 * negative, or exceeds a year. */
int duration_parse(struct span text, uint64_t *ret_ms);

#endif
