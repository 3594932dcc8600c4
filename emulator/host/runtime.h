/* runtime.h - one execution environment: loads the plugin, runs invocations until told to stop.
 *
 * There is one per process. A plugin calls back with nothing but a context pointer, which is compared and never
 * believed. */
#ifndef HOST_RUNTIME_H
#define HOST_RUNTIME_H

#include <apigw/plugin.h>

#include "base/buf.h"
#include "host/link.h"
#include "host/usage.h"
#include "src/caller.h"

/* What may be asked for at the moment. */
enum runtime_phase { PHASE_IDLE, PHASE_INIT, PHASE_HANDLER, PHASE_FINI };

struct runtime {
    struct link link;
    struct usage usage;
    const struct apigw_plugin *plugin;
    const struct apigw_handler *handler;
    struct apigw_context context;
    enum runtime_phase phase;

    /* of the invocation that runs */
    struct caller caller;
    const struct apigw_event *event;
    struct span event_head;
    struct span event_tail;
    struct buf event_json; /* empty until asked for */
    uint64_t began_ns;
    uint64_t deadline_ns;
    struct message *call_result; /* what get_connection gave pointers into */
    struct buf ids;              /* of a broadcast */

    /* The answer so far: a frame without its head. 0: none. */
    uint32_t answer_type;
    struct buf answer;
};

/* Opens the channel; 0 or -errno (-EPROTO: what is there is no channel). */
int runtime_open(struct runtime *rt, const struct channel_fds *fds);

/* Loads, runs, ends. Returns the exit status. */
int runtime_serve(struct runtime *rt, int plugin_fd, const char *handler_name);

#endif
