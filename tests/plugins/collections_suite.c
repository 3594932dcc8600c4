/* collections_suite.c - does with collections what a message tells it to.
 *
 * The body is an object: "do" is the name of one of the steps below; "name", "parent" and "sub" say which collection
 * (default "things"), "permissions" what it is opened for (default: everything), "id" which document or key. The answer
 * is {"result":N,…}: the number that the call gave, and what it found.
 *
 * init puts a document with the process id into the collection "environments", fini takes it out again. */
#include <apigw/collections.h>
#include <apigw/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct step {
    struct apigw_context *context;
    const struct apigw_event *event;
    struct apigw_json order;
    struct apigw_collection collection;
    struct apigw_kv kv;
    struct apigw_document document;
    struct apigw_json_writer answer;
};

/* ---- the order ---- */

static struct apigw_json member(struct step *s, const char *name)
{
    return apigw_json_get(s->context, s->order, name);
}

static struct apigw_span text_of(struct step *s, const char *name)
{
    return apigw_json_text(s->context, member(s, name));
}

static int64_t number_of(struct step *s, const char *name, int64_t otherwise)
{
    return apigw_json_integer(s->context, member(s, name), otherwise);
}

/* A C string in the memory of the invocation. */
static const char *str_of(struct step *s, const char *name, const char *otherwise)
{
    const struct apigw_span text = text_of(s, name);
    char *str = text.ptr ? apigw_allocate(s->context, text.len + 1) : NULL;

    if (!str)
        return otherwise;
    memcpy(str, text.ptr, text.len);
    return str;
}

/* `parent` is a variable of the caller's: collections point to one another. */
static void open_collection(struct step *s, struct apigw_collection *parent)
{
    const char *sub = str_of(s, "sub", NULL);

    *parent = apigw_collection_open(str_of(s, "name", "things"), (uint32_t)number_of(s, "permissions", 7));
    s->kv.store = s->collection = *parent;
    if (sub && apigw_json_exists(member(s, "parent")))
        s->collection = apigw_doc_collection(apigw_doc(parent, text_of(s, "parent")), sub);
    else if (sub)
        s->collection = apigw_collection_group(parent, sub);
    s->document = apigw_doc(&s->collection, text_of(s, "id"));
}

/* "where": [["room", "==", "kitchen"], …] */
static struct apigw_query query_of(struct step *s)
{
    struct apigw_query query = apigw_query_of(s->context, &s->collection);
    struct apigw_json_iterator it = apigw_json_walk(member(s, "where"));
    struct apigw_span unused;
    struct apigw_json condition;

    while (apigw_json_next(s->context, &it, &unused, &condition)) {
        const struct apigw_json value = apigw_json_get(s->context, condition, "[2]");
        struct step part = *s;

        part.order = condition;
        if (value.type == APIGW_JSON_STRING)
            apigw_where_string(&query, str_of(&part, "[0]", ""), str_of(&part, "[1]", ""), text_of(&part, "[2]"));
        else
            apigw_where_json(&query, str_of(&part, "[0]", ""), str_of(&part, "[1]", ""), value);
    }
    apigw_query_limit(&query, (uint64_t)number_of(s, "limit", 0));
    apigw_query_from(&query, text_of(s, "from"));
    return query;
}

/* ---- the steps: each returns the result of its calls ---- */

static int set(struct step *s)
{
    return apigw_doc_set(s->context, s->document, member(s, "content").raw);
}

static int get(struct step *s)
{
    struct apigw_json content;
    const int result = apigw_doc_get(s->context, s->document, &content);

    apigw_json_key(&s->answer, "content");
    apigw_json_raw(&s->answer, apigw_json_exists(content) ? content.raw : APIGW_SPAN("null"));
    return result;
}

static int delete_document(struct step *s)
{
    return apigw_doc_delete(s->context, s->document);
}

static void write_id(struct step *s, const struct apigw_snapshot *snapshot)
{
    if (snapshot->parent_id.len) {
        apigw_json_begin_array(&s->answer);
        apigw_json_string(&s->answer, snapshot->parent_id);
        apigw_json_string(&s->answer, snapshot->id);
        apigw_json_end_array(&s->answer);
    } else {
        apigw_json_string(&s->answer, snapshot->id);
    }
}

static int fetch(struct step *s)
{
    const struct apigw_query query = query_of(s);
    struct apigw_page page;
    const int result = apigw_query_fetch(&query, &page);

    apigw_json_key(&s->answer, "ids");
    apigw_json_begin_array(&s->answer);
    for (size_t i = 0; i < page.count; i++)
        write_id(s, &page.documents[i]);
    apigw_json_end_array(&s->answer);
    apigw_json_key(&s->answer, "next");
    apigw_json_string(&s->answer, page.next);
    return result;
}

static int stream(struct step *s)
{
    const struct apigw_query query = query_of(s);
    struct apigw_stream all = apigw_query_stream(&query);
    struct apigw_snapshot snapshot;
    int result;

    apigw_json_key(&s->answer, "ids");
    apigw_json_begin_array(&s->answer);
    while ((result = apigw_stream_next(&all, &snapshot)) == 1)
        write_id(s, &snapshot);
    apigw_json_end_array(&s->answer);
    return result;
}

