/* frame.h - reads what an apigw-host sends. Every number in there is checked; nothing is believed. Pure.
 *
 * Each function is given what follows a struct protocol_frame. It returns 0 and fills *ret with spans into `payload`,
 * or -1: the frame is not of this form. */
#ifndef FUNCTION_FRAME_H
#define FUNCTION_FRAME_H

#include "function/function.h"

/* The end of an invocation, of any kind. */
struct frame_answer {
    uint64_t sequence;
    struct protocol_usage usage;     /* any numbers */
    struct invocation_result result; /* its headers are those below */
    struct invocation_header headers[PROTOCOL_HEADERS_MAX];
};

struct frame_call {
    uint32_t op; /* any number */
    struct span id;
    struct span data;
    uint32_t id_count; /* PROTOCOL_POSTS_MAX at most */
};

struct frame_log {
    uint64_t sequence;
    int32_t level; /* any number */
    struct span line;
};

int frame_read_started(struct span payload, struct protocol_started *ret);
int frame_read_ready(struct span payload, struct protocol_ready *ret);
int frame_read_result(struct span payload, struct frame_answer *ret);
int frame_read_result_json(struct span payload, struct frame_answer *ret);
int frame_read_error(struct span payload, struct frame_answer *ret); /* INIT_FAILED too */
int frame_read_call(struct span payload, struct frame_call *ret);

/* Takes the ids of CALL_POST_ALL apart. */
int frame_read_ids(const struct frame_call *call, struct span ret[PROTOCOL_POSTS_MAX]);
int frame_read_log(struct span payload, struct frame_log *ret);

#endif
