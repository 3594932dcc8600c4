/* scrape.h - GET /_apigw/metrics: all that was counted, as Prometheus reads it. docs/metrics.md says what it means.
 *
 * Threads  loop thread only. */
#ifndef MANAGEMENT_SCRAPE_H
#define MANAGEMENT_SCRAPE_H

#include "base/buf.h"
#include "function/function.h"
#include "gateway/gateway.h"

void scrape_write(const struct gateway *gateway, const struct function_pool *pool, struct buf *out);

#endif
