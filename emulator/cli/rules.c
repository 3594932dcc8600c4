/* rules.c - apigw rules: the table of what is enforced, for people, for docs/fidelity.md, and for programs. */
#include "gateway/rules.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/service.h"

/* ---- what a rule has, in words ---- */

struct unit {
    uint64_t size;
    const char *name;
};

static const struct unit byte_units[] = {{1024 * 1024, "MB"}, {1024, "KB"}, {1, "bytes"}, {0, NULL}};
static const struct unit time_units[] = {{3600 * 1000, "h"}, {60 * 1000, "min"}, {1000, "s"}, {1, "ms"}, {0, NULL}};

/* "32 KB", "10 min", "500 handshakes/s" */
static void append_amount(struct buf *out, uint64_t amount, const char *name)
{
    const struct unit single[] = {{1, name}, {0, NULL}};
    const struct unit *unit = strcmp(name, "bytes") == 0 ? byte_units : strcmp(name, "ms") == 0 ? time_units : single;

    while (unit[1].name && (amount == 0 || amount % unit->size != 0))
        unit++;
    buf_printf(out, "%" PRIu64 " %s", amount / unit->size, unit->name);
}

/* What of a rule can differ: its choice and its limit. */
static void append_value(struct buf *out, const struct rule *rule)
{
    if (rule->choices[0].name)
        buf_append_str(out, rule->choices[rule->choice].name);
    if (rule->choices[0].name && rule->limit_unit)
        buf_append_str(out, ", ");
    if (rule->limit_unit)
        append_amount(out, rule->limit, rule->limit_unit);
}

/* Of a text of several lines the first. */
static void append_first_line(struct buf *out, const char *text, const char *quote)
{
    const size_t len = strcspn(text, "\n");

    buf_printf(out, "%s%.*s%s%s", quote, (int)len, text, text[len] ? " …" : "", quote);
}

/* How a refusal by it looks. `quote` stands around texts. */
static void append_answer(struct buf *out, const struct rule *rule, const char *quote)
{
    if (rule->close_code)
        buf_printf(out, "%u %s%s%s", rule->close_code, quote, rule->close_reason, quote);
    if (rule->close_code && (rule->http_status || rule->message))
        buf_append_str(out, "; ");
    if (rule->http_status)
        buf_printf(out, rule->message ? "%u " : "%u", rule->http_status);
    if (rule->message)
        append_first_line(out, rule->message, quote);
}

static void append_tuning(struct buf *out, const struct rule *rule, const char *quote)
{
    for (size_t i = 0; i < RULE_CHOICES_MAX && rule->choices[i].name; i++)
        buf_printf(out, "%s%s%s%s: %s", i ? "; " : "", quote, rule->choices[i].name, quote, rule->choices[i].what);
    if (rule->limit_max == 0)
        return;
    if (rule->choices[0].name)
        buf_append_str(out, "; ");
    append_amount(out, rule->limit_min, rule->limit_unit);
    buf_append_str(out, " to ");
    append_amount(out, rule->limit_max, rule->limit_unit);
}

/* ---- for people ---- */

static bool is_tuned(enum rule_id id)
{
    return rule_get(id)->limit != rule_default(id)->limit || rule_get(id)->choice != rule_default(id)->choice;
}

struct row {
    struct buf value; /* as it is by default */
    struct buf here;  /* as it is, if that differs */
};

struct widths {
    int id, value, here;
};

static void widen(int *width, size_t len)
{
    if ((int)len > *width)
        *width = (int)len;
}

static struct row make_row(enum rule_id id, struct widths *widths)
{
    struct row row = {0};

    append_value(&row.value, rule_default(id));
    if (is_tuned(id))
        append_value(&row.here, rule_get(id));
    widen(&widths->id, strlen(rule_get(id)->id));
    widen(&widths->value, row.value.len);
    widen(&widths->here, row.here.len);
    return row;
}

static void print_line(const struct widths *widths, const char *id, const char *value, const char *here,
                       const char *tag)
{
    printf("%-*s  %-*s  %-*s  %s\n", widths->id, id, widths->value, value, widths->here, here, tag);
}

static void print_detail(const char *name, struct buf *text)
{
    if (text->len)
        printf("    %s: %s\n", name, buf_terminate(text));
    buf_clear(text, 0);
}

static void print_text(void)
{
    struct widths widths = {.value = (int)strlen("ON AWS"), .here = (int)strlen("HERE")};
    struct row rows[RULE_COUNT];
    CLEANUP(buf_fini) struct buf text = {0};

    for (enum rule_id id = 0; id < RULE_COUNT; id++)
        rows[id] = make_row(id, &widths);
    print_line(&widths, "RULE", "ON AWS", "HERE", "TAG");
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule *rule = rule_get(id);

        print_line(&widths, rule->id, buf_terminate(&rows[id].value), buf_terminate(&rows[id].here),
                   rule_tag_name(rule->tag));
        printf("    %s\n", rule->what);
        append_answer(&text, rule, "");
        print_detail("answer", &text);
        append_tuning(&text, rule, "");
        print_detail("may be", &text);
        printf("    source: %s\n", rule->source);
        buf_fini(&rows[id].value);
        buf_fini(&rows[id].here);
    }
}

/* ---- for docs/fidelity.md ---- */

