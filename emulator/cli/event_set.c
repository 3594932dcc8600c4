/* event_set.c - one table of what events hold, in the order in which AWS writes it: what may be set, what a value must
 * be, and where a member goes that the document does not have yet. */
#include "cli/event_set.h"

#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "gateway/text.h"

const char *const event_names[SAMPLE_EVENTS + 1] = {
    [SAMPLE_CONNECT] = "connect",
    [SAMPLE_MESSAGE] = "message",
    [SAMPLE_DISCONNECT] = "disconnect",
    [SAMPLE_AUTHORIZER] = "authorizer",
};

/* ---- the table ---- */

enum place_kind {
    PLACE_TEXT,  /* AWS has a string there */
    PLACE_VALUE, /* a number, a boolean or an object */
    /* An object whose members have names of the client's or the author's own choice: */
    PLACE_TEXTS,  /* strings */
    PLACE_LISTS,  /* arrays of strings */
    PLACE_VALUES, /* anything */
};

enum {
    IN_CONNECT = 1 << SAMPLE_CONNECT,
    IN_MESSAGE = 1 << SAMPLE_MESSAGE,
    IN_DISCONNECT = 1 << SAMPLE_DISCONNECT,
    IN_AUTHORIZER = 1 << SAMPLE_AUTHORIZER,
    IN_HANDSHAKE = IN_CONNECT | IN_AUTHORIZER,
    IN_ALL = IN_HANDSHAKE | IN_MESSAGE | IN_DISCONNECT
};

struct place {
    const char *path;
    unsigned events;
    enum place_kind kind;
};

/* clang-format off */
static const struct place places[] = {
    {"type",                                IN_AUTHORIZER,                PLACE_TEXT},
    {"methodArn",                           IN_AUTHORIZER,                PLACE_TEXT},
    {"headers",                             IN_HANDSHAKE | IN_DISCONNECT, PLACE_TEXTS},
    {"multiValueHeaders",                   IN_HANDSHAKE | IN_DISCONNECT, PLACE_LISTS},
    {"queryStringParameters",               IN_HANDSHAKE,                 PLACE_TEXTS},
    {"multiValueQueryStringParameters",     IN_HANDSHAKE,                 PLACE_LISTS},
    {"stageVariables",                      IN_ALL,                       PLACE_TEXTS},
    {"requestContext",                      IN_ALL,                       PLACE_VALUE},
    {"requestContext.routeKey",             IN_ALL,                       PLACE_TEXT},
    {"requestContext.disconnectStatusCode", IN_DISCONNECT,                PLACE_VALUE},
    {"requestContext.authorizer",           IN_ALL & ~IN_AUTHORIZER,      PLACE_VALUES},
    {"requestContext.messageId",            IN_MESSAGE,                   PLACE_TEXT},
    {"requestContext.eventType",            IN_ALL,                       PLACE_TEXT},
    {"requestContext.extendedRequestId",    IN_ALL,                       PLACE_TEXT},
    {"requestContext.requestTime",          IN_ALL,                       PLACE_TEXT},
    {"requestContext.messageDirection",     IN_ALL,                       PLACE_TEXT},
    {"requestContext.disconnectReason",     IN_DISCONNECT,                PLACE_TEXT},
    {"requestContext.stage",                IN_ALL,                       PLACE_TEXT},
    {"requestContext.connectedAt",          IN_ALL,                       PLACE_VALUE},
    {"requestContext.requestTimeEpoch",     IN_ALL,                       PLACE_VALUE},
    {"requestContext.identity",             IN_ALL,                       PLACE_VALUE},
    {"requestContext.identity.apiKey",      IN_ALL,                       PLACE_TEXT},
    {"requestContext.identity.userArn",     IN_ALL,                       PLACE_TEXT},
    {"requestContext.identity.apiKeyId",    IN_ALL,                       PLACE_TEXT},
    {"requestContext.identity.userAgent",   IN_ALL,                       PLACE_TEXT},
    {"requestContext.identity.accountId",   IN_ALL,                       PLACE_TEXT},
    {"requestContext.identity.caller",      IN_ALL,                       PLACE_TEXT},
    {"requestContext.identity.sourceIp",    IN_ALL,                       PLACE_TEXT},
    {"requestContext.identity.accessKey",   IN_ALL,                       PLACE_TEXT},
    {"requestContext.identity.user",        IN_ALL,                       PLACE_TEXT},
    {"requestContext.requestId",            IN_ALL,                       PLACE_TEXT},
    {"requestContext.domainName",           IN_ALL,                       PLACE_TEXT},
    {"requestContext.connectionId",         IN_ALL,                       PLACE_TEXT},
    {"requestContext.apiId",                IN_ALL,                       PLACE_TEXT},
    {"body",                                IN_MESSAGE,                   PLACE_TEXT},
    {"isBase64Encoded",                     IN_ALL & ~IN_AUTHORIZER,      PLACE_VALUE},
};
/* clang-format on */

