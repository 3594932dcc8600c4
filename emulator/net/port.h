/* port.h - the addresses that are listened on, all with the same port.
 *
 * Owner: port_open to port_close. Threads: loop thread only. */
#ifndef NET_PORT_H
#define NET_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PORT_ADDRESSES_MAX 16

/* Listening sockets that do not block. */
struct port {
    int fds[PORT_ADDRESSES_MAX];
    size_t count;
    uint16_t number;
};

/* Each host is an IPv4 or IPv6 address, or a name, which stands for all its addresses that this machine has;
 * `localhost` is 127.0.0.1 and, where there is IPv6, ::1. `number` 0 takes one that is free on all of them. 0, or -1
 * with one sentence in `ret_error`. */
int port_open(const char *const *hosts, size_t count, uint16_t number, struct port *ret, struct buf *ret_error);

void port_close(struct port *port);

#endif
