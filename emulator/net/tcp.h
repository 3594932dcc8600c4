/* tcp.h - what the kernel knows of a client's socket that the libraries do not tell (tcp(7), TCP_INFO). */
#ifndef NET_TCP_H
#define NET_TCP_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_state {
    uint64_t read_bytes; /* received and taken out of the socket, since it was accepted */
    uint64_t quiet_ms;   /* since the last byte was received; the kernel counts in steps of up to 10 ms */
};

/* False if the kernel does not say. */
bool tcp_read_state(int fd, struct tcp_state *ret);

/* Has the peer neither closed nor reset it, as far as is known? */
bool tcp_is_open(int fd);

/* A peer that has answered nothing for so long is taken for gone: what is sent is not acknowledged, or, on a silent
 * connection, probes are not. */
void tcp_set_vanish_limit(int fd, uint64_t limit_ms);

#endif
