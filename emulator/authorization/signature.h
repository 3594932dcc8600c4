/* signature.h - the arithmetic of Signature Version 4: a hash, and a signature by a key that is derived from a secret.
 *
 * AWS Signature Version 4, "Calculate the signature". Pure. */
#ifndef AUTHORIZATION_SIGNATURE_H
#define AUTHORIZATION_SIGNATURE_H

#include "base/span.h"

#define SIGNATURE_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGNATURE_SERVICE "execute-api"
#define SIGNATURE_TERMINATOR "aws4_request"
#define SIGNATURE_HEX_LEN 64u /* of a hash and of a signature, without a terminator */

/* What the key is for: one day, region and service. */
struct signature_scope {
    struct span day; /* 20261124 */
    struct span region;
    struct span service;
    struct span terminator;
};

/* Writes SHA-256 in lower-case hexadecimal to `out`, which holds SIGNATURE_HEX_LEN, and returns it. */
struct span signature_hash(struct span data, char *out);

/* Writes the signature of `string_to_sign` to `ret`, which holds SIGNATURE_HEX_LEN. */
void signature_compute(const char *secret, const struct signature_scope *scope, struct span string_to_sign, char *ret);

#endif
