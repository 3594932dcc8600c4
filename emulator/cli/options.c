/* options.c - see options.h. */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum option_id {
    OPTION_HOST = 256,
    OPTION_ALLOW_HOST,
    OPTION_PORT,
    OPTION_TLS_CERT,
    OPTION_TLS_KEY,
    OPTION_EPHEMERAL,
    OPTION_NO_WATCH,
    OPTION_READY_FILE,
    OPTION_WRAP,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FORMAT,
    OPTION_LOGS,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, OPTION_HOST},
    {"allow-host", required_argument, NULL, OPTION_ALLOW_HOST},
    {"port", required_argument, NULL, OPTION_PORT},
    {"tls-cert", required_argument, NULL, OPTION_TLS_CERT},
    {"tls-key", required_argument, NULL, OPTION_TLS_KEY},
    {"ephemeral", no_argument, NULL, OPTION_EPHEMERAL},
    {"no-watch", no_argument, NULL, OPTION_NO_WATCH},
    {"ready-file", required_argument, NULL, OPTION_READY_FILE},
    {"wrap", required_argument, NULL, OPTION_WRAP},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"log-format", required_argument, NULL, OPTION_LOG_FORMAT},
    {"logs", required_argument, NULL, OPTION_LOGS},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static int parse_port(const struct cli_command *command, const char *text, uint16_t *ret)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value > UINT16_MAX)
        return cli_usage_error(command, "--port takes a number from 0 to 65535, not '%s'", text);
    *ret = (uint16_t)value;
    return CLI_OK;
}

static int take_host(const struct cli_command *command, const char *host, struct service_options *ret)
{
    if (ret->host_count == SERVICE_HOSTS_MAX)
        return cli_usage_error(command, "--host can be given %d times at most", SERVICE_HOSTS_MAX);
    ret->hosts[ret->host_count++] = host;
    return CLI_OK;
}

static int parse_log_level(const struct cli_command *command, const char *text)
{
    enum log_level level;

    if (log_level_parse(text, &level) < 0)
        return cli_usage_error(command, "--log-level takes error, warn, info or debug, not '%s'", text);
    log_set_level(level);
    return CLI_OK;
}

static int parse_log_format(const struct cli_command *command, const char *text)
{
    enum log_format format;

    if (log_format_parse(text, &format) < 0)
        return cli_usage_error(command, "--log-format takes text or json, not '%s'", text);
    log_set_format(format);
    return CLI_OK;
}

static int add_allowed_host(const struct cli_command *command, struct service_options *ret)
{
    if (ret->allow_host_count == GUARD_NAMES_MAX)
        return cli_usage_error(command, "--allow-host '%s' is one too many; there may be %u", optarg, GUARD_NAMES_MAX);
    ret->allow_hosts[ret->allow_host_count++] = optarg;
    return CLI_OK;
}

static int take_option(const struct cli_command *command, int id, char **argv, struct serve_options *ret)
{
    switch (id) {
    case OPTION_HOST: return take_host(command, optarg, &ret->service);
    case OPTION_ALLOW_HOST: return add_allowed_host(command, &ret->service);
    case OPTION_PORT: return parse_port(command, optarg, &ret->service.port);
    case OPTION_TLS_CERT: ret->service.secure.certificate_path = optarg; return CLI_OK;
    case OPTION_TLS_KEY: ret->service.secure.key_path = optarg; return CLI_OK;
    case OPTION_EPHEMERAL: ret->service.ephemeral = true; return CLI_OK;
    case OPTION_NO_WATCH: ret->service.no_watch = true; return CLI_OK;
    case OPTION_READY_FILE: ret->ready_file = optarg; return CLI_OK;
    case OPTION_WRAP: ret->service.wrap = optarg; return CLI_OK;
    case OPTION_LOG_LEVEL: return parse_log_level(command, optarg);
    case OPTION_LOG_FORMAT: return parse_log_format(command, optarg);
    case OPTION_LOGS: ret->service.logs_folder = optarg; return CLI_OK;
    case OPTION_HELP: ret->help = true; return CLI_OK;
    case ':': return cli_usage_error(command, "%s needs a value", argv[optind - 1]);
    default: return cli_usage_error(command, "there is no option '%s'", argv[optind - 1]);
    }
}

static int take_config(const struct cli_command *command, const char *path, struct service_options *ret)
{
    if (ret->config_count == CONFIG_APIS_MAX)
        return cli_usage_error(command, "more than %d CONFIGs cannot be served at once", CONFIG_APIS_MAX);
    ret->config_paths[ret->config_count++] = path;
    return CLI_OK;
}

int options_parse(const struct cli_command *command, int argc, char **argv, uint16_t default_port,
                  struct serve_options *ret)
{
    int id, status = CLI_OK;

    *ret = (struct serve_options){.service = {.port = default_port}};
    /* ':' tells a missing value from an unknown option, '+' stops at the first argument. */
    for (optind = 0; status == CLI_OK && optind < argc;) {
        id = getopt_long(argc, argv, "+:", long_options, NULL);
        if (id != -1)
            status = take_option(command, id, argv, ret);
        else if (optind >= argc || strcmp(argv[optind - 1], "--") == 0)
            break;
        else
            status = take_config(command, argv[optind++], &ret->service);
    }
    if (status != CLI_OK)
        return status;
    if (ret->service.config_count == 0)
        take_config(command, "routes.json", &ret->service);
    ret->first_argument = optind;
    if (ret->help)
        fputs(command->help, stdout);
    else if (!ret->service.secure.certificate_path != !ret->service.secure.key_path)
        return cli_usage_error(command, "--tls-cert and --tls-key go together");
    if (ret->service.host_count == 0)
        ret->service.hosts[ret->service.host_count++] = "127.0.0.1";
    return CLI_OK;
}
