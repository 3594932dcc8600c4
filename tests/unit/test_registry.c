/* The registry of connections, and the ids in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gateway/registry.h"

#define MANY 1000

static unsigned next_number;

/* Each number comes twice: every second id collides if the first is in use. */
static void make_id(char out[ID_SIZE])
{
    snprintf(out, ID_SIZE, "%015u=", next_number++ / 2);
}

static struct connection *add(struct registry *registry)
{
    static const struct event_api api = {.api_id = {"abcdef1234", 10}, .stage = {"dev", 3}};
    char id[ID_SIZE];
    struct event_peer peer = {.connection_id = {id, ID_LEN}, .domain_name = SPAN("localhost")};
    struct connection *connection;

    registry_unused_id(registry, id);
    connection = connection_new(id, NULL, event_source_new(&api, &peer), 1000);
    registry_add(registry, connection);
    return connection;
}

static void finds_what_was_added_and_nothing_else(void **state)
{
    struct registry *registry = registry_new(make_id);
    struct connection *connection = add(registry);

    assert_ptr_equal(registry_find(registry, connection_id(connection)), connection);
    assert_null(registry_find(registry, SPAN("L0SM9cOFvHcCIhw=")));
    assert_null(registry_find(registry, SPAN("")));
    assert_null(registry_find(registry, span_of(NULL, 0)));
    assert_null(registry_find(registry, span_of(connection->id, ID_LEN - 1)));
    assert_int_equal(registry_count(registry), 1);
    registry_free(registry);
}

static void an_id_in_use_is_not_given_out_again(void **state)
{
    struct registry *registry = registry_new(make_id);
    struct connection *first = add(registry), *second = add(registry);

    assert_memory_not_equal(first->id, second->id, ID_LEN);
    for (unsigned i = 0; i < MANY; i++)
        add(registry);
    assert_int_equal(registry_count(registry), MANY + 2);
    registry_free(registry);
}

static void what_was_taken_is_the_callers(void **state)
{
    struct registry *registry = registry_new(make_id);
    struct connection *connection = registry_take(registry, add(registry));

    assert_int_equal(registry_count(registry), 0);
    assert_null(registry_find(registry, connection_id(connection)));
    connection_free(connection);
    registry_free(registry);
}

struct visit {
    struct registry *registry;
    unsigned visits;
};

static void take_every_second(void *arg, struct connection *connection)
{
    struct visit *visit = arg;

    if (visit->visits++ % 2 == 0)
        connection_free(registry_take(visit->registry, connection));
}

static void a_visitor_may_take_the_connection_it_visits(void **state)
{
    struct visit visit = {.registry = registry_new(make_id)};

    for (unsigned i = 0; i < MANY; i++)
        add(visit.registry);
    registry_for_each(visit.registry, take_every_second, &visit);
    assert_int_equal(visit.visits, MANY);
    assert_int_equal(registry_count(visit.registry), MANY / 2);
    registry_free(visit.registry);
}

static void a_connection_is_small(void **state)
{
    assert_in_range(sizeof(struct connection), 1, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_added_and_nothing_else),
        cmocka_unit_test(an_id_in_use_is_not_given_out_again),
        cmocka_unit_test(what_was_taken_is_the_callers),
        cmocka_unit_test(a_visitor_may_take_the_connection_it_visits),
        cmocka_unit_test(a_connection_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
