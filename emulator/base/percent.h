/* percent.h - percent-encoding (RFC 3986, section 2.1). */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "base/buf.h"
#include "base/span.h"

/* Appends what `encoded` stands for. What is no valid encoding stays as it is; so does '+', unless it stands for a
 * blank, as in a query. */
enum percent_plus { PERCENT_PLUS_STAYS, PERCENT_PLUS_IS_BLANK };
void percent_decode(struct buf *out, struct span encoded, enum percent_plus plus);

/* Appends `text` with every byte encoded, in upper case, that is neither unreserved (letters, digits, "-._~") nor in
 * `keep`. */
void percent_encode(struct buf *out, struct span text, const char *keep);

/* Upper bound of what percent_encode adds for `len` bytes. */
#define PERCENT_ENCODED_MAX(len) ((len)*3)

#endif
