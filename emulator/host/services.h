/* services.h - what a handler can call, and the answer that comes of it. */
#ifndef HOST_SERVICES_H
#define HOST_SERVICES_H

#include "host/runtime.h"

/* The functions behind apigw_respond and its kin; they act on `rt`, whose context has its memory limit by now. */
const struct apigw_host *services_open(struct runtime *rt);

/* Forgets the answer, what calls have left, and the memory that was handed out. */
void services_reset(struct runtime *rt);

/* The answer becomes an error; both texts are cut at PROTOCOL_ERROR_MAX. */
void services_set_error(struct runtime *rt, struct span type, struct span message);

uint64_t services_now_ns(void);

#endif
