/* fake.h - the fake host from inside: one struct for one environment, and the parts that work on it.
 *
 * A plugin calls back with a context. Its `host` points into the struct apigw_test, so there is no state but that. */
#ifndef TESTING_FAKE_H
#define TESTING_FAKE_H

#include <apigw/testing.h>
#include <pthread.h>

#include "base/buf.h"
#include "src/caller.h"
#include "store/store.h"

/* ---- arrays that grow; the elements stay where they are ---- */

struct rows {
    void **items;
    size_t count;
    size_t capacity;
};

/* Zeroed. */
void *rows_add(struct rows *r, size_t size);
/* `fini` frees what an element holds. */
void rows_clear(struct rows *r, void (*fini)(void *row));

/* ---- the environment ---- */

enum fake_phase { FAKE_IDLE, FAKE_INIT, FAKE_HANDLER, FAKE_FINI, FAKE_RUN };

enum answer_kind { ANSWER_NONE, ANSWER_TYPED, ANSWER_JSON, ANSWER_ERROR };

/* The last answer of the handler, copied. Which members count, `kind` says. */
struct answer {
    enum answer_kind kind;
    int status_code;
    bool is_base64_encoded;
    bool has_body;
    struct span body;                /* or JSON, or the error's message; of the heap */
    struct span error_type;          /* of the heap */
    struct apigw_test_pair *headers; /* ends with {NULL, NULL}; all of the heap */
};

struct apigw_test {
    struct apigw_host host; /* the plugin's way back to this struct */
    struct apigw_context context;
    struct apigw_plugin bare; /* that of apigw_test_new_with_handlers */
    const struct apigw_plugin *plugin;
    pthread_t thread;
    enum fake_phase phase;
    bool initialised;
    uint64_t remaining_ms;
    uint64_t invocations;

    /* of the invocation that runs */
    const struct apigw_test_event *event;
    struct caller caller;
    struct arena lent;        /* the event's fields and its JSON */
    struct arena call_result; /* what the last get_connection gave pointers into */
    struct buf event_head;    /* the event's JSON: head, escaped body, tail */
    struct buf event_tail;
    struct apigw_span event_body;
    struct apigw_span event_json; /* NULL until asked for */
    struct answer answer;

    struct apigw_test_result result;
    struct buf json_text; /* of apigw_test_json */

    struct store *store;     /* NULL until asked for */
    struct rows posts;       /* struct apigw_test_post */
    struct rows closed;      /* struct closed */
    struct rows lines;       /* struct apigw_test_line */
    struct rows connections; /* struct connection */
    struct rows scripts;     /* struct script */
};

/* Ends the test program with a sentence: the test is wrong, not what it tests. */
_Noreturn void fake_misused(const char *sentence);

/* Bytes that are lent to the plugin: exactly as many as there are, so that each one behind them is found. */
struct apigw_span fake_lend(struct arena *from, struct span bytes);

/* ---- services.c ---- */

void services_fill(struct apigw_host *host);

/* ---- store.c ---- */

/* With its store what a fake host has kept is gone. */
void store_fini(struct apigw_test *t);

/* ---- events.c ---- */

/* Renders the JSON of t->event and fills *ret. 0, or -1: there can be no such event, and *ret_why says why. */
int events_render(struct apigw_test *t, struct apigw_event *ret, const char **ret_why);

/* ---- answers.c ---- */

void answer_clear(struct answer *a);
void answer_set_error(struct answer *a, struct span type, struct span message);

/* What the handler has answered and returned becomes t->result. */
void answer_settle(struct apigw_test *t, int returned);
void result_clear(struct apigw_test_result *r);

/* ---- connections.c ---- */

/* What comes of it, an enum apigw_result. */
int connections_reach(struct apigw_test *t, enum apigw_test_operation operation, struct span id, size_t data_len);

/* What get_connection tells of it. */
struct apigw_test_connection connections_info(struct apigw_test *t, struct span id);

void connections_set_gone(struct apigw_test *t, struct span id, bool gone);
void connections_fini(struct apigw_test *t);

/* ---- records.c ---- */

void records_add_post(struct apigw_test *t, struct span id, struct span data, int result);
void records_add_closed(struct apigw_test *t, struct span id);
void records_add_line(struct apigw_test *t, int level, struct span line);

#endif
