/* sdk_suite.c - handlers that use every function of json.h, event.h, connections.h and log.h. A message is a JSON
 * object.
 *
 *   policy     an authorizer: lets in whoever has ?token=let-me-in, as principal "anna" with a context
 *   socket     $connect: remembers all that can be read of the handshake; a message: answers with that, and what can
 *              still be read of it. One environment only.
 *   read       {"value":…,"paths":[…]}: for each path its type, text, number, integer, boolean and existence
 *   walk       {"value":…}: the value's keys and texts, in turn
 *   write      {"text":…}: answers with every kind of value that can be written
 *   event      {"path":…}: answers with what is there in the event
 *   broadcast  {"ids":[…],"data":…}: posts to all of them; answers how many were sent and what became of each
 *   tell       {"to":…}: posts a written object; answers with the result's name
 *   log        logs a line of text and one of fields at each level, then one that is too long
 *   memory     allocates until there is no more; answers with how much that was, in MB, and whether all of it was zero
 *   misuse     asks for everything with a wrong context, NULL, and from another thread; answers with what came of it
 *   settings   answers with what init has read of the variable SETTINGS, which is JSON
 */
#define _GNU_SOURCE
#include <apigw/connections.h>
#include <apigw/event.h>
#include <apigw/log.h>
#include <pthread.h>

static char *remembered;
static long long settings_limit = -1;

/* ---- helpers ---- */

static struct apigw_json body_member(const struct apigw_event *event, struct apigw_context *context, const char *path)
{
    return apigw_json_get(context, apigw_event_body(context, event), path);
}

static int answer(struct apigw_context *context, const struct apigw_json_writer *w)
{
    return apigw_respond(context, 200, apigw_json_written(w));
}

static void member(struct apigw_json_writer *w, const char *key, struct apigw_span text)
{
    apigw_json_key(w, key);
    if (text.ptr)
        apigw_json_string(w, text);
    else
        apigw_json_null(w);
}

/* A C string in memory of the invocation. */
static const char *text_of(struct apigw_context *context, struct apigw_json value)
{
    const struct apigw_span text = apigw_json_text(context, value);
    char *copy = (char *)apigw_allocate(context, text.len + 1);

    if (copy && text.len)
        memcpy(copy, text.ptr, text.len);
    return copy ? copy : "";
}

/* ---- events ---- */

static int policy(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json_writer w = apigw_json_write(context);

    if (!apigw_span_equal(apigw_event_query(context, "token"), APIGW_SPAN("let-me-in")))
        return apigw_fail(context, APIGW_SPAN("Error"), APIGW_SPAN("Unauthorized"));
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "principalId");
    apigw_json_string(&w, APIGW_SPAN("anna"));
    apigw_json_key(&w, "context");
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "room");
    apigw_json_string(&w, APIGW_SPAN("l\"obby"));
    apigw_json_key(&w, "level");
    apigw_json_int(&w, 3);
    apigw_json_end_object(&w);
    apigw_json_key(&w, "policyDocument");
    apigw_json_raw(&w, APIGW_SPAN("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                                  "\"Action\":\"execute-api:Invoke\",\"Resource\":\"*\"}]}"));
    apigw_json_end_object(&w);
    return apigw_respond_json(context, apigw_json_written(&w));
}

static struct apigw_json_writer read_handshake(struct apigw_context *context)
{
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_object(&w);
    member(&w, "header", apigw_event_header(context, "x-ROOM"));
    apigw_json_key(&w, "headers");
    apigw_json_raw(&w, apigw_json_get(context, apigw_event_headers(context), "X-Room").raw);
    member(&w, "query", apigw_event_query(context, "name"));
    member(&w, "Query", apigw_event_query(context, "Name"));
    member(&w, "variable", apigw_event_stage_variable(context, "table"));
    member(&w, "principal", apigw_event_authorizer(context, "principalId"));
    member(&w, "room", apigw_event_authorizer(context, "room"));
    member(&w, "level", apigw_event_authorizer(context, "level"));
    member(&w, "stage", apigw_json_text(context, apigw_event_get(context, "requestContext.stage")));
    member(
        &w, "type",
        apigw_json_text(context, apigw_json_get(context, apigw_event_document(context), "requestContext.eventType")));
    apigw_json_end_object(&w);
    return w;
}

