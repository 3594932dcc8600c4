/* cli.h - the command line: one table of commands, one file per command.
 *
 * Exit statuses: 0 success, 1 it could not be done, 2 the command line or the configuration is wrong. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#define CLI_OK 0
#define CLI_FAILED 1
#define CLI_USAGE 2

struct cli_command {
    const char *name;
    const char *summary; /* for `apigw --help` */
    const char *help;    /* for `apigw NAME --help`; NULL: `run` says it */
    int (*run)(const struct cli_command *self, int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct cli_command cli_run, cli_check, cli_exec, cli_invoke, cli_event, cli_rules, cli_new,
    cli_collections, cli_connect, cli_post, cli_connections, cli_ca;

/* Finds the command and runs it; returns the exit status. */
int cli_main(int argc, char **argv);

/* One line on standard error, "apigw NAME: …; try 'apigw NAME --help'". Returns CLI_USAGE. */
int cli_usage_error(const struct cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
