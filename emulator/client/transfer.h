/* transfer.h - what all that goes through libcurl has in common: trust, proxies, deadlines, and why it did not work.
 *
 * Certificates are checked against the system's authorities, and apigw's own (APIGW_CA_DIR, else
 * $XDG_DATA_HOME/apigw/ca: ca.pem). Proxies of the environment are not used for this machine. */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "client/url.h"

struct transfer_options {
    const char *cacert;     /* trusted as well; NULL: none */
    const char *connect_to; /* HOST:PORT, where to connect in place of the URL's; NULL: there */
    bool insecure;
    long timeout_ms;
};

struct transfer {
    CURL *curl;
    char error[CURL_ERROR_SIZE];
    struct buf trusted;        /* certificates, in PEM */
    struct curl_slist *places; /* of --connect-to */
};

/* For requests to `url`, whose path is not looked at. 0, or -1 with a sentence. The caller calls transfer_fini. */
int transfer_init(struct transfer *t, const struct url *url, const struct transfer_options *options,
                  struct buf *ret_error);

/* A sentence about a failure, and behind a newline what to do, where that is known. */
void transfer_explain(const struct transfer *t, const struct url *url, CURLcode code, struct buf *out);

/* Is `value` HOST:PORT, or [IPv6]:PORT? */
bool transfer_is_place(const char *value);

void transfer_fini(struct transfer *t);

static inline void transfer_fini_ptr(struct transfer *t)
{
    transfer_fini(t);
}

#endif
