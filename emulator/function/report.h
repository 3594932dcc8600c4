/* report.h - the lines that Lambda writes into a log stream around those of the function, to the byte. Pure.
 *
 * Each function appends to `out`, without the last newline. */
#ifndef FUNCTION_REPORT_H
#define FUNCTION_REPORT_H

#include <stdint.h>

#include "base/buf.h"

enum report_status { REPORT_SUCCESS, REPORT_ERROR, REPORT_TIMEOUT };

struct report {
    struct span request_id;
    uint64_t duration_ns;
    uint64_t init_ns; /* of a cold start; 0: warm */
    uint32_t memory_size_mb;
    uint32_t memory_max_kb;
    enum report_status status;
    struct span error_type; /* for REPORT_ERROR */
};

struct report_init {
    uint64_t duration_ns;
    enum report_status status;
    struct span error_type;
};

void report_write_init_start(struct buf *out, const char *region);
void report_write_start(struct buf *out, struct span request_id);
void report_write_end(struct buf *out, struct span request_id);
void report_write_report(struct buf *out, const struct report *r);
void report_write_init_report(struct buf *out, const struct report_init *r);

/* "2026-01-31T10:00:03.020Z <id> Task timed out after 3.00 seconds" */
void report_write_timeout(struct buf *out, uint64_t wall_ms, struct span request_id, unsigned timeout_ms);

/* Two lines: "RequestId: <id> Error: <reason>" and the error's type. */
void report_write_end_of_process(struct buf *out, struct span request_id, struct span reason, struct span error_type);

/* The type as the log has it: what is not of the form Runtime.X or Function.X is `unknown`. */
struct span report_error_type(struct span type, struct span unknown);

#endif
