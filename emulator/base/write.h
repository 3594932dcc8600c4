/* write.h - bytes to a descriptor, however many calls that takes. */
#ifndef BASE_WRITE_H
#define BASE_WRITE_H

#include "base/span.h"

/* Writes until all of it is written, or not more than `max` bytes in one call if that is not 0, and only while that
 * blocks nobody. Returns how much was written; if that is not all, *ret_error is the errno, EAGAIN for one that would
 * have to be waited for. */
size_t write_some(int fd, struct span bytes, size_t max, int *ret_error);

#endif
