/* gate.c - handlers that a test holds up for as long as it likes.
 *
 *   gate        the body is a name, and the answer; where there is none, the name is the type of the event, "CONNECT"
 * say authorizer  the name is that of the query, ?gate=NAME; the answer allows everything
 *
 * A handler makes the file GATE_FOLDER/NAME.entered, waits until there is a file GATE_FOLDER/NAME.open, and answers. */
#define _GNU_SOURCE
#include <apigw/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 1000000

#define ALLOW                                                                                  \
    "{\"principalId\":\"user\",\"policyDocument\":{\"Version\":\"2012-10-17\",\"Statement\":[" \
    "{\"Action\":\"*\",\"Effect\":\"Allow\",\"Resource\":\"*\"}]}}"

/* NULL, or why it could not be passed. */
static const char *pass(struct apigw_span name)
{
    const struct timespec poll = {0, POLL_NS};
    const char *folder = getenv("GATE_FOLDER");
    char path[1024];
    FILE *entered;

    if (!folder || !name.ptr || memchr(name.ptr, '/', name.len))
        return "no folder, or no name";
    snprintf(path, sizeof(path), "%s/%.*s.entered", folder, (int)name.len, name.ptr);
    entered = fopen(path, "w");
    if (!entered)
        return "the folder cannot be written to";
    fclose(entered);
    snprintf(path, sizeof(path), "%s/%.*s.open", folder, (int)name.len, name.ptr);
    while (access(path, F_OK) != 0)
        nanosleep(&poll, NULL);
    return NULL;
}

static int fail(struct apigw_context *context, const char *why)
{
    return apigw_fail(context, APIGW_SPAN("GateError"), apigw_span_of_str(why));
}

static struct apigw_span name_of(const struct apigw_event *event)
{
    if (event->body.ptr)
        return event->body;
    return event->type == APIGW_CONNECT ? APIGW_SPAN("CONNECT") : APIGW_SPAN("DISCONNECT");
}

static int gate(const struct apigw_event *event, struct apigw_context *context)
{
    const char *why = pass(name_of(event));

    return why ? fail(context, why) : apigw_respond(context, 200, event->body);
}

static int authorizer(const struct apigw_event *event, struct apigw_context *context)
{
    static const char key[] = "\"gate\":\"";
    struct apigw_span json = apigw_event_json(context);
    const char *name = memmem(json.ptr, json.len, key, sizeof(key) - 1), *end, *why;

    (void)event;
    name = name ? name + sizeof(key) - 1 : NULL;
    end = name ? memchr(name, '"', (size_t)(json.ptr + json.len - name)) : NULL;
    why = pass(end ? apigw_span_of(name, (size_t)(end - name)) : apigw_span_of(NULL, 0));
    return why ? fail(context, why) : apigw_respond_json(context, APIGW_SPAN(ALLOW));
}

APIGW_PLUGIN("gate", "1.0.0", APIGW_HANDLER("gate", gate), APIGW_HANDLER("authorizer", authorizer));
