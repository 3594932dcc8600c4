/* check.c - apigw check: say everything that is wrong with a configuration. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/service.h"

static void print_summary(const char *path, const struct config *config)
{
    printf("%s: ok: %s, stage %s, %zu function%s, %zu route%s\n", path, config->name, config->stage,
           config->function_count, config->function_count == 1 ? "" : "s", config->route_count,
           config->route_count == 1 ? "" : "s");
}

static int check(const struct cli_command *self, int argc, char **argv)
{
    struct config *config;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(self->help, stdout);
        return CLI_OK;
    }
    if (argc > 1 && argv[1][0] == '-' && argv[1][1])
        return cli_usage_error(self, "there is no option '%s'", argv[1]);
    if (argc != 2)
        return cli_usage_error(self, argc < 2 ? "which file?" : "one CONFIG at a time");
    if (service_load_config(argv[1], &config) != CLI_OK)
        return CLI_USAGE;
    print_summary(argv[1], config);
    config_unref(config);
    return CLI_OK;
}

const struct cli_command cli_check = {
    .name = "check",
    .summary = "say what is wrong with a configuration",
    .help = "Usage: apigw check CONFIG\n"
            "Reads CONFIG as 'apigw run' would, plugins and handlers included, and reports every\n"
            "error at once as FILE:LINE:COLUMN: error: ..., with the line and a caret.\n"
            "\n"
            "      --help  show this help\n"
            "\n"
            "Exit status: 0 if it can be served, 2 if not.\n",
    .run = check,
};
