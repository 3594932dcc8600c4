/* url.h - the URLs that people give, and those that are made of them. Pure but for libcurl's parser. */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include <stdbool.h>

#include "base/buf.h"

#define URL_LENGTH_MAX 8192

struct url {
    bool secure;
    char *host;      /* as in a URL: IPv6 in brackets */
    char *port;      /* never NULL */
    char *authority; /* what a Host header says: the port only if it is not the scheme's */
    char *path;      /* begins with '/' */
    char *query;     /* NULL: none */
    char *place;     /* HOST:PORT where it is, if no DNS knows the host; NULL: where its name says */
};

enum url_kind { URL_WEBSOCKET, URL_MANAGEMENT };

/* A URL of a WebSocket API, ws:// or wss://, or none of both: then ws://, and wss:// for AWS's own. As URL_MANAGEMENT
 * http:// and https:// mean the same. 0, or -1 with a sentence and an example in `ret_error`. The caller calls
 * url_fini. */
int url_parse(const char *text, enum url_kind kind, struct url *ret, struct buf *ret_error);

/* ws://… or wss://…; of the other kind http://…/@connections or https://…/@connections. The caller frees it. */
char *url_websocket(const struct url *url);
char *url_connections(const struct url *url);

/* http://HOST:PORT or https://…, without a path: where /_apigw/ is. The caller frees it. */
char *url_origin(const struct url *url);

void url_fini(struct url *url);

static inline void url_fini_ptr(struct url *url)
{
    url_fini(url);
}

#endif
