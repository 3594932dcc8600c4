/* handler_suite.c - one handler for each thing that a test wants a handler to do. The message's body is the argument.
 *
 *   echo          answers with the body
 *   crash         SIGSEGV                      abort         abort()
 *   hang          logs "hanging", never ends    sleep_ms      body: milliseconds; then answers with the body
 *   exit0 exit3   exit(0), exit(3)             fail          apigw_fail, type "SuiteError", message: the body
 *   error         returns 1                    respond_none  returns 0 without an answer
 *   respond_json  answers with the body as the function's raw result
 *   status        $connect: statusCode from ?status=NNN (else 200), subprotocol from ?protocol=X; message: body is the
 *                 statusCode, the answer's body is "status NNN"
 *   event         message: answers with the event's JSON; else appends it as a line to the file EVENTS_FILE
 *   pid           answers {"pid":…,"count":…}: the process and the number of invocations in it
 *   print         prints the body on stdout and stderr, with and without newline, and by write(2); answers "printed"
 *   post_self     posts the body to the sender; answers with the result's number on a two-way route
 *   post          body {"to":"ID","data":"TEXT"}: posts TEXT (no escapes undone); answers with the result's number
 *   get           body: an id; answers {"result":N,"connectedAt":…,"lastActiveAt":…,"sourceIp":"…","userAgent":"…"}
 *   delete        body: an id; answers with the result's number
 *   big           body: a number; answers with that many bytes "x"
 *   post_all      body: ids with commas between them; broadcasts "hello"; answers with how many were sent and each
 * result big_post      body: a number; posts that many bytes to the sender and answers with the result's number
 *   scribble      overwrites the memory it shares with the emulator, then answers
 *   flood_log     body: a number; prints and logs that many lines (else 10000), then answers "flooded"
 *   close_fds     closes every descriptor, then answers
 *   fork          forks a child that prints and exits, waits for it, answers with its exit status
 *   thread        prints and calls from another thread; answers with the result of its call
 *   env           body: a name; answers with the value of that environment variable
 *   remaining     answers with apigw_remaining_ms
 *   request_id    answers with the context's aws_request_id
 *   context       answers {"functionName":"…","memory":…,"user":…}; init has set user to 42
 *
 * fini appends the line "fini" to the file FINI_FILE, where that is set.
 */
#define _GNU_SOURCE
#include <apigw/connections.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned long invocations;

/* ---- helpers ---- */

/* The body as a C string, valid until the next call. */
static const char *body_str(const struct apigw_event *event)
{
    static char *text;

    free(text);
    text = calloc(1, event->body.len + 1);
    if (text && event->body.len)
        memcpy(text, event->body.ptr, event->body.len);
    return text ? text : "";
}

__attribute__((format(printf, 2, 3))) static int answerf(struct apigw_context *context, const char *format, ...)
{
    char text[2048];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return apigw_respond(context, 200, apigw_span_of(text, (size_t)len));
}

/* The value of the string member `"name":"…"` behind the place where `after` stands; empty if there is none. */
static struct apigw_span find_string(struct apigw_span json, const char *after, const char *name)
{
    char key[64];
    int key_len = snprintf(key, sizeof(key), "\"%s\":\"", name);
    const char *end = json.ptr + json.len;
    const char *at = memmem(json.ptr, json.len, after, strlen(after));
    const char *close;

    at = at ? memmem(at, (size_t)(end - at), key, (size_t)key_len) : NULL;
    if (!at)
        return apigw_span_of(NULL, 0);
    at += key_len;
    close = memchr(at, '"', (size_t)(end - at));
    return close ? apigw_span_of(at, (size_t)(close - at)) : apigw_span_of(NULL, 0);
}

static struct apigw_span bytes_of_x(unsigned long count)
{
    char *bytes = malloc(count + 1);
    if (!bytes)
        return apigw_span_of(NULL, 0);
    memset(bytes, 'x', count);
    return apigw_span_of(bytes, count);
}

/* ---- ends ---- */

static int echo(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
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

static int do_abort(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    (void)context;
    abort();
}

static int hang(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    apigw_log(context, APIGW_LOG_INFO, APIGW_SPAN("hanging"));
    while (pause() < 0)
        ;
    return 0;
}

static int sleep_ms(const struct apigw_event *event, struct apigw_context *context)
{
    long ms = strtol(body_str(event), NULL, 10);
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0)
        ;
    return apigw_respond(context, 200, event->body);
}

static int exit0(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    (void)context;
    exit(0);
}

static int exit3(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    (void)context;
    exit(3);
}

static int fail(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_fail(context, APIGW_SPAN("SuiteError"), event->body);
}

static int error(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    (void)context;
    return 1;
}

static int respond_none(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    (void)context;
    return 0;
}

/* ---- answers ---- */

static int respond_json(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond_json(context, event->body);
}

