/* tcp.c - see tcp.h. */
#include "net/tcp.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Probes begin after half of the limit, and the last of them is due at its end. */
#define PROBES 4

/* TCP_CLOSE of netinet/tcp.h, which does not go together with linux/tcp.h. */
#define STATE_CLOSE 7

/* Of a client that sends more often than this it is not known. */
#define TRIES 8

/* What comes between two questions would be counted by the answer to one of them alone. What is unread only grows as
 * long as nobody reads: if it is nothing after the first question, or the same as before, then nothing came. */
bool tcp_read_state(int fd, struct tcp_state *ret)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    int unread = 0, before;

    for (unsigned i = 0; i < TRIES; i++) {
        before = unread;
        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || ioctl(fd, SIOCINQ, &unread) < 0 ||
            len < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t))
            return false;
        if (unread != before)
            continue;
        ret->read_bytes = (uint64_t)info.tcpi_bytes_received - (unsigned)unread;
        ret->quiet_ms = info.tcpi_last_data_recv;
        return true;
    }
    return false;
}

/* A reset leaves what came before it to be read. */
static bool was_reset(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_state == STATE_CLOSE;
}

bool tcp_is_open(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n > 0 && was_reset(fd))
        return false;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void set_option(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof(value)); /* without it the connection is only noticed later */
}

static int at_least_a_second(uint64_t ms)
{
    return ms < 1000 ? 1 : (int)(ms / 1000);
}

void tcp_set_vanish_limit(int fd, uint64_t limit_ms)
{
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, at_least_a_second(limit_ms / 2));
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, at_least_a_second(limit_ms / 2 / PROBES));
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)limit_ms);
}