/* "count" documents whose ids begin with "id"; each is set, and with "churn" deleted again. */
static int fill(struct step *s)
{
    const int64_t count = number_of(s, "count", 0);
    const struct apigw_span prefix = text_of(s, "id");
    const int churn = apigw_json_boolean(member(s, "churn"), 0);
    int result = APIGW_OK;
    char id[128];

    for (int64_t i = 0; i < count && result == APIGW_OK; i++) {
        snprintf(id, sizeof(id), "%.*s%05d", (int)prefix.len, prefix.ptr, (int)i);
        s->document.id = apigw_span_of_str(id);
        result = apigw_doc_set(s->context, s->document, APIGW_SPAN("{}"));
        if (churn && result == APIGW_OK)
            result = apigw_doc_delete(s->context, s->document);
    }
    return result;
}

/* Says what was acknowledged, and does not live to do more. */
static int set_and_die(struct step *s)
{
    if (set(s) == APIGW_OK)
        apigw_post_to_connection(s->context, s->event->connection_id, APIGW_SPAN("acknowledged"));
    kill(getpid(), SIGKILL);
    return APIGW_FAILED;
}

static int kv_set(struct step *s)
{
    return apigw_kv_set(s->context, &s->kv, s->document.id, member(s, "value").raw);
}

static int kv_get(struct step *s)
{
    struct apigw_json value;
    const int result = apigw_kv_get(s->context, &s->kv, s->document.id, &value);

    apigw_json_key(&s->answer, "type");
    apigw_json_int(&s->answer, value.type);
    apigw_json_key(&s->answer, "value");
    apigw_json_raw(&s->answer, value.type == APIGW_JSON_NONE ? APIGW_SPAN("null") : value.raw);
    return result;
}

static int kv_delete(struct step *s)
{
    return apigw_kv_delete(s->context, &s->kv, s->document.id);
}

static int kv_keys(struct step *s)
{
    struct apigw_keys keys = apigw_kv_keys(s->context, &s->kv, text_of(s, "prefix"));
    struct apigw_span key;
    int result;

    apigw_json_key(&s->answer, "keys");
    apigw_json_begin_array(&s->answer);
    while ((result = apigw_keys_next(&keys, &key)) == 1)
        apigw_json_string(&s->answer, key);
    apigw_json_end_array(&s->answer);
    return result;
}

/* How many sets, each with a get of what was set, are done in "ms" milliseconds of the function's time. */
static int count_round_trips(struct step *s)
{
    const uint64_t until = apigw_remaining_ms(s->context) - (uint64_t)number_of(s, "ms", 100);
    int64_t count = 0;
    struct apigw_json content;
    int result = APIGW_OK;

    while (result == APIGW_OK && apigw_remaining_ms(s->context) > until) {
        result = set(s);
        if (result == APIGW_OK)
            result = apigw_doc_get(s->context, s->document, &content);
        count++;
    }
    apigw_json_key(&s->answer, "count");
    apigw_json_int(&s->answer, count);
    return result;
}

/* A child that a handler forks is not the environment: it is to be refused, and to break nothing. */
static int from_a_child(struct step *s)
{
    int status = 0;
    const pid_t pid = fork();

    if (pid == 0)
        _exit(set(s) == APIGW_FAILED ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? set(s) : APIGW_FAILED;
}

static const struct {
    const char *name;
    int (*run)(struct step *s);
} steps[] = {
    {"set", set},
    {"get", get},
    {"delete", delete_document},
    {"fetch", fetch},
    {"stream", stream},
    {"fill", fill},
    {"set_and_die", set_and_die},
    {"kv_set", kv_set},
    {"kv_get", kv_get},
    {"kv_delete", kv_delete},
    {"kv_keys", kv_keys},
    {"count_round_trips", count_round_trips},
    {"from_a_child", from_a_child},
};

static int collections(const struct apigw_event *event, struct apigw_context *context)
{
    struct step s = {.context = context, .event = event, .order = apigw_event_body(context, event)};
    struct apigw_collection parent;
    const struct apigw_span name = text_of(&s, "do");
    size_t i = 0;

    while (i < sizeof(steps) / sizeof(steps[0]) && !apigw_span_equal(name, apigw_span_of_str(steps[i].name)))
        i++;
    if (i == sizeof(steps) / sizeof(steps[0]))
        return apigw_fail(context, APIGW_SPAN("SuiteError"), APIGW_SPAN("there is no such step"));
    open_collection(&s, &parent);
    s.answer = apigw_json_write(context);
    apigw_json_begin_object(&s.answer);
    const int result = steps[i].run(&s);
    apigw_json_key(&s.answer, "result");
    apigw_json_int(&s.answer, result);
    apigw_json_end_object(&s.answer);
    return apigw_respond(context, 200, apigw_json_written(&s.answer));
}

/* ---- environments ---- */

static const struct apigw_collection environments = APIGW_COLLECTION("environments", APIGW_WRITING | APIGW_DELETING);

static struct apigw_span pid_text(void)
{
    static char digits[16];

    snprintf(digits, sizeof(digits), "%d", (int)getpid());
    return apigw_span_of_str(digits);
}

static int init(struct apigw_context *context)
{
    if (!getenv("SUITE_ENVIRONMENTS"))
        return 0;
    return apigw_doc_set(context, apigw_doc(&environments, pid_text()), APIGW_SPAN("{}"));
}

static void fini(struct apigw_context *context)
{
    if (getenv("SUITE_ENVIRONMENTS"))
        apigw_doc_delete(context, apigw_doc(&environments, pid_text()));
}

APIGW_PLUGIN_WITH_INIT("collections", "1.0.0", init, fini, APIGW_HANDLER("collections", collections));
