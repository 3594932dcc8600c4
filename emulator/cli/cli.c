/* cli.c - which command, and the help of the program itself. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "config/config.h"

static const struct cli_command *const commands[] = {
    &cli_run, &cli_check,       &cli_exec,    &cli_invoke, &cli_event,       &cli_rules,
    &cli_new, &cli_collections, &cli_connect, &cli_post,   &cli_connections, &cli_ca,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    fputs("Usage: apigw COMMAND [OPTION]... [ARGUMENT]...\n"
          "Runs an AWS API Gateway WebSocket API on this machine.\n"
          "\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-11s  %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n"
          "      --help     show this help, or with a command that command's\n"
          "      --version  show the version\n"
          "\n"
          "Start with 'apigw run': it serves ./routes.json.\n",
          out);
}

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    const char *nearest;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i]->name;
    nearest = config_nearest(span_of_str(name), names, COMMAND_COUNT);
    fprintf(stderr, "apigw: there is no command '%s'", name);
    if (nearest)
        fprintf(stderr, "; did you mean '%s'?", nearest);
    fputs("\nTry 'apigw --help'.\n", stderr);
    return CLI_USAGE;
}

int cli_usage_error(const struct cli_command *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "apigw %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'apigw %s --help'.\n", command->name);
    return CLI_USAGE;
}

static int help(int argc, char **argv)
{
    const struct cli_command *command = argc > 2 ? find_command(argv[2]) : NULL;

    if (argc > 2 && !command)
        return unknown_command(argv[2]);
    if (!command)
        print_help(stdout);
    else if (command->help)
        fputs(command->help, stdout);
    else
        return command->run(command, 2, (char *[]){argv[2], (char[]){"--help"}, NULL});
    return CLI_OK;
}

int cli_main(int argc, char **argv)
{
    const struct cli_command *command;

    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return help(argc, argv);
    if (strcmp(argv[1], "--version") == 0) {
        puts("apigw " APIGW_VERSION);
        return CLI_OK;
    }
    command = find_command(argv[1]);
    return command ? command->run(command, argc - 1, argv + 1) : unknown_command(argv[1]);
}
