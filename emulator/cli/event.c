/* event.c - apigw event: an event as AWS would send it, on standard output. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/event_set.h"
#include "cli/input.h"
#include "cli/sample_event.h"
#include "cli/service.h"
#include "gateway/rules.h"

#define DEFAULT_CONFIG "routes.json"

enum option_id { OPTION_SET = 256, OPTION_BODY, OPTION_STAGE, OPTION_HELP };

static const struct option long_options[] = {
    {"set", required_argument, NULL, OPTION_SET},
    {"body", required_argument, NULL, OPTION_BODY},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

struct wanted {
    enum sample_event which;
    const char **settings; /* each PATH=VALUE, in order */
    size_t setting_count;
    const char *body;  /* NULL: not given */
    const char *stage; /* NULL: the first */
    const char *config_path;
    bool help;
};

/* ---- the command line ---- */

static int find_event(const struct cli_command *command, const char *name, enum sample_event *ret)
{
    const char *nearest;

    for (unsigned i = 0; i < SAMPLE_EVENTS; i++)
        if (strcmp(event_names[i], name) == 0) {
            *ret = (enum sample_event)i;
            return CLI_OK;
        }
    nearest = config_nearest(span_of_str(name), event_names, SAMPLE_EVENTS);
    return cli_usage_error(command, "there is no event '%s'%s%s%s", name, nearest ? "; did you mean '" : "",
                           nearest ? nearest : ": it is connect, message, disconnect or authorizer",
                           nearest ? "'?" : "");
}

static int take_argument(const struct cli_command *command, const char *argument, bool is_first, struct wanted *ret)
{
    if (is_first)
        return find_event(command, argument, &ret->which);
    if (ret->config_path)
        return cli_usage_error(command, "one CONFIG is enough; '%s' is another", argument);
    ret->config_path = argument;
    return CLI_OK;
}

static int take_option(const struct cli_command *command, int id, char **argv, struct wanted *ret)
{
    switch (id) {
    case OPTION_SET: ret->settings[ret->setting_count++] = optarg; return CLI_OK;
    case OPTION_BODY: ret->body = optarg; return CLI_OK;
    case OPTION_STAGE: ret->stage = optarg; return CLI_OK;
    case OPTION_HELP: ret->help = true; return CLI_OK;
    case ':': return cli_usage_error(command, "%s needs a value", argv[optind - 1]);
    default: return cli_usage_error(command, "there is no option '%s'", argv[optind - 1]);
    }
}

/* '-' hands over arguments where they stand, as options of the number 1. */
static int parse(const struct cli_command *command, int argc, char **argv, struct wanted *ret)
{
    bool named = false;
    int id, status = CLI_OK;

    for (optind = 0; status == CLI_OK && (id = getopt_long(argc, argv, "-:", long_options, NULL)) != -1;) {
        status = id == 1 ? take_argument(command, optarg, !named, ret) : take_option(command, id, argv, ret);
        named = named || id == 1;
    }
    for (; status == CLI_OK && optind < argc; optind++) {
        status = take_argument(command, argv[optind], !named, ret);
        named = true;
    }
    if (status != CLI_OK || ret->help)
        return status;
    if (!named)
        return cli_usage_error(command, "which event? connect, message, disconnect or authorizer");
    if (ret->body && ret->which != SAMPLE_MESSAGE)
        return cli_usage_error(command, "a %s event has no body", event_names[ret->which]);
    return CLI_OK;
}

/* ---- the event ---- */

/* A configuration that was not asked for by name may be missing. */
static int load_config(const char *path, struct config **ret)
{
    *ret = NULL;
    if (!path && access(DEFAULT_CONFIG, F_OK) < 0)
        return CLI_OK;
    if (service_load_config_quietly(path ? path : DEFAULT_CONFIG, true, ret) != CLI_OK)
        return CLI_USAGE;
    rules_apply((*ret)->rules, (*ret)->rule_count);
    return CLI_OK;
}

static int read_body(const struct cli_command *command, const char *given, struct buf *ret)
{
    CLEANUP(buf_fini) struct buf error = {0};
    const size_t bytes_max = (size_t)rule_get(RULE_MESSAGE_TOO_LARGE)->limit;

    if (!given)
        buf_append(ret, SAMPLE_BODY);
    else if (given[0] != '@')
        buf_append_str(ret, given);
    else if (input_read(given + 1, bytes_max, ret, &error) < 0)
        return cli_usage_error(command, "--body: %s", buf_terminate(&error));
    if (ret->len > bytes_max)
        return cli_usage_error(command, "--body: a message carries at most %zu bytes", bytes_max);
    if (utf8_valid_prefix(buf_span(ret)) != ret->len)
        return cli_usage_error(command, "--body: a message is UTF-8, and byte %zu is not",
                               utf8_valid_prefix(buf_span(ret)) + 1);
    return CLI_OK;
}

