/* sample_event.h - events that no client has caused, for `apigw event` and `apigw invoke`.
 *
 * They are made by event/, as those of clients are, and look as they would on AWS: its host name, its port. Ids are
 * new and the time is now. */
#ifndef CLI_SAMPLE_EVENT_H
#define CLI_SAMPLE_EVENT_H

#include "base/buf.h"
#include "base/span.h"
#include "config/config.h"

enum sample_event { SAMPLE_CONNECT, SAMPLE_MESSAGE, SAMPLE_DISCONNECT, SAMPLE_AUTHORIZER };
#define SAMPLE_EVENTS (SAMPLE_AUTHORIZER + 1)

/* What a message says if nothing else is wanted. */
#define SAMPLE_BODY SPAN("hello")

/* Appends the document of an event of a stage of `config`'s API; NULL: of one that has a name, and nothing else.
 * `body` is a message's. A message that the API has no route for gets $default, and the reason is appended to
 * `ret_note`. */
void sample_event_write(enum sample_event which, const struct config *config, const struct config_stage *stage,
                        struct span body, struct buf *out, struct buf *ret_note);

#endif
