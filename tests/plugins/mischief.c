/* mischief.c - one handler that does whatever harm the message's body names; any other body is answered with itself.
 *
 *   crash kill kill_group abort exit  ends the process, by a null pointer, a signal to it or to its group, …
 *   hang stop block_signals           never answers: waits, stops itself, waits with every signal blocked
 *   leak_memory                       takes all that there is, and waits
 *   leak_descriptors                  takes all that there are, and answers
 *   fork fork_group fork_session      leaves a child behind that waits for ever: as it is; in a group of its own; as a
 *                                     grandchild in a session of its own
 *   spawn                             leaves a program behind that fork had no part in
 *   fork_returns                      a child returns from the handler as its parent does
 *   fork_prints                       leaves a child behind that prints without end
 *   close_descriptors scribble        attacks what it shares with the emulator
 *   print_forever complain_forever    on stdout; on stderr, and no line of it ends
 *   log_forever                       with apigw_log
 *   thread_goes_on                    answers; a thread prints on and on
 *   thread_crashes thread_stops       answers; once there is a file "go", a thread kills or stops the process
 *   delete_folder                     removes the plugin's file and its folder
 *   fill_store fill_store_and_die     keeps documents until the file may not grow: fails, or dies of it
 *
 * All files are in MISCHIEF_FOLDER. The handler makes "begun" before it does anything, and notes what it leaves behind
 * in "left", a process id a line. If there are files of these names, loading the plugin or its init does as they say:
 * constructor_crashes, init_raises, init_fails, init_exits, init_hangs, init_forks; init_waits, for a file "go". */
#define _GNU_SOURCE
#include <apigw/collections.h>
#include <apigw/plugin.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MB (1024u * 1024u)
#define STORE_BYTES_MAX (4u * MB)

typedef int deed(const struct apigw_event *event, struct apigw_context *context);

/* ---- files ---- */

/* False if there is no folder. */
static bool path_of(const char *name, char out[1024])
{
    const char *folder = getenv("MISCHIEF_FOLDER");
    return folder && snprintf(out, 1024, "%s/%s", folder, name) < 1024;
}

static bool is_there(const char *name)
{
    char path[1024];
    return path_of(name, path) && access(path, F_OK) == 0;
}

static void append(const char *name, const char *text)
{
    char path[1024];
    int fd = path_of(name, path) ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        return;
    (void)!write(fd, text, strlen(text));
    close(fd);
}

static void note_left(pid_t pid)
{
    char line[32];

    snprintf(line, sizeof(line), "%d\n", (int)pid);
    append("left", line);
}

static int answer(struct apigw_context *context)
{
    return apigw_respond(context, 200, APIGW_SPAN("done"));
}

_Noreturn static void wait_forever(void)
{
    for (;;)
        pause();
}

/* ---- ends ---- */

__attribute__((no_sanitize("undefined"))) static int crash(const struct apigw_event *event,
                                                           struct apigw_context *context)
{
    static int *volatile nowhere;

    *nowhere = 1;
    return answer(context);
}

static int end_by_kill(const struct apigw_event *event, struct apigw_context *context)
{
    kill(getpid(), SIGKILL);
    wait_forever();
}

static int end_group(const struct apigw_event *event, struct apigw_context *context)
{
    kill(0, SIGKILL);
    wait_forever();
}

static int end_by_abort(const struct apigw_event *event, struct apigw_context *context)
{
    abort();
}

static int end_by_exit(const struct apigw_event *event, struct apigw_context *context)
{
    exit(3);
}

/* ---- waits ---- */

static int hang(const struct apigw_event *event, struct apigw_context *context)
{
    wait_forever();
}

static int stop(const struct apigw_event *event, struct apigw_context *context)
{
    raise(SIGSTOP);
    wait_forever();
}

static int block_signals(const struct apigw_event *event, struct apigw_context *context)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    wait_forever();
}

/* ---- leaks ---- */

static int leak_memory(const struct apigw_event *event, struct apigw_context *context)
{
    char *volatile memory;

    while ((memory = malloc(MB)))
        memset(memory, 1, MB);
    wait_forever();
}

