/* report.c - see report.h. */
#include "function/report.h"

#include <ctype.h>

#include "base/clock.h"

#define NS_PER_MS 1000000u

/* What Lambda calls a runtime that the function brings itself, and one of its versions. */
#define RUNTIME_NAME "provided:al2023.v1"
#define RUNTIME_HASH "3c1a5b6e0f0d4f0c9f6c4e7f6f0b1d52a2b9d8e6c7f1a0b3d4e5f60718293a4b"

static double ms_of(uint64_t ns)
{
    return (double)ns / NS_PER_MS;
}

void report_write_init_start(struct buf *out, const char *region)
{
    buf_printf(out, "INIT_START Runtime Version: " RUNTIME_NAME "\tRuntime Version ARN: arn:aws:lambda:%s::runtime:%s",
               region, RUNTIME_HASH);
}

void report_write_start(struct buf *out, struct span request_id)
{
    buf_printf(out, "START RequestId: " SPAN_FMT " Version: $LATEST", SPAN_ARG(request_id));
}

void report_write_end(struct buf *out, struct span request_id)
{
    buf_printf(out, "END RequestId: " SPAN_FMT, SPAN_ARG(request_id));
}

/* Whole megabytes; one that was over its limit was ended there. */
static uint32_t memory_mb(const struct report *r)
{
    uint32_t mb = (uint32_t)(((uint64_t)r->memory_max_kb + 1023) / 1024);

    return mb < r->memory_size_mb ? mb : r->memory_size_mb;
}

static void write_status(struct buf *out, enum report_status status, struct span error_type)
{
    buf_printf(out, "Status: %s", status == REPORT_TIMEOUT ? "timeout" : "error");
    if (status == REPORT_ERROR)
        buf_printf(out, "\tError Type: " SPAN_FMT, SPAN_ARG(error_type));
}

void report_write_report(struct buf *out, const struct report *r)
{
    buf_printf(out, "REPORT RequestId: " SPAN_FMT "\tDuration: %.2f ms\tBilled Duration: %llu ms",
               SPAN_ARG(r->request_id), ms_of(r->duration_ns),
               (unsigned long long)((r->duration_ns + NS_PER_MS - 1) / NS_PER_MS));
    buf_printf(out, "\tMemory Size: %u MB\tMax Memory Used: %u MB\t", r->memory_size_mb, memory_mb(r));
    if (r->init_ns > 0)
        buf_printf(out, "Init Duration: %.2f ms\t", ms_of(r->init_ns));
    if (r->status != REPORT_SUCCESS)
        write_status(out, r->status, r->error_type);
}

void report_write_init_report(struct buf *out, const struct report_init *r)
{
    buf_printf(out, "INIT_REPORT Init Duration: %.2f ms\tPhase: init", ms_of(r->duration_ns));
    if (r->status == REPORT_SUCCESS)
        return;
    buf_append_char(out, '\t');
    write_status(out, r->status, r->error_type);
}

void report_write_timeout(struct buf *out, uint64_t wall_ms, struct span request_id, unsigned timeout_ms)
{
    char now[CLOCK_ISO_SIZE];

    clock_format_iso(wall_ms, now);
    buf_printf(out, "%s " SPAN_FMT " Task timed out after %.2f seconds", now, SPAN_ARG(request_id),
               timeout_ms / 1000.0);
}

void report_write_end_of_process(struct buf *out, struct span request_id, struct span reason, struct span error_type)
{
    buf_printf(out, "RequestId: " SPAN_FMT " Error: " SPAN_FMT "\n" SPAN_FMT, SPAN_ARG(request_id), SPAN_ARG(reason),
               SPAN_ARG(error_type));
}

/* (Runtime|Function)\.[A-Z][A-Za-z]+, and the types that Lambda itself has. */
struct span report_error_type(struct span type, struct span unknown)
{
    static const struct span families[] = {{"Runtime.", 8}, {"Function.", 9}, {"Sandbox.", 8}};
    struct span rest = span_of(NULL, 0);

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (type.len > families[i].len && memcmp(type.ptr, families[i].ptr, families[i].len) == 0)
            rest = span_from(type, families[i].len);
    if (rest.len < 2 || !isupper((unsigned char)rest.ptr[0]))
        return unknown;
    for (size_t i = 0; i < rest.len; i++)
        if (!isalpha((unsigned char)rest.ptr[i]))
            return unknown;
    return type;
}
