/* gate.c - a handler that a test holds up for as long as it likes. Handler "gate".
 *
 * The body is a name. The handler makes the file GATE_FOLDER/NAME.entered, waits until there is a file
 * GATE_FOLDER/NAME.open, and answers with the name. */
#include <apigw/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 1000000

static int gate(const struct apigw_event *event, struct apigw_context *context)
{
    const struct timespec poll = {0, POLL_NS};
    const char *folder = getenv("GATE_FOLDER");
    char path[1024];
    FILE *entered;

    if (!folder || !event->body.ptr || memchr(event->body.ptr, '/', event->body.len))
        return apigw_fail(context, APIGW_SPAN("GateError"), APIGW_SPAN("no folder, or no name"));
    snprintf(path, sizeof(path), "%s/%.*s.entered", folder, (int)event->body.len, event->body.ptr);
    entered = fopen(path, "w");
    if (!entered)
        return apigw_fail(context, APIGW_SPAN("GateError"), APIGW_SPAN("the folder cannot be written to"));
    fclose(entered);
    snprintf(path, sizeof(path), "%s/%.*s.open", folder, (int)event->body.len, event->body.ptr);
    while (access(path, F_OK) != 0)
        nanosleep(&poll, NULL);
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN("gate", "1.0.0", APIGW_HANDLER("gate", gate));