static int socket_events(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json_writer w = read_handshake(context), both = apigw_json_write(context);
    const struct apigw_span text = apigw_json_written(&w);

    if (event->type == APIGW_CONNECT) {
        free(remembered);
        remembered = strndup(text.ptr, text.len);
        return apigw_respond_status(context, 200);
    }
    apigw_json_begin_array(&both);
    apigw_json_raw(&both, apigw_span_of_str(remembered));
    apigw_json_raw(&both, text);
    apigw_json_end_array(&both);
    return answer(context, &both);
}

static int event_value(const struct apigw_event *event, struct apigw_context *context)
{
    const char *path = text_of(context, body_member(event, context, "path"));
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_object(&w);
    member(&w, "text", apigw_json_text(context, apigw_event_get(context, path)));
    apigw_json_end_object(&w);
    return answer(context, &w);
}

/* ---- JSON ---- */

static void describe(struct apigw_context *context, struct apigw_json_writer *w, struct apigw_json value)
{
    const double number = apigw_json_number(context, value, -1);
    char text[32];

    apigw_json_begin_array(w);
    apigw_json_int(w, (int64_t)value.type);
    apigw_json_string(w, apigw_json_text(context, value));
    snprintf(text, sizeof(text), "%.17g", number);
    apigw_json_raw(w, apigw_span_of_str(text));
    apigw_json_int(w, apigw_json_integer(context, value, -1));
    apigw_json_int(w, apigw_json_boolean(value, -1));
    apigw_json_bool(w, apigw_json_exists(value));
    apigw_json_end_array(w);
}

static int read_paths(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json_iterator it = apigw_json_walk(body_member(event, context, "paths"));
    const struct apigw_json value = body_member(event, context, "value");
    struct apigw_json_writer w = apigw_json_write(context);
    struct apigw_json path;
    struct apigw_span key;

    apigw_json_begin_array(&w);
    while (apigw_json_next(context, &it, &key, &path))
        describe(context, &w, apigw_json_get(context, value, text_of(context, path)));
    apigw_json_end_array(&w);
    return answer(context, &w);
}

static int walk(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json_iterator it = apigw_json_walk(body_member(event, context, "value"));
    struct apigw_json_writer w = apigw_json_write(context);
    struct apigw_json value;
    struct apigw_span key;

    apigw_json_begin_array(&w);
    while (apigw_json_next(context, &it, &key, &value)) {
        apigw_json_string(&w, key);
        apigw_json_string(&w, apigw_json_text(context, value));
    }
    apigw_json_end_array(&w);
    return answer(context, &w);
}

static int write_all(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_object(&w);
    member(&w, "text", apigw_json_text(context, body_member(event, context, "text")));
    apigw_json_key(&w, "not utf-8 \"\xff\"");
    apigw_json_string(&w, APIGW_SPAN("a\xff\xc3(\xf0\x9f\x98"));
    apigw_json_key(&w, "numbers");
    apigw_json_begin_array(&w);
    apigw_json_int(&w, INT64_MIN);
    apigw_json_int(&w, 0);
    apigw_json_raw(&w, APIGW_SPAN("1.5e3"));
    apigw_json_end_array(&w);
    apigw_json_key(&w, "rest");
    apigw_json_begin_array(&w);
    apigw_json_bool(&w, 1);
    apigw_json_null(&w);
    apigw_json_begin_object(&w);
    apigw_json_end_object(&w);
    apigw_json_end_array(&w);
    apigw_json_end_object(&w);
    return answer(context, &w);
}

/* ---- connections ---- */

#define IDS_MAX 64

static int broadcast(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json_iterator it = apigw_json_walk(body_member(event, context, "ids"));
    const struct apigw_span data = apigw_json_text(context, body_member(event, context, "data"));
    struct apigw_span ids[IDS_MAX], key;
    struct apigw_json_writer w = apigw_json_write(context);
    struct apigw_json id;
    int results[IDS_MAX];
    size_t count = 0;

    while (count < IDS_MAX && apigw_json_next(context, &it, &key, &id))
        ids[count++] = apigw_json_text(context, id);
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "sent");
    apigw_json_int(&w, (int64_t)apigw_broadcast(context, ids, count, data, results));
    apigw_json_key(&w, "again");
    apigw_json_int(&w, (int64_t)apigw_broadcast(context, ids, count, data, NULL));
    apigw_json_key(&w, "results");
    apigw_json_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        apigw_json_string(&w, apigw_span_of_str(apigw_result_name(results[i])));
    apigw_json_end_array(&w);
    apigw_json_end_object(&w);
    return answer(context, &w);
}

