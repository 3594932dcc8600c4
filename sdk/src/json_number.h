/* json_number.h - what the text of a JSON number says. Pure, and without regard to the locale. */
#ifndef SDK_JSON_NUMBER_H
#define SDK_JSON_NUMBER_H

#include <stdint.h>

#include "base/json.h"

/* The nearest double; -1 if it is beyond all of them. `scratch` is emptied. */
int json_number_double(struct json_value number, struct buf *scratch, double *ret);

/* The number, exactly, if it is whole: 5, 5.0 and 0.5e1 are. -1 if it is not, or does not fit. */
int json_number_integer(struct json_value number, int64_t *ret);

#endif