static void print_cell(struct buf *text)
{
    printf(" %s |", buf_terminate(text));
    buf_clear(text, 0);
}

static void print_markdown(void)
{
    CLEANUP(buf_fini) struct buf text = {0};

    puts("| id | what | value | answer | may be | tag | source |\n|---|---|---|---|---|---|---|");
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule *rule = rule_get(id);

        printf("| `%s` | %s |", rule->id, rule->what);
        append_value(&text, rule);
        print_cell(&text);
        append_answer(&text, rule, "`");
        print_cell(&text);
        append_tuning(&text, rule, "`");
        print_cell(&text);
        printf(" %s | %s |\n", rule_tag_name(rule->tag), rule->source);
    }
}

/* ---- for programs ---- */

static void write_text(struct json_writer *w, const char *name, const char *text)
{
    if (!text)
        return;
    json_key(w, name);
    json_string(w, span_of_str(text));
}

static void write_number(struct json_writer *w, const char *name, uint64_t number)
{
    if (!number)
        return;
    json_key(w, name);
    json_int(w, (int64_t)number);
}

static void write_tuning(struct json_writer *w, const struct rule *is, const struct rule *was)
{
    if (is->limit_unit) {
        json_key(w, "limit");
        json_int(w, (int64_t)is->limit);
        json_key(w, "limitByDefault");
        json_int(w, (int64_t)was->limit);
        write_text(w, "unit", is->limit_unit);
    }
    if (is->limit_max) {
        json_key(w, "limitMin");
        json_int(w, (int64_t)is->limit_min);
        json_key(w, "limitMax");
        json_int(w, (int64_t)is->limit_max);
    }
    if (!is->choices[0].name)
        return;
    write_text(w, "choice", is->choices[is->choice].name);
    write_text(w, "choiceByDefault", was->choices[was->choice].name);
    json_key(w, "choices");
    json_array_begin(w);
    for (size_t i = 0; i < RULE_CHOICES_MAX && is->choices[i].name; i++)
        json_string(w, span_of_str(is->choices[i].name));
    json_array_end(w);
}

static void print_json(void)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct json_writer w = {.out = &out};

    json_array_begin(&w);
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule *rule = rule_get(id);

        json_object_begin(&w);
        write_text(&w, "id", rule->id);
        write_text(&w, "what", rule->what);
        write_tuning(&w, rule, rule_default(id));
        write_number(&w, "closeCode", rule->close_code);
        write_text(&w, "closeReason", rule->close_reason);
        write_number(&w, "status", rule->http_status);
        write_text(&w, "errorType", rule->error_type);
        write_text(&w, "message", rule->message);
        write_text(&w, "tag", rule_tag_name(rule->tag));
        write_text(&w, "source", rule->source);
        write_text(&w, "todo", rule->remedy);
        json_object_end(&w);
    }
    json_array_end(&w);
    puts(buf_terminate(&out));
}

/* ---- the command ---- */

static const struct {
    const char *name;
    void (*print)(void);
} formats[] = {{"text", print_text}, {"markdown", print_markdown}, {"json", print_json}};

enum option_id { OPTION_FORMAT = 256, OPTION_HELP };

static const struct option long_options[] = {
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static int find_format(const struct cli_command *command, const char *name, size_t *ret)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(formats[i].name, name) == 0) {
            *ret = i;
            return CLI_OK;
        }
    return cli_usage_error(command, "--format takes text, markdown or json, not '%s'", name);
}

/* What a configuration tunes is shown too. */
static int tune(const char *path)
{
    struct config *config;

    if (service_load_config(path, &config) != CLI_OK)
        return CLI_USAGE;
    rules_apply(config->rules, config->rule_count);
    config_unref(config);
    return CLI_OK;
}

static int rules(const struct cli_command *self, int argc, char **argv)
{
    size_t format = 0;
    int id;

    optind = 0;
    while ((id = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        switch (id) {
        case OPTION_HELP: fputs(self->help, stdout); return CLI_OK;
        case OPTION_FORMAT:
            if (find_format(self, optarg, &format) != CLI_OK)
                return CLI_USAGE;
            break;
        case ':': return cli_usage_error(self, "%s needs a value", argv[optind - 1]);
        default: return cli_usage_error(self, "there is no option '%s'", argv[optind - 1]);
        }
    }
    if (argc - optind > 1)
        return cli_usage_error(self, "one CONFIG is enough; '%s' is another", argv[optind + 1]);
    if (optind < argc && tune(argv[optind]) != CLI_OK)
        return CLI_USAGE;
    formats[format].print();
    return CLI_OK;
}

const struct cli_command cli_rules = {
    .name = "rules",
    .summary = "show what is enforced, with AWS's numbers and where they are from",
    .help = "Usage: apigw rules [--format FORMAT] [CONFIG]\n"
            "Shows each rule: its id, as the log and \"rules\" in CONFIG name it; what it has\n"
            "on AWS and, if CONFIG tunes it, here; what a client is answered; what it may be\n"
            "tuned to; whether AWS documents it; and where it was learnt.\n"
            "\n"
            "      --format FORMAT  text (default), markdown or json\n"
            "      --help           show this help\n"
            "\n"
            "Exit status: 0, or 2 if the command line or CONFIG is wrong.\n",
    .run = rules,
};
