/* canonical.h - the canonical request of Signature Version 4: the one spelling of a request that both sides sign.
 *
 * AWS Signature Version 4, "Create a canonical request"; for execute-api the path of the wire is encoded once more,
 * so that %3D becomes %253D (observed in answers of AWS's). Pure. */
#ifndef AUTHORIZATION_CANONICAL_H
#define AUTHORIZATION_CANONICAL_H

#include "authorization/sigv4.h"
#include "base/buf.h"

enum canonical_path {
    CANONICAL_PATH_ENCODED_AGAIN, /* what is right */
    CANONICAL_PATH_ENCODED_ONCE,
    CANONICAL_PATH_AS_SENT, /* as curl 7.88 has it */
};

/* What there is to say besides the request. All but the right path, the last two too, are mistakes that clients make:
 * with them it can be told which mistake a wrong signature comes from. */
struct canonical_form {
    struct span signed_headers; /* names with ';' between, as the client wrote them */
    struct span body_hash;      /* the last line */
    enum canonical_path path;
    bool host_without_port;
    struct span parameter_left_out; /* of the query */
};

/* Appends it. */
void canonical_write(struct buf *out, const struct sigv4_request *request, const struct canonical_form *form);

/* The next element of a list; *rest is what follows its separator, with NULL ptr at the end. False when there is none.
 */
bool canonical_next(struct span *rest, char separator, struct span *ret);

#endif
