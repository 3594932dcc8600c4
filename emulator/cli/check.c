/* check.c - apigw check: say everything that is wrong with a configuration. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/service.h"

static void print_summary(const struct config *config)
{
    printf("%s: ok: %s, stage%s", config->path, config->name, config->stage_count == 1 ? "" : "s");
    for (size_t i = 0; i < config->stage_count; i++)
        printf(" %s,", config->stages[i].name);
    printf(" %zu function%s, %zu route%s\n", config->function_count, config->function_count == 1 ? "" : "s",
           config->route_count, config->route_count == 1 ? "" : "s");
}

static int check(const struct cli_command *self, int argc, char **argv)
{
    struct config *configs[CONFIG_APIS_MAX];
    size_t count = (size_t)argc - 1;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(self->help, stdout);
        return CLI_OK;
    }
    if (argc > 1 && argv[1][0] == '-' && argv[1][1])
        return cli_usage_error(self, "there is no option '%s'", argv[1]);
    if (argc < 2)
        return cli_usage_error(self, "which file?");
    if (count > CONFIG_APIS_MAX)
        return cli_usage_error(self, "more than %d CONFIGs cannot be served at once", CONFIG_APIS_MAX);
    if (service_load_configs((const char *const *)argv + 1, count, configs) != CLI_OK)
        return CLI_USAGE;
    for (size_t i = 0; i < count; i++) {
        print_summary(configs[i]);
        config_unref(configs[i]);
    }
    return CLI_OK;
}

const struct cli_command cli_check = {
    .name = "check",
    .summary = "say what is wrong with a configuration",
    .help = "Usage: apigw check CONFIG...\n"
            "Reads each CONFIG as 'apigw run' would, plugins and handlers included, and reports\n"
            "every error at once as FILE:LINE:COLUMN: error: ..., with the line and a caret; and\n"
            "what keeps several from being served together.\n"
            "\n"
            "      --help  show this help\n"
            "\n"
            "Exit status: 0 if they can be served, 2 if not.\n",
    .run = check,
};
