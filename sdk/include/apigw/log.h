/**
 * @file log.h
 * Lines for the log, with a level and with fields.
 *
 *     apigw_log_text(context, APIGW_LOG_INFO, "%zu clients in room %s", count, room);
 *     apigw_log_fields(context, APIGW_LOG_WARN, "slow client", fields, 2);
 *
 * A line is tagged with the function and the invocation's request id. Lines below the level in the function's
 * environment variable APIGW_LOG_LEVEL (error, warn, info, debug; default: all) are not written. */
#ifndef APIGW_LOG_H
#define APIGW_LOG_H

#include <apigw/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define APIGW_LOG_TEXT_MAX 4000 /**< bytes of a line; the rest is cut */

/** 1 if lines of this level are written, else 0. */
static inline int apigw_log_enabled(enum apigw_log_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    const char *wanted = getenv("APIGW_LOG_LEVEL");
    int i;
    for (i = 0; wanted && i < 4; i++)
        if (strcmp(wanted, names[i]) == 0)
            return (int)level <= i;
    return 1;
}

/** A line made as printf makes it, of at most APIGW_LOG_TEXT_MAX bytes: the rest is cut. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static inline void
apigw_log_text(struct apigw_context *context, enum apigw_log_level level, const char *format, ...)
{
    char line[APIGW_LOG_TEXT_MAX];
    va_list args;
    int len;
    if (!apigw_log_enabled(level))
        return;
    va_start(args, format);
    len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len < 0)
        return;
    apigw_log(context, level, apigw_span_of(line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1));
}

/** One field of a line: borrowed until apigw_log_fields has returned. */
struct apigw_log_field {
    const char *name;        /**< a C string */
    struct apigw_span value; /**< any bytes: what is not UTF-8 becomes U+FFFD */
};

/** A line that programs can read: {"message":"slow client","connectionId":"…"}. */
static inline void apigw_log_fields(struct apigw_context *context, enum apigw_log_level level, const char *message,
                                    const struct apigw_log_field *fields, size_t count)
{
    struct apigw_json_writer w = apigw_json_write(context);
    size_t i;
    if (!apigw_log_enabled(level))
        return;
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "message");
    apigw_json_string(&w, apigw_span_of_str(message));
    for (i = 0; i < count; i++) {
        apigw_json_key(&w, fields[i].name);
        apigw_json_string(&w, fields[i].value);
    }
    apigw_json_end_object(&w);
    apigw_log(context, level, apigw_json_written(&w));
}

#ifdef __cplusplus
}
#endif

#endif
