/* log.h - one line per thing worth knowing, on standard error.
 *
 *   12:01:33.120 warn  function: chat: Task timed out after 3.00 seconds req=1f0c…
 *
 * A line is `time level subject: sentence key=value …`. Library code returns its failures; only the edges log, once.
 * Bytes that are not printable are escaped, so a client cannot forge a line. A line is cut at LOG_LINE_MAX. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/span.h"

#define LOG_LINE_MAX 4096

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* The subjects, so that a grep for one finds all of its lines. */
#define LOG_GATEWAY "gateway"
#define LOG_FUNCTION "function"
#define LOG_NET "net"
#define LOG_CONFIG "config"

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

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

/* A line that a plugin printed, as it came but for unprintable bytes: `time tag | text`. Shown at every level. */
void log_plugin(struct span tag, struct span line);

#endif
