/* write.c - see write.h. */
#include "base/write.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Is there room for a piece? Whoever has not asked for pieces need not wait. */
static bool may_write(int fd, size_t max)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};

    return max == 0 || (poll(&ready, 1, 0) == 1 && (ready.revents & (POLLOUT | POLLERR | POLLHUP)));
}

size_t write_some(int fd, struct span bytes, size_t max, int *ret_error)
{
    size_t written = 0;

    while (written < bytes.len) {
        const struct span left = span_from(bytes, written);
        ssize_t n;

        if (!may_write(fd, max)) {
            *ret_error = EAGAIN;
            break;
        }
        n = write(fd, left.ptr, max > 0 && left.len > max ? max : left.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            *ret_error = errno;
            break;
        }
        written += (size_t)n;
    }
    return written;
}
