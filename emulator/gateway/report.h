/* report.h - the one log line that says what a rule did, to whom, and what to do about it.
 *
 *   gateway: closed the connection: a frame from a client carries at most 32 KB rule=frame-too-large value=40000
 *   limit=32768 unit=bytes conn=… close=1009 (send the message in several frames …) */
#ifndef GATEWAY_REPORT_H
#define GATEWAY_REPORT_H

#include <stdint.h>

#include "base/log.h"
#include "base/span.h"
#include "gateway/rules.h"

/* What is known; members that are not are zero. */
struct report {
    const struct rule *rule;
    const char *happened; /* "closed the connection" */
    struct span detail;   /* a sentence without a full stop, when the rule's own does not say it all */
    uint64_t value;       /* what was over the limit */
    struct span connection_id;
    struct span request_id;
    /* What the client was given: */
    unsigned http_status;
    unsigned close_code;
    const char *frame; /* the text of an error frame */
};

void report_write(enum log_level level, const struct report *report);

#endif
