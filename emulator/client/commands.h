/* commands.h - lines that begin with '/'. */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include "client/session.h"

/* "/close", …; NULL terminated. */
extern const char *const commands_names[];

/* Does what a line says, which begins with '/', and not with '//'. False, after having said why: it makes no sense. */
bool commands_run(struct session *s, struct span line);

/* Appends the id that the emulator gave this connection. False: it is no apigw, or it does not tell. */
bool commands_find_id(const struct session *s, struct buf *out);

#endif
