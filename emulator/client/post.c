/* post.c - apigw post: one message to one client, as a handler or an SDK would send it. */
#include "client/post.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/percent.h"
#include "cli/input.h"
#include "client/client.h"
#include "client/hints.h"
#include "client/http.h"
#include "client/place.h"

#define BODY_MAX ((size_t)16 * 1024 * 1024) /* the server says what is too much; this is what is read at all */

int post_send(const struct post_request *request, const struct transfer_options *options, struct buf *ret_error)
{
    CLEANUP(http_response_fini) struct http_response response = {0};
    CLEANUP(buf_fini) struct buf url = {0}, answer = {0};
    struct http_request http = {.method = "POST", .sign = true, .body = request->body};
    const char *hint;

    if (!http.body.ptr)
        http.body = SPAN("");
    buf_printf(&url, "%s/", request->connections);
    percent_encode(&url, request->id, "");
    http.url = buf_terminate(&url);
    if (http_send(&http, options, &response, ret_error) < 0)
        return CLIENT_FAILED;
    if (response.status >= 200 && response.status < 300)
        return CLIENT_OK;
    http_describe(&response, &answer);
    hint = hint_connections(response.status, buf_span(&response.error_type));
    if (response.status == 410)
        buf_printf(ret_error, "connection " SPAN_FMT " is gone (" SPAN_FMT ")", SPAN_ARG(request->id),
                   SPAN_ARG(buf_span(&answer)));
    else
        buf_printf(ret_error, "the post was refused: " SPAN_FMT, SPAN_ARG(buf_span(&answer)));
    if (hint)
        buf_printf(ret_error, "\n%s", hint);
    return CLIENT_FAILED;
}

/* ---- the command ---- */

enum option_id { OPTION_FILE = 256, OPTION_HELP };

static const struct option long_options[] = {
    PLACE_LONG_OPTIONS,
    {"url", required_argument, NULL, PLACE_URL},
    {"file", required_argument, NULL, OPTION_FILE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

struct wanted {
    struct place place;
    const char *id;
    const char *text;
    const char *file;
    bool help;
};

static int take_option(const struct client_command *command, int id, char **argv, struct wanted *ret)
{
    switch (id) {
    case OPTION_FILE: ret->file = optarg; return CLIENT_OK;
    case OPTION_HELP: ret->help = true; return CLIENT_OK;
    default: return place_take(command, &ret->place, id, argv);
    }
}

static int take_arguments(const struct client_command *command, int count, char **arguments, struct wanted *ret)
{
    if (count < 1 || !*arguments[0])
        return client_usage_error(command, "which connection? 'apigw connections' lists their IDs");
    if (count < 2 && !ret->file)
        return client_usage_error(command, "what is to be posted? A TEXT, - for standard input, or --file FILE");
    if (count > (ret->file ? 1 : 2))
        return client_usage_error(command, "'%s' is one argument too many", arguments[ret->file ? 1 : 2]);
    ret->id = arguments[0];
    ret->text = count > 1 ? arguments[1] : NULL;
    if (ret->text && strcmp(ret->text, "-") == 0)
        ret->file = "-";
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

static int post(const struct client_command *self, int argc, char **argv)
{
    CLEANUP(buf_fini) struct buf error = {0}, body = {0};
    CLEANUP(url_fini) struct url url = {0};
    CLEANUP(free) char *connections = NULL;
    struct post_request request;
    struct wanted wanted;
    int status = parse(self, argc, argv, &wanted);

    if (status == CLIENT_OK && wanted.help)
        fputs(self->help, stdout);
    if (status != CLIENT_OK || wanted.help)
        return status;
    if (target_find(&wanted.place.target, URL_MANAGEMENT, &url, &error) < 0 ||
        (wanted.file && input_read(wanted.file, BODY_MAX, &body, &error) < 0))
        return client_usage_error(self, "%s", buf_terminate(&error));
    place_follow(&wanted.place, &url);
    connections = url_connections(&url);
    request = (struct post_request){.connections = connections,
                                    .id = span_of_str(wanted.id),
                                    .body = wanted.file ? buf_span(&body) : span_of_str(wanted.text)};
    status = post_send(&request, &wanted.place.transfer, &error);
    if (status != CLIENT_OK)
        client_failure(self, "%s", buf_terminate(&error));
    return status;
}

const struct client_command client_post = {
    .name = "post",
    .help = "Usage: apigw post [OPTION]... ID TEXT|-\n"
            "       apigw post [OPTION]... ID --file FILE\n"
            "Sends a message to the client whose connection has that ID, through @connections,\n"
            "as handlers and AWS SDKs do. TEXT is the message, - takes it from standard input.\n"
            "Nothing is printed if it was sent.\n"
            "\n"
            "      --file FILE          what to send\n"
            "      --url URL            http://HOST:PORT/STAGE, or the WebSocket's URL (default:\n"
            "                           APIGW_WEBSOCKET_URL, else the emulator that runs)\n" PLACE_HELP
            "      --help               show this help\n"
            "\n"
            "It is signed if AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set.\n"
            "\n"
            "Exit status: 0 if it was sent; 1 if the connection is gone, or it was refused, or\n"
            "nobody answers; 2 if the command line is wrong.\n",
    .run = post,
};
