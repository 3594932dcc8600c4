/* test_id.c - identifiers have AWS's shape and never come twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "event/id.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define RAW_LEN 11

static int sextet(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *found = c ? strchr(alphabet, c) : NULL;

    if (!found)
        fail_msg("'%c' is not URL-safe base64", c);
    return (int)(found - alphabet);
}

static void decode(const char id[ID_SIZE], unsigned char raw[RAW_LEN])
{
    uint32_t bits = 0;
    int have = 0;
    size_t len = 0;

    assert_int_equal(strlen(id), ID_LEN);
    assert_int_equal(id[ID_LEN - 1], '=');
    for (size_t i = 0; i < ID_LEN - 1; i++) {
        bits = bits << 6 | (uint32_t)sextet(id[i]);
        have += 6;
        if (have >= 8) {
            have -= 8;
            raw[len++] = (unsigned char)(bits >> have);
        }
    }
    assert_int_equal(len, RAW_LEN);
    assert_int_equal(bits & 3, 0); /* what base64 does not use is zero */
}

static uint32_t tick_of(const unsigned char raw[RAW_LEN])
{
    return (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
}

static unsigned tag_of(const unsigned char raw[RAW_LEN])
{
    return ((unsigned)raw[6] << 8 | raw[7]) & 0x7fff;
}

/* Captured ids say what us-east-1's counter adds: 1731332746514 ms went with "BFaVtH2HoAMFZEQ=". */
static uint32_t tick_now(void)
{
    unsigned char raw[RAW_LEN];

    decode("BFaVtH2HoAMFZEQ=", raw);
    return tick_of(raw) + (uint32_t)(clock_wall_ms() / 25 - 1731332746514u / 25);
}

/* ---- layout ---- */

static void message_adapter(char out[ID_SIZE])
{
    id_new_message("BFaT_fALIAMCKug=", out);
}

static void ids_have_the_observed_layout(void **state)
{
    static const struct {
        void (*make)(char out[ID_SIZE]);
        unsigned kind;
        bool marked;
    } kinds[] = {
        {id_new_connection, 0x02, true},
        {message_adapter, 0x02, true},
        {id_new_request, 0x05, false},
        {id_new_apigw, 0x04, false},
    };

    for (size_t k = 0; k < COUNT(kinds); k++)
        for (int i = 0; i < 200; i++) {
            unsigned char raw[RAW_LEN];
            char id[ID_SIZE];
            const uint32_t before = tick_now();

            kinds[k].make(id);
            decode(id, raw);
            assert_true(tick_of(raw) - before <= tick_now() - before);
            assert_int_equal(raw[4] >= 0xc0, kinds[k].marked);
            assert_int_equal(tag_of(raw), 0x2003);
            assert_int_equal(raw[8], kinds[k].kind);
            assert_true(id_is_connection(span_of_str(id)));
        }
}

static void the_counter_follows_the_clock(void **state)
{
    unsigned char before[RAW_LEN];
    unsigned char after[RAW_LEN];
    char id[ID_SIZE];

    id_new_connection(id);
    decode(id, before);
    clock_advance_ms(374362);
    id_new_connection(id);
    decode(id, after);
    assert_in_range(tick_of(after) - tick_of(before), 14974, 14974 + 400);
}

static void a_message_id_ends_as_its_connection_id(void **state)
{
    char connection[ID_SIZE];
    char message[ID_SIZE];

    for (int i = 0; i < 100; i++) {
        id_new_connection(connection);
        id_new_message(connection, message);
        assert_string_equal(message + ID_LEN - 4, connection + ID_LEN - 4);
        assert_string_not_equal(message, connection);
    }
    id_new_message("BFaT_fALIAMCKug=", message);
    assert_string_equal(message + ID_LEN - 5, "CKug=");
}

/* ---- uniqueness ---- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, ID_SIZE);
}

static void assert_unique(char (*ids)[ID_SIZE], size_t count)
{
    qsort(ids, count, ID_SIZE, compare_ids);
    for (size_t i = 1; i < count; i++)
        if (memcmp(ids[i - 1], ids[i], ID_SIZE) == 0)
            fail_msg("%s came twice", ids[i]);
}

static void ids_made_at_once_differ(void **state)
{
    const size_t count = 50000;
    CLEANUP(free) char *memory = mem_alloc(count * ID_SIZE);
    char(*ids)[ID_SIZE] = (void *)memory;

    for (size_t i = 0; i < count; i++)
        id_new_connection(ids[i]);
    assert_unique(ids, count);
    for (size_t i = 0; i < count; i++)
        id_new_request(ids[i]);
    assert_unique(ids, count);
    for (size_t i = 0; i < count; i++)
        id_new_apigw(ids[i]);
    assert_unique(ids, count);
}

/* Faster than a tick has values for: the next ticks are begun early. */
static void messages_of_one_connection_differ_at_any_rate(void **state)
{
    const size_t count = 150000;
    CLEANUP(free) char *memory = mem_alloc(count * ID_SIZE);
    char(*ids)[ID_SIZE] = (void *)memory;
    unsigned char raw[RAW_LEN];

    for (size_t i = 0; i < count; i++)
        id_new_message("BFaT_fALIAMCKug=", ids[i]);
    for (size_t i = 0; i < count; i += 1000) {
        decode(ids[i], raw);
        assert_true(raw[4] >= 0xc0);
        assert_int_equal(tag_of(raw), 0x2003);
    }
    assert_unique(ids, count);
}

static void messages_of_connections_with_one_ending_differ(void **state)
{
    enum { COUNT_EACH = 5000 };
    CLEANUP(free) char *memory = mem_alloc(2ul * COUNT_EACH * ID_SIZE);
    char(*ids)[ID_SIZE] = (void *)memory;

    for (size_t i = 0; i < COUNT_EACH; i++) {
        id_new_message("BFaT_fALIAMCKug=", ids[2 * i]);
        id_new_message("BFHPhfCWIAMCKug=", ids[2 * i + 1]);
    }
    assert_unique(ids, 2ul * COUNT_EACH);
}

/* A counter would show: neighbours would differ by the same amount each time. */
static void a_connection_id_does_not_tell_the_next(void **state)
{
    int same = 0;
    int last = 0;
    int last_step = 0;

    for (int i = 0; i < 1000; i++) {
        unsigned char raw[RAW_LEN];
        char id[ID_SIZE];
        int value;

        id_new_connection(id);
        decode(id, raw);
        value = raw[9] << 8 | raw[10];
        same += value - last == last_step;
        last_step = value - last;
        last = value;
    }
    assert_true(same < 10);
}

/* ---- the others ---- */

static void assert_shape(const char *text, const char *shape)
{
    assert_int_equal(strlen(text), strlen(shape));
    for (size_t i = 0; shape[i]; i++) {
        const char *allowed = shape[i] == 'x' ? "0123456789abcdef" : shape[i] == 'v' ? "89ab" : (char[]){shape[i], 0};

        if (!strchr(allowed, text[i]))
            fail_msg("%s is not like %s", text, shape);
    }
}

static void a_uuid_is_of_version_4(void **state)
{
    char first[UUID_SIZE];
    char second[UUID_SIZE];

    for (int i = 0; i < 100; i++) {
        id_new_uuid(first);
        id_new_uuid(second);
        assert_shape(first, "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx");
        assert_string_not_equal(first, second);
    }
}

static void a_trace_id_begins_with_the_time(void **state)
{
    const uint64_t before = clock_wall_ms() / 1000;
    char first[TRACE_ID_SIZE];
    char second[TRACE_ID_SIZE];
    uint64_t seconds;

    id_new_trace(first);
    id_new_trace(second);
    assert_shape(first, "Root=1-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx");
    assert_string_not_equal(first, second);
    seconds = strtoul(first + strlen("Root=1-"), NULL, 16);
    assert_true(before <= seconds && seconds <= clock_wall_ms() / 1000);
}

static void only_what_has_its_shape_is_a_connection_id(void **state)
{
    static const char *const good[] = {"BFaT_fALIAMCKug=", "L0SM9cOFvHcCIhw=", "---------------=", "_______________="};
    static const char *const bad[] = {"",
                                      "=",
                                      "BFaT_fALIAMCKug",
                                      "BFaT_fALIAMCKugA",
                                      "BFaT_fALIAMCKug==",
                                      "BFaT/fALIAMCKug=",
                                      "BFaT+fALIAMCKug=",
                                      "BFaT fALIAMCKug=",
                                      "BFaT=fALIAMCKug=",
                                      "BFaT%3DLIAMCKug="};

    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(id_is_connection(span_of_str(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(id_is_connection(span_of_str(bad[i])));
    assert_false(id_is_connection((struct span){0}));
    assert_false(id_is_connection(SPAN("BFaT\0fALIAMCKug=")));
    assert_false(id_is_connection(SPAN("BFaT\xe9"
                                       "fALIAMCKug=")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_the_observed_layout),
        cmocka_unit_test(the_counter_follows_the_clock),
        cmocka_unit_test(a_message_id_ends_as_its_connection_id),
        cmocka_unit_test(ids_made_at_once_differ),
        cmocka_unit_test(messages_of_one_connection_differ_at_any_rate),
        cmocka_unit_test(messages_of_connections_with_one_ending_differ),
        cmocka_unit_test(a_connection_id_does_not_tell_the_next),
        cmocka_unit_test(a_uuid_is_of_version_4),
        cmocka_unit_test(a_trace_id_begins_with_the_time),
        cmocka_unit_test(only_what_has_its_shape_is_a_connection_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
