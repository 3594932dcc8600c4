/* log.h - one line per thing worth knowing, on standard error.
 *
 *   12:01:33.120 warn  function: chat: Task timed out after 3.00 seconds req=1f0c…
 *
 * A line is `time level subject: sentence key=value … (what to do)`. Library code returns its failures; only the edges
 * log, once. Bytes that are not printable are escaped, so a client cannot forge a line. A line is cut at LOG_LINE_MAX.
 *
 * As LOG_JSON each line is an object instead, for programs that read the log:
 *
 *   {"time":"2026-11-24T12:01:33.120Z","level":"warn","subject":"function","message":"…","req":"1f0c…"} */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/span.h"

#define LOG_LINE_MAX 4096

enum log_format { LOG_TEXT, LOG_JSON };

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* The subjects, so that a grep for one finds all of its lines. */
#define LOG_GATEWAY "gateway"
#define LOG_FUNCTION "function"
#define LOG_NET "net"
#define LOG_CONFIG "config"

void log_set_format(enum log_format format);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* "text", "json"; -1 if `name` is neither. */
int log_format_parse(const char *name, enum log_format *ret);

/* "error", "warn", "info", "debug"; -1 if `name` is none of them. */
int log_level_parse(const char *name, enum log_level *ret);

void log_write(enum log_level level, const char *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                         \
    do {                                       \
        if (log_enabled(LOG_DEBUG))            \
            log_write(LOG_DEBUG, __VA_ARGS__); \
    } while (0)

/* One key=value of a line. */
struct log_field {
    const char *name;
    struct span text;
    uint64_t number; /* if `text` has no pointer */
};

/* A line whose parts a program can tell apart. `todo` is what to do about it, or NULL. */
void log_event(enum log_level level, const char *subject, struct span message, const struct log_field *fields,
               size_t field_count, const char *todo);

/* The two arguments of log_event for fields that are listed there. */
#define LOG_FIELDS(...)                        \
    ((const struct log_field[]){__VA_ARGS__}), \
        (sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* A line about a function: `… function: NAME: sentence req=…`. `request` is the invocation's, without a pointer if
 * there is none. */
#define NO_REQUEST span_of(NULL, 0)
void log_function(enum log_level level, const char *function, struct span request, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A line that a plugin printed, as it came but for unprintable bytes: `time function request | text`. `request` is
 * the invocation's, or a word for the time when there is none. Shown at every level. */
void log_plugin(const char *function, struct span request, struct span line);

#endif