static int tell(const struct apigw_event *event, struct apigw_context *context)
{
    const struct apigw_span to = apigw_json_text(context, body_member(event, context, "to"));
    struct apigw_json_writer w = apigw_json_write(context);
    int result;

    apigw_json_begin_object(&w);
    member(&w, "from", event->connection_id);
    apigw_json_end_object(&w);
    result = apigw_post_json(context, to, &w);
    w.failed = 1;
    if (apigw_post_json(context, to, &w) != APIGW_BAD_REQUEST)
        return apigw_fail(context, APIGW_SPAN("Suite"), APIGW_SPAN("a writer that has failed was posted"));
    return apigw_respond(context, 200, apigw_span_of_str(apigw_result_name(result)));
}

/* ---- logs ---- */

static int log_all(const struct apigw_event *event, struct apigw_context *context)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    const struct apigw_log_field fields[] = {{"connectionId", event->connection_id},
                                             {"quoted", APIGW_SPAN("a \"b\"\n\xff")}};
    char enabled[5] = "0000", *blanks = (char *)apigw_allocate(context, 6000);

    for (int level = APIGW_LOG_ERROR; level <= APIGW_LOG_DEBUG; level++) {
        enabled[level] = (char)('0' + apigw_log_enabled((enum apigw_log_level)level));
        apigw_log_text(context, (enum apigw_log_level)level, "a text at %s, number %d", names[level], level);
        apigw_log_fields(context, (enum apigw_log_level)level, names[level], fields, 2);
    }
    memset(blanks, 'x', 5999);
    apigw_log_text(context, APIGW_LOG_ERROR, "long %s the end", blanks);
    return apigw_respond(context, 200, apigw_span_of(enabled, 4));
}

/* ---- memory ---- */

#define PIECE (1000u * 1000u)

