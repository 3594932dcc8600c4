/* invoke.c - apigw invoke: one invocation in an environment of its own, with nobody connected. */
#include <apigw/plugin.h>
#include <assert.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/install.h"
#include "cli/sample_event.h"
#include "cli/service.h"
#include "cli/storage.h"
#include "function/document.h"
#include "gateway/gateway.h"
#include "management/lambda_invoke.h"
#include "management/management.h"
#include "management/payload.h"

#define LISTED_MAX 10

enum option_id { OPTION_EVENT = 256, OPTION_LOG_LEVEL, OPTION_LOG_FORMAT, OPTION_HELP };

static const struct option long_options[] = {
    {"event", required_argument, NULL, OPTION_EVENT},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"log-format", required_argument, NULL, OPTION_LOG_FORMAT},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

struct wanted {
    const char *config_path;
    const char *function;
    const char *event; /* NULL: a message */
    bool help;
};

/* ---- the command line ---- */

static int set_level(const struct cli_command *command, const char *text)
{
    enum log_level level;

    if (log_level_parse(text, &level) < 0)
        return cli_usage_error(command, "--log-level takes error, warn, info or debug, not '%s'", text);
    log_set_level(level);
    return CLI_OK;
}

static int set_format(const struct cli_command *command, const char *text)
{
    enum log_format format;

    if (log_format_parse(text, &format) < 0)
        return cli_usage_error(command, "--log-format takes text or json, not '%s'", text);
    log_set_format(format);
    return CLI_OK;
}

static int take_option(const struct cli_command *command, int id, char **argv, struct wanted *ret)
{
    switch (id) {
    case OPTION_EVENT: ret->event = optarg; return CLI_OK;
    case OPTION_LOG_LEVEL: return set_level(command, optarg);
    case OPTION_LOG_FORMAT: return set_format(command, optarg);
    case OPTION_HELP: ret->help = true; return CLI_OK;
    case ':': return cli_usage_error(command, "%s needs a value", argv[optind - 1]);
    default: return cli_usage_error(command, "there is no option '%s'", argv[optind - 1]);
    }
}

static int parse(const struct cli_command *command, int argc, char **argv, struct wanted *ret)
{
    int id, status = CLI_OK;

    for (optind = 0; status == CLI_OK && (id = getopt_long(argc, argv, ":", long_options, NULL)) != -1;)
        status = take_option(command, id, argv, ret);
    if (status != CLI_OK || ret->help)
        return status;
    if (optind >= argc)
        return cli_usage_error(command, "which CONFIG, and which FUNCTION of it?");
    if (argc - optind > 2)
        return cli_usage_error(command, "'%s' is one argument too many", argv[optind + 2]);
    ret->config_path = argv[optind];
    ret->function = argv[optind + 1]; /* or NULL */
    return CLI_OK;
}

/* ---- the function ---- */

