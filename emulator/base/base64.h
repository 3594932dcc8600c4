/* base64.h - base64 (RFC 4648, section 4), with padding. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"
#include "base/span.h"

void base64_encode(struct buf *out, struct span bytes);

#endif
