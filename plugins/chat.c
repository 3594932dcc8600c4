/* chat.c - a chat room: one handler behind all of the routes in routes.json.
 *
 *     {"action":"join","name":"anna"}     {"action":"say","text":"hello"}
 *     {"action":"leave"}                  {"action":"list"}
 *
 * What a plugin author can learn from it:
 *
 * Where the members live. Not in a variable: there may be several environments, each with variables of its own, and
 * nothing says which of them gets the next message. On AWS the members would be a DynamoDB table with the
 * connection id as its key. Here the table is a folder, and an item a symbolic link in it: the link's name is the key,
 * its target the member's name. One is made, read and removed in a single step each, so nothing needs a lock and no
 * environment ever sees half an item.
 *
 * Forgetting. A $disconnect may come late, or never if the emulator was killed. So an id that a post finds gone is
 * dropped there and then; nothing else is needed to cope with leftovers.
 *
 * Strings. A route is chosen by reading the body as JSON, so on a route of our own the body is JSON. What stands
 * between the quotes of one string may go between the quotes of another as it is: nothing is unescaped, nothing
 * escaped. */
#define _GNU_SOURCE
#include <apigw/plugin.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES_MAX 64
#define ID_BYTES_MAX 64

/* ---- reading JSON ---- */

/* Behind the string that begins at `at`. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

/* The bytes between the quotes. */
static struct apigw_span unquoted(const char *begin, const char *end)
{
    return end - begin < 2 ? apigw_span_of(NULL, 0) : apigw_span_of(begin + 1, (size_t)(end - begin) - 2);
}

/* The string member `name` of an object, as it is written; empty if there is none. */
static struct apigw_span json_member(struct apigw_span json, const char *name)
{
    const char *at = json.ptr, *end = json.ptr + json.len;
    struct apigw_span key = {NULL, 0};
    int depth = 0, is_value = 0;

    while (at < end) {
        const char *begin = at;
        if (*at != '"') {
            depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
            is_value = (is_value || *at == ':') && *at != ',';
            at++;
            continue;
        }
        at = skip_string(at, end);
        if (depth == 1 && is_value && apigw_span_equal(key, apigw_span_of_str(name)))
            return unquoted(begin, at);
        if (depth == 1 && !is_value)
            key = unquoted(begin, at);
    }
    return apigw_span_of(NULL, 0);
}

/* ---- the table of members ---- */

static char store[1024];

/* CHAT_STORE, or a folder for each user, function and running emulator, which is the parent of every environment. */
static int init(struct apigw_context *context)
{
    const char *chosen = getenv("CHAT_STORE"), *temporary = getenv("TMPDIR");

    if (chosen)
        snprintf(store, sizeof(store), "%s", chosen);
    else
        snprintf(store, sizeof(store), "%s/apigw-chat-%u-%.*s-%d", temporary ? temporary : "/tmp", (unsigned)getuid(),
                 (int)context->function_name.len, context->function_name.ptr, (int)getppid());
    return 0;
}

