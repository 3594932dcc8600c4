/* authorizer_suite.c - authorizers that do what the client tells them to. The handshake's query is the argument.
 *
 *   answer        answers with the text of ?answer=…, or of the header X-Answer where the query has none; in it
 * {methodArn} stands for the event's, and {count} for the number of invocations in this process policy_allow  allows
 * the method ARN for the principal "user"; context from ?context=JSON, usageIdentifierKey from ?key=… count appends the
 * event as a line to the file EVENTS_FILE, then answers like policy_allow, but with the number of invocations in this
 * process in the context, as "count" sized         allows, in exactly ?bytes=N bytes of JSON fail          fails with
 * the message ?message=…, type "SuiteError" none          returns 0 without an answer hang          never returns crash
 * SIGSEGV
 */
#define _GNU_SOURCE
#include <apigw/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALLOW_HEAD                                                                                         \
    "{\"principalId\":\"user\",\"policyDocument\":{\"Version\":\"2012-10-17\",\"Statement\":[{\"Action\":" \
    "\"execute-api:Invoke\",\"Effect\":\"Allow\",\"Resource\":\"{methodArn}\"}]}"

static unsigned long invocations;

/* ---- what the event says ---- */

/* Undoes one escape of JSON, for ASCII; `at` stands behind the backslash. */
static const char *unescape(const char *at, FILE *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *name = strchr(names, *at);

    if (*at != 'u' && name) {
        fputc(values[name - names], out);
        return at + 1;
    }
    fputc((int)strtol(strndupa(at + 1, 4), NULL, 16), out);
    return at + 5;
}

/* Writes the string that begins at `at`, behind its quote. The document is a valid one. */
static void write_string(const char *at, FILE *out)
{
    while (*at != '"') {
        if (*at == '\\')
            at = unescape(at + 1, out);
        else
            fputc(*at++, out);
    }
}

/* The string member `name` of the object member `object`, or of the document if that is NULL. NULL if there is none. */
static char *find_text(const char *json, const char *object, const char *name)
{
    char key[64], *text = NULL;
    size_t size;
    const char *at = json;
    FILE *out;

    if (object) {
        snprintf(key, sizeof(key), "\"%s\":{", object);
        at = strstr(json, key);
    }
    snprintf(key, sizeof(key), "\"%s\":\"", name);
    at = at ? strstr(at, key) : NULL;
    out = at ? open_memstream(&text, &size) : NULL;
    if (!out)
        return NULL;
    write_string(at + strlen(key), out);
    fclose(out);
    return text;
}

static char *query(const char *json, const char *name)
{
    return find_text(json, "queryStringParameters", name);
}

/* The event as a C string, kept until the next call. */
static const char *event_str(struct apigw_context *context)
{
    static char *text;
    struct apigw_span json = apigw_event_json(context);

    free(text);
    text = calloc(1, json.len + 1);
    if (text)
        memcpy(text, json.ptr, json.len);
    return text ? text : "";
}

/* ---- answers ---- */

/* `text` with its places filled in. */
static void write_filled(FILE *out, const char *text, const char *json)
{
    static const char arn_place[] = "{methodArn}", count_place[] = "{count}";
    char *arn = find_text(json, NULL, "methodArn");

    while (*text) {
        if (strncmp(text, arn_place, strlen(arn_place)) == 0) {
            fputs(arn ? arn : "", out);
            text += strlen(arn_place);
        } else if (strncmp(text, count_place, strlen(count_place)) == 0) {
            fprintf(out, "%lu", invocations);
            text += strlen(count_place);
        } else {
            fputc(*text++, out);
        }
    }
    free(arn);
}

/* Answers with `text`, filled in; blanks follow if that has less than `bytes` bytes. */
static int respond_filled(struct apigw_context *context, const char *text, const char *json, size_t bytes)
{
    char *filled = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&filled, &size);
    int r;

    if (!out)
        return 1;
    write_filled(out, text, json);
    fflush(out);
    if (size < bytes)
        fprintf(out, "%*s", (int)(bytes - size), "");
    fclose(out);
    r = apigw_respond_json(context, apigw_span_of(filled, size));
    free(filled);
    return r;
}

static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    const char *json = event_str(context);
    char *text = query(json, "answer");
    int r;

    (void)event;
    invocations++;
    if (!text)
        text = find_text(json, "headers", "X-Answer");
    r = respond_filled(context, text ? text : "{\"statusCode\":200}", json, 0);
    free(text);
    return r;
}

static int policy_allow(const struct apigw_event *event, struct apigw_context *context)
{
    const char *json = event_str(context);
    char *members = query(json, "context"), *key = query(json, "key"), *text = NULL;
    int r = 1;

    (void)event;
    invocations++;
    if (asprintf(&text, ALLOW_HEAD "%s%s%s%s%s}", members ? ",\"context\":" : "", members ? members : "",
                 key ? ",\"usageIdentifierKey\":\"" : "", key ? key : "", key ? "\"" : "") > 0)
        r = respond_filled(context, text, json, 0);
    free(members);
    free(key);
    free(text);
    return r;
}

/* Appends the event to the file EVENTS_FILE, where that is set. */
static void write_down(const char *json)
{
    const char *path = getenv("EVENTS_FILE");
    FILE *f = path ? fopen(path, "a") : NULL;

    if (!f)
        return;
    fprintf(f, "%s\n", json);
    fclose(f);
}

static int count(const struct apigw_event *event, struct apigw_context *context)
{
    const char *json = event_str(context);

    (void)event;
    invocations++;
    write_down(json);
    return respond_filled(context, ALLOW_HEAD ",\"context\":{\"count\":{count}}}", json, 0);
}

static int sized(const struct apigw_event *event, struct apigw_context *context)
{
    const char *json = event_str(context);
    char *bytes = query(json, "bytes");
    int r = respond_filled(context, ALLOW_HEAD "}", json, bytes ? strtoul(bytes, NULL, 10) : 0);

    (void)event;
    free(bytes);
    return r;
}

/* ---- failures ---- */

static int fail(const struct apigw_event *event, struct apigw_context *context)
{
    char *message = query(event_str(context), "message");
    int r = apigw_fail(context, APIGW_SPAN("SuiteError"), apigw_span_of_str(message));

    (void)event;
    free(message);
    return r;
}

static int none(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    (void)context;
    return 0;
}

static int hang(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    write_down(event_str(context));
    while (pause() < 0)
        ;
    return 0;
}

/* A fault of the processor's, not one that a sanitizer stops before. */
__attribute__((no_sanitize("undefined"))) static int crash(const struct apigw_event *event,
                                                           struct apigw_context *context)
{
    volatile int *nowhere = (volatile int *)(uintptr_t)(event->body.len & 1u); /* not known to be NULL when compiled */

    (void)context;
    *nowhere = 1;
    return 0;
}

APIGW_PLUGIN("authorizer_suite", "1.0.0", APIGW_HANDLER("answer", answer), APIGW_HANDLER("policy_allow", policy_allow),
             APIGW_HANDLER("count", count), APIGW_HANDLER("sized", sized), APIGW_HANDLER("fail", fail),
             APIGW_HANDLER("none", none), APIGW_HANDLER("hang", hang), APIGW_HANDLER("crash", crash));
