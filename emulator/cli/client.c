/* client.c - apigw connect, post and connections: apigw-client does them, in this process's place. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/install.h"

static int execute(const struct cli_command *self, int argc, char **argv)
{
    CLEANUP(free) char *path = install_client_path();
    CLEANUP(free) char **arguments = mem_zalloc(((size_t)argc + 2) * sizeof(*arguments));

    arguments[0] = path;
    memcpy(arguments + 1, argv, (size_t)argc * sizeof(*arguments));
    execv(path, arguments);
    fprintf(stderr, "apigw %s: %s cannot be run: %s\nIt is part of the installation, beside apigw.\n", self->name, path,
            strerror(errno));
    return CLI_FAILED;
}

/* Their help is apigw-client's. */
const struct cli_command cli_connect = {
    .name = "connect",
    .summary = "talk to a WebSocket API in the terminal, or from a script",
    .run = execute,
};

const struct cli_command cli_post = {
    .name = "post",
    .summary = "send a message to a client, through @connections",
    .run = execute,
};

const struct cli_command cli_connections = {
    .name = "connections",
    .summary = "show who is connected to a running emulator, or close one",
    .run = execute,
};
