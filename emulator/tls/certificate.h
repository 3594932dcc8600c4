/* certificate.h - X.509 certificates of our own making (RFC 5280): of a local authority, and of servers it vouches for.
 *
 * Keys are on P-256. Nothing here touches files. Owner: the caller, of all that is returned (X509_free,
 * EVP_PKEY_free). Errors: NULL only if OpenSSL has no memory or no randomness. */
#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>

#include "base/buf.h"

#define CERTIFICATE_AUTHORITY_DAYS 3650
/* Apple's clients take no more than 825 days, and browsers no more than 398 of public authorities. */
#define CERTIFICATE_SERVER_DAYS 397

/* A certificate with its key. */
struct certificate {
    X509 *x509;
    EVP_PKEY *key;
};

void certificate_fini(struct certificate *c);

EVP_PKEY *certificate_new_key(void);

/* Signs itself, may vouch for servers alone, and for no other authority. `valid_days` may be negative: it is expired.
 * Without a DNS constraint, since a custom domain may have any name. */
X509 *certificate_new_authority(EVP_PKEY *key, const char *common_name, int valid_days);

/* For each of `names`: an IPv4 or IPv6 address, or else a DNS name. It does not outlive its authority. */
X509 *certificate_new_server(const struct certificate *authority, EVP_PKEY *key, const char *const *names,
                             size_t count);

/* Appends the SHA-256 of it, as browsers show it, and the time of its end. */
void certificate_fingerprint(const X509 *x509, struct buf *out);
void certificate_end(const X509 *x509, struct buf *out);

/* Days until it ends; negative if it has. */
int certificate_days_left(const X509 *x509);

#endif
