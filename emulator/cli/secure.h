/* secure.h - the TLS side of a service: the certificate that it shows, and the environment that lets programs trust it.
 *
 * Owner: the service; secure_open to secure_close. Threads: loop thread only. */
#ifndef CLI_SECURE_H
#define CLI_SECURE_H

#include <stddef.h>

#include "config/config.h"
#include "tls/identity.h"

struct secure_options {
    const char *certificate_path; /* both or neither; NULL: the local CA's */
    const char *key_path;
};

struct secure {
    struct identity *identity; /* NULL: TLS is not served */
    char *ca_path;             /* NULL: there is no CA of ours behind it */
    const char *const *hosts;
    size_t host_count;
};

/* `hosts` are those that are listened on; they stay the caller's. Sets what tls/trust.h sets, if the certificate is to
 * be the local CA's. A CA that cannot be made costs a warning, and TLS. CLI_OK and *ret, or CLI_FAILED after having
 * said why: a file that was given cannot be used. */
int secure_open(const struct secure_options *options, const char *const *hosts, size_t count, struct secure *ret);

/* Certificates are for the hosts and for the names of these APIs from now on: their custom domains, and theirs on AWS,
 * for who sends those here. */
void secure_set_apis(struct secure *s, struct config *const *configs, size_t count);

void secure_close(struct secure *s);

#endif