#define PLACES (sizeof(places) / sizeof(places[0]))

/* What AWS says in two places. */
static const struct {
    const char *path;
    const char *twin;
} twins[] = {
    {"headers", "multiValueHeaders"},
    {"multiValueHeaders", "headers"},
    {"queryStringParameters", "multiValueQueryStringParameters"},
    {"multiValueQueryStringParameters", "queryStringParameters"},
    {"requestContext.requestId", "requestContext.extendedRequestId"},
    {"requestContext.extendedRequestId", "requestContext.requestId"},
};

static bool has_own_names(enum place_kind kind)
{
    return kind >= PLACE_TEXTS;
}

/* One place of a document: that of the table, and the name of a member of it where the table does not know that. */
struct target {
    const struct place *place;
    struct span name; /* no pointer: the place itself */
};

static bool matches(const struct place *place, struct span path, struct target *ret)
{
    const struct span known = span_of_str(place->path);
    const struct span rest = span_starts_with(path, known) ? span_from(path, known.len) : path;

    *ret = (struct target){.place = place};
    if (span_equal(path, known))
        return true;
    if (!has_own_names(place->kind) || rest.len == path.len || rest.len < 2 || rest.ptr[0] != '.')
        return false;
    ret->name = span_from(rest, 1);
    return true;
}

/* ---- what is wrong ---- */

/* Which other events have it: "connect, disconnect and authorizer events". */
static void append_events(unsigned events, struct buf *out)
{
    const char *before = "";

    for (unsigned i = 0; i < SAMPLE_EVENTS; i++) {
        if (!(events & 1u << i))
            continue;
        events &= ~(1u << i);
        buf_printf(out, "%s%s", before, event_names[i]);
        before = events & (events - 1) ? ", " : " and ";
    }
    buf_append_str(out, " events do");
}

/* The place whose last name is `path`: who says connectionId means requestContext.connectionId. */
static const char *ends_in(enum sample_event which, struct span path)
{
    for (size_t i = 0; i < PLACES; i++) {
        const char *dot = strrchr(places[i].path, '.');

        if (dot && places[i].events & 1u << which && span_equal_nocase(path, span_of_str(dot + 1)))
            return places[i].path;
    }
    return NULL;
}

static const char *nearest(enum sample_event which, struct span path)
{
    const char *paths[PLACES];
    size_t count = 0;

    for (size_t i = 0; i < PLACES; i++)
        if (places[i].events & 1u << which)
            paths[count++] = places[i].path;
    return config_nearest(path, paths, count);
}

/* For a member of a place that was misspelt, the place: header.X means headers.X. */
static const char *nearest_parent(enum sample_event which, struct span parent)
{
    const char *found = nearest(which, parent);

    for (size_t i = 0; found && i < PLACES; i++)
        if (places[i].path == found)
            return has_own_names(places[i].kind) ? found : NULL;
    return NULL;
}

static void explain(enum sample_event which, struct span path, struct buf *out)
{
    const char *dot = path.len > 0 ? memchr(path.ptr, '.', path.len) : NULL;
    const struct span parent = span_of(path.ptr, dot ? (size_t)(dot - path.ptr) : path.len);
    const char *meant = ends_in(which, path);

    if (!meant)
        meant = nearest(which, path);
    buf_printf(out, "a %s event has no " SPAN_FMT, event_names[which], SPAN_ARG(path));
    if (meant)
        buf_printf(out, "; did you mean %s?", meant);
    else if (dot && (meant = nearest_parent(which, parent)))
        buf_printf(out, "; did you mean %s" SPAN_FMT "?", meant, SPAN_ARG(span_from(path, parent.len)));
}

static int find(enum sample_event which, struct span path, struct target *ret, struct buf *ret_error)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (!matches(&places[i], path, ret))
            continue;
        if (places[i].events & 1u << which)
            return 0;
        buf_printf(ret_error, "a %s event has no " SPAN_FMT ", only ", event_names[which], SPAN_ARG(path));
        append_events(places[i].events, ret_error);
        return -1;
    }
    explain(which, path, ret_error);
    return -1;
}