static int leak_descriptors(const struct apigw_event *event, struct apigw_context *context)
{
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
        ;
    return answer(context);
}

/* ---- processes ---- */

static void wait_in_group(void)
{
    setpgid(0, 0);
    wait_forever();
}

static void wait_in_session(void)
{
    setsid();
    if (fork() > 0)
        _exit(0);
    note_left(getpid());
    wait_forever();
}

static void print_on(void)
{
    for (;;)
        dprintf(STDOUT_FILENO, "the child prints\n");
}

/* Both of them note it: an answer comes only after that. */
static int leave_child(struct apigw_context *context, void (*body)(void))
{
    pid_t child = fork();

    if (child == 0)
        body();
    note_left(child);
    return answer(context);
}

static int leave_fork(const struct apigw_event *event, struct apigw_context *context)
{
    return leave_child(context, wait_forever);
}

static int leave_group(const struct apigw_event *event, struct apigw_context *context)
{
    return leave_child(context, wait_in_group);
}

static int leave_session(const struct apigw_event *event, struct apigw_context *context)
{
    return leave_child(context, wait_in_session);
}

static int leave_printer(const struct apigw_event *event, struct apigw_context *context)
{
    return leave_child(context, print_on);
}

static int leave_program(const struct apigw_event *event, struct apigw_context *context)
{
    char name[] = "sleep", seconds[] = "100000", *arguments[] = {name, seconds, NULL};
    pid_t child;

    if (posix_spawn(&child, "/bin/sleep", NULL, NULL, arguments, environ) != 0)
        return apigw_fail(context, APIGW_SPAN("MischiefError"), APIGW_SPAN("no program"));
    note_left(child);
    return answer(context);
}

static int fork_returns(const struct apigw_event *event, struct apigw_context *context)
{
    pid_t child = fork();

    if (child > 0)
        note_left(child);
    return answer(context);
}

/* ---- what it shares with the emulator ---- */

static int close_descriptors(const struct apigw_event *event, struct apigw_context *context)
{
    close_range(0, ~0u, 0);
    return answer(context);
}

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
    return answer(context);
}

/* ---- output ---- */

static int print_forever(const struct apigw_event *event, struct apigw_context *context)
{
    for (;;)
        printf("a line of very many\n");
    return answer(context);
}

static int complain_forever(const struct apigw_event *event, struct apigw_context *context)
{
    for (;;)
        (void)!write(STDERR_FILENO, "no line at all ", 15);
    return answer(context);
}

static int log_forever(const struct apigw_event *event, struct apigw_context *context)
{
    for (;;)
        apigw_log(context, APIGW_LOG_INFO, APIGW_SPAN("a line of very many"));
    return answer(context);
}

/* ---- threads ---- */

static void wait_for_go(void)
{
    const struct timespec poll = {0, 1000000};

    while (!is_there("go"))
        nanosleep(&poll, NULL);
}

static void *print_in_thread(void *arg)
{
    const struct timespec pause = {0, 1000000};

    for (;; nanosleep(&pause, NULL))
        printf("the thread goes on\n");
    return arg;
}

static void *crash_in_thread(void *arg)
{
    wait_for_go();
    kill(getpid(), SIGKILL);
    return arg;
}

static void *stop_in_thread(void *arg)
{
    wait_for_go();
    append("stopped", "");
    kill(getpid(), SIGSTOP);
    return arg;
}

static int leave_thread(struct apigw_context *context, void *(*body)(void *))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, body, NULL) != 0)
        return apigw_fail(context, APIGW_SPAN("MischiefError"), APIGW_SPAN("no thread"));
    pthread_detach(thread);
    return answer(context);
}

static int thread_goes_on(const struct apigw_event *event, struct apigw_context *context)
{
    return leave_thread(context, print_in_thread);
}

static int thread_crashes(const struct apigw_event *event, struct apigw_context *context)
{
    return leave_thread(context, crash_in_thread);
}

static int thread_stops(const struct apigw_event *event, struct apigw_context *context)
{
    return leave_thread(context, stop_in_thread);
}

/* ---- files ---- */

