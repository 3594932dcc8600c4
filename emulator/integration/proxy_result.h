/* proxy_result.h - judges a Lambda proxy result as AWS does: what is well-formed, and what is in it. Pure. */
#ifndef INTEGRATION_PROXY_RESULT_H
#define INTEGRATION_PROXY_RESULT_H

#include "base/buf.h"
#include "base/span.h"
#include "function/function.h"

struct proxy_result {
    int status_code;
    bool has_body;
    struct span body;        /* into the json, or into `text` */
    struct span subprotocol; /* likewise */
};

/* Reads the JSON text a function returned. 0 and *ret, or -1: malformed, and *ret_why says what is wrong in a sentence.
 * `text` holds what had to be unescaped; *ret points into it and into `json`. */
int proxy_result_parse(struct span json, struct buf *text, struct proxy_result *ret, const char **ret_why);

/* The same judgement on a typed answer of a handler. */
int proxy_result_from_typed(const struct invocation_result *typed, struct proxy_result *ret, const char **ret_why);

#endif
