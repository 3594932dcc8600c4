/* microhttpd.h - libmicrohttpd, loaded when it is first needed.
 *
 * It is linked with GnuTLS, which we never use: eight libraries that would take as long to load as all else that apigw
 * does until it serves, and a megabyte of memory. Who only has WebSockets, or runs `apigw check`, does without.
 *
 * Threads  loop thread only. */
#ifndef NET_MICROHTTPD_H
#define NET_MICROHTTPD_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/buf.h"

/* What we call of it, without its prefix. */
#define MICROHTTPD_FUNCTIONS(X)    \
    X(add_connection)              \
    X(add_response_header)         \
    X(create_response_from_buffer) \
    X(destroy_response)            \
    X(get_connection_info)         \
    X(get_connection_values)       \
    X(get_daemon_info)             \
    X(get_timeout)                 \
    X(lookup_connection_value)     \
    X(queue_response)              \
    X(resume_connection)           \
    X(run)                         \
    X(set_response_options)        \
    X(start_daemon)                \
    X(stop_daemon)                 \
    X(suspend_connection)

struct microhttpd {
#define MICROHTTPD_FIELD(name) __typeof__(MHD_##name) *name;
    MICROHTTPD_FUNCTIONS(MICROHTTPD_FIELD)
#undef MICROHTTPD_FIELD
};

/* Filled in by microhttpd_load. */
extern struct microhttpd mhd;

/* Loads it, if that has not been done. False and a sentence if it cannot be; a later call tries again. */
bool microhttpd_load(struct buf *ret_error);

#endif
