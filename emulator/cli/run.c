/* run.c - apigw run: serve until told to stop. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/address.h"
#include "cli/announcement.h"
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

/* What the first stage's variables make of it stands for all of them where they agree. */
static bool is_one_function(const struct config *config, const struct config_route *route)
{
    for (size_t i = 1; i < config->stage_count; i++)
        if (config_stage_function(config, &config->stages[i], route) !=
            config_stage_function(config, &config->stages[0], route))
            return false;
    return true;
}

static void print_functions_by_stage(const struct config *config, const struct config_route *route)
{
    for (size_t i = 0; i < config->stage_count; i++)
        printf("%s%s: %s", i > 0 ? ", " : "", config->stages[i].name,
               config_stage_function(config, &config->stages[i], route)->name);
}

static void print_route(const struct config *config, const struct config_route *route, int width)
{
    const struct config_function *function = config_stage_function(config, &config->stages[0], route);

    printf("  %-*s  ", width, route->key);
    if (!function)
        printf("no function");
    else if (is_one_function(config, route))
        printf("%s  (%s, handler %s)", function->name, function->plugin, function->handler);
    else
        print_functions_by_stage(config, route);
    printf("%s\n", route->route_response ? "  two-way" : "");
}

static void print_stage(const struct address *address, const struct config *config, const struct config_stage *stage)
{
    CLEANUP(free) char *websocket = address_of_stage(address, "ws", config, stage);
    CLEANUP(free) char *endpoint = address_of_stage(address, "http", config, stage);

    printf("  WebSocket     %s\n", websocket);
    printf("  @connections  %s/@connections\n", endpoint);
}

static void print_mapping(const struct address *address, const struct config_mapping *mapping)
{
    CLEANUP(free) char *websocket = address_of_mapping(address, "ws", mapping);
    CLEANUP(free) char *endpoint = address_of_mapping(address, "http", mapping);

    printf("  WebSocket     %s  (stage %s)\n", websocket, mapping->stage->name);
    printf("  @connections  %s/@connections\n", endpoint);
}

static void print_title(const struct config *config)
{
    printf("%s, stage%s", config->name, config->stage_count == 1 ? "" : "s");
    for (size_t i = 0; i < config->stage_count; i++)
        printf("%s%s", i > 0 ? ", " : " ", config->stages[i].name);
    printf("\n\n");
}

static void print_places(const struct address *address, const struct config *config)
{
    for (size_t i = 0; i < config->stage_count && !config->disable_execute_api_endpoint; i++)
        print_stage(address, config, &config->stages[i]);
    for (size_t i = 0; i < config->mapping_count; i++)
        print_mapping(address, &config->mappings[i]);
}

static void print_routes(const struct config *config)
{
    int width = longest_route_key(config);

    for (size_t i = 0; i < config->route_count; i++)
        print_route(config, &config->routes[i], width);
    printf("\n");
}

static void print_banner(const struct service *s)
{
    const struct address *address = service_address(s);

    printf("apigw " APIGW_VERSION " serves ");
    if (address->config_count > 1)
        printf("%zu APIs\n\n", address->config_count);
    for (size_t i = 0; i < address->config_count; i++) {
        print_title(address->configs[i]);
        print_places(address, address->configs[i]);
        if (i + 1 == address->config_count)
            printf("  Invoke API    %s\n%s", service_lambda_url(s),
                   service_has_tls(s) ? "  TLS           wss:// and https://, too; see apigw ca\n" : "");
        printf("\n");
        print_routes(address->configs[i]);
    }
    if (address_needs_names(address))
        printf("A client that does not find one of these hosts needs a line for it in /etc/hosts.\n\n");
    printf("Try it:  apigw connect %s\nStop with Ctrl-C.\n\n", service_websocket_url(s));
    fflush(stdout);
}

static struct announcement *announce(const struct service *s)
{
    CLEANUP(buf_fini) struct buf text = {0};

    service_describe(s, &text);
    return announcement_open(buf_span(&text));
}

static int run(const struct cli_command *self, int argc, char **argv)
{
    struct serve_options options;
    struct announcement *announcement;
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
    announcement = announce(s);
    if (options.ready_file && service_write_ready_file(s, options.ready_file) < 0) {
        status = CLI_FAILED;
        service_stop(s);
    }
    service_run(s);
    announcement_close(announcement);
    if (options.ready_file)
        service_remove_ready_file(options.ready_file);
    service_free(s);
    return status;
}

const struct cli_command cli_run = {
    .name = "run",
    .summary = "serve a WebSocket API",
    .help = "Usage: apigw run [OPTION]... [CONFIG]...\n"
            "Serves the WebSocket API that each CONFIG describes (default ./routes.json),\n"
            "until SIGINT or SIGTERM: then clients are closed with 1001, running handlers may\n"
            "finish for 5 seconds, and the exit status is 0. A second signal ends at once.\n"
            "\n" OPTIONS_HELP "\n"
            "The default port is 3001. A client connects to ws://HOST:PORT/STAGE; SDKs and\n"
            "curl push through http://HOST:PORT/STAGE/@connections/CONNECTION_ID, and SDKs\n"
            "invoke functions, as on Lambda, through http://HOST:PORT. Several APIs with a\n"
            "stage of the same name are told apart by the host, as on AWS:\n"
            "API_ID.execute-api.REGION.localhost, or a custom domain.\n"
            "\n"
            "On the same port are wss:// and https://; 'apigw ca' shows how to trust the\n"
            "certificate.\n"
            "\n"
            "Exit status: 0 after a stop, 1 if it cannot serve, 2 if the command line or\n"
            "CONFIG is wrong.\n",
    .run = run,
};
