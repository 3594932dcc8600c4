/* announcement.h - tells the user's other programs that a service runs, such as `apigw connect` without a URL: a file
 * in the folder of base/runtime_folder.h, for as long as the service runs.
 *
 * It is a convenience: where it cannot be, a line at the level `debug` says why, and nothing else is different. */
#ifndef CLI_ANNOUNCEMENT_H
#define CLI_ANNOUNCEMENT_H

#include "base/span.h"

struct announcement;

/* `text` is what the ready file says. NULL: there is none. */
struct announcement *announcement_open(struct span text);

/* Takes it back. NULL is fine. */
void announcement_close(struct announcement *a);

#endif
