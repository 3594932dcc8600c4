/* response.h - the documents that the gateway itself writes to clients. Pure; spacing is AWS's. */
#ifndef GATEWAY_RESPONSE_H
#define GATEWAY_RESPONSE_H

#include "base/buf.h"
#include "base/span.h"
#include "gateway/rules.h"

/* {"message": "Forbidden", "connectionId":"L0SM9cOFvHcCIhw=", "requestId":"VNRXVFJOywMF3-Q="}
 * The text frame after a message that failed, and the body of a failed $connect. */
void response_write_error(struct buf *out, const char *message, struct span connection_id, struct span request_id);

/* {"message":"Forbidden"}, the body of what has no connection yet. */
void response_write_message(struct buf *out, struct span message);

/* The same with the key that the rule's body has: {"Message":"User: … is not authorized …"}. What of `message` is not
 * UTF-8 is repaired; without a pointer it is null. */
void response_write_refusal(struct buf *out, const struct rule *rule, struct span message);

/* Appends a rule's message with each {} replaced by the next of `values`. */
void response_fill(struct buf *out, const char *message, const struct span *values);

#endif