static int apply_settings(const struct cli_command *command, const struct wanted *wanted, struct buf *document)
{
    for (size_t i = 0; i < wanted->setting_count; i++) {
        CLEANUP(buf_fini) struct buf error = {0};

        if (event_set(wanted->which, document, span_of_str(wanted->settings[i]), &error) < 0)
            return cli_usage_error(command, "--set: %s", buf_terminate(&error));
    }
    return CLI_OK;
}

static int print(struct buf *document)
{
    buf_append_char(document, '\n');
    if (fwrite(document->ptr, 1, document->len, stdout) == document->len && fflush(stdout) == 0)
        return CLI_OK;
    perror("apigw event: standard output");
    return CLI_FAILED;
}

/* NULL, where there is no configuration, is a stage too. */
static int find_stage(const struct cli_command *command, const struct config *config, const char *name,
                      const struct config_stage **ret)
{
    const char *names[CONFIG_STAGES_MAX];
    const char *nearest;

    *ret = config ? &config->stages[0] : NULL;
    if (!name)
        return CLI_OK;
    if (!config)
        return cli_usage_error(command, "--stage is one of a CONFIG, and there is none");
    *ret = config_find_stage(config, span_of_str(name));
    if (*ret)
        return CLI_OK;
    for (size_t i = 0; i < config->stage_count; i++)
        names[i] = config->stages[i].name;
    nearest = config_nearest(span_of_str(name), names, config->stage_count);
    return cli_usage_error(command, "--stage: there is no stage '%s' in %s; did you mean '%s'?", name, config->path,
                           nearest ? nearest : names[0]);
}

static int make(const struct cli_command *command, const struct wanted *wanted, const struct config *config)
{
    CLEANUP(buf_fini) struct buf document = {0};
    CLEANUP(buf_fini) struct buf body = {0};
    CLEANUP(buf_fini) struct buf note = {0};
    const struct config_stage *stage;

    if (find_stage(command, config, wanted->stage, &stage) != CLI_OK ||
        read_body(command, wanted->body, &body) != CLI_OK)
        return CLI_USAGE;
    sample_event_write(wanted->which, config, stage, buf_span(&body), &document, &note);
    if (note.len > 0)
        fprintf(stderr, "apigw event: no handler would get this message: %s\n", buf_terminate(&note));
    if (apply_settings(command, wanted, &document) != CLI_OK)
        return CLI_USAGE;
    return print(&document);
}

static int event(const struct cli_command *self, int argc, char **argv)
{
    CLEANUP(free) const char **settings = mem_alloc((size_t)argc * sizeof(*settings));
    struct wanted wanted = {.settings = settings};
    struct config *config;
    int status = parse(self, argc, argv, &wanted);

    if (status == CLI_OK && wanted.help)
        fputs(self->help, stdout);
    if (status != CLI_OK || wanted.help)
        return status;
    status = load_config(wanted.config_path, &config);
    if (status != CLI_OK)
        return status;
    status = make(self, &wanted, config);
    config_unref(config);
    return status;
}

const struct cli_command cli_event = {
    .name = "event",
    .summary = "print an event as AWS would send it, for 'apigw invoke'",
    .help = "Usage: apigw event connect|message|disconnect|authorizer [OPTION]... [CONFIG]\n"
            "Prints the event's JSON as a handler would get it on AWS, with new ids and the\n"
            "time of now. Stage, API id, stage variables and routes are those of CONFIG\n"
            "(default ./routes.json, if there is one); its plugins need not be built.\n"
            "\n"
            "      --stage NAME        a stage of CONFIG (default the first)\n"
            "      --body TEXT|@FILE   the text of a message (default hello), or a file with\n"
            "                          it; @- reads standard input\n"
            "      --set PATH=VALUE    sets one value, such as requestContext.connectionId=abc,\n"
            "                          headers.Auth=secret or queryStringParameters.room=7: a\n"
            "                          text where AWS has one; else JSON if it can be. Once\n"
            "                          for each value\n"
            "      --set PATH:=JSON    the same with any JSON, whatever AWS has there\n"
            "      --help              show this help\n"
            "\n"
            "  apigw event message --body hi | apigw invoke routes.json chat --event -\n"
            "\n"
            "Exit status: 0, or 2 if the command line or CONFIG is wrong.\n",
    .run = event,
};