static int status(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_span json = apigw_event_json(context);
    struct apigw_span code = find_string(json, "\"queryStringParameters\"", "status");
    struct apigw_span protocol = find_string(json, "\"queryStringParameters\"", "protocol");
    struct apigw_header header = {APIGW_SPAN("Sec-WebSocket-Protocol"), protocol};
    char text[32];
    int number, len;

    if (event->type == APIGW_MESSAGE)
        code = event->body;
    number = code.len ? (int)strtol(code.len < 16 ? strndupa(code.ptr, code.len) : "0", NULL, 10) : 200;
    len = snprintf(text, sizeof(text), "status %d", number);
    return apigw_respond_with_headers(context, number, apigw_span_of(text, (size_t)len), &header, protocol.len ? 1 : 0);
}

static int append_line(const char *path, struct apigw_span line)
{
    FILE *f = path ? fopen(path, "a") : NULL;

    if (!f)
        return -1;
    fwrite(line.ptr, 1, line.len, f);
    fputc('\n', f);
    return fclose(f);
}

static int event_handler(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_span json = apigw_event_json(context);

    if (event->type == APIGW_MESSAGE)
        return apigw_respond(context, 200, json);
    if (append_line(getenv("EVENTS_FILE"), json) != 0)
        return apigw_fail(context, APIGW_SPAN("SuiteError"), APIGW_SPAN("EVENTS_FILE cannot be written"));
    return apigw_respond_status(context, 200);
}

static int pid(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    return answerf(context, "{\"pid\":%d,\"count\":%lu}", (int)getpid(), ++invocations);
}

static int big(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_span bytes = bytes_of_x(strtoul(body_str(event), NULL, 10));
    int r = apigw_respond(context, 200, bytes);

    free((void *)(uintptr_t)bytes.ptr);
    return r;
}

static int env(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, apigw_span_of_str(getenv(body_str(event))));
}

static int remaining(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    return answerf(context, "%llu", (unsigned long long)apigw_remaining_ms(context));
}

static int request_id(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    return apigw_respond(context, 200, context->aws_request_id);
}

static int context_handler(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    return answerf(context, "{\"functionName\":\"%.*s\",\"memory\":%u,\"user\":%d}", (int)context->function_name.len,
                   context->function_name.ptr, context->memory_limit_mb, *(int *)context->user);
}

/* ---- connections ---- */

static int post_self(const struct apigw_event *event, struct apigw_context *context)
{
    return answerf(context, "%d", apigw_post_to_connection(context, event->connection_id, event->body));
}

static int post(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_span to = find_string(event->body, "{", "to");
    struct apigw_span data = find_string(event->body, "{", "data");

    return answerf(context, "%d", apigw_post_to_connection(context, to, data));
}

static int get(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_connection c = {0};
    int r = apigw_get_connection(context, event->body, &c);

    return answerf(context,
                   "{\"result\":%d,\"connectedAt\":%llu,\"lastActiveAt\":%llu,\"sourceIp\":\"%.*s\","
                   "\"userAgent\":\"%.*s\"}",
                   r, (unsigned long long)c.connected_at_ms, (unsigned long long)c.last_active_at_ms,
                   (int)c.source_ip.len, c.source_ip.ptr ? c.source_ip.ptr : "", (int)c.user_agent.len,
                   c.user_agent.ptr ? c.user_agent.ptr : "");
}

static int delete_handler(const struct apigw_event *event, struct apigw_context *context)
{
    return answerf(context, "%d", apigw_delete_connection(context, event->body));
}

#define IDS_MAX 400

/* Of these two kinds, no emulator has a connection, and none is asked. */
static struct apigw_span id_of(const char *ptr, size_t len)
{
    if (len == 4 && memcmp(ptr, "null", 4) == 0)
        return apigw_span_of(NULL, 7);
    return apigw_span_of(ptr, len == 4 && memcmp(ptr, "long", 4) == 0 ? 1025 : len);
}

static int post_all(const struct apigw_event *event, struct apigw_context *context)
{
    const char *at = event->body.ptr, *end = at + event->body.len;
    struct apigw_span ids[IDS_MAX];
    int results[IDS_MAX], len;
    char answer[IDS_MAX * 5 + 16];
    size_t count = 0;

    while (at < end && count < IDS_MAX) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;

        ids[count++] = id_of(at, (size_t)(stop - at));
        at = stop + 1;
    }
    len = sprintf(answer, "%zu:", apigw_broadcast(context, ids, count, APIGW_SPAN("hello"), results));
    for (size_t i = 0; i < count; i++)
        len += sprintf(answer + len, " %d", results[i]);
    return apigw_respond(context, 200, apigw_span_of(answer, (size_t)len));
}

static int big_post(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_span bytes = bytes_of_x(strtoul(body_str(event), NULL, 10));
    int r = apigw_post_to_connection(context, event->connection_id, bytes);

    free((void *)(uintptr_t)bytes.ptr);
    return answerf(context, "%d", r);
}

/* ---- output ---- */

