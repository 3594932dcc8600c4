/* exec.c - apigw exec: serve for as long as a command runs. For tests: no fixed port, nothing to clean up. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/address.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/service.h"

extern char **environ;

struct execution {
    struct service *service;
    pid_t pid;
    int pidfd;
    struct loop_watch *watch;
    int status; /* exit status of CMD, by the shell's convention */
    bool done;
};

static int shell_status(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
}

static void on_exit_of_command(void *arg, bool readable, bool hung_up)
{
    struct execution *x = arg;
    siginfo_t info = {0};

    if (waitid(P_PIDFD, (id_t)x->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    x->done = true;
    x->status = shell_status(&info);
    loop_watch_free(TAKE(x->watch));
    service_stop(x->service);
}

/* SIGINT of a terminal reaches the command by itself; SIGTERM is passed on. We stop when the command has ended. */
static void on_signal(void *arg, int signum)
{
    struct execution *x = arg;

    if (x->done)
        service_stop(x->service);
    else if (signum == SIGTERM)
        kill(x->pid, SIGTERM);
}

static void set_environment(const struct service *s)
{
    const char *region = service_address(s)->configs[0]->region; /* that of all */
    const char *const always[][2] = {
        {"APIGW_WEBSOCKET_URL", service_websocket_url(s)},
        {"APIGW_ENDPOINT", service_endpoint(s)},
        {"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", service_endpoint(s)},
        {"AWS_ENDPOINT_URL_LAMBDA", service_lambda_url(s)},
    };
    const char *const where_unset[][2] = {
        {"AWS_ACCESS_KEY_ID", "test"},
        {"AWS_SECRET_ACCESS_KEY", "test"},
        {"AWS_REGION", region},
        {"AWS_DEFAULT_REGION", region},
    };

    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        setenv(always[i][0], always[i][1], 1);
    for (size_t i = 0; i < sizeof(where_unset) / sizeof(where_unset[0]); i++)
        setenv(where_unset[i][0], where_unset[i][1], 0);
}

/* 0, or errno. The command gets the dispositions and the mask we were started with. */
static int spawn_command(struct execution *x, char **argv)
{
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int r;

    set_environment(x->service);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    r = posix_spawnp(&x->pid, argv[0], NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    if (r != 0)
        return r;
    x->pidfd = pidfd_open(x->pid, 0);
    if (x->pidfd < 0)
        return errno;
    x->watch = loop_watch_new(service_loop(x->service), x->pidfd, on_exit_of_command, x);
    return x->watch ? 0 : errno;
}

static void give_up(struct execution *x, int status)
{
    x->done = true;
    x->status = status;
    service_stop(x->service);
}

static int execute(struct service *s, const char *ready_file, char **argv)
{
    struct execution x = {.service = s, .pidfd = -1, .status = CLI_FAILED};
    int error;

    loop_on_signal(service_loop(s), SIGTERM, on_signal, &x);
    loop_on_signal(service_loop(s), SIGINT, on_signal, &x);
    if (ready_file && service_write_ready_file(s, ready_file) < 0)
        give_up(&x, CLI_FAILED);
    else if ((error = spawn_command(&x, argv)) != 0) {
        fprintf(stderr, "apigw exec: %s: %s\n", argv[0], strerror(error));
        give_up(&x, error == ENOENT ? 127 : 126); /* as a shell says it */
    }
    service_run(s);
    if (x.pidfd >= 0)
        close(x.pidfd);
    return x.status;
}

static int exec_command(const struct cli_command *self, int argc, char **argv)
{
    struct serve_options options;
    struct service *s;
    int status = options_parse(self, argc, argv, 0, &options);

    if (status != CLI_OK || options.help)
        return status;
    if (options.first_argument >= argc)
        return cli_usage_error(self, "no command is given: apigw exec [CONFIG]... -- CMD [ARGUMENT]...");
    if (options.ready_file)
        service_remove_ready_file(options.ready_file);
    status = service_open(&options.service, &s);
    if (status != CLI_OK)
        return status;
    status = execute(s, options.ready_file, argv + options.first_argument);
    if (options.ready_file)
        service_remove_ready_file(options.ready_file);
    service_free(s);
    return status;
}

const struct cli_command cli_exec = {
    .name = "exec",
    .summary = "serve while a command runs, such as a test",
    .help = "Usage: apigw exec [OPTION]... [CONFIG]... -- CMD [ARGUMENT]...\n"
            "Serves CONFIG (default ./routes.json) on a free port, runs CMD when clients are\n"
            "accepted, stops when it has ended, and exits with its status.\n"
            "\n" OPTIONS_HELP "\n"
            "CMD finds in its environment:\n"
            "  APIGW_WEBSOCKET_URL                       ws://127.0.0.1:PORT/STAGE\n"
            "  APIGW_ENDPOINT                            http://127.0.0.1:PORT/STAGE, what an AWS\n"
            "                                            SDK wants as endpoint\n"
            "  AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI  the same\n"
            "  AWS_ENDPOINT_URL_LAMBDA                   http://127.0.0.1:PORT, to invoke functions\n"
            "  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_DEFAULT_REGION\n"
            "                                            dummies, where they are not set\n"
            "  NODE_EXTRA_CA_CERTS, AWS_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE\n"
            "                                            for trust in wss:// and https://, see\n"
            "                                            'apigw ca'; what was set counts, too\n"
            "  APIGW_STORE                               the file that collections are kept in\n"
            "\n"
            "Exit status: CMD's; 128 plus the signal if one ended it; 126 or 127 if CMD cannot\n"
            "be run; 1 if apigw cannot serve; 2 if the command line or CONFIG is wrong.\n",
    .run = exec_command,
};
