/* chat.c - a chat room: one handler behind all of the routes in routes.json.
 *
 *     {"action":"join","name":"anna"}     {"action":"say","text":"hello"}
 *     {"action":"leave"}                  {"action":"list"}
 *
 * Where the members live. Not in a variable: there may be several environments, each with variables of its own, and
 * nothing says which of them gets the next message. So they are documents of a collection, by connection id.
 *
 * Forgetting. A $disconnect may come late, or never if the emulator was killed. So an id that a post finds gone is
 * dropped there and then; nothing else is needed to cope with leftovers. */
#include <apigw/collections.h>
#include <apigw/connections.h>
#include <apigw/event.h>

#define NAME_BYTES_MAX 64

static const struct apigw_collection members =
    APIGW_COLLECTION("members", APIGW_READING | APIGW_WRITING | APIGW_DELETING);

/* What handlers return when the store has failed: its own line in the log is above this one. */
static int store_failed(struct apigw_context *context)
{
    return apigw_fail(context, APIGW_SPAN("StoreError"), APIGW_SPAN("the members cannot be read or written"));
}

/* {"name":"value"} */
static struct apigw_span object_of(struct apigw_context *context, const char *name, struct apigw_span value)
{
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_object(&w);
    apigw_json_key(&w, name);
    apigw_json_string(&w, value);
    apigw_json_end_object(&w);
    return apigw_json_written(&w);
}

/* The name that a client has joined with; empty if it has not. Negative if the store has failed. */
static int name_of(struct apigw_context *context, struct apigw_span id, struct apigw_span *ret)
{
    struct apigw_json member;
    int result = apigw_doc_get(context, apigw_doc(&members, id), &member);

    *ret = apigw_json_text(context, apigw_json_get(context, member, "name"));
    return result;
}

/* Sends a message to all members but the one whom the event is about. */
static int tell_others(const struct apigw_event *event, struct apigw_context *context, struct apigw_span message)
{
    const struct apigw_query all = apigw_query_of(context, &members);
    struct apigw_stream stream = apigw_query_stream(&all);
    struct apigw_snapshot member;
    int result;

    while ((result = apigw_stream_next(&stream, &member)) == 1)
        if (!apigw_span_equal(member.id, event->connection_id) &&
            apigw_post_to_connection(context, member.id, message) == APIGW_GONE)
            apigw_doc_delete(context, apigw_doc(&members, member.id));
    return result;
}

/* ---- the routes ---- */

static int list(const struct apigw_event *event, struct apigw_context *context)
{
    const struct apigw_query all = apigw_query_of(context, &members);
    struct apigw_stream stream = apigw_query_stream(&all);
    struct apigw_json_writer w = apigw_json_write(context);
    struct apigw_snapshot member;
    int result;

    (void)event;
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "members");
    apigw_json_begin_array(&w);
    while ((result = apigw_stream_next(&stream, &member)) == 1)
        apigw_json_raw(&w, apigw_json_get(context, member.content, "name").raw);
    apigw_json_end_array(&w);
    apigw_json_end_object(&w);
    return result < 0 ? store_failed(context) : apigw_respond_written(context, 200, &w);
}

/* Whoever joins twice has a new name. */
static int join(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json wanted = apigw_json_get(context, apigw_event_body(context, event), "name");
    struct apigw_span name = apigw_json_text(context, wanted);

    if (wanted.type != APIGW_JSON_STRING || name.len == 0 || name.len > NAME_BYTES_MAX)
        return apigw_respond(context, 200, APIGW_SPAN("{\"error\":\"join needs a name of 1 to 64 bytes\"}"));
    if (apigw_doc_set(context, apigw_doc(&members, event->connection_id), object_of(context, "name", name)) < 0 ||
        tell_others(event, context, object_of(context, "joined", name)) < 0)
        return store_failed(context);
    return list(event, context);
}

/* A route without a response: whoever has not joined is told with a post. */
static int say(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json text = apigw_json_get(context, apigw_event_body(context, event), "text");
    struct apigw_json_writer w = apigw_json_write(context);
    struct apigw_span name;

    if (name_of(context, event->connection_id, &name) < 0)
        return store_failed(context);
    if (name.len == 0) {
        apigw_post_to_connection(context, event->connection_id, APIGW_SPAN("{\"error\":\"join first\"}"));
        return apigw_respond_status(context, 200);
    }
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "from");
    apigw_json_string(&w, name);
    apigw_json_key(&w, "text");
    apigw_json_string(&w, apigw_json_text(context, text));
    apigw_json_end_object(&w);
    return tell_others(event, context, apigw_json_written(&w)) < 0 ? store_failed(context)
                                                                   : apigw_respond_status(context, 200);
}

/* Also for $disconnect, where the answer goes nowhere. */
static int leave(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_span name;

    if (name_of(context, event->connection_id, &name) < 0 ||
        apigw_doc_delete(context, apigw_doc(&members, event->connection_id)) < 0 ||
        (name.len > 0 && tell_others(event, context, object_of(context, "left", name)) < 0))
        return store_failed(context);
    return apigw_respond(context, 200, APIGW_SPAN("{\"left\":true}"));
}

static int welcome(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    return apigw_respond_status(context, 200);
}

static int help(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    return apigw_respond(context, 200,
                         APIGW_SPAN("Send one of: {\"action\":\"join\",\"name\":\"anna\"}, "
                                    "{\"action\":\"say\",\"text\":\"hello\"}, {\"action\":\"leave\"}, "
                                    "{\"action\":\"list\"}"));
}

static const struct route {
    const char *key;
    apigw_handler_fn *run;
} routes[] = {
    {"$connect", welcome}, {"$disconnect", leave}, {"join", join},     {"say", say},
    {"leave", leave},      {"list", list},         {"$default", help},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

static int chat(const struct apigw_event *event, struct apigw_context *context)
{
    size_t i = 0;

    while (i < ROUTE_COUNT - 1 && !apigw_span_equal(event->route_key, apigw_span_of_str(routes[i].key)))
        i++;
    return routes[i].run(event, context);
}

APIGW_PLUGIN("chat", "1.0.0", APIGW_HANDLER("chat", chat));
