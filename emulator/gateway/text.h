/* text.h - what leaves as WebSocket text is UTF-8, whatever a handler or a client gave us. Pure. */
#ifndef GATEWAY_TEXT_H
#define GATEWAY_TEXT_H

#include "base/buf.h"
#include "base/span.h"

/* `s` itself if it is UTF-8. Otherwise a copy in `scratch`, which is emptied first, with U+FFFD for each byte that is
 * not part of it: at most three times as long. */
struct span text_repaired(struct span s, struct buf *scratch);

#endif
