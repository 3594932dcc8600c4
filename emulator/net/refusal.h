/* refusal.h - a complete HTTP answer to an upgrade that is refused, written before libwebsockets ever saw the socket.
 *
 * Head order and names as an execute-api host sends them: Date, Content-Type, Content-Length, Connection,
 * x-amzn-RequestId, x-amzn-ErrorType, x-amz-apigw-id (observed). */
#ifndef NET_REFUSAL_H
#define NET_REFUSAL_H

#include "base/span.h"

struct refusal {
    unsigned status;
    struct span error_type; /* empty: no x-amzn-ErrorType */
    struct span body;
    bool keep_alive;
    bool say_version; /* adds Sec-WebSocket-Version: 13 (RFC 6455, section 4.4) */
};

/* Writes it to the socket; false if the socket did not take it whole, and is then good for closing only. */
bool refusal_write(int fd, const struct refusal *refusal);

#endif
