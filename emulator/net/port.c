/* port.c - see port.h. */
#include "net/port.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define BACKLOG 1024

/* A number that is free on one address may be taken on the next. */
#define FREE_PORT_TRIES 32

/* What getaddrinfo made of one host. */
struct host {
    const char *name;
    struct addrinfo *addresses;
    bool is_localhost; /* and has 127.0.0.1 alone: ::1 goes with it */
    size_t bound;
    int error; /* of the address that could not be bound last */
};

struct binding {
    struct port *port;
    uint16_t wanted;
    bool has_ipv4; /* else a socket on `::` serves IPv4 too */
    struct buf *ret_error;
};

/* ---- names ---- */

static int resolve(const char *name, struct addrinfo **ret, struct buf *ret_error)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    int r = getaddrinfo(name, "0", &hints, ret);

    if (r == 0)
        return 0;
    buf_printf(ret_error, "cannot listen on %s: %s", name, gai_strerror(r));
    return -1;
}

static bool has_family(const struct addrinfo *addresses, int family)
{
    for (; addresses; addresses = addresses->ai_next)
        if (addresses->ai_family == family)
            return true;
    return false;
}

static void free_hosts(struct host *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (hosts[i].addresses)
            freeaddrinfo(hosts[i].addresses);
}

/* On many machines `localhost` is 127.0.0.1 alone, and clients try ::1 first. */
static int resolve_hosts(const char *const *names, size_t count, struct host *hosts, struct buf *ret_error)
{
    for (size_t i = 0; i < count; i++) {
        hosts[i] = (struct host){.name = names[i]};
        if (resolve(names[i], &hosts[i].addresses, ret_error) < 0)
            return -1;
        hosts[i].is_localhost = strcasecmp(names[i], "localhost") == 0 && !has_family(hosts[i].addresses, AF_INET6);
    }
    return 0;
}

/* ---- sockets ---- */

static void set_port(struct sockaddr_storage *address, uint16_t number)
{
    if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons(number);
    else
        ((struct sockaddr_in *)address)->sin_port = htons(number);
}

static uint16_t bound_number(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    int r = getsockname(fd, (struct sockaddr *)&address, &len);

    assert(r == 0);
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static void set_option(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof(value));
}

/* The socket, or -errno. */
static int bind_address(const struct binding *b, const struct sockaddr *address, socklen_t len)
{
    struct sockaddr_storage with_port = {0};
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    memcpy(&with_port, address, len);
    set_port(&with_port, b->port->number ? b->port->number : b->wanted);
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->sa_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, b->has_ipv4);
    if (bind(fd, (struct sockaddr *)&with_port, len) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;

        close(fd);
        return -error;
    }
    return fd;
}

/* Is a socket of ours there already? The same host twice, or two names of it. */
static bool is_bound(const struct port *port, const struct sockaddr *address, socklen_t len)
{
    for (size_t i = 0; i < port->count; i++) {
        struct sockaddr_storage bound = {0}, with_port = {0};
        socklen_t bound_len = sizeof(bound);

        memcpy(&with_port, address, len);
        set_port(&with_port, port->number);
        if (getsockname(port->fds[i], (struct sockaddr *)&bound, &bound_len) == 0 && bound_len == len &&
            memcmp(&bound, &with_port, len) == 0)
            return true;
    }
    return false;
}

/* 0 or errno. */
static int add_address(const struct binding *b, struct host *host, const struct sockaddr *address, socklen_t len)
{
    struct port *port = b->port;
    int fd;

    if (port->count > 0 && is_bound(port, address, len)) {
        host->bound++;
        return 0;
    }
    if (port->count == PORT_ADDRESSES_MAX)
        return EMFILE;
    fd = bind_address(b, address, len);
    if (fd < 0)
        return -fd;
    port->fds[port->count++] = fd;
    port->number = bound_number(fd);
    host->bound++;
    return 0;
}

/* Names may have addresses that are not this machine's, or of a protocol that is turned off. */
static bool is_not_here(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

static int add_host(const struct binding *b, struct host *host)
{
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int error = 0;

    for (const struct addrinfo *a = host->addresses; a; a = a->ai_next) {
        error = add_address(b, host, a->ai_addr, a->ai_addrlen);
        if (error && !is_not_here(error))
            return error;
    }
    if (host->is_localhost) {
        int r = add_address(b, host, (const struct sockaddr *)&loopback, sizeof(loopback));

        if (r && !is_not_here(r))
            return r;
    }
    return host->bound > 0 ? 0 : error;
}

static void explain(struct buf *out, const char *host, uint16_t number, int error)
{
    if (error == EMFILE) {
        buf_printf(out, "cannot listen on %s: %u addresses are the most", host, PORT_ADDRESSES_MAX);
        return;
    }
    buf_printf(out, "cannot listen on %s port %u: %s", host, number, strerror(error));
    if (error == EADDRINUSE)
        buf_append_str(out, "; choose another with --port, or --port 0 for a free one");
    else if (error == EACCES)
        buf_append_str(out, "; ports below 1024 need root");
    else if (error == EADDRNOTAVAIL)
        buf_append_str(out, "; that address is not one of this machine");
    else if (error == EAFNOSUPPORT)
        buf_append_str(out, "; IPv6 is turned off on this machine");
}

/* 0, or errno with *ret_failed. */
static int try_all(const struct binding *b, struct host *hosts, size_t count, struct host **ret_failed)
{
    for (size_t i = 0; i < count; i++) {
        int error;

        hosts[i].bound = 0;
        error = add_host(b, &hosts[i]);
        if (error) {
            *ret_failed = &hosts[i];
            return error;
        }
    }
    return 0;
}

static int open_all(const struct binding *b, struct host *hosts, size_t count)
{
    struct host *failed = NULL;
    int error = 0;

    for (int i = 0; i < FREE_PORT_TRIES; i++) {
        uint16_t number;

        error = try_all(b, hosts, count, &failed);
        if (!error)
            return 0;
        number = b->port->number ? b->port->number : b->wanted;
        port_close(b->port);
        if (b->wanted != 0 || error != EADDRINUSE) {
            explain(b->ret_error, failed->name, number, error);
            return -1;
        }
    }
    buf_printf(b->ret_error, "no port was free on all addresses in %d tries; choose one with --port", FREE_PORT_TRIES);
    return -1;
}

int port_open(const char *const *hosts, size_t count, uint16_t number, struct port *ret, struct buf *ret_error)
{
    struct host *resolved = mem_zalloc(count * sizeof(*resolved));
    struct port port = {0};
    struct binding binding = {.port = &port, .wanted = number, .ret_error = ret_error};
    int r = resolve_hosts(hosts, count, resolved, ret_error);

    for (size_t i = 0; i < count; i++)
        binding.has_ipv4 = binding.has_ipv4 || has_family(resolved[i].addresses, AF_INET);
    if (r == 0)
        r = open_all(&binding, resolved, count);
    if (r == 0)
        *ret = port;
    free_hosts(resolved, count);
    free(resolved);
    return r;
}

void port_close(struct port *port)
{
    for (size_t i = 0; i < port->count; i++)
        close(port->fds[i]);
    port->count = 0;
    port->number = 0;
}