/* Opens the folder; -1 and errno if there is none, which means no members, or if it is not ours. */
static int members_open(void)
{
    struct stat st;
    int folder = open(store, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    /* In a public directory somebody else may have made it first. */
    if (folder < 0 || (fstat(folder, &st) == 0 && st.st_uid == geteuid()))
        return folder;
    close(folder);
    errno = EPERM;
    return -1;
}

/* The key as a file name. Connection ids are URL-safe, so every id is one. */
static const char *key_of(struct apigw_span id, char out[ID_BYTES_MAX + 1])
{
    snprintf(out, ID_BYTES_MAX + 1, "%.*s", (int)id.len, id.ptr);
    return out;
}

/* Whoever joins twice has a new name. */
static int member_put(struct apigw_span id, struct apigw_span name)
{
    char key[ID_BYTES_MAX + 1], value[NAME_BYTES_MAX + 1];
    int members, r;

    snprintf(value, sizeof(value), "%.*s", (int)name.len, name.ptr);
    do {
        mkdir(store, 0700);
        members = members_open();
        unlinkat(members, key_of(id, key), 0);
        r = symlinkat(value, members, key);
        close(members);
    } while (r < 0 && errno == ENOENT); /* another environment's last member left in between */
    return r;
}

/* With its last member the folder goes. */
static void member_remove(int members, const char *key)
{
    unlinkat(members, key, 0);
    rmdir(store);
}

/* The length of the member's name, or -1 if there is no such member. */
static int member_get(int members, const char *key, char name[NAME_BYTES_MAX + 1])
{
    ssize_t len = readlinkat(members, key, name, NAME_BYTES_MAX);

    if (len >= 0)
        name[len] = '\0';
    return (int)len;
}

/* Calls `each` for every member. */
static void members_each(int members, void (*each)(void *arg, const char *key), void *arg)
{
    DIR *folder = fdopendir(openat(members, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct dirent *entry;

    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            each(arg, entry->d_name);
    if (folder)
        closedir(folder);
}

/* ---- sending ---- */

struct broadcast {
    struct apigw_context *context;
    int members;
    struct apigw_span except;
    struct apigw_span message;
};

static void broadcast_to(void *arg, const char *key)
{
    struct broadcast *b = arg;
    struct apigw_span id = apigw_span_of_str(key);

    if (!apigw_span_equal(id, b->except) && apigw_post_to_connection(b->context, id, b->message) == APIGW_GONE)
        member_remove(b->members, key);
}

/* Sends a message to all members but the one whom the event is about. */
__attribute__((format(printf, 4, 5))) static void
tell_others(const struct apigw_event *event, struct apigw_context *context, int members, const char *format, ...)
{
    struct broadcast b = {context, members, event->connection_id, {NULL, 0}};
    char *message;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&message, format, args);
    va_end(args);
    if (len < 0)
        return;
    b.message = apigw_span_of(message, (size_t)len);
    members_each(members, broadcast_to, &b);
    free(message);
}

/* ---- the routes ---- */

struct listing {
    int members;
    int count;
    FILE *out;
};

static void list_one(void *arg, const char *key)
{
    struct listing *l = arg;
    char name[NAME_BYTES_MAX + 1];

    if (member_get(l->members, key, name) >= 0)
        fprintf(l->out, "%s\"%s\"", l->count++ ? "," : "", name);
}

static int list(const struct apigw_event *event, struct apigw_context *context, int members)
{
    char *text = NULL;
    size_t len = 0;
    struct listing l = {members, 0, open_memstream(&text, &len)};
    int r;

    (void)event;
    if (!l.out)
        return apigw_fail(context, APIGW_SPAN("OutOfMemory"), APIGW_SPAN("the list of members"));
    fputs("{\"members\":[", l.out);
    members_each(members, list_one, &l);
    fputs("]}", l.out);
    fclose(l.out);
    r = apigw_respond(context, 200, apigw_span_of(text, len));
    free(text);
    return r;
}

static int join(const struct apigw_event *event, struct apigw_context *context, int members)
{
    struct apigw_span name = json_member(event->body, "name");
    int r;

    (void)members; /* perhaps the folder was not there yet */
    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return apigw_respond(context, 200, APIGW_SPAN("{\"error\":\"join needs a name of 1 to 64 bytes\"}"));
    if (member_put(event->connection_id, name) < 0)
        return apigw_fail(context, APIGW_SPAN("StoreError"), apigw_span_of_str(strerror(errno)));
    members = members_open();
    tell_others(event, context, members, "{\"joined\":\"%.*s\"}", (int)name.len, name.ptr);
    r = list(event, context, members);
    close(members);
    return r;
}

/* A route without a response: whoever has not joined is told with a post. */
static int say(const struct apigw_event *event, struct apigw_context *context, int members)
{
    struct apigw_span text = json_member(event->body, "text");
    char key[ID_BYTES_MAX + 1], name[NAME_BYTES_MAX + 1];

    if (member_get(members, key_of(event->connection_id, key), name) < 0)
        apigw_post_to_connection(context, event->connection_id, APIGW_SPAN("{\"error\":\"join first\"}"));
    else
        tell_others(event, context, members, "{\"from\":\"%s\",\"text\":\"%.*s\"}", name, (int)text.len, text.ptr);
    return apigw_respond_status(context, 200);
}

/* Also for $disconnect, where the answer goes nowhere. */
static int leave(const struct apigw_event *event, struct apigw_context *context, int members)
{
    char key[ID_BYTES_MAX + 1], name[NAME_BYTES_MAX + 1];

    if (member_get(members, key_of(event->connection_id, key), name) >= 0) {
        member_remove(members, key);
        tell_others(event, context, members, "{\"left\":\"%s\"}", name);
    }
    return apigw_respond(context, 200, APIGW_SPAN("{\"left\":true}"));
}

static int welcome(const struct apigw_event *event, struct apigw_context *context, int members)
{
    (void)event;
    (void)members;
    return apigw_respond_status(context, 200);
}

static int help(const struct apigw_event *event, struct apigw_context *context, int members)
{
    (void)event;
    (void)members;
    return apigw_respond(context, 200,
                         APIGW_SPAN("Send one of: {\"action\":\"join\",\"name\":\"anna\"}, "
                                    "{\"action\":\"say\",\"text\":\"hello\"}, {\"action\":\"leave\"}, "
                                    "{\"action\":\"list\"}"));
}

static const struct route {
    const char *key;
    int (*run)(const struct apigw_event *event, struct apigw_context *context, int members);
} routes[] = {
    {"$connect", welcome}, {"$disconnect", leave}, {"join", join},     {"say", say},
    {"leave", leave},      {"list", list},         {"$default", help},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

static int chat(const struct apigw_event *event, struct apigw_context *context)
{
    size_t i = 0;
    int members = members_open(), r;

    if (members < 0 && errno != ENOENT)
        return apigw_fail(context, APIGW_SPAN("StoreError"), apigw_span_of_str(strerror(errno)));
    while (i < ROUTE_COUNT - 1 && !apigw_span_equal(event->route_key, apigw_span_of_str(routes[i].key)))
        i++;
    r = routes[i].run(event, context, members);
    close(members);
    return r;
}

APIGW_PLUGIN_WITH_INIT("chat", "1.0.0", init, NULL, APIGW_HANDLER("chat", chat));
