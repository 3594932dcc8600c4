/* recall.h - the lines that were typed before: libedit's history, kept in $XDG_STATE_HOME/apigw/history, one on each
 * line, for this user's eyes alone.
 *
 * Several clients may have it open: each adds its lines at the end. Where it cannot be kept, it lasts as long as the
 * program. */
#ifndef CLIENT_RECALL_H
#define CLIENT_RECALL_H

#include <histedit.h>

#define RECALL_LINES_MAX 1000
#define RECALL_FILE_MAX ((size_t)1024 * 1024) /* is cut to the last lines when it is longer */

struct recall;

struct recall *recall_open(void);
void recall_add(struct recall *r, const char *line);
History *recall_history(struct recall *r);
void recall_close(struct recall *r);

#endif
