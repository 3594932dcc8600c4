/* run.c - apigw run: serve until told to stop. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/service.h"

static void on_signal(void *arg, int signum)
{
    service_stop(arg);
}

static int longest_route_key(const struct config *config)
{
    size_t longest = 0;

    for (size_t i = 0; i < config->route_count; i++)
        if (strlen(config->routes[i].key) > longest)
            longest = strlen(config->routes[i].key);
    return (int)longest;
}

static void print_route(const struct config_route *route, int width)
{
    const struct config_function *function = route->function;

    if (function)
        printf("  %-*s  %s  (%s, handler %s)%s\n", width, route->key, function->name, function->plugin,
               function->handler, route->route_response ? "  two-way" : "");
    else
        printf("  %-*s  no function\n", width, route->key);
}

static void print_banner(const struct service *s)
{
    const struct config *config = service_config(s);
    int width = longest_route_key(config);

    printf("apigw " APIGW_VERSION " serves %s, stage %s\n\n", config->name, config->stage);
    printf("  WebSocket     %s\n", service_websocket_url(s));
    printf("  @connections  %s\n", service_connections_url(s));
    printf("  Invoke API    %s\n\n", service_lambda_url(s));
    for (size_t i = 0; i < config->route_count; i++)
        print_route(&config->routes[i], width);
    printf("\nTry it:  npx wscat -c %s\nStop with Ctrl-C.\n\n", service_websocket_url(s));
    fflush(stdout);
}

static int run(const struct cli_command *self, int argc, char **argv)
{
    struct serve_options options;
    struct service *s;
    int status = options_parse(self, argc, argv, 3001, &options);

    if (status != CLI_OK || options.help)
        return status;
    if (options.first_argument < argc)
        return cli_usage_error(self, "'%s' is one argument too many", argv[options.first_argument]);
    if (options.ready_file)
        service_remove_ready_file(options.ready_file);
    status = service_open(&options.service, &s);
    if (status != CLI_OK)
        return status;
    loop_on_signal(service_loop(s), SIGTERM, on_signal, s);
    loop_on_signal(service_loop(s), SIGINT, on_signal, s);
    print_banner(s);
    if (options.ready_file && service_write_ready_file(s, options.ready_file) < 0) {
        status = CLI_FAILED;
        service_stop(s);
    }
    service_run(s);
    if (options.ready_file)
        service_remove_ready_file(options.ready_file);
    service_free(s);
    return status;
}

const struct cli_command cli_run = {
    .name = "run",
    .summary = "serve a WebSocket API",
    .help = "Usage: apigw run [OPTION]... [CONFIG]\n"
            "Serves the WebSocket API that CONFIG describes (default ./routes.json), until\n"
            "SIGINT or SIGTERM: then clients are closed with 1001, running handlers may\n"
            "finish for 5 seconds, and the exit status is 0. A second signal ends at once.\n"
            "\n" OPTIONS_HELP "\n"
            "The default port is 3001. A client connects to ws://HOST:PORT/STAGE; SDKs and\n"
            "curl push through http://HOST:PORT/STAGE/@connections/CONNECTION_ID, and SDKs\n"
            "invoke functions, as on Lambda, through http://HOST:PORT.\n"
            "\n"
            "Exit status: 0 after a stop, 1 if it cannot serve, 2 if the command line or\n"
            "CONFIG is wrong.\n",
    .run = run,
};
