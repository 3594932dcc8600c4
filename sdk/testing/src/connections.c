/* connections.c - which connections are there, and what a test has said of the next calls. */
#include "base/mem.h"
#include "testing/src/fake.h"

#define CONNECTION_ID_MAX 1024
#define DATA_MAX (128u * 1024u)

struct connection {
    char *id;
    bool gone;
    bool told; /* `info` is the test's */
    struct apigw_test_connection info;
};

struct script {
    enum apigw_test_operation operation;
    char *connection_id; /* NULL: any */
    int result;
    bool used;
};

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static char *copy_text(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

/* ---- who is there ---- */

static struct connection *find(struct apigw_test *t, struct span id)
{
    for (size_t i = 0; i < t->connections.count; i++) {
        struct connection *c = t->connections.items[i];

        if (span_equal(span_of_str(c->id), id))
            return c;
    }
    return NULL;
}

static struct connection *find_or_add(struct apigw_test *t, struct span id)
{
    struct connection *c = find(t, id);

    if (!c) {
        c = rows_add(&t->connections, sizeof(*c));
        c->id = mem_span_dup(id);
    }
    return c;
}

void connections_set_gone(struct apigw_test *t, struct span id, bool gone)
{
    find_or_add(t, id)->gone = gone;
}

void apigw_test_gone(struct apigw_test *t, const char *connection_id)
{
    connections_set_gone(t, span_of_str(connection_id), true);
}

static void forget_info(struct connection *c)
{
    free_text(c->info.source_ip);
    free_text(c->info.user_agent);
    c->info = (struct apigw_test_connection){0};
    c->told = false;
}

void apigw_test_connected(struct apigw_test *t, const char *connection_id, const struct apigw_test_connection *with)
{
    struct connection *c = find_or_add(t, span_of_str(connection_id));

    forget_info(c);
    c->gone = false;
    if (!with)
        return;
    c->told = true;
    c->info = *with;
    c->info.source_ip = copy_text(with->source_ip);
    c->info.user_agent = copy_text(with->user_agent);
}

struct apigw_test_connection connections_info(struct apigw_test *t, struct span id)
{
    const struct apigw_test_event all = apigw_test_message("");
    const struct connection *c = find(t, id);

    if (c && c->told)
        return c->info;
    return (struct apigw_test_connection){all.connected_at_ms, all.request_time_ms, all.source_ip, all.user_agent};
}

/* A client that asks to be let in is none yet. */
static bool is_asking(const struct apigw_test *t, struct span id)
{
    return (t->event->type == APIGW_CONNECT || t->event->type == APIGW_AUTHORIZER) &&
           span_equal(span_of_str(t->event->connection_id), id);
}

/* ---- scripts ---- */

void apigw_test_next(struct apigw_test *t, enum apigw_test_operation operation, const char *connection_id,
                     enum apigw_result result)
{
    struct script *s = rows_add(&t->scripts, sizeof(*s));
    *s = (struct script){operation, copy_text(connection_id), (int)result, false};
}

static bool take_script(struct apigw_test *t, enum apigw_test_operation operation, struct span id, int *ret)
{
    for (size_t i = 0; i < t->scripts.count; i++) {
        struct script *s = t->scripts.items[i];

        if (s->used || s->operation != operation)
            continue;
        if (s->connection_id && !span_equal(span_of_str(s->connection_id), id))
            continue;
        s->used = true;
        *ret = s->result;
        return true;
    }
    return false;
}

/* The order of the checks is the emulator's. */
int connections_reach(struct apigw_test *t, enum apigw_test_operation operation, struct span id, size_t data_len)
{
    const struct connection *c = find(t, id);
    int result;

    if (take_script(t, operation, id, &result))
        return result;
    if (data_len > DATA_MAX)
        return APIGW_TOO_LARGE;
    if (id.len == 0 || id.len > CONNECTION_ID_MAX)
        return APIGW_BAD_REQUEST;
    return (c && c->gone) || is_asking(t, id) ? APIGW_GONE : APIGW_OK;
}

/* ---- the end ---- */

static void connection_fini(void *row)
{
    struct connection *c = row;
    forget_info(c);
    free(c->id);
}

static void script_fini(void *row)
{
    struct script *s = row;
    free(s->connection_id);
}

void connections_fini(struct apigw_test *t)
{
    rows_clear(&t->connections, connection_fini);
    rows_clear(&t->scripts, script_fini);
}