static int print(const struct apigw_event *event, struct apigw_context *context)
{
    const char *text = body_str(event);

    printf("stdout %s\n", text);
    fprintf(stderr, "stderr %s\n", text);
    dprintf(STDOUT_FILENO, "raw stdout %s\n", text);
    dprintf(STDERR_FILENO, "raw stderr %s\n", text);
    printf("two ");
    fflush(stdout);
    printf("pieces %s\n", text);
    apigw_log(context, APIGW_LOG_WARN, APIGW_SPAN("logged"));
    printf("stdout without newline %s", text);
    fprintf(stderr, "stderr without newline %s", text);
    return apigw_respond(context, 200, APIGW_SPAN("printed"));
}

static int flood_log(const struct apigw_event *event, struct apigw_context *context)
{
    unsigned long count = strtoul(body_str(event), NULL, 10);

    if (count == 0)
        count = 10000;
    for (unsigned long i = 0; i < count; i++) {
        printf("flood %lu of stdout, and some more text to make a line of it\n", i);
        apigw_log(context, APIGW_LOG_INFO, APIGW_SPAN("flood of the log, and some more text to make a line of it"));
    }
    return apigw_respond(context, 200, APIGW_SPAN("flooded"));
}

/* ---- mischief ---- */

static int scribble(const struct apigw_event *event, struct apigw_context *context)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long begin, end;
    char line[512];

    while (maps && fgets(line, sizeof(line), maps))
        if (strstr(line, "apigw-channel") && sscanf(line, "%lx-%lx", &begin, &end) == 2)
            memset((void *)begin, 0xa5, end - begin);
    if (maps)
        fclose(maps);
    return apigw_respond(context, 200, event->body);
}

static int close_fds(const struct apigw_event *event, struct apigw_context *context)
{
    for (int fd = 0; fd < 1024; fd++)
        close(fd);
    return apigw_respond(context, 200, event->body);
}

static int fork_handler(const struct apigw_event *event, struct apigw_context *context)
{
    pid_t child = fork();
    int wait_status = 0;

    if (child == 0) {
        printf("child printed %s\n", body_str(event));
        exit(apigw_post_to_connection(context, event->connection_id, event->body) == APIGW_FAILED ? 11 : 12);
    }
    if (child > 0)
        waitpid(child, &wait_status, 0);
    return answerf(context, "%d", WEXITSTATUS(wait_status));
}

struct thread_work {
    const struct apigw_event *event;
    struct apigw_context *context;
    int result;
};

static void *thread_main(void *arg)
{
    struct thread_work *work = arg;

    for (int i = 0; i < 100; i++)
        printf("thread printed line %d\n", i);
    work->result = apigw_post_to_connection(work->context, work->event->connection_id, work->event->body);
    return NULL;
}

static int thread(const struct apigw_event *event, struct apigw_context *context)
{
    struct thread_work work = {event, context, 0};
    pthread_t id;

    if (pthread_create(&id, NULL, thread_main, &work) != 0)
        return apigw_fail(context, APIGW_SPAN("SuiteError"), APIGW_SPAN("no thread"));
    for (int i = 0; i < 100; i++)
        printf("handler printed line %d\n", i);
    pthread_join(id, NULL);
    return answerf(context, "%d", work.result);
}

/* ---- init and fini ---- */

static int init(struct apigw_context *context)
{
    static int user = 42;

    context->user = &user;
    return 0;
}

static void fini(struct apigw_context *context)
{
    const char *path = getenv("FINI_FILE");

    (void)context;
    if (path)
        append_line(path, APIGW_SPAN("fini"));
}

APIGW_PLUGIN_WITH_INIT("handler_suite", "1.0.0", init, fini, APIGW_HANDLER("echo", echo), APIGW_HANDLER("crash", crash),
                       APIGW_HANDLER("abort", do_abort), APIGW_HANDLER("hang", hang),
                       APIGW_HANDLER("sleep_ms", sleep_ms), APIGW_HANDLER("exit0", exit0),
                       APIGW_HANDLER("exit3", exit3), APIGW_HANDLER("fail", fail), APIGW_HANDLER("error", error),
                       APIGW_HANDLER("respond_none", respond_none), APIGW_HANDLER("respond_json", respond_json),
                       APIGW_HANDLER("status", status), APIGW_HANDLER("event", event_handler),
                       APIGW_HANDLER("pid", pid), APIGW_HANDLER("print", print), APIGW_HANDLER("post_self", post_self),
                       APIGW_HANDLER("post", post), APIGW_HANDLER("get", get), APIGW_HANDLER("delete", delete_handler),
                       APIGW_HANDLER("big", big), APIGW_HANDLER("big_post", big_post),
                       APIGW_HANDLER("post_all", post_all), APIGW_HANDLER("scribble", scribble),
                       APIGW_HANDLER("flood_log", flood_log), APIGW_HANDLER("close_fds", close_fds),
                       APIGW_HANDLER("fork", fork_handler), APIGW_HANDLER("thread", thread), APIGW_HANDLER("env", env),
                       APIGW_HANDLER("remaining", remaining), APIGW_HANDLER("request_id", request_id),
                       APIGW_HANDLER("context", context_handler));
