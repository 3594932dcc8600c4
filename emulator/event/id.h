/* id.h - identifiers as AWS makes them.
 *
 * connectionId, requestId, messageId and x-amz-apigw-id: 16 characters, URL-safe base64 of 11 bytes and a '='. The
 * bytes: 0-3 a counter that moves every 25 ms, 4-5 random (0xc0 and up first for connection and message ids), 6-7 the
 * region's tag, 8 the kind, 9-10 random, which a message id shares with its connection (observed layout). Loop thread
 * only. */
#ifndef EVENT_ID_H
#define EVENT_ID_H

#include <stdint.h>

#include "base/span.h"

#define ID_LEN 16
#define ID_SIZE (ID_LEN + 1) /* with the terminator */
#define UUID_LEN 36
#define UUID_SIZE (UUID_LEN + 1) /* with the terminator */
#define TRACE_ID_SIZE 41         /* "Root=1-5759e988-bd862e3fe1be46a994272793" and the terminator */

void id_new_connection(char out[ID_SIZE]);
void id_new_message(const char connection_id[ID_SIZE], char out[ID_SIZE]);
void id_new_request(char out[ID_SIZE]);
void id_new_apigw(char out[ID_SIZE]); /* x-amz-apigw-id */

/* A version 4 UUID, as in x-amzn-RequestId and Lambda's request ids. */
void id_new_uuid(char out[UUID_SIZE]);

/* X-Amzn-Trace-Id. */
void id_new_trace(char out[TRACE_ID_SIZE]);

/* Is it of a connection id's shape? 16 characters, 15 of them URL-safe base64, then '='. */
bool id_is_connection(struct span s);

#endif
