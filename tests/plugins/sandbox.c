/* sandbox.c - handlers that look at what is around them, and that take memory. The message's body is the argument.
 *
 *   keep         body: megabytes; takes and uses so much, keeps it, answers "kept"
 *   burst        body: megabytes; takes, uses and frees so much, answers "freed"
 *   ask          body: megabytes; asks malloc for so much without using it, answers "NULL" or "memory"
 *   devour       takes and uses memory until there is none, then waits for ever
 *   threads      body: a number; starts so many threads that wait for each other; answers with how many there were
 *   descriptors  answers with a line "N TARGET" for each open descriptor
 *   variables    answers with a line for each environment variable
 *   folder       answers with the working directory
 *   child        forks a child that waits for ever; answers with its process id
 *
 * init takes and uses INIT_MB megabytes, and fails or ends as INIT_END says: "fail", "exit". */
#define _GNU_SOURCE
#include <apigw/plugin.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MB (1024u * 1024u)

extern char **environ;

static unsigned long number_of(const struct apigw_event *event)
{
    char text[32] = "";

    if (event->body.len < sizeof(text))
        memcpy(text, event->body.ptr, event->body.len);
    return strtoul(text, NULL, 10);
}

/* Without the compiler seeing that nobody reads it. */
static char *take(size_t bytes)
{
    char *memory = malloc(bytes);

    for (size_t at = 0; memory && at < bytes; at += 4096)
        ((volatile char *)memory)[at] = 1;
    return memory;
}

static int keep(const struct apigw_event *event, struct apigw_context *context)
{
    static char *kept;
    char *memory = take(number_of(event) * MB);

    if (memory)
        *(char **)(void *)memory = kept; /* a leak that is one on purpose */
    kept = memory;
    return apigw_respond(context, 200, APIGW_SPAN("kept"));
}

static int burst(const struct apigw_event *event, struct apigw_context *context)
{
    free(take(number_of(event) * MB));
    return apigw_respond(context, 200, APIGW_SPAN("freed"));
}

static int ask(const struct apigw_event *event, struct apigw_context *context)
{
    void *volatile memory = malloc(number_of(event) * MB);
    const char *answer = memory ? "memory" : "NULL";

    free(memory);
    return apigw_respond(context, 200, apigw_span_of_str(answer));
}

static int devour(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    (void)context;
    while (take(MB))
        ;
    while (pause() < 0)
        ;
    return 0;
}

#define THREADS_MAX 100

static void *wait_for_all(void *barrier)
{
    pthread_barrier_wait(barrier);
    return NULL;
}

static int threads(const struct apigw_event *event, struct apigw_context *context)
{
    unsigned long wanted = number_of(event), count = 0;
    pthread_barrier_t barrier;
    pthread_t ids[THREADS_MAX];
    char text[16];

    pthread_barrier_init(&barrier, NULL, (unsigned)wanted + 1);
    while (count < wanted && count < THREADS_MAX && pthread_create(&ids[count], NULL, wait_for_all, &barrier) == 0)
        count++;
    if (count < wanted)
        return apigw_fail(context, APIGW_SPAN("SandboxError"), APIGW_SPAN("not enough threads"));
    pthread_barrier_wait(&barrier);
    for (unsigned long i = 0; i < count; i++)
        pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&barrier);
    snprintf(text, sizeof(text), "%lu", count);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

static int descriptors(const struct apigw_event *event, struct apigw_context *context)
{
    DIR *folder = opendir("/proc/self/fd");
    char text[4096] = "", target[256];
    struct dirent *entry;
    size_t used = 0;

    (void)event;
    while (folder && (entry = readdir(folder)) && used < sizeof(text) - 300) {
        ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        if (len < 0 || atoi(entry->d_name) == dirfd(folder))
            continue;
        target[len] = '\0';
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s\n", entry->d_name, target);
    }
    if (folder)
        closedir(folder);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

static int variables(const struct apigw_event *event, struct apigw_context *context)
{
    char text[8192] = "";
    size_t used = 0;

    (void)event;
    for (char **v = environ; *v && used + strlen(*v) + 2 < sizeof(text); v++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\n", *v);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

static int folder_handler(const struct apigw_event *event, struct apigw_context *context)
{
    char path[4096];

    (void)event;
    return apigw_respond(context, 200, apigw_span_of_str(getcwd(path, sizeof(path))));
}

static int child(const struct apigw_event *event, struct apigw_context *context)
{
    char text[16];
    pid_t pid = fork();

    (void)event;
    while (pid == 0)
        pause();
    snprintf(text, sizeof(text), "%d", (int)pid);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

static int init(struct apigw_context *context)
{
    const char *mb = getenv("INIT_MB"), *end = getenv("INIT_END");

    (void)context;
    if (mb)
        context->user = take(strtoul(mb, NULL, 10) * MB);
    if (end && strcmp(end, "exit") == 0)
        exit(4);
    return end && strcmp(end, "fail") == 0 ? apigw_fail(context, APIGW_SPAN("TableMissing"), APIGW_SPAN("no table"))
                                           : 0;
}

APIGW_PLUGIN_WITH_INIT("sandbox", "1.0.0", init, NULL, APIGW_HANDLER("keep", keep), APIGW_HANDLER("burst", burst),
                       APIGW_HANDLER("ask", ask), APIGW_HANDLER("devour", devour), APIGW_HANDLER("threads", threads),
                       APIGW_HANDLER("descriptors", descriptors), APIGW_HANDLER("variables", variables),
                       APIGW_HANDLER("folder", folder_handler), APIGW_HANDLER("child", child));
