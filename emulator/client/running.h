/* running.h - emulators that run: what their ready files say. */
#ifndef CLIENT_RUNNING_H
#define CLIENT_RUNNING_H

#include <stdint.h>

#include "base/buf.h"

#define RUNNING_MAX 64u /* that are looked at */

/* One stage of one API that is served. */
struct running {
    int64_t pid;
    char *api;       /* its name; NULL: the file does not say */
    char *api_id;    /* NULL: the file does not say */
    char *stage;     /* NULL: the file does not say */
    char *websocket; /* its URL */
    char *place;     /* HOST:PORT where it listens, whatever the URL's host is */
};

struct running_list {
    struct running *items;
    size_t count;
};

/* What a ready file says. 0, or -1 with a sentence. The caller calls running_fini. */
int running_read(const char *path, struct running_list *ret, struct buf *ret_error);

/* All that run and have said so (base/runtime_folder.h); none is no error. */
void running_find(struct running_list *ret);

/* Keeps those of an API, by its name or its id, and of a stage; NULL: any. */
void running_keep(struct running_list *list, const char *api, const char *stage);

void running_fini(struct running_list *list);

static inline void running_fini_ptr(struct running_list *list)
{
    running_fini(list);
}

#endif
