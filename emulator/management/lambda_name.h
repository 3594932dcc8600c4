/* lambda_name.h - the ways to name a function: name, name:qualifier, partial and full ARN. Pure.
 *
 * AWS Lambda API reference, "Invoke", FunctionName. */
#ifndef MANAGEMENT_LAMBDA_NAME_H
#define MANAGEMENT_LAMBDA_NAME_H

#include <stdbool.h>

#include "base/span.h"

/* What the pattern of FunctionName is, as AWS shows it to who breaks it. */
#define LAMBDA_NAME_PATTERN                                                                                    \
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?" \
    "([a-zA-Z0-9-_\\.]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"

/* What is not given is empty. */
struct lambda_name {
    struct span region;
    struct span account_id;
    struct span function;
    struct span qualifier;
};

/* Spans point into `text`. False: it is not of that pattern. */
bool lambda_name_parse(struct span text, struct lambda_name *ret);

/* May it be a qualifier: a version, an alias, or $LATEST? */
bool lambda_name_is_qualifier(struct span text);

#endif
