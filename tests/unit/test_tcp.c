/* test_tcp.c - what the kernel says of a socket, while a peer sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tcp.h"

#define LOOKS 20000

struct pair {
    int ours;
    int peer;
    _Atomic bool enough;
};

static void pair_open(struct pair *p)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    p->peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(p->peer, (struct sockaddr *)&address, sizeof(address)), 0);
    p->ours = accept(listener, NULL, NULL);
    assert_true(p->ours >= 0);
    close(listener);
}

static void *send_on(void *arg)
{
    struct pair *p = arg;

    while (!p->enough)
        send(p->peer, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    return NULL;
}

static void test_what_was_read_is_exact_while_more_comes(void **state)
{
    struct pair p = {0};
    struct tcp_state seen;
    unsigned known = 0;
    uint64_t read = 0;
    pthread_t sender;
    char bytes[64];

    (void)state;
    pair_open(&p);
    assert_int_equal(pthread_create(&sender, NULL, send_on, &p), 0);
    for (unsigned i = 0; i < LOOKS; i++) {
        ssize_t n = recv(p.ours, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n > 0)
            read += (uint64_t)n;
        if (!tcp_read_state(p.ours, &seen))
            continue;
        known++;
        assert_int_equal(seen.read_bytes, read);
    }
    p.enough = true;
    pthread_join(sender, NULL);
    assert_true(known > 0);
    close(p.ours);
    close(p.peer);
}

static void wait_for_hang_up(int fd)
{
    struct pollfd polled = {.fd = fd};

    assert_int_equal(poll(&polled, 1, 10000), 1); /* which is told of a reset without being asked */
    assert_true(polled.revents & POLLHUP);
}

static void test_a_socket_that_was_reset_is_not_open_although_there_is_something_to_read(void **state)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct pair p = {0};

    (void)state;
    pair_open(&p);
    assert_true(tcp_is_open(p.ours));
    assert_int_equal(send(p.peer, "x", 1, 0), 1);
    assert_true(tcp_is_open(p.ours));
    setsockopt(p.peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(p.peer);
    wait_for_hang_up(p.ours);
    assert_false(tcp_is_open(p.ours));
    close(p.ours);
}

static void test_a_socket_that_the_peer_has_closed_is_not_open(void **state)
{
    struct pair p = {0};
    struct pollfd polled;

    (void)state;
    pair_open(&p);
    close(p.peer);
    polled = (struct pollfd){.fd = p.ours, .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 10000), 1);
    assert_false(tcp_is_open(p.ours));
    close(p.ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_read_is_exact_while_more_comes),
        cmocka_unit_test(test_a_socket_that_was_reset_is_not_open_although_there_is_something_to_read),
        cmocka_unit_test(test_a_socket_that_the_peer_has_closed_is_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
