/* expression.h - selection expressions, such as `$request.body.action`.
 *
 * The language of API Gateway developer guide, "WebSocket selection expressions": variables `$request.body.PATH` or
 * `${request.body.PATH}` mixed with static text, `\$` for a dollar sign, evaluated once. PATH is JSONPath: members
 * (dotted, or ['quoted']), indices, [*], slices, unions and `..`; filters are refused at compile time.
 *
 * Owner: the caller; expression_free. Evaluation allocates only in `out`, and what a path with many matches costs is
 * bounded (expression_priv.h): its list is then cut and ends in ", …]". */
#ifndef CONFIG_EXPRESSION_H
#define CONFIG_EXPRESSION_H

#include "base/buf.h"
#include "base/span.h"

struct expression;

struct expression_error {
    size_t offset; /* into the expression's text */
    size_t len;    /* how much of it is wrong, at least 1 */
    char what[160];
};

/* 0, or -1 with *ret_error filled. */
int expression_compile(struct span text, struct expression **ret, struct expression_error *ret_error);
void expression_free(struct expression *e);

enum expression_result {
    EXPRESSION_OK,
    EXPRESSION_NOT_JSON /* a variable was asked of a body that is not JSON; nothing was appended */
};

/* Appends to `out` what the expression selects from one message body.
 *   a missing path           nothing
 *   null                     `null_text`
 *   a string                 its text
 *   a number, a boolean      as written
 *   an array, many matches   "[item1, item2]"
 *   an object                its JSON text
 * The whole body must be JSON, whatever part the path asks for. */
enum expression_result expression_evaluate(const struct expression *e, struct span body, struct span null_text,
                                           struct buf *out);

#endif