static void list_functions(const struct config *config, struct buf *out)
{
    assert(config->functions || config->function_count == 0);
    for (size_t i = 0; i < config->function_count && i < LISTED_MAX; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", config->functions[i].name);
    if (config->function_count > LISTED_MAX)
        buf_printf(out, " and %zu more", config->function_count - LISTED_MAX);
}

static const char *nearest_function(const struct config *config, const char *name)
{
    const char *names[CONFIG_FUNCTIONS_MAX];

    for (size_t i = 0; i < config->function_count; i++)
        names[i] = config->functions[i].name;
    return config_nearest(span_of_str(name), names, config->function_count);
}

static int unknown_function(const struct cli_command *command, const struct config *config, const char *name)
{
    CLEANUP(buf_fini) struct buf names = {0};
    const char *nearest = name ? nearest_function(config, name) : NULL;

    list_functions(config, &names);
    if (!name)
        return cli_usage_error(command, "which function? There are %s", buf_terminate(&names));
    if (nearest)
        return cli_usage_error(command, "there is no function '%s' in %s; did you mean '%s'?", name, config->path,
                               nearest);
    return cli_usage_error(command, "there is no function '%s' in %s: there are %s", name, config->path,
                           buf_terminate(&names));
}

/* The only one need not be named. */
static const struct config_function *find_function(const struct config *config, const char *name)
{
    if (!name)
        return config->function_count == 1 ? &config->functions[0] : NULL;
    for (size_t i = 0; i < config->function_count; i++)
        if (strcmp(config->functions[i].name, name) == 0)
            return &config->functions[i];
    return NULL;
}

/* ---- the event ---- */

static int not_json(const struct cli_command *command, const char *path, struct span text,
                    const struct json_error *error)
{
    unsigned line = 1, column = 1;

    for (size_t i = 0; i < error->offset && i < text.len; i++) {
        column = text.ptr[i] == '\n' ? 1 : column + 1;
        line += text.ptr[i] == '\n';
    }
    return cli_usage_error(command, "the event is not JSON: %s:%u:%u: %s",
                           path && strcmp(path, "-") != 0 ? path : "standard input", line, column, error->what);
}

static int read_event(const struct cli_command *command, const struct wanted *wanted, const struct config *config,
                      struct buf *ret_text, struct json_value *ret)
{
    CLEANUP(buf_fini) struct buf error = {0};
    struct json_error wrong;

    if (!wanted->event)
        sample_event_write(SAMPLE_MESSAGE, config, &config->stages[0], SAMPLE_BODY, ret_text, &error);
    else if (input_read(wanted->event, LAMBDA_PAYLOAD_MAX, ret_text, &error) < 0)
        return cli_usage_error(command, "--event: %s", buf_terminate(&error));
    if (document_parse(buf_span(ret_text), ret, &wrong) < 0)
        return not_json(command, wanted->event, buf_span(ret_text), &wrong);
    return CLI_OK;
}

/* ---- nobody is connected ---- */

static enum wire_sent send_nothing(struct wire_link *link, struct span text)
{
    return WIRE_SENT;
}

static void close_nothing(struct wire_link *link, unsigned code, struct span reason)
{
}

static uint64_t never_quiet(struct wire_link *link)
{
    return UINT64_MAX;
}

static const struct wire_ops no_wire = {.send = send_nothing, .close = close_nothing, .quiet_ms = never_quiet};

/* One invocation, and what it needs. */
struct one {
    const struct config_function *function;
    struct loop *loop;
    struct loop_deferred *turn_end;
    struct gateway *gateway; /* without connections */
    struct function_pool *pool;
    struct function_services services; /* the gateway's */
    bool has_said_nobody;
    uint64_t began_ns;
    struct buf payload;
    bool failed;
    bool stopping;
};

/* Handlers ask the same gateway that a client's would: so they get the same answers, and a line that explains. */
static int explain(struct one *one, int result)
{
    if (result == APIGW_GONE && !one->has_said_nobody)
        log_warn(LOG_GATEWAY,
                 "nobody is connected: 'apigw invoke' serves no clients, so every connection is gone (410)");
    one->has_said_nobody = one->has_said_nobody || result == APIGW_GONE;
    return result;
}

static int post(void *arg, struct span connection_id, struct span data)
{
    struct one *one = arg;
    return explain(one, one->services.post_to_connection(one->services.arg, connection_id, data));
}

static int get(void *arg, struct span connection_id, struct function_connection *ret)
{
    struct one *one = arg;
    return explain(one, one->services.get_connection(one->services.arg, connection_id, ret));
}

static int delete_connection(void *arg, struct span connection_id)
{
    struct one *one = arg;
    return explain(one, one->services.delete_connection(one->services.arg, connection_id));
}

/* ---- running ---- */

static void on_closed(void *arg)
{
    loop_stop(((struct one *)arg)->loop);
}

/* Environments end in their own time: fini is called. */
static void stop(void *arg)
{
    struct one *one = arg;

    if (one->stopping)
        return;
    one->stopping = true;
    function_pool_close(one->pool, on_closed, one);
}

static void on_signal(void *arg, int signum)
{
    stop(arg);
}

/* The figures are those of a REPORT line. */
static void say_how_it_went(const struct one *one, const struct invocation_result *result)
{
    log_function(LOG_INFO, one->function->name, result->request_id,
                 "%s: duration %.2f ms, init %.2f ms, max memory used %u MB of %u MB; %.2f ms in all",
                 one->failed ? "failed" : "succeeded", (double)result->duration_ns / 1e6, (double)result->init_ns / 1e6,
                 (result->memory_max_kb + 1023) / 1024, one->function->memory_mb,
                 (double)(clock_mono_ns() - one->began_ns) / 1e6);
}

static void on_done(void *arg, const struct invocation_result *result)
{
    struct one *one = arg;

    one->failed =
        payload_is_error(result) || result->outcome == INVOCATION_THROTTLED || result->outcome == INVOCATION_STOPPED;
    payload_write(result, &one->payload);
    say_how_it_went(one, result);
    loop_deferred_start(one->turn_end);
}

static void begin(struct one *one, struct span text, struct json_value event)
{
    CLEANUP(buf_fini) struct buf scratch = {0};
    struct invocation_request request;

    invocation_request_from_document(&request, text, event, &scratch);
    one->began_ns = clock_mono_ns();
    function_invoke(one->pool, one->function, &request, on_done, one);
}

static void one_open(struct one *one, struct config *config)
{
    CLEANUP(free) char *host_path = install_host_path();
    const struct function_services services = {
        .post_to_connection = post, .get_connection = get, .delete_connection = delete_connection, .arg = one};

    one->pool = function_pool_new(one->loop, &config, 1, host_path);
    one->gateway = gateway_new(one->loop, &config, 1, one->pool, &no_wire);
    one->services = management_services(one->gateway);
    function_pool_set_services(one->pool, &services);
    one->turn_end = loop_deferred_new(one->loop, stop, one);
    loop_on_signal(one->loop, SIGTERM, on_signal, one);
    loop_on_signal(one->loop, SIGINT, on_signal, one);
}

static void one_close(struct one *one)
{
    loop_deferred_free(one->turn_end);
    gateway_free(one->gateway);
    function_pool_free(one->pool);
    loop_free(one->loop);
    buf_fini(&one->payload);
}

static int print(struct buf *payload)
{
    buf_append_char(payload, '\n');
    if (fwrite(payload->ptr, 1, payload->len, stdout) == payload->len && fflush(stdout) == 0)
        return CLI_OK;
    perror("apigw invoke: standard output");
    return CLI_FAILED;
}

static int run_one(struct config *config, const struct config_function *function, struct span text,
                   struct json_value event)
{
    struct one one = {.function = function, .loop = loop_new()};
    int status;

    if (!one.loop) {
        log_error(LOG_FUNCTION, "the event loop cannot be created");
        return CLI_FAILED;
    }
    one_open(&one, config);
    begin(&one, text, event);
    loop_run(one.loop);
    status = print(&one.payload);
    if (one.failed)
        status = CLI_FAILED;
    one_close(&one);
    return status;
}

static int invoke_function(const struct cli_command *self, const struct wanted *wanted, struct config *config)
{
    CLEANUP(buf_fini) struct buf text = {0};
    const struct config_function *function = find_function(config, wanted->function);
    struct json_value event;
    char *folder;
    int status;

    if (!function)
        return unknown_function(self, config, wanted->function);
    rules_apply(config->rules, config->rule_count);
    if (read_event(self, wanted, config, &text, &event) != CLI_OK)
        return CLI_USAGE;
    if (storage_open(wanted->config_path, false, &folder) < 0)
        return CLI_FAILED;
    status = run_one(config, function, event.raw, event);
    storage_close(folder);
    return status;
}

static int invoke(const struct cli_command *self, int argc, char **argv)
{
    struct wanted wanted = {0};
    struct config *config;
    int status = parse(self, argc, argv, &wanted);

    if (status == CLI_OK && wanted.help)
        fputs(self->help, stdout);
    if (status != CLI_OK || wanted.help)
        return status;
    signal(SIGPIPE, SIG_IGN);
    status = service_load_config_quietly(wanted.config_path, false, &config);
    if (status != CLI_OK)
        return status;
    status = invoke_function(self, &wanted, config);
    config_unref(config);
    return status;
}

const struct cli_command cli_invoke = {
    .name = "invoke",
    .summary = "run a handler once, without serving",
    .help = "Usage: apigw invoke [OPTION]... CONFIG [FUNCTION]\n"
            "Runs FUNCTION of CONFIG once, in an environment of its own, and prints what it\n"
            "returned as JSON. What it logs, and how long it took, goes to standard error.\n"
            "FUNCTION can be left out if there is one alone. No port is opened and nobody is\n"
            "connected: what the handler sends to a connection is answered with 410.\n"
            "\n"
            "      --event FILE        the event, any JSON; - is standard input (default: what\n"
            "                          'apigw event message' prints)\n"
            "      --log-level LEVEL   error, warn, info (default) or debug\n"
            "      --log-format FMT    text (default) or json: one object on each line\n"
            "      --help              show this help\n"
            "\n"
            "  apigw event message --body hi | apigw invoke routes.json chat --event -\n"
            "\n"
            "Exit status: 0 if it returned something; 1 if it failed, crashed, timed out or\n"
            "could not be started: the result is {\"errorType\":…,\"errorMessage\":…} then; 2 if\n"
            "the command line or CONFIG is wrong, or the event is not JSON.\n",
    .run = invoke,
};
