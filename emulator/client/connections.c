/* connections.c - apigw connections: who is connected to a running emulator, and how to be rid of them. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/percent.h"
#include "client/client.h"
#include "client/hints.h"
#include "client/http.h"
#include "client/place.h"
#include "client/printable.h"
#include "client/roster.h"

#define COLUMNS 10u

/* ---- the table ---- */

struct table {
    struct buf cells; /* COLUMNS for each row, a newline behind each; printable */
    size_t widths[COLUMNS];
    size_t rows;
};

static const char *const titles[COLUMNS] = {"ID",   "API", "STAGE", "SINCE", "IDLE",
                                            "LEFT", "IN",  "OUT",   "QUEUE", "PRINCIPAL"};

/* Those of numbers and durations stand at the right. */
static const bool at_right[COLUMNS] = {[4] = true, [5] = true, [6] = true, [7] = true, [8] = true};

static void put_cell(struct table *t, size_t column, struct span text)
{
    const size_t start = t->cells.len;
    size_t width = 0;

    printable_text(&t->cells, text, NULL);
    for (size_t i = start; i < t->cells.len; i++)
        width += (t->cells.ptr[i] & 0xc0) != 0x80 ? 1 : 0;
    t->widths[column] = width > t->widths[column] ? width : t->widths[column];
    buf_append_char(&t->cells, '\n');
}

static void put_text(struct table *t, size_t column, struct json_value connection, const char *name)
{
    CLEANUP(buf_fini) struct buf text = {0};

    if (!roster_text(connection, name, &text))
        buf_append_char(&text, '-');
    put_cell(t, column, buf_span(&text));
}

static void write_duration(struct buf *out, int64_t ms)
{
    const int64_t seconds = ms / 1000;

    if (ms < 0)
        buf_append_char(out, '-');
    else if (seconds >= 3600)
        buf_printf(out, "%" PRId64 "h%02dm", seconds / 3600, (int)(seconds / 60 % 60));
    else if (seconds >= 60)
        buf_printf(out, "%dm%02ds", (int)(seconds / 60), (int)(seconds % 60));
    else
        buf_printf(out, "%ds", (int)seconds);
}

static void put_duration(struct table *t, size_t column, struct json_value connection, const char *name)
{
    CLEANUP(buf_fini) struct buf text = {0};
    int64_t ms = -1;

    roster_number(connection, name, &ms);
    write_duration(&text, ms);
    put_cell(t, column, buf_span(&text));
}

static void put_number(struct table *t, size_t column, struct json_value connection, const char *name)
{
    CLEANUP(buf_fini) struct buf text = {0};
    int64_t value;

    if (roster_number(connection, name, &value))
        buf_printf(&text, "%" PRId64, value);
    else
        buf_append_char(&text, '-');
    put_cell(t, column, buf_span(&text));
}

/* The time of day of "2026-11-24T12:00:33.120Z": "12:00:33Z". */
static void put_time(struct table *t, size_t column, struct json_value connection, const char *name)
{
    CLEANUP(buf_fini) struct buf text = {0};

    roster_text(connection, name, &text);
    if (text.len < 19 || text.ptr[10] != 'T')
        put_cell(t, column, text.len ? buf_span(&text) : SPAN("-"));
    else {
        buf_append_char(&text, 'Z');
        text.ptr[19] = 'Z';
        put_cell(t, column, span_of(text.ptr + 11, 9));
    }
}

static bool add_row(void *arg, struct json_value connection)
{
    struct table *t = arg;

    put_text(t, 0, connection, "id");
    put_text(t, 1, connection, "api");
    put_text(t, 2, connection, "stage");
    put_time(t, 3, connection, "connectedAt");
    put_duration(t, 4, connection, "idleLeftMs");
    put_duration(t, 5, connection, "lifetimeLeftMs");
    put_number(t, 6, connection, "received.messages");
    put_number(t, 7, connection, "sent.messages");
    put_number(t, 8, connection, "queue.messages");
    put_text(t, 9, connection, "principalId");
    t->rows++;
    return true;
}

static size_t characters(struct span text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += (text.ptr[i] & 0xc0) != 0x80 ? 1 : 0;
    return n;
}

static void print_cell(const struct table *t, size_t column, struct span text)
{
    const int pad = (int)(t->widths[column] - characters(text));

    if (at_right[column])
        printf("%*s" SPAN_FMT, pad, "", SPAN_ARG(text));
    else if (column + 1 < COLUMNS)
        printf(SPAN_FMT "%*s", SPAN_ARG(text), pad, "");
    else
        printf(SPAN_FMT, SPAN_ARG(text));
    fputs(column + 1 < COLUMNS ? "  " : "\n", stdout);
}

static void print_table(struct table *t)
{
    const char *at = t->cells.ptr;

    for (size_t i = 0; i < COLUMNS; i++)
        t->widths[i] = strlen(titles[i]) > t->widths[i] ? strlen(titles[i]) : t->widths[i];
    for (size_t i = 0; i < COLUMNS; i++)
        print_cell(t, i, span_of_str(titles[i]));
    for (size_t i = 0; i < t->rows * COLUMNS; i++) {
        const char *end = strchr(at, '\n');

        print_cell(t, i % COLUMNS, span_of(at, (size_t)(end - at)));
        at = end + 1;
    }
}

/* ---- listing ---- */

struct wanted {
    struct place place;
    const char *kick; /* NULL: list them */
    bool json;
    bool help;
};