static int memory(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json_writer w;
    char text[64];
    size_t pieces = 0, dirty = 0;
    char *at;

    while (pieces < 100000 && (at = (char *)apigw_allocate(context, PIECE))) {
        for (size_t i = 0; i < PIECE; i += 999)
            dirty += at[i] != 0;
        memset(at, 0xee, PIECE);
        pieces++;
    }
    while (apigw_allocate(context, 16))
        ;
    w = apigw_json_write(context); /* no room is left for it */
    apigw_json_string(&w, APIGW_SPAN("x"));
    snprintf(text, sizeof(text), "[%zu,%zu,%u,%d]", pieces, dirty, context->memory_limit_mb,
             apigw_json_written(&w).ptr != NULL);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

/* ---- misuse ---- */

struct attempt {
    struct apigw_context *context; /* not to be used here */
    const struct apigw_host *host;
    int refused, accepted;
};

static void note(struct attempt *a, int refused)
{
    if (refused)
        a->refused++;
    else
        a->accepted++;
}

static void *try_everything(void *arg)
{
    struct attempt *const a = (struct attempt *)arg;
    const struct apigw_json_services *json = a->host->json;
    struct apigw_json value = {APIGW_JSON_ARRAY, 0, APIGW_SPAN("[1]")};
    struct apigw_json_iterator it = apigw_json_walk(value);
    struct apigw_json_writer w = apigw_json_write(a->context);
    struct apigw_json found;
    struct apigw_span text;
    int64_t integer;
    double number;

    note(a, a->host->allocate(a->context, 1) == NULL);
    note(a, json->parse(a->context, value.raw, &found) == APIGW_FAILED);
    note(a, json->get(a->context, &value, APIGW_SPAN("[0]"), &found) == APIGW_FAILED && found.type == APIGW_JSON_NONE);
    note(a, json->next(a->context, &it, &text, &found) == APIGW_FAILED);
    note(a, json->text(a->context, &value, &text) == APIGW_FAILED && !text.ptr);
    note(a, json->number(a->context, &value, &number) == APIGW_FAILED);
    note(a, json->integer(a->context, &value, &integer) == APIGW_FAILED);
    note(a, json->write(&w, 0, APIGW_SPAN("1")) == APIGW_FAILED);
    note(a, a->host->post_to_connection(a->context, APIGW_SPAN("x"), APIGW_SPAN("x")) == APIGW_FAILED);
    return NULL;
}

static void ask_for_nothing(struct apigw_context *context, struct attempt *a)
{
    const struct apigw_json_services *json = a->host->json;
    struct apigw_json bad = {APIGW_JSON_OBJECT, 0, {NULL, 100}};
    struct apigw_json cut = {APIGW_JSON_OBJECT, 0, APIGW_SPAN("{\"a\":[")};
    struct apigw_json_iterator it = apigw_json_walk(cut);
    struct apigw_json_writer w = {context, NULL, 10, 5, 0, 0};
    struct apigw_json found;
    struct apigw_span text;

    note(a, json->parse(context, bad.raw, &found) == APIGW_BAD_REQUEST);
    note(a, json->parse(context, APIGW_SPAN("1"), NULL) == APIGW_BAD_REQUEST);
    note(a, json->get(context, NULL, bad.raw, NULL) == APIGW_BAD_REQUEST);
    note(a, json->next(context, NULL, &text, &found) == 0);
    note(a, json->next(context, &it, &text, &found) == 0);
    note(a, json->next(context, &it, NULL, NULL) == APIGW_BAD_REQUEST);
    note(a, json->text(context, &cut, NULL) == APIGW_BAD_REQUEST);
    note(a, json->number(context, &bad, NULL) == APIGW_BAD_REQUEST);
    note(a, json->integer(context, &cut, NULL) == APIGW_BAD_REQUEST);
    note(a, json->write(&w, 1, text) == APIGW_BAD_REQUEST);
    note(a, json->write(NULL, 1, text) == APIGW_FAILED);
    note(a, !apigw_json_exists(apigw_json_get(context, cut, "a[0]")));
    note(a, a->host->allocate(context, SIZE_MAX) == NULL);
}

static int misuse(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_context copy = *context;
    struct attempt a = {NULL, context->host, 0, 0};
    pthread_t thread;
    char text[64];

    try_everything(&a);
    a.context = &copy;
    try_everything(&a);
    a.context = context;
    if (pthread_create(&thread, NULL, try_everything, &a) != 0 || pthread_join(thread, NULL) != 0)
        return 1;
    ask_for_nothing(context, &a);
    snprintf(text, sizeof(text), "%d refused, %d accepted", a.refused, a.accepted);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

/* ---- init and fini ---- */

static int init(struct apigw_context *context)
{
    const char *text = getenv("SETTINGS");
    struct apigw_json settings;

    if (!text)
        return 0;
    if (apigw_json_parse(context, apigw_span_of_str(text), &settings) != APIGW_OK)
        return apigw_fail(context, APIGW_SPAN("Settings"), APIGW_SPAN("SETTINGS is not JSON"));
    settings_limit = apigw_json_integer(context, apigw_json_get(context, settings, "limits[-1]"), -2);
    return apigw_allocate(context, 100) ? 0 : 1;
}

static void fini(struct apigw_context *context)
{
    free(remembered);
    apigw_log_fields(context, APIGW_LOG_INFO, "the suite ends", NULL, 0);
}

static int settings(const struct apigw_event *event, struct apigw_context *context)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", settings_limit);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

APIGW_PLUGIN_WITH_INIT("sdk_suite", "1.0.0", init, fini, APIGW_HANDLER("policy", policy),
                       APIGW_HANDLER("socket", socket_events), APIGW_HANDLER("event", event_value),
                       APIGW_HANDLER("read", read_paths), APIGW_HANDLER("walk", walk),
                       APIGW_HANDLER("write", write_all), APIGW_HANDLER("broadcast", broadcast),
                       APIGW_HANDLER("tell", tell), APIGW_HANDLER("log", log_all), APIGW_HANDLER("memory", memory),
                       APIGW_HANDLER("misuse", misuse), APIGW_HANDLER("settings", settings));