/* ---- what a value is ---- */

static void append_text(struct buf *out, struct span text)
{
    CLEANUP(buf_fini) struct buf repaired = {0};
    struct json_writer w = {.out = out};

    json_string(&w, text_repaired(text, &repaired));
}

static bool wants_text(const struct target *t)
{
    return t->place->kind == PLACE_TEXT || (t->place->kind == PLACE_TEXTS && t->name.ptr);
}

/* A text where one is wanted, JSON where it is, and of a list the text alone will do. */
static void append_value(const struct target *t, struct span text, struct buf *out)
{
    struct json_value value;
    const bool json = !wants_text(t) && json_parse(text, &value, NULL) == 0;
    const bool in_list = t->place->kind == PLACE_LISTS && t->name.ptr && (!json || value.type != JSON_ARRAY);

    if (in_list)
        buf_append_char(out, '[');
    if (json && !(in_list && value.type != JSON_STRING))
        buf_append(out, value.raw);
    else
        append_text(out, text);
    if (in_list)
        buf_append_char(out, ']');
}

static int append_json(struct span text, struct buf *out, struct buf *ret_error)
{
    struct json_value value;
    struct json_error error;

    if (json_parse(text, &value, &error) == 0) {
        buf_append(out, value.raw);
        return 0;
    }
    buf_printf(ret_error, "behind := stands JSON; at character %zu of '" SPAN_FMT "': %s", error.offset + 1,
               SPAN_ARG(text), error.what);
    return -1;
}

/* ---- writing the document anew ---- */

#define DEPTH_MAX 4

/* A place as names from the outside to the inside. */
struct path {
    struct span names[DEPTH_MAX];
    size_t depth;
};

static struct path path_of(const struct target *t)
{
    struct path path = {0};
    struct span rest = span_of_str(t->place->path);

    while (rest.len > 0) {
        const char *dot = memchr(rest.ptr, '.', rest.len);
        const size_t len = dot ? (size_t)(dot - rest.ptr) : rest.len;

        path.names[path.depth++] = span_of(rest.ptr, len);
        rest = span_from(rest, len + (dot ? 1 : 0));
    }
    if (t->name.ptr)
        path.names[path.depth++] = t->name;
    return path;
}

/* Where a name stands among its siblings in the table, of those whose parents are the first `level` names of `path`.
 * Members that the table does not know come last. */
static size_t rank(const struct path *path, size_t level, struct span name)
{
    CLEANUP(buf_fini) struct buf whole = {0};

    for (size_t i = 0; i < level; i++)
        buf_printf(&whole, SPAN_FMT ".", SPAN_ARG(path->names[i]));
    buf_append(&whole, name);
    for (size_t i = 0; i < PLACES; i++)
        if (span_equal(buf_span(&whole), span_of_str(places[i].path)))
            return i;
    return PLACES;
}

static int compare_nocase(struct span a, struct span b)
{
    const int r = strncasecmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return r ? r : (a.len > b.len) - (a.len < b.len);
}

/* Does a new member go before `sibling`? Headers stand in the order of their names. */
static bool goes_before(const struct target *t, const struct path *path, size_t level, struct span sibling)
{
    const bool is_own_name = t->name.ptr && level + 1 == path->depth;

    if (!is_own_name)
        return rank(path, level, path->names[level]) < rank(path, level, sibling);
    return strstr(t->place->path, "eaders") && compare_nocase(path->names[level], sibling) < 0;
}

/* The value, in as many objects as are missing around it. */
static void write_chain(struct json_writer *w, const struct path *path, size_t level, struct span value)
{
    for (size_t i = level; i < path->depth; i++) {
        json_object_begin(w);
        json_key_span(w, path->names[i]);
    }
    json_raw(w, value);
    for (size_t i = level; i < path->depth; i++)
        json_object_end(w);
}

static void write_new(struct json_writer *w, const struct path *path, size_t level, struct span value)
{
    json_key_span(w, path->names[level]);
    write_chain(w, path, level + 1, value);
}

static void write_key(struct json_writer *w, struct span raw_key)
{
    if (w->comma)
        buf_append_char(w->out, ',');
    buf_append_char(w->out, '"');
    buf_append(w->out, raw_key);
    buf_append(w->out, SPAN("\":"));
    w->comma = false;
}

/* Header names compare without case. */
static bool is_name(const struct target *t, struct span raw_key, struct span name)
{
    return strstr(t->place->path, "eaders") ? span_equal_nocase(raw_key, name) : json_raw_equal(raw_key, name);
}