static bool print_json(void *arg, struct json_value connection)
{
    CLEANUP(buf_fini) struct buf line = {0};
    size_t *count = arg;

    printable_compact(&line, connection);
    printf("%s" SPAN_FMT, *count ? ",\n " : "", SPAN_ARG(buf_span(&line)));
    ++*count;
    return true;
}

static int list(const struct client_command *self, const struct wanted *wanted, const char *origin)
{
    CLEANUP(buf_fini) struct buf error = {0};
    const struct roster_wish wish = {.origin = origin,
                                     .api = wanted->place.target.api,
                                     .stage = wanted->place.target.stage,
                                     .pages_max = ROSTER_PAGES_MAX};
    struct table table = {0};
    size_t count = 0;
    int r;

    if (wanted->json) {
        putchar('[');
        r = roster_walk(&wish, &wanted->place.transfer, print_json, &count, &error);
        puts("]");
    } else {
        r = roster_walk(&wish, &wanted->place.transfer, add_row, &table, &error);
        if (r == 0) {
            buf_terminate(&table.cells);
            print_table(&table);
        }
    }
    buf_fini(&table.cells);
    if (r < 0)
        return client_failure(self, "%s", buf_terminate(&error));
    return fflush(stdout) == 0 ? CLIENT_OK : client_failure(self, "standard output takes no more");
}

/* ---- closing ---- */

static int kick(const struct client_command *self, const struct wanted *wanted, const char *origin)
{
    CLEANUP(http_response_fini) struct http_response response = {0};
    CLEANUP(buf_fini) struct buf url = {0}, text = {0};
    struct http_request request = {.method = "DELETE", .json = true};

    buf_printf(&url, "%s/_apigw/connections/", origin);
    percent_encode(&url, span_of_str(wanted->kick), "");
    request.url = buf_terminate(&url);
    if (http_send(&request, &wanted->place.transfer, &response, &text) < 0)
        return client_failure(self, "%s", buf_terminate(&text));
    if (response.status >= 200 && response.status < 300)
        return CLIENT_OK;
    http_describe(&response, &text);
    return client_failure(self, "connection %s was not closed: %s", wanted->kick, buf_terminate(&text));
}

/* ---- the command ---- */

enum option_id { OPTION_JSON = 256, OPTION_HELP };

static const struct option long_options[] = {
    PLACE_LONG_OPTIONS,
    {"url", required_argument, NULL, PLACE_URL},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static int take_option(const struct client_command *command, int id, char **argv, struct wanted *ret)
{
    switch (id) {
    case OPTION_JSON: ret->json = true; return CLIENT_OK;
    case OPTION_HELP: ret->help = true; return CLIENT_OK;
    default: return place_take(command, &ret->place, id, argv);
    }
}

static int take_arguments(const struct client_command *command, int count, char **arguments, struct wanted *ret)
{
    if (count == 0)
        return CLIENT_OK;
    if (strcmp(arguments[0], "kick") != 0)
        return client_usage_error(command, "'%s' is nothing that can be done: 'kick ID' closes a connection",
                                  arguments[0]);
    if (count < 2 || !*arguments[1])
        return client_usage_error(command, "which connection? 'apigw connections' lists their IDs");
    if (count > 2)
        return client_usage_error(command, "'%s' is one argument too many", arguments[2]);
    ret->kick = arguments[1];
    return CLIENT_OK;
}

static int parse(const struct client_command *command, int argc, char **argv, struct wanted *ret)
{
    int id, status = CLIENT_OK;

    *ret = (struct wanted){0};
    place_init(&ret->place);
    for (optind = 0; status == CLIENT_OK && (id = getopt_long(argc, argv, ":", long_options, NULL)) != -1;)
        status = take_option(command, id, argv, ret);
    if (status != CLIENT_OK || ret->help)
        return status;
    return take_arguments(command, argc - optind, argv + optind, ret);
}

static int connections(const struct client_command *self, int argc, char **argv)
{
    CLEANUP(buf_fini) struct buf error = {0};
    CLEANUP(free) char *origin = NULL;
    struct wanted wanted;
    int status = parse(self, argc, argv, &wanted);

    if (status == CLIENT_OK && wanted.help)
        fputs(self->help, stdout);
    if (status != CLIENT_OK || wanted.help)
        return status;
    if (target_find_origin(&wanted.place.target, &origin, &error) < 0)
        return client_usage_error(self, "%s", buf_terminate(&error));
    return wanted.kick ? kick(self, &wanted, origin) : list(self, &wanted, origin);
}

const struct client_command client_connections = {
    .name = "connections",
    .help = "Usage: apigw connections [OPTION]...\n"
            "       apigw connections [OPTION]... kick ID\n"
            "Lists the clients that are connected to a running emulator: since when, how long\n"
            "until they are closed as idle (IDLE) and in any case (LEFT), the messages that came\n"
            "IN and went OUT, and those that wait because the client does not read (QUEUE).\n"
            "'kick' closes one, as DELETE @connections does.\n"
            "\n"
            "      --json               print them as JSON, with all there is to know\n"
            "      --url URL            http://HOST:PORT (default: APIGW_WEBSOCKET_URL, else the\n"
            "                           emulator that runs)\n" PLACE_HELP "      --help               show this help\n"
            "\n"
            "Exit status: 0; 1 if nobody answers, it is no apigw, or there is no such connection;\n"
            "2 if the command line is wrong.\n",
    .run = connections,
};
