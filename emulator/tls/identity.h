/* identity.h - who the server says that it is: the certificate that a TLS client is shown.
 *
 * Either one from files, for whatever name a client asks; or one of the local CA's, made for the name that the client
 * asks for (SNI, RFC 6066), if that is ours: clients let a `*` stand for one label alone, so no single certificate
 * covers what ends in `.localhost`. Whoever names nothing, or what is not ours, gets the certificate of `localhost`,
 * the addresses we listen on, and the address that it connected to.
 *
 * Owner    identity_new_* to identity_free. Threads: loop thread only.
 * Errors   NULL with one sentence in `ret_error`. */
#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "base/buf.h"

struct identity;

/* Of the local CA in `folder`, which need not be there yet: it is read when the first client comes. */
struct identity *identity_new_local(const char *folder);

/* From PEM files: a certificate, with those that lead to its root behind it, and its key. One that has expired is
 * served, with a warning. */
struct identity *identity_new_from_files(const char *certificate_path, const char *key_path, struct buf *ret_error);

/* The names that we answer to from now on, beside localhost and what ends in .localhost: host names, addresses, and
 * `*.` before a name for any label. They are copied. */
void identity_set_names(struct identity *identity, const char *const *names, size_t count);

/* What to make an SSL of. Lives as long as the identity. */
SSL_CTX *identity_context(struct identity *identity, struct buf *ret_error);

void identity_free(struct identity *identity); /* NULL is fine */

#endif
