/* main.c - apigw-host, the process that runs handlers.
 *
 * apigw starts one per execution environment, with the descriptors of function/protocol.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "host/plugin.h"
#include "host/runtime.h"
#include "host/slice.h"

#ifdef __SANITIZE_ADDRESS__
/* A plugin that crashes must end by its signal here too, as it does without the sanitizer. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0";
}
#endif

static const char usage[] = "apigw-host runs the handlers of apigw; apigw starts it by itself.\n"
                            "By hand: apigw-host --handlers PLUGIN.so lists a plugin's handlers.\n";

/* From here on the process dies with apigw. If a debugger stands between them, apigw is not the parent. */
static void die_with(pid_t gateway)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != gateway && kill(gateway, 0) < 0 && errno == ESRCH)
        _exit(1);
}

/* Programs that a handler starts have no business with these. */
static void keep_from_children(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
}

static int serve(const char *handler_name)
{
    static const int fds[] = {PROTOCOL_FD_MEMORY, PROTOCOL_FD_BELL, PROTOCOL_FD_PLUGIN};
    static struct runtime runtime; /* the process's exit handlers still print through it */
    struct channel_fds channel = {PROTOCOL_FD_MEMORY, PROTOCOL_FD_BELL};

    keep_from_children(fds, sizeof(fds) / sizeof(fds[0]));
    if (runtime_open(&runtime, &channel) < 0) {
        fputs(usage, stderr);
        return 2;
    }
    die_with(channel_creator_pid(runtime.link.channel));
    slice_shorten();
    return runtime_serve(&runtime, PROTOCOL_FD_PLUGIN, handler_name);
}

/* Constructors of the plugin may print: only what is meant for it goes to standard output. */
static FILE *stdout_take(void)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return NULL;
    dup2(STDERR_FILENO, STDOUT_FILENO);
    return fdopen(fd, "w");
}

static int load_file(const char *path, const struct apigw_plugin **ret, struct buf *ret_error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        buf_printf(ret_error, "cannot be opened: %s", strerror(errno));
        return -1;
    }
    return plugin_load(fd, ret, ret_error);
}

static int list_handlers(const char *path)
{
    const struct apigw_plugin *plugin;
    CLEANUP(buf_fini) struct buf error = {0};
    FILE *out = stdout_take();

    if (load_file(path, &plugin, &error) < 0) {
        fprintf(stderr, "%s\n", buf_terminate(&error));
        return 1;
    }
    for (uint32_t i = 0; out && i < plugin->handler_count; i++)
        fprintf(out, "%s\n", plugin_handler(plugin, i)->name);
    return out && fclose(out) == 0 ? 0 : 1;
}

/* `arguments` are the emulator's process, and the command. It dies with the emulator; so does what it starts. */
static int wrap(char **arguments)
{
    pid_t gateway = (pid_t)strtol(arguments[0], NULL, 10);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != gateway)
        return 1;
    execv(arguments[1], arguments + 1);
    fprintf(stderr, "apigw-host: cannot run %s: %s\n", arguments[1], strerror(errno));
    return 127;
}

static const struct {
    const char *option;
    int (*run)(const char *argument);
} commands[] = {{"--serve", serve}, {"--handlers", list_handlers}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].option) == 0)
            return commands[i].run(argv[2]);
    if (argc > 3 && strcmp(argv[1], "--wrap") == 0)
        return wrap(argv + 2);
    fputs(usage, stderr);
    return 2;
}
