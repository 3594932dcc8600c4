/* event_set.h - changes one value of an event: "requestContext.connectionId=abc". Pure.
 *
 * Paths are those that AWS's events have. One that names no such place is an error with the nearest that does. What AWS
 * says twice follows: a header is in headers and in multiValueHeaders. */
#ifndef CLI_EVENT_SET_H
#define CLI_EVENT_SET_H

#include "base/buf.h"
#include "cli/sample_event.h"

/* PATH=VALUE: where AWS has a text, VALUE is one; elsewhere it is JSON if it can be, else a text. PATH:=VALUE: VALUE is
 * JSON, whatever AWS has there. `document` is an event of kind `which`. 0, or -1 with one sentence in `ret_error`, and
 * the document as it was. */
int event_set(enum sample_event which, struct buf *document, struct span assignment, struct buf *ret_error);

/* "connect", "message", …; NULL terminated. */
extern const char *const event_names[SAMPLE_EVENTS + 1];

#endif
