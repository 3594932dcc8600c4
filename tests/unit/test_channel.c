/* test_channel.c - the rings, the sleep handshake and the claim slots, also against a hostile peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "function/channel.h"

#define DEADLINE_MS 20000

struct fixture {
    struct channel *gateway;
    struct channel *host;
    int memory; /* one more copy of the descriptor, as a plugin has it */
    int bell;
};

static struct channel *open_side(int memory, int bell, enum channel_side side)
{
    struct channel_fds fds = {dup(memory), dup(bell)};
    struct channel *c = NULL;

    assert_int_equal(channel_open(&fds, side, &c), 0);
    return c;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    struct channel_fds fds;

    assert_int_equal(channel_create(&fds), 0);
    f->memory = fds.memory;
    f->bell = fds.bell;
    f->gateway = open_side(fds.memory, fds.bell, CHANNEL_GATEWAY);
    f->host = open_side(fds.memory, fds.bell, CHANNEL_HOST);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    channel_close(f->gateway);
    channel_close(f->host);
    close(f->memory);
    close(f->bell);
    free(f);
    return 0;
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, timeout_ms) == 1;
}

/* The byte at place `at` of the endless stream that the tests send. */
static char stream_byte(uint64_t at)
{
    return (char)(at * 31 + (at >> 11));
}

static void stream_fill(char *out, uint64_t at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = stream_byte(at + i);
}

static bool stream_matches(const char *bytes, uint64_t at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != stream_byte(at + i))
            return false;
    return true;
}

/* ---- rings ---- */

static void what_one_side_writes_the_other_reads_in_both_directions(void **state)
{
    struct fixture *f = *state;
    char out[16];

    assert_int_equal(channel_write(f->gateway, SPAN("to host")), 7);
    assert_int_equal(channel_write(f->host, SPAN("to gateway")), 10);
    assert_int_equal(channel_read(f->host, out, sizeof(out)), 7);
    assert_memory_equal(out, "to host", 7);
    assert_int_equal(channel_read(f->gateway, out, sizeof(out)), 10);
    assert_memory_equal(out, "to gateway", 10);
    assert_int_equal(channel_read(f->host, out, sizeof(out)), 0);
    assert_int_equal(channel_read(f->gateway, out, sizeof(out)), 0);
}

