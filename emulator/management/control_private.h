/* control_private.h - what the files of /_apigw share: the state, the shape of an operation, and answers. */
#ifndef MANAGEMENT_CONTROL_PRIVATE_H
#define MANAGEMENT_CONTROL_PRIVATE_H

#include "base/json.h"
#include "base/list.h"
#include "management/control.h"

/* The version of all documents here: a member that goes or changes its meaning makes it one more. */
#define CONTROL_VERSION 1

struct control {
    struct control_setup setup;
    uint64_t started_ms; /* by the system's clock */
    bool stopped;
    /* clock_moves.c */
    struct list moves; /* the first is under way */
    struct loop_deferred *deferred;
    struct loop_timer *poll;
};

/* One request, and how it is answered; once. */
struct control_call {
    struct control *control;
    const struct sigv4_request *request;
    struct span id; /* what stands at {id}, as sent */
    management_answered_fn *on_answered;
    void *arg;
};

typedef void control_operation_fn(const struct control_call *call);

/* Answers with {"message":…}. */
void control_answer_message(const struct control_call *call, unsigned status, struct span message);

/* Answers with what is written; takes it. All answers end here. */
void control_send_response(const struct control_call *call, struct management_response *answer);

/* Answers with a document: it is begun, "version" first, written by the caller, and sent. */
struct control_document {
    struct management_response answer;
    struct json_writer json;
};
void control_begin(struct control_document *document, unsigned status);
void control_send(const struct control_call *call, struct control_document *document);

/* ---- members of documents ---- */

void control_write_string(struct json_writer *w, const char *key, struct span value); /* repaired, if need be */
void control_write_int(struct json_writer *w, const char *key, uint64_t value);
void control_write_bool(struct json_writer *w, const char *key, bool value);
void control_write_null(struct json_writer *w, const char *key);
void control_write_time(struct json_writer *w, const char *key, uint64_t wall_ms);
void control_object_begin(struct json_writer *w, const char *key);
void control_array_begin(struct json_writer *w, const char *key);

/* ---- the operations ---- */

control_operation_fn control_get_clock, control_post_clock;            /* clock_moves.c */
control_operation_fn control_get_health;                               /* health.c */
control_operation_fn control_list_connections, control_get_connection; /* connections.c */
control_operation_fn control_delete_connection;                        /* connections.c */
control_operation_fn control_get_functions;                            /* functions.c */
control_operation_fn control_get_metrics;                              /* scrape.c */

/* ---- clock_moves.c: moves of the clock that wait ---- */

void clock_moves_init(struct control *control);
void clock_moves_stop(struct control *control);
void clock_moves_fini(struct control *control);

#endif
