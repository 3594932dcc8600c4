/* input.c - reads to the end, or one byte further than it may. */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 65536u

/* 0 or -errno. */
static int read_all(int fd, size_t bytes_max, struct buf *ret)
{
    while (ret->len <= bytes_max) {
        ssize_t n = read(fd, buf_reserve(ret, READ_BYTES), READ_BYTES);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        ret->len += (size_t)n;
    }
    return -EFBIG;
}

int input_read(const char *path, size_t bytes_max, struct buf *ret, struct buf *ret_error)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    const int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    const int r = fd < 0 ? -errno : read_all(fd, bytes_max, ret);

    if (fd >= 0 && !is_stdin)
        close(fd);
    if (r == -EFBIG)
        buf_printf(ret_error, "%s has more than %zu bytes", is_stdin ? "standard input" : path, bytes_max);
    else if (r < 0)
        buf_printf(ret_error, "%s: %s", is_stdin ? "standard input" : path, strerror(-r));
    return r < 0 ? -1 : 0;
}
