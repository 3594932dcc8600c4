/* shared_document.c - a text that several people edit at once, without losing anybody's words.
 *
 *     {"action":"open","document":"notes"}
 *     {"action":"edit","document":"notes","version":3,"text":"…"}
 *
 * `open` answers with the document as it is, and from then on tells the client of each change. `edit` says which
 * version the client has seen. If that is the latest, the text becomes the next one, and all others who have the
 * document open get it; if somebody else was first, the answer is a conflict with what there is now, and nothing is
 * changed: the client puts its edit on top of that, and tries again.
 *
 * Why no edit is lost. To compare versions and to write are two calls, and two environments could do both at the same
 * time. So the functions of this API are one, with "concurrency": 1 in routes.json: there is one environment, and it
 * runs one invocation at a time. That is a Lambda function's reserved concurrency. */
#include <apigw/collections.h>
#include <apigw/connections.h>
#include <apigw/event.h>
#include <apigw/log.h>

#define NAME_BYTES_MAX 64

static const struct apigw_collection documents = APIGW_COLLECTION("documents", APIGW_READING | APIGW_WRITING);

/* Who has which document open: {"document":"notes"}, by connection id. */
static const struct apigw_collection editors =
    APIGW_COLLECTION("editors", APIGW_READING | APIGW_WRITING | APIGW_DELETING);

/* A document as it is; version 0 and no text as long as nobody has written any. */
struct state {
    struct apigw_span name;
    int64_t version;
    struct apigw_span text;
};

static int store_failed(struct apigw_context *context)
{
    return apigw_fail(context, APIGW_SPAN("StoreError"), APIGW_SPAN("the document cannot be read or written"));
}

static int read_state(struct apigw_context *context, struct apigw_span name, struct state *ret)
{
    struct apigw_json document;
    int result = apigw_doc_get(context, apigw_doc(&documents, name), &document);

    ret->name = name;
    ret->version = apigw_json_integer(context, apigw_json_get(context, document, "version"), 0);
    ret->text = apigw_json_text(context, apigw_json_get(context, document, "text"));
    return result;
}

/* {"document":"notes","version":3,"text":"…"}, with "conflict":true in front if it is one: what is kept, what clients
 * are answered, and what the others are sent. */
static struct apigw_span write_state(struct apigw_context *context, const struct state *state, int is_conflict)
{
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_object(&w);
    if (is_conflict) {
        apigw_json_key(&w, "conflict");
        apigw_json_bool(&w, 1);
    }
    apigw_json_key(&w, "document");
    apigw_json_string(&w, state->name);
    apigw_json_key(&w, "version");
    apigw_json_int(&w, state->version);
    apigw_json_key(&w, "text");
    apigw_json_string(&w, state->text);
    apigw_json_end_object(&w);
    return apigw_json_written(&w);
}

/* To all others who have it open. Whoever is gone is forgotten. */
static int tell_others(const struct apigw_event *event, struct apigw_context *context, const struct state *state)
{
    const struct apigw_span news = write_state(context, state, 0);
    struct apigw_query open = apigw_query_of(context, &editors);
    struct apigw_stream stream;
    struct apigw_snapshot editor;
    int result;

    apigw_where_string(&open, "document", "==", state->name);
    stream = apigw_query_stream(&open);
    while ((result = apigw_stream_next(&stream, &editor)) == 1) {
        if (apigw_span_equal(editor.id, event->connection_id))
            continue;
        result = apigw_post_to_connection(context, editor.id, news);
        if (result == APIGW_GONE)
            apigw_doc_delete(context, apigw_doc(&editors, editor.id));
        else if (result != APIGW_OK)
            apigw_log_text(context, APIGW_LOG_WARN, "%.*s misses version %lld: %s", (int)editor.id.len, editor.id.ptr,
                           (long long)state->version, apigw_result_name(result));
    }
    return result;
}

/* The name of the document that a message is about; empty if it has none that can be used. */
static struct apigw_span name_in(struct apigw_context *context, struct apigw_json message)
{
    struct apigw_json name = apigw_json_get(context, message, "document");
    struct apigw_span text = apigw_json_text(context, name);

    return name.type == APIGW_JSON_STRING && text.len <= NAME_BYTES_MAX ? text : apigw_span_of(NULL, 0);
}

static int open_document(const struct apigw_event *event, struct apigw_context *context, struct state *state,
                         struct apigw_json message)
{
    struct apigw_json_writer w = apigw_json_write(context);

    (void)message;
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "document");
    apigw_json_string(&w, state->name);
    apigw_json_end_object(&w);
    if (apigw_doc_set(context, apigw_doc(&editors, event->connection_id), apigw_json_written(&w)) != APIGW_OK)
        return store_failed(context);
    return apigw_respond(context, 200, write_state(context, state, 0));
}

static int edit_document(const struct apigw_event *event, struct apigw_context *context, struct state *state,
                         struct apigw_json message)
{
    struct apigw_json text = apigw_json_get(context, message, "text");

    if (text.type != APIGW_JSON_STRING)
        return apigw_respond(context, 200, APIGW_SPAN("{\"error\":\"an edit has a text\"}"));
    if (apigw_json_integer(context, apigw_json_get(context, message, "version"), -1) != state->version)
        return apigw_respond(context, 200, write_state(context, state, 1));
    state->version++;
    state->text = apigw_json_text(context, text);
    if (apigw_doc_set(context, apigw_doc(&documents, state->name), write_state(context, state, 0)) != APIGW_OK ||
        tell_others(event, context, state) < 0)
        return store_failed(context);
    return apigw_respond(context, 200, write_state(context, state, 0));
}

/* $disconnect: it has nothing open any more. */
static int leave(const struct apigw_event *event, struct apigw_context *context)
{
    if (apigw_doc_delete(context, apigw_doc(&editors, event->connection_id)) != APIGW_OK)
        return store_failed(context);
    return apigw_respond_status(context, 200);
}

static int shared_document(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json message = apigw_event_body(context, event);
    struct apigw_span name = name_in(context, message);
    struct state state;

    if (event->type == APIGW_DISCONNECT)
        return leave(event, context);
    if (name.len == 0)
        return apigw_respond(context, 200, APIGW_SPAN("{\"error\":\"which document? Its name has 1 to 64 bytes\"}"));
    if (read_state(context, name, &state) != APIGW_OK)
        return store_failed(context);
    if (apigw_span_equal(event->route_key, APIGW_SPAN("open")))
        return open_document(event, context, &state, message);
    return edit_document(event, context, &state, message);
}

APIGW_PLUGIN("shared_document", "1.0.0", APIGW_HANDLER("shared_document", shared_document));
