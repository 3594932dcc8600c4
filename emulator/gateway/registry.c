/* registry.c - a hash table of connections, keyed by their 16-character id. */
#include "gateway/registry.h"

#include <assert.h>

#include "base/mem.h"

struct registry {
    struct connection *by_id; /* uthash */
    registry_id_fn *make_id;
    uint64_t added;
};

struct registry *registry_new(registry_id_fn *make_id)
{
    struct registry *registry = mem_zalloc(sizeof(*registry));

    registry->make_id = make_id;
    return registry;
}

static void free_one(void *arg, struct connection *connection)
{
    connection_free(registry_take(arg, connection));
}

void registry_free(struct registry *registry)
{
    if (!registry)
        return;
    registry_for_each(registry, free_one, registry);
    free(registry);
}

void registry_unused_id(const struct registry *registry, char out[ID_SIZE])
{
    do
        registry->make_id(out);
    while (registry_find(registry, span_of(out, ID_LEN)));
}

void registry_add(struct registry *registry, struct connection *connection)
{
    assert(!registry_find(registry, connection_id(connection)));
    connection->number = ++registry->added;
    HASH_ADD_KEYPTR(hh, registry->by_id, connection->id, ID_LEN, connection);
}

struct connection *registry_find(const struct registry *registry, struct span id)
{
    struct connection *found = NULL;

    if (id.len == ID_LEN)
        HASH_FIND(hh, registry->by_id, id.ptr, ID_LEN, found);
    return found;
}

struct connection *registry_take(struct registry *registry, struct connection *connection)
{
    assert(registry_find(registry, connection_id(connection)) == connection);
    HASH_DELETE(hh, registry->by_id, connection);
    return connection;
}

struct connection *registry_next(const struct registry *registry, const struct connection *connection)
{
    return connection ? connection->hh.next : registry->by_id; /* uthash keeps them in the order of their coming */
}

size_t registry_count(const struct registry *registry)
{
    return HASH_COUNT(registry->by_id);
}

void registry_for_each(struct registry *registry, registry_visit_fn *visit, void *arg)
{
    struct connection *connection, *next;

    HASH_ITER(hh, registry->by_id, connection, next)
    {
        visit(arg, connection);
    }
}
