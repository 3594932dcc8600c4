/* id.c - identifiers as AWS makes them, unique at any rate.
 *
 * Connection and request ids take their free bits from a counter run through a secret permutation: no value returns
 * before all others were used, and none tells the next. A message id shares two bytes with its connection, so a
 * sequence for each tick fills what is left; when a tick is used up, the next one is begun early. */
#include "event/id.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

/* Observed for us-east-1: what its counter adds to the wall time in ticks, and its tag. */
#define TICK_MS 25
#define TICK_OFFSET 3833917456u
#define REGION_TAG 0x2003u

#define KIND_CONNECTION 0x02
#define KIND_APIGW 0x04
#define KIND_REQUEST 0x05

/* Byte 4 of connection and message ids. */
#define CONNECTION_MARK 0xc000u

/* ---- randomness ---- */

/* xoshiro256** by Blackman and Vigna, seeded by the kernel. */
static struct {
    bool seeded;
    uint64_t state[4];
} generator;

static void fill_random(void *out, size_t size)
{
    if (getentropy(out, size) != 0) {
        perror("apigw: no randomness from the kernel");
        abort();
    }
}

static uint64_t rotate_left(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t random_next(void)
{
    uint64_t *const s = generator.state;
    uint64_t result;
    uint64_t shifted;

    if (!generator.seeded) {
        fill_random(s, sizeof(generator.state));
        s[0] |= 1; /* all zero is the one state it cannot leave */
        generator.seeded = true;
    }
    result = rotate_left(s[1] * 5, 7) * 9;
    shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* ---- a counter nobody can follow ---- */

#define ROUNDS 4

struct secret_counter {
    bool keyed;
    uint32_t count;
    uint64_t keys[ROUNDS];
};

/* The finaliser of splitmix64. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static void set_keys(struct secret_counter *c)
{
    fill_random(c->keys, sizeof(c->keys));
    c->keyed = true;
}

/* A Feistel network over 2 * half_bits bits: a permutation, so it repeats nothing for 2^(2 * half_bits) calls. */
static uint32_t secret_next(struct secret_counter *c, unsigned half_bits)
{
    const uint32_t mask = (1u << half_bits) - 1;
    uint32_t left = c->count >> half_bits & mask;
    uint32_t right = c->count & mask;

    if (!c->keyed)
        set_keys(c);
    c->count++;
    for (int i = 0; i < ROUNDS; i++) {
        const uint32_t next = left ^ ((uint32_t)mix(right ^ c->keys[i]) & mask);

        left = right;
        right = next;
    }
    return left << half_bits | right;
}

/* ---- layout ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* What an id says; `varying` is bytes 4-5, `carry` the top bit of byte 6, `ending` bytes 9-10. */
struct parts {
    uint32_t tick;
    uint32_t varying;
    uint32_t carry;
    uint32_t kind;
    uint32_t ending;
};

static uint32_t current_tick(void)
{
    return (uint32_t)(clock_wall_ms() / TICK_MS) + TICK_OFFSET;
}

static void encode_group(uint32_t bits, char *out)
{
    out[0] = alphabet[bits >> 18 & 63];
    out[1] = alphabet[bits >> 12 & 63];
    out[2] = alphabet[bits >> 6 & 63];
    out[3] = alphabet[bits & 63];
}

static void encode(const struct parts *p, char out[ID_SIZE])
{
    encode_group(p->tick >> 8, out);
    encode_group(p->tick << 16 | p->varying, out + 4);
    encode_group((p->carry << 15 | REGION_TAG) << 8 | p->kind, out + 8);
    encode_group(p->ending << 8, out + 12);
    out[ID_LEN - 1] = '=';
    out[ID_LEN] = '\0';
}

void id_new_connection(char out[ID_SIZE])
{
    static struct secret_counter counter;
    const uint32_t secret = secret_next(&counter, 15);

    encode(&(struct parts){.tick = current_tick(),
                           .varying = CONNECTION_MARK | secret >> 16,
                           .kind = KIND_CONNECTION,
                           .ending = secret & 0xffff},
           out);
}

/* Byte 4 stays below 0xc0. */
static void new_request_kind(struct secret_counter *counter, uint32_t kind, char out[ID_SIZE])
{
    const uint32_t secret = secret_next(counter, 16);

    encode(&(struct parts){.tick = current_tick(),
                           .varying = secret >> 17,
                           .carry = secret >> 16 & 1,
                           .kind = kind,
                           .ending = secret & 0xffff},
           out);
}

void id_new_request(char out[ID_SIZE])
{
    static struct secret_counter counter;

    new_request_kind(&counter, KIND_REQUEST, out);
}

void id_new_apigw(char out[ID_SIZE])
{
    static struct secret_counter counter;

    new_request_kind(&counter, KIND_APIGW, out);
}

/* ---- messages ---- */

/* Two connections with the same ending share a sequence, so their messages differ too. */
#define SEQUENCE_COUNT 256

/* Bytes 4-5 without their mark and the top bit of byte 6. */
#define SEQUENCE_BITS 15
#define SEQUENCE_MASK ((1u << SEQUENCE_BITS) - 1)

struct sequence {
    uint32_t tick;
    uint32_t used; /* of this tick's values; 0 only before the first message */
    uint32_t start;
};

static void begin_tick(struct sequence *s, uint32_t tick)
{
    s->tick = tick;
    s->used = 0;
    s->start = (uint32_t)random_next();
}

/* The odd factor is prime to the number of values, so that each comes once. The tick never goes back, whatever the wall
 * clock does: the difference is signed because the counter wraps around every three years. */
static uint32_t sequence_next(struct sequence *s)
{
    const uint32_t now = current_tick();

    if (!s->used || (int32_t)(now - s->tick) > 0)
        begin_tick(s, now);
    else if (s->used > SEQUENCE_MASK)
        begin_tick(s, s->tick + 1);
    return (s->start + 0x5a8du * s->used++) & SEQUENCE_MASK;
}

static struct sequence *sequence_of(const char connection_id[ID_SIZE])
{
    static struct sequence sequences[SEQUENCE_COUNT];
    uint64_t ending = 0;

    memcpy(&ending, connection_id + ID_LEN - 4, 4);
    return &sequences[mix(ending) % SEQUENCE_COUNT];
}

void id_new_message(const char connection_id[ID_SIZE], char out[ID_SIZE])
{
    struct sequence *const s = sequence_of(connection_id);
    const uint32_t value = sequence_next(s);

    encode(
        &(struct parts){
            .tick = s->tick, .varying = CONNECTION_MARK | value >> 1, .carry = value & 1, .kind = KIND_CONNECTION},
        out);
    memcpy(out + ID_LEN - 4, connection_id + ID_LEN - 4, 4);
}

/* ---- the others ---- */

static char *put_hex(char *out, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
    return out + digits;
}

void id_new_uuid(char out[UUID_SIZE])
{
    const uint64_t high = random_next();
    const uint64_t low = random_next();

    out = put_hex(out, high >> 32, 8);
    *out++ = '-';
    out = put_hex(out, high >> 16, 4);
    *out++ = '-';
    out = put_hex(out, 0x4000 | (high & 0xfff), 4); /* version 4 */
    *out++ = '-';
    out = put_hex(out, 0x8000 | (low >> 48 & 0x3fff), 4); /* RFC 4122's variant */
    *out++ = '-';
    *put_hex(out, low, 12) = '\0';
}

void id_new_trace(char out[TRACE_ID_SIZE])
{
    static const char prefix[] = "Root=1-";
    const uint64_t high = random_next();

    memcpy(out, prefix, sizeof(prefix) - 1);
    out = put_hex(out + sizeof(prefix) - 1, clock_wall_ms() / 1000, 8);
    *out++ = '-';
    out = put_hex(out, high, 8);
    *put_hex(out, random_next(), 16) = '\0';
}

bool id_is_connection(struct span s)
{
    if (s.len != ID_LEN || s.ptr[ID_LEN - 1] != '=')
        return false;
    for (size_t i = 0; i < ID_LEN - 1; i++)
        if (!memchr(alphabet, s.ptr[i], sizeof(alphabet) - 1))
            return false;
    return true;
}