static void a_message_larger_than_the_ring_goes_through_in_pieces(void **state)
{
    struct fixture *f = *state;
    size_t size = 3 * CHANNEL_RING_BYTES + 12345, sent = 0, got = 0;
    CLEANUP(free) char *message = mem_alloc(size);
    CLEANUP(free) char *copy = mem_alloc(size);

    stream_fill(message, 0, size);
    while (got < size) {
        int64_t n = channel_write(f->gateway, span_of(message + sent, size - sent));
        assert_true(n >= 0);
        sent += (size_t)n;
        n = channel_read(f->host, copy + got, size - got < 50001 ? size - got : 50001);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(message, copy, size);
}

static void the_stream_stays_whole_while_positions_run_through_32_bits(void **state)
{
    struct fixture *f = *state;
    const size_t chunk = CHANNEL_RING_BYTES - 64; /* so that the edge of the ring is met everywhere */
    uint64_t rounds = (UINT64_C(1) << 32) / chunk + 4;
    CLEANUP(free) char *out = mem_alloc(chunk);
    CLEANUP(free) char *in = mem_zalloc(chunk);

    stream_fill(out, 7, chunk);
    for (uint64_t i = 0; i < rounds; i++) {
        memcpy(out, &i, sizeof(i));
        assert_int_equal(channel_write(f->host, span_of(out, chunk)), chunk);
        assert_int_equal(channel_read(f->gateway, in, chunk), chunk);
        if (memcmp(in, out, chunk) != 0)
            fail_msg("round %llu differs", (unsigned long long)i);
    }
}

static void a_full_ring_takes_nothing_and_says_that_it_has_no_room(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *bytes = mem_zalloc(CHANNEL_RING_BYTES + 1);

    assert_int_equal(channel_room(f->host), CHANNEL_RING_BYTES);
    assert_int_equal(channel_write(f->host, span_of(bytes, CHANNEL_RING_BYTES + 1)), CHANNEL_RING_BYTES);
    assert_int_equal(channel_room(f->host), 0);
    assert_int_equal(channel_write(f->host, SPAN("x")), 0);
    assert_int_equal(channel_read(f->gateway, bytes, 10), 10);
    assert_int_equal(channel_room(f->host), 10);
    assert_int_equal(channel_write(f->host, SPAN("x")), 1);
}

/* ---- the memory ---- */

static void the_memory_cannot_be_resized_or_unsealed(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    int seals = fcntl(f->memory, F_GET_SEALS);

    assert_int_equal(seals, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    assert_int_equal(fstat(f->memory, &st), 0);
    assert_int_equal(ftruncate(f->memory, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(f->memory, st.st_size * 2), -1);
    assert_int_equal(errno, EPERM);
}

static void descriptors_do_not_reach_other_programs(void **state)
{
    struct channel_fds fds;

    assert_int_equal(channel_create(&fds), 0);
    assert_true(fcntl(fds.memory, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fds.bell, F_GETFD) & FD_CLOEXEC);
    close(fds.memory);
    close(fds.bell);
}

static void memory_of_another_layout_is_refused(void **state)
{
    struct fixture *f = *state;
    struct channel *c = NULL;
    struct channel_fds too_small = {memfd_create("other", MFD_CLOEXEC), dup(f->bell)};
    struct channel_fds no_memory = {dup(f->bell), dup(f->bell)};
    struct channel_fds wrong_magic;
    struct channel_fds closed = {-1, -1};

    assert_int_equal(channel_open(&too_small, CHANNEL_HOST, &c), -EPROTO);
    assert_int_equal(channel_open(&no_memory, CHANNEL_HOST, &c), -EPROTO);
    assert_int_equal(channel_open(&closed, CHANNEL_HOST, &c), -EBADF);
    assert_int_equal(channel_create(&wrong_magic), 0);
    assert_int_equal(pwrite(wrong_magic.memory, "????", 4, 0), 4);
    assert_int_equal(channel_open(&wrong_magic, CHANNEL_HOST, &c), -EPROTO);
    assert_null(c);
}

static void the_memory_tells_who_made_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(channel_creator_pid(f->host), getpid());
}

/* Overwrites every word of the control part, where positions, flags and slots are, with `word`. */
static void scribble(struct fixture *f, uint32_t word)
{
    struct stat st;
    off_t control;

    assert_int_equal(fstat(f->memory, &st), 0);
    control = st.st_size - 2 * (off_t)CHANNEL_RING_BYTES;
    assert_true(control > 0);
    for (off_t at = 0; at < control; at += (off_t)sizeof(word))
        assert_int_equal(pwrite(f->memory, &word, sizeof(word), at), sizeof(word));
}

static void positions_that_cannot_be_are_an_error_and_nothing_is_copied(void **state)
{
    static const uint32_t words[] = {CHANNEL_RING_BYTES + 1, 0x7fffffffu, 0x80000000u, 0xa5a5a5a5u};
    struct fixture *f = *state;
    char out[4] = "abcd";

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        scribble(f, words[i]);
        assert_int_equal(channel_read(f->gateway, out, sizeof(out)), -EPROTO);
        assert_int_equal(channel_write(f->gateway, SPAN("x")), -EPROTO);
        assert_memory_equal(out, "abcd", 4);
    }
}

static void a_broken_ring_keeps_nobody_asleep(void **state)
{
    struct fixture *f = *state;

    scribble(f, 0x80000000u);
    assert_int_equal(channel_room(f->gateway), CHANNEL_RING_BYTES);
    assert_false(channel_sleep(f->gateway, false));
    assert_false(channel_sleep(f->gateway, true));
    assert_int_equal(channel_wait(f->host, false, -1), 0);
}

static void a_reader_never_gets_more_than_the_ring_whatever_the_position_says(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *out = mem_alloc(2 * CHANNEL_RING_BYTES);

    scribble(f, CHANNEL_RING_BYTES);
    assert_int_equal(channel_read(f->gateway, out, 2 * CHANNEL_RING_BYTES), CHANNEL_RING_BYTES);
    assert_int_equal(channel_read(f->gateway, out, 2 * CHANNEL_RING_BYTES), 0);
}

/* ---- sleeping and waking ---- */

static void the_bell_rings_only_for_a_sleeper_and_once(void **state)
{
    struct fixture *f = *state;
    uint64_t rings = 0;
    char out[8];

    channel_write(f->host, SPAN("a"));
    channel_flush(f->host);
    assert_false(readable(channel_bell_fd(f->gateway), 0)); /* awake: no call is made */

    assert_false(channel_sleep(f->gateway, false)); /* there is something to read */
    assert_int_equal(channel_read(f->gateway, out, sizeof(out)), 1);
    assert_true(channel_sleep(f->gateway, false));
    channel_flush(f->host);
    assert_false(readable(channel_bell_fd(f->gateway), 0)); /* nothing was written since */
    channel_write(f->host, SPAN("b"));
    channel_flush(f->host);
    channel_write(f->host, SPAN("c"));
    channel_flush(f->host);
    assert_int_equal(read(f->bell, &rings, sizeof(rings)), sizeof(rings));
    assert_int_equal(rings, 1);
    channel_wake(f->gateway);
    assert_false(readable(channel_bell_fd(f->gateway), 0));
    assert_int_equal(channel_read(f->gateway, out, sizeof(out)), 2);
}

static void room_wakes_only_who_waits_for_room(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *bytes = mem_zalloc(CHANNEL_RING_BYTES);

    assert_int_equal(channel_write(f->gateway, span_of(bytes, CHANNEL_RING_BYTES)), CHANNEL_RING_BYTES);
    assert_true(channel_sleep(f->gateway, false));
    channel_read(f->host, bytes, 100);
    channel_flush(f->host);
    assert_false(readable(channel_bell_fd(f->gateway), 0));

    assert_false(channel_sleep(f->gateway, true)); /* there is room for 100 already */
    assert_int_equal(channel_write(f->gateway, span_of(bytes, CHANNEL_RING_BYTES)), 100);
    assert_true(channel_sleep(f->gateway, true));
    channel_read(f->host, bytes, 1);
    channel_flush(f->host);
    assert_true(readable(channel_bell_fd(f->gateway), 0));
    channel_wake(f->gateway);
    assert_int_equal(channel_room(f->gateway), 1);
}

static void a_host_waits_no_longer_than_its_limit(void **state)
{
    struct fixture *f = *state;
    struct timespec before, after;

    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(channel_wait(f->host, false, 20), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 19);
}

static void a_bell_that_the_plugin_made_blocking_and_full_does_not_block_the_gateway(void **state)
{
    struct fixture *f = *state;
    uint64_t most = 0xfffffffffffffffeu;

    assert_int_equal(fcntl(f->bell, F_SETFL, 0), 0);
    channel_wake(f->gateway); /* an empty one: read() would block */
    assert_int_equal(write(f->bell, &most, sizeof(most)), sizeof(most));
    channel_wake(f->gateway);
    assert_false(readable(f->bell, 0));
    channel_write(f->gateway, SPAN("x"));
    assert_int_equal(channel_flush(f->gateway), 0);
}

static void a_full_bell_is_emptied_and_rung(void **state)
{
    struct fixture *f = *state;
    uint64_t rings = 0xfffffffffffffffeu;

    assert_int_equal(write(f->bell, &rings, sizeof(rings)), sizeof(rings));
    assert_true(channel_sleep(f->gateway, false));
    channel_write(f->host, SPAN("x"));
    assert_int_equal(channel_flush(f->host), 1);
    assert_int_equal(read(f->bell, &rings, sizeof(rings)), sizeof(rings));
    assert_int_equal(rings, 1);
}

static void a_host_whose_bell_was_closed_is_told(void **state)
{
    struct fixture *f = *state;
    struct channel_fds fds = {dup(f->memory), dup(f->bell)};
    struct channel *host;
    int bell = fds.bell;

    assert_int_equal(channel_open(&fds, CHANNEL_HOST, &host), 0);
    close(bell);
    assert_true(channel_sleep(f->gateway, false));
    channel_write(host, SPAN("x"));
    assert_int_equal(channel_flush(host), -EBADF);
    assert_int_equal(dup2(f->bell, bell), bell); /* so that closing it twice hits nothing else */
    channel_close(host);
}

#define RACE_ROUNDS 100000

struct race {
    struct channel *host;
    _Atomic int arrived;
    bool claimed;
};

/* Both threads go on at the same moment, which a barrier that sleeps would not do. `count` is how many arrivals there
 * have been when both are here. */
static void race_meet(struct race *race, int count)
{
    atomic_fetch_add(&race->arrived, 1);
    for (int spins = 0; atomic_load(&race->arrived) < count; spins++)
        if (spins > 1000)
            sched_yield();
}

/* Another moment each time, so that every order of steps comes about. */
static void race_dawdle(int round)
{
    for (volatile int wait = round * 7 % 100; wait > 0; wait--)
        ;
}

static void *race_flush(void *arg)
{
    struct race *race = arg;

    for (int i = 0; i < RACE_ROUNDS; i++) {
        race_meet(race, 4 * i + 2);
        race_dawdle(i);
        channel_write(race->host, SPAN("x"));
        channel_flush(race->host);
        race_meet(race, 4 * i + 4);
    }
    return NULL;
}

static void who_falls_asleep_in_the_moment_of_a_flush_is_woken(void **state)
{
    struct fixture *f = *state;
    struct race race = {.host = f->host};
    pthread_t host;
    char byte;

    assert_int_equal(pthread_create(&host, NULL, race_flush, &race), 0);
    for (int i = 0; i < RACE_ROUNDS; i++) {
        bool asleep;
        race_meet(&race, 4 * i + 2);
        race_dawdle(i / 100);
        asleep = channel_sleep(f->gateway, false);
        race_meet(&race, 4 * i + 4);
        if (asleep && !readable(channel_bell_fd(f->gateway), 0))
            fail_msg("round %d: asleep, and nobody rang", i);
        channel_wake(f->gateway);
        assert_int_equal(channel_read(f->gateway, &byte, 1), 1);
    }
    pthread_join(host, NULL);
}

/* Two threads send to each other in odd pieces through a ring that is often full and often empty. With one wakeup lost
 * both sleep for ever and the alarm ends the test. */
#define STRESS_BYTES (48u * 1024u * 1024u)

static size_t stress_piece(uint64_t at)
{
    return 1 + (size_t)((at * 2654435761u) >> 7) % 9000;
}

/* One step of writing; returns the new place in the stream. */
static uint64_t stress_write(struct channel *c, uint64_t at)
{
    char bytes[9001];
    size_t size = stress_piece(at);
    int64_t n;

    if (size > STRESS_BYTES - at)
        size = (size_t)(STRESS_BYTES - at);
    stream_fill(bytes, at, size);
    n = channel_write(c, span_of(bytes, size));
    return n < 0 ? at : at + (uint64_t)n;
}

static uint64_t stress_read(struct channel *c, uint64_t at, bool *same)
{
    char bytes[9001];
    int64_t n = channel_read(c, bytes, stress_piece(at));

    if (n > 0 && !stream_matches(bytes, at, (size_t)n))
        *same = false;
    return n < 0 ? at : at + (uint64_t)n;
}

static void *stress_host(void *arg)
{
    struct channel *c = arg;
    uint64_t written = 0, read = 0;
    bool same = true;

    while (written < STRESS_BYTES || read < STRESS_BYTES) {
        uint64_t before = written + read;
        written = stress_write(c, written);
        read = stress_read(c, read, &same);
        if (written + read == before)
            channel_wait(c, written < STRESS_BYTES, -1);
    }
    channel_flush(c);
    return same ? arg : NULL;
}

static void no_wakeup_is_lost_between_two_busy_sides(void **state)
{
    struct fixture *f = *state;
    uint64_t written = 0, read = 0;
    bool same = true;
    pthread_t host;
    void *host_same = NULL;

    assert_int_equal(pthread_create(&host, NULL, stress_host, f->host), 0);
    while (written < STRESS_BYTES || read < STRESS_BYTES) {
        uint64_t before = written + read;
        written = stress_write(f->gateway, written);
        read = stress_read(f->gateway, read, &same);
        if (written + read != before)
            continue;
        channel_flush(f->gateway);
        if (!channel_sleep(f->gateway, written < STRESS_BYTES))
            continue;
        if (!readable(channel_bell_fd(f->gateway), DEADLINE_MS))
            fail_msg("a wakeup was lost at %llu/%llu", (unsigned long long)written, (unsigned long long)read);
        channel_wake(f->gateway);
    }
    channel_flush(f->gateway);
    pthread_join(host, &host_same);
    assert_true(same);
    assert_non_null(host_same);
}

/* One byte there, one byte back: both sides sleep each time. */
#define PING_PONGS 20000

static void *ping_pong_host(void *arg)
{
    struct channel *c = arg;
    char byte;

    for (int i = 0; i < PING_PONGS; i++) {
        while (channel_read(c, &byte, 1) == 0)
            channel_wait(c, false, -1);
        channel_write(c, span_of(&byte, 1));
        channel_flush(c);
    }
    return NULL;
}

static void no_wakeup_is_lost_between_two_sides_that_take_turns(void **state)
{
    struct fixture *f = *state;
    pthread_t host;

    assert_int_equal(pthread_create(&host, NULL, ping_pong_host, f->host), 0);
    for (int i = 0; i < PING_PONGS; i++) {
        char out = (char)i, in = (char)~out;
        channel_write(f->gateway, span_of(&out, 1));
        channel_flush(f->gateway);
        while (channel_read(f->gateway, &in, 1) == 0) {
            if (!channel_sleep(f->gateway, false))
                continue;
            if (!readable(channel_bell_fd(f->gateway), DEADLINE_MS))
                fail_msg("a wakeup was lost in round %d", i);
            channel_wake(f->gateway);
        }
        assert_int_equal(in, out);
    }
    pthread_join(host, NULL);
}

/* ---- claim slots ---- */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void a_claim_marks_its_moment(void **state)
{
    struct fixture *f = *state;
    uint64_t before = now_ns(), at = 0;

    channel_slot_offer(f->gateway, 5);
    assert_false(channel_slot_claimed(f->gateway, 5, &at));
    assert_true(channel_slot_claim(f->host, 5));
    assert_true(channel_slot_claimed(f->gateway, 5, &at));
    assert_in_range(at, before, now_ns());
    assert_false(channel_slot_claimed(f->gateway, 4, &at));
}

static void what_was_claimed_cannot_be_taken_back_and_the_other_way_round(void **state)
{
    struct fixture *f = *state;
    uint64_t at;

    channel_slot_offer(f->gateway, 0);
    assert_true(channel_slot_claim(f->host, 0));
    assert_false(channel_slot_revoke(f->gateway, 0));
    assert_false(channel_slot_claim(f->host, 0));

    channel_slot_offer(f->gateway, CHANNEL_SLOTS - 1);
    assert_true(channel_slot_revoke(f->gateway, CHANNEL_SLOTS - 1));
    assert_false(channel_slot_claim(f->host, CHANNEL_SLOTS - 1));
    assert_false(channel_slot_claimed(f->gateway, CHANNEL_SLOTS - 1, &at));
    channel_slot_offer(f->gateway, CHANNEL_SLOTS - 1);
    assert_true(channel_slot_claim(f->host, CHANNEL_SLOTS - 1));
}

static void *race_host(void *arg)
{
    struct race *race = arg;

    for (int i = 0; i < RACE_ROUNDS; i++) {
        race_meet(race, 4 * i + 2);
        race->claimed = channel_slot_claim(race->host, (unsigned)i % CHANNEL_SLOTS);
        race_meet(race, 4 * i + 4);
    }
    return NULL;
}

static void exactly_one_of_claim_and_revoke_succeeds(void **state)
{
    struct fixture *f = *state;
    struct race race = {.host = f->host};
    pthread_t host;

    assert_int_equal(pthread_create(&host, NULL, race_host, &race), 0);
    for (int i = 0; i < RACE_ROUNDS; i++) {
        bool revoked;
        channel_slot_offer(f->gateway, (unsigned)i % CHANNEL_SLOTS);
        race_meet(&race, 4 * i + 2);
        race_dawdle(i); /* a claim reads the clock first */
        revoked = channel_slot_revoke(f->gateway, (unsigned)i % CHANNEL_SLOTS);
        race_meet(&race, 4 * i + 4);
        if (revoked == race.claimed)
            fail_msg("round %d: revoked %d, claimed %d", i, revoked, race.claimed);
    }
    pthread_join(host, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_one_side_writes_the_other_reads_in_both_directions),
        TEST(a_message_larger_than_the_ring_goes_through_in_pieces),
        TEST(the_stream_stays_whole_while_positions_run_through_32_bits),
        TEST(a_full_ring_takes_nothing_and_says_that_it_has_no_room),
        TEST(the_memory_cannot_be_resized_or_unsealed),
        TEST(descriptors_do_not_reach_other_programs),
        TEST(memory_of_another_layout_is_refused),
        TEST(the_memory_tells_who_made_it),
        TEST(positions_that_cannot_be_are_an_error_and_nothing_is_copied),
        TEST(a_broken_ring_keeps_nobody_asleep),
        TEST(a_reader_never_gets_more_than_the_ring_whatever_the_position_says),
        TEST(the_bell_rings_only_for_a_sleeper_and_once),
        TEST(room_wakes_only_who_waits_for_room),
        TEST(a_host_waits_no_longer_than_its_limit),
        TEST(a_bell_that_the_plugin_made_blocking_and_full_does_not_block_the_gateway),
        TEST(a_full_bell_is_emptied_and_rung),
        TEST(a_host_whose_bell_was_closed_is_told),
        TEST(who_falls_asleep_in_the_moment_of_a_flush_is_woken),
        TEST(no_wakeup_is_lost_between_two_busy_sides),
        TEST(no_wakeup_is_lost_between_two_sides_that_take_turns),
        TEST(a_claim_marks_its_moment),
        TEST(what_was_claimed_cannot_be_taken_back_and_the_other_way_round),
        TEST(exactly_one_of_claim_and_revoke_succeeds),
    };

    alarm(50); /* whatever hangs, fails */
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