static int delete_folder(const struct apigw_event *event, struct apigw_context *context)
{
    const char *root = getenv("LAMBDA_TASK_ROOT");
    char path[1024];

    if (!root || snprintf(path, sizeof(path), "%s/mischief.so", root) >= (int)sizeof(path) || unlink(path) < 0 ||
        rmdir(root) < 0)
        return apigw_fail(context, APIGW_SPAN("MischiefError"), APIGW_SPAN("the folder is still there"));
    return answer(context);
}

/* No disk is filled: the limit of this process is as good. */
static int fill(struct apigw_context *context, void (*at_limit)(int))
{
    const struct rlimit limit = {STORE_BYTES_MAX, STORE_BYTES_MAX};
    struct apigw_collection things = apigw_collection_open("mischief", APIGW_WRITING);
    static char content[MB / 8];
    int result = APIGW_OK;
    char id[32];

    memset(content, 'x', sizeof(content));
    memcpy(content, "{\"x\":\"", 6);
    memcpy(content + sizeof(content) - 2, "\"}", 2);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, at_limit);
    for (unsigned n = 0; result == APIGW_OK && n < 1000; n++) {
        snprintf(id, sizeof(id), "%u", n);
        result =
            apigw_doc_set(context, apigw_doc(&things, apigw_span_of_str(id)), apigw_span_of(content, sizeof(content)));
    }
    return result == APIGW_OK ? answer(context)
                              : apigw_fail(context, APIGW_SPAN("StoreIsFull"),
                                           result == APIGW_FAILED ? APIGW_SPAN("as it should be") : APIGW_SPAN("how?"));
}

static int fill_store(const struct apigw_event *event, struct apigw_context *context)
{
    return fill(context, SIG_IGN);
}

static int fill_store_and_die(const struct apigw_event *event, struct apigw_context *context)
{
    return fill(context, SIG_DFL);
}

/* ---- the beginning ---- */

static const struct {
    const char *name;
    deed *run;
} deeds[] = {
    /* clang-format off */
    {"crash", crash}, {"kill", end_by_kill}, {"kill_group", end_group}, {"abort", end_by_abort}, {"exit", end_by_exit},
    {"hang", hang}, {"stop", stop}, {"block_signals", block_signals},
    {"leak_memory", leak_memory}, {"leak_descriptors", leak_descriptors},
    {"fork", leave_fork}, {"fork_group", leave_group}, {"fork_session", leave_session}, {"spawn", leave_program},
    {"fork_returns", fork_returns}, {"fork_prints", leave_printer},
    {"close_descriptors", close_descriptors}, {"scribble", scribble},
    {"print_forever", print_forever}, {"complain_forever", complain_forever}, {"log_forever", log_forever},
    {"thread_goes_on", thread_goes_on}, {"thread_crashes", thread_crashes}, {"thread_stops", thread_stops},
    {"delete_folder", delete_folder}, {"fill_store", fill_store}, {"fill_store_and_die", fill_store_and_die},
    /* clang-format on */
};

static int mischief(const struct apigw_event *event, struct apigw_context *context)
{
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (event->body.len != strlen(deeds[i].name) || memcmp(event->body.ptr, deeds[i].name, event->body.len) != 0)
            continue;
        append("begun", "");
        return deeds[i].run(event, context);
    }
    return apigw_respond(context, 200, event->body);
}

__attribute__((constructor)) static void load(void)
{
    if (!is_there("constructor_crashes"))
        return;
    append("begun", "");
    raise(SIGSEGV);
}

static int init(struct apigw_context *context)
{
    if (is_there("init_hangs") || is_there("init_raises") || is_there("init_fails") || is_there("init_exits") ||
        is_there("init_forks"))
        append("begun", "");
    if (is_there("init_waits"))
        wait_for_go();
    if (is_there("init_raises"))
        raise(SIGILL);
    if (is_there("init_exits"))
        exit(4);
    if (is_there("init_hangs"))
        wait_forever();
    if (is_there("init_forks"))
        leave_child(context, wait_in_session);
    return is_there("init_fails") || is_there("init_forks") ? 7 : 0;
}

APIGW_PLUGIN_WITH_INIT("mischief", "1.0.0", init, NULL, APIGW_HANDLER("mischief", mischief));
