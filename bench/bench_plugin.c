/* bench_plugin.c - the handlers that are measured: each does as little as its scenario allows. */
#include <apigw/connections.h>
#include <stdio.h>
#include <time.h>

#include "fanout_message.h"

static int connect_client(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond_status(context, 200);
}

/* Says nothing to the client that has left. */
static int disconnect(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond_status(context, 200);
}

static int echo(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

#define SLOW_NS 10000000

/* Blocks, as one does that waits for a database. */
static int slow(const struct apigw_event *event, struct apigw_context *context)
{
    const struct timespec pause = {.tv_nsec = SLOW_NS};

    nanosleep(&pause, NULL);
    return apigw_respond(context, 200, event->body);
}

static int whoami(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->connection_id);
}

/* Posts to each of the ids in the message, which commas part, and returns to how many that worked. */
static int post_to_all(struct apigw_context *context, const char *ids, size_t len, struct apigw_span data)
{
    struct apigw_span spans[FANOUT_MESSAGE_MAX / 2];
    const char *end = ids + len;
    size_t count = 0;

    while (ids < end && count < sizeof(spans) / sizeof(spans[0])) {
        const char *comma = memchr(ids, ',', (size_t)(end - ids));
        const char *stop = comma ? comma : end;

        spans[count++] = apigw_span_of(ids, (size_t)(stop - ids));
        ids = stop + 1;
    }
    return (int)apigw_broadcast(context, spans, count, data, NULL);
}

static int fanout(const struct apigw_event *event, struct apigw_context *context)
{
    char answer[16];
    size_t ids_len, data_len;
    const char *ids = fanout_member(event->body.ptr, event->body.len, "\"ids\":\"", &ids_len);
    const char *data = fanout_member(event->body.ptr, event->body.len, "\"data\":\"", &data_len);
    int len;

    if (!ids || !data)
        return apigw_respond_status(context, 400);
    len = snprintf(answer, sizeof(answer), "%d", post_to_all(context, ids, ids_len, apigw_span_of(data, data_len)));
    return apigw_respond(context, 200, apigw_span_of(answer, (size_t)len));
}

APIGW_PLUGIN("bench", "1.0.0", APIGW_HANDLER("connect", connect_client), APIGW_HANDLER("disconnect", disconnect),
             APIGW_HANDLER("echo", echo), APIGW_HANDLER("slow", slow), APIGW_HANDLER("whoami", whoami),
             APIGW_HANDLER("fanout", fanout));