static bool has_member(struct json_value object, const struct target *t, struct span name)
{
    struct json_iter it;
    struct json_value member;
    struct span key;

    json_iter_init(&it, object);
    while (json_iter_next(&it, &key, &member))
        if (is_name(t, key, name))
            return true;
    return false;
}

static void write_set(struct json_writer *w, struct json_value object, const struct target *t, const struct path *path,
                      size_t level, struct span value);

/* The value of a member on the way: the next level, or the end of it. */
static void write_on_the_way(struct json_writer *w, struct json_value member, const struct target *t,
                             const struct path *path, size_t level, struct span value)
{
    if (level < path->depth && member.type == JSON_OBJECT)
        write_set(w, member, t, path, level, value);
    else
        write_chain(w, path, level, value);
}

/* Writes `object` with the value set, `level` names deep; each member that is not on the way stays as it is. */
static void write_set(struct json_writer *w, struct json_value object, const struct target *t, const struct path *path,
                      size_t level, struct span value)
{
    bool missing = !has_member(object, t, path->names[level]);
    struct json_iter it;
    struct json_value member;
    struct span key;

    json_object_begin(w);
    json_iter_init(&it, object);
    while (json_iter_next(&it, &key, &member)) {
        if (missing && goes_before(t, path, level, key)) {
            write_new(w, path, level, value);
            missing = false;
        }
        write_key(w, key);
        if (is_name(t, key, path->names[level]))
            write_on_the_way(w, member, t, path, level + 1, value);
        else
            json_raw(w, member.raw);
    }
    if (missing)
        write_new(w, path, level, value);
    json_object_end(w);
}

static void set(struct buf *document, const struct target *t, struct span value)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    const struct path path = path_of(t);
    struct json_value root;

    if (json_parse(buf_span(document), &root, NULL) == 0 && root.type == JSON_OBJECT)
        write_set(&w, root, t, &path, 0, value);
    buf_fini(document);
    *document = out;
}

/* ---- what follows ---- */

/* The value as the twin has it: a text becomes a list, of a list the last text is taken. False: it has no such form. */
static bool twin_value(const struct target *t, struct span text, struct buf *out)
{
    struct json_value value, last = {0};
    struct json_iter it;
    struct span no_key;

    if (json_parse(text, &value, NULL) < 0)
        return false;
    if (t->place->kind == PLACE_TEXT)
        buf_append(out, text);
    else if (t->name.ptr && t->place->kind == PLACE_TEXTS)
        buf_printf(out, "[" SPAN_FMT "]", SPAN_ARG(text));
    else if (t->name.ptr && t->place->kind == PLACE_LISTS && value.type == JSON_ARRAY) {
        json_iter_init(&it, value);
        while (json_iter_next(&it, &no_key, &value))
            last = value;
        buf_append(out, last.raw);
    }
    return out->len > 0;
}

static void set_twin(struct buf *document, const struct target *t, struct span value)
{
    CLEANUP(buf_fini) struct buf other = {0};
    struct target twin = *t;

    for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
        if (strcmp(twins[i].path, t->place->path) != 0 || !twin_value(t, value, &other))
            continue;
        for (size_t k = 0; k < PLACES; k++)
            if (strcmp(places[k].path, twins[i].twin) == 0)
                twin.place = &places[k];
        set(document, &twin, buf_span(&other));
        return;
    }
}

int event_set(enum sample_event which, struct buf *document, struct span assignment, struct buf *ret_error)
{
    CLEANUP(buf_fini) struct buf value = {0};
    const char *equals = assignment.len > 0 ? memchr(assignment.ptr, '=', assignment.len) : NULL;
    struct span path = span_of(assignment.ptr, equals ? (size_t)(equals - assignment.ptr) : assignment.len);
    const bool json = equals && path.len > 0 && path.ptr[path.len - 1] == ':';
    struct target target;
    struct span text;

    if (!equals || path.len <= (json ? 1u : 0u)) {
        buf_printf(ret_error, "what is set is written PATH=VALUE, not '" SPAN_FMT "'", SPAN_ARG(assignment));
        return -1;
    }
    text = span_from(assignment, path.len + 1);
    path.len -= json;
    if (find(which, path, &target, ret_error) < 0)
        return -1;
    if (!json)
        append_value(&target, text, &value);
    else if (append_json(text, &value, ret_error) < 0)
        return -1;
    set(document, &target, buf_span(&value));
    set_twin(document, &target, buf_span(&value));
    return 0;
}
