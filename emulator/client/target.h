/* target.h - which API a command is about: the URL that is given, a ready file, the environment, or the emulator that
 * runs. */
#ifndef CLIENT_TARGET_H
#define CLIENT_TARGET_H

#include "client/url.h"

/* What the command line says; NULL: nothing. */
struct target_wish {
    const char *url;
    const char *ready_file;
    const char *api;
    const char *stage;
};

/* 0, or -1 with a sentence. `kind` is what the URL is for; either way both kinds can be made of *ret. The caller calls
 * url_fini. */
int target_find(const struct target_wish *wish, enum url_kind kind, struct url *ret, struct buf *ret_error);

/* The same for what is under /_apigw/, where it does not matter which of the APIs of one emulator it is: *ret_origin is
 * http://HOST:PORT or https://…, and the caller frees it. */
int target_find_origin(const struct target_wish *wish, char **ret_origin, struct buf *ret_error);

#endif
