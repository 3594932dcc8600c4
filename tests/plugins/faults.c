/* faults.c - one handler for each way to fault. A line that faults, or calls what does, is marked so that tests find
 * its number. */
#define _GNU_SOURCE
#include <apigw/plugin.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_CHECKED __attribute__((no_sanitize("undefined")))
#define OF_ITS_OWN __attribute__((noinline))

/* What the compiler must not know when it compiles. */
static volatile int zero;
static int *volatile nowhere;
static void *volatile taken;
static void (*volatile no_function)(void);

/* Keeps a call from being the last thing that its caller does, and so from taking its place on the stack. */
static int done(struct apigw_context *context)
{
    return apigw_respond_status(context, 200);
}

NOT_CHECKED OF_ITS_OWN static int null_write(const struct apigw_event *event, struct apigw_context *context)
{
    *nowhere = 1; /* here: null_write */
    return done(context);
}

NOT_CHECKED static int null_call(const struct apigw_event *event, struct apigw_context *context)
{
    no_function(); /* here: null_call */
    return done(context);
}

NOT_CHECKED static int divide(const struct apigw_event *event, struct apigw_context *context)
{
    zero = 7 / zero; /* here: divide */
    return done(context);
}

static int illegal(const struct apigw_event *event, struct apigw_context *context)
{
#if defined(__x86_64__)
    __asm__ volatile("ud2"); /* here: illegal */
#elif defined(__aarch64__)
    __asm__ volatile("udf #0");
#endif
    return done(context);
}

/* A page of a mapped file that the file does not reach to. */
static int bus(const struct apigw_event *event, struct apigw_context *context)
{
    FILE *file = tmpfile();
    volatile char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);

    bytes[0] = 1; /* here: bus */
    return done(context);
}

static int abort_handler(const struct apigw_event *event, struct apigw_context *context)
{
    abort(); /* here: abort_handler */
}

static int raised(const struct apigw_event *event, struct apigw_context *context)
{
    raise(SIGSEGV); /* here: raised */
    return done(context);
}

OF_ITS_OWN static int recurse(volatile char *outer)
{
    volatile char inner[4096];

    inner[0] = outer ? outer[0] : 0;
    if (zero) /* never, but that is not known */
        return 0;
    return recurse(inner) + inner[0]; /* here: recurse */
}

static int overflow(const struct apigw_event *event, struct apigw_context *context)
{
    zero = recurse(NULL);
    return done(context);
}

NOT_CHECKED static inline __attribute__((always_inline)) void inner_step(int *at)
{
    *at = 2; /* here: inner_step */
}

NOT_CHECKED OF_ITS_OWN static void outer_step(int *at)
{
    inner_step(at); /* here: outer_step */
    zero = 0;
}

static int inlined(const struct apigw_event *event, struct apigw_context *context)
{
    outer_step(nowhere); /* here: inlined */
    return done(context);
}

/* Somebody else's code faults, called with our pointer. */
NOT_CHECKED static int in_library(const struct apigw_event *event, struct apigw_context *context)
{
    zero = atoi((const char *)nowhere); /* here: in_library */
    return done(context);
}

static int printed(const struct apigw_event *event, struct apigw_context *context)
{
    for (int i = 0; i < 50; i++)
        printf("line %d of what was printed before\n", i);
    return null_write(event, context);
}

NOT_CHECKED static void *thread_main(void *arg)
{
    *nowhere = 3; /* here: thread_main */
    return arg;
}

static int in_thread(const struct apigw_event *event, struct apigw_context *context)
{
    pthread_t thread;

    pthread_create(&thread, NULL, thread_main, NULL);
    pthread_join(thread, NULL);
    return done(context);
}

static int without_descriptors(const struct apigw_event *event, struct apigw_context *context)
{
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    return null_write(event, context);
}

/* The memory that its host talks through is all wrong. */
static int without_channel(const struct apigw_event *event, struct apigw_context *context)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long begin, end;
    char line[512];

    while (maps && fgets(line, sizeof(line), maps))
        if (strstr(line, "apigw-channel") && sscanf(line, "%lx-%lx", &begin, &end) == 2)
            memset((void *)begin, 0xa5, end - begin);
    if (maps)
        fclose(maps);
    return null_write(event, context);
}

/* The fault is within free, which holds a lock of malloc's. */
static int in_malloc(const struct apigw_event *event, struct apigw_context *context)
{
    volatile char *block;

    taken = malloc(64);
    block = taken;
    for (int i = 1; i <= 16; i++)
        block[-i] = 0x41;
    free(taken); /* here: in_malloc */
    return done(context);
}

static int in_child(const struct apigw_event *event, struct apigw_context *context)
{
    char text[32];
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        null_write(event, context);
    if (child > 0)
        waitpid(child, &status, 0);
    snprintf(text, sizeof(text), "%d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return apigw_respond(context, 200, apigw_span_of_str(text));
}

static void own_action(int signum, siginfo_t *info, void *at)
{
    static const char text[] = "the plugin's own handler\n";

    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(33);
}

static int own_handler(const struct apigw_event *event, struct apigw_context *context)
{
    struct sigaction action = {.sa_sigaction = own_action, .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &action, NULL);
    return null_write(event, context);
}

/* Only where it is asked for. */
NOT_CHECKED static int init(struct apigw_context *context)
{
    if (getenv("FAULT_IN_INIT"))
        *nowhere = 4; /* here: init */
    return 0;
}

APIGW_PLUGIN_WITH_INIT("faults", "1.0.0", init, NULL, APIGW_HANDLER("null_write", null_write),
                       APIGW_HANDLER("null_call", null_call), APIGW_HANDLER("divide", divide),
                       APIGW_HANDLER("illegal", illegal), APIGW_HANDLER("bus", bus),
                       APIGW_HANDLER("abort", abort_handler), APIGW_HANDLER("raised", raised),
                       APIGW_HANDLER("overflow", overflow), APIGW_HANDLER("inlined", inlined),
                       APIGW_HANDLER("in_library", in_library), APIGW_HANDLER("printed", printed),
                       APIGW_HANDLER("in_thread", in_thread), APIGW_HANDLER("without_descriptors", without_descriptors),
                       APIGW_HANDLER("without_channel", without_channel), APIGW_HANDLER("in_malloc", in_malloc),
                       APIGW_HANDLER("in_child", in_child), APIGW_HANDLER("own_handler", own_handler));
