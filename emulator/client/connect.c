/* connect.c - apigw connect: the command line, the handshake, and a refusal that is explained. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/hints.h"
#include "client/place.h"
#include "client/printable.h"
#include "client/session.h"
#include "client/sign.h"

#define BODY_WIDTH 100u
#define BODY_SHOWN_MAX 4096u

enum option_id {
    OPTION_COLOR = 256,
    OPTION_EXPECT,
    OPTION_FRAGMENT,
    OPTION_FULL,
    OPTION_HEADER,
    OPTION_HELP,
    OPTION_NO_TIMESTAMPS,
    OPTION_NULL,
    OPTION_PRETTY,
    OPTION_SCRIPT,
    OPTION_SEND,
    OPTION_SIGN,
    OPTION_SUBPROTOCOL,
    OPTION_TIMESTAMPS,
    OPTION_VERBOSE,
    OPTION_WAIT,
};

static const struct option long_options[] = {
    PLACE_LONG_OPTIONS,
    {"color", required_argument, NULL, OPTION_COLOR},
    {"expect", required_argument, NULL, OPTION_EXPECT},
    {"fragment", no_argument, NULL, OPTION_FRAGMENT},
    {"full", no_argument, NULL, OPTION_FULL},
    {"header", required_argument, NULL, OPTION_HEADER},
    {"help", no_argument, NULL, OPTION_HELP},
    {"no-timestamps", no_argument, NULL, OPTION_NO_TIMESTAMPS},
    {"null", no_argument, NULL, OPTION_NULL},
    {"pretty", no_argument, NULL, OPTION_PRETTY},
    {"script", required_argument, NULL, OPTION_SCRIPT},
    {"send", required_argument, NULL, OPTION_SEND},
    {"sign", no_argument, NULL, OPTION_SIGN},
    {"subprotocol", required_argument, NULL, OPTION_SUBPROTOCOL},
    {"timestamps", no_argument, NULL, OPTION_TIMESTAMPS},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"wait", required_argument, NULL, OPTION_WAIT},
    {NULL, 0, NULL, 0},
};

struct wanted {
    struct place place;
    struct handshake_wish wish;
    struct session session;
    const char *script; /* NULL: none */
    const char *texts[SCRIPT_TEXTS_MAX];
    size_t text_count;
    enum screen_colour colour;
    int timestamps; /* -1: as usual */
    bool verbose;
    bool help;
};

/* ---- the command line ---- */

static int take_header(const struct client_command *command, struct wanted *w)
{
    CLEANUP(buf_fini) struct buf error = {0};

    if (!handshake_header_is_fine(optarg, &error))
        return client_usage_error(command, "--header: %s", buf_terminate(&error));
    if (w->wish.header_count == HANDSHAKE_HEADERS_MAX)
        return client_usage_error(command, "there are at most %u headers", HANDSHAKE_HEADERS_MAX);
    if (strncasecmp(optarg, "user-agent:", strlen("user-agent:")) == 0)
        w->session.own_user_agent = true;
    w->wish.headers[w->wish.header_count++] = optarg;
    return CLIENT_OK;
}

static int take_subprotocol(const struct client_command *command, struct wanted *w)
{
    CLEANUP(buf_fini) struct buf error = {0};

    if (!handshake_subprotocol_is_fine(optarg, &error))
        return client_usage_error(command, "--subprotocol: %s", buf_terminate(&error));
    if (w->wish.subprotocol_count == HANDSHAKE_HEADERS_MAX)
        return client_usage_error(command, "there are at most %u subprotocols", HANDSHAKE_HEADERS_MAX);
    w->wish.subprotocols[w->wish.subprotocol_count++] = optarg;
    return CLIENT_OK;
}

static int take_send(const struct client_command *command, struct wanted *w)
{
    if (w->text_count == SCRIPT_TEXTS_MAX)
        return client_usage_error(command, "there are at most %u texts to --send; --script has room for more",
                                  SCRIPT_TEXTS_MAX);
    w->texts[w->text_count++] = optarg;
    return CLIENT_OK;
}

static int take_expect(const struct client_command *command, struct wanted *w)
{
    char *end;
    const unsigned long value = strtoul(optarg, &end, 10);

    if (*optarg < '0' || *optarg > '9' || *end || value == 0 || value > 1000000000)
        return client_usage_error(command, "--expect takes a number of messages, from 1 on, not '%s'", optarg);
    w->session.expected = value;
    return CLIENT_OK;
}

static int take_wait(const struct client_command *command, struct wanted *w)
{
    if (place_seconds(optarg, &w->session.wait_ms) < 0)
        return client_usage_error(command, "--wait takes seconds, at most a day, not '%s'", optarg);
    w->session.has_wait = true;
    return CLIENT_OK;
}

static int take_colour(const struct client_command *command, struct wanted *w)
{
    static const char *const names[] = {
        [SCREEN_COLOUR_AUTO] = "auto", [SCREEN_COLOUR_ALWAYS] = "always", [SCREEN_COLOUR_NEVER] = "never"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(optarg, names[i]) == 0) {
            w->colour = (enum screen_colour)i;
            return CLIENT_OK;
        }
    return client_usage_error(command, "--color takes auto, always or never, not '%s'", optarg);
}

static int take_option(const struct client_command *command, int id, char **argv, struct wanted *w)
{
    switch (id) {
    case OPTION_COLOR: return take_colour(command, w);
    case OPTION_EXPECT: return take_expect(command, w);
    case OPTION_FRAGMENT: w->session.fragment = true; return CLIENT_OK;
    case OPTION_FULL: w->session.screen.full = true; return CLIENT_OK;
    case OPTION_HEADER: return take_header(command, w);
    case OPTION_HELP: w->help = true; return CLIENT_OK;
    case OPTION_NO_TIMESTAMPS: w->timestamps = 0; return CLIENT_OK;
    case OPTION_NULL: w->session.screen.nul = true; return CLIENT_OK;
    case OPTION_PRETTY: w->session.screen.pretty = true; return CLIENT_OK;
    case OPTION_SCRIPT: w->script = optarg; return CLIENT_OK;
    case OPTION_SEND: return take_send(command, w);
    case OPTION_SIGN: w->wish.sign = true; return CLIENT_OK;
    case OPTION_SUBPROTOCOL: return take_subprotocol(command, w);
    case OPTION_TIMESTAMPS: w->timestamps = 1; return CLIENT_OK;
    case OPTION_VERBOSE: w->verbose = true; return CLIENT_OK;
    case OPTION_WAIT: return take_wait(command, w);
    default: return place_take(command, &w->place, id, argv);
    }
}

/* What does not go together. */
static int check(const struct client_command *command, const struct wanted *w)
{
    const bool script = w->script || w->text_count || !editor_is_possible();

    if (w->script && w->text_count)
        return client_usage_error(command, "--script and --send are two ways to say what is sent; take one");
    if (!script && (w->session.expected || w->session.has_wait || w->session.screen.nul || w->session.screen.pretty))
        return client_usage_error(command,
                                  "--expect, --wait, --null and --pretty are for scripts: say what is sent with "
                                  "--send or --script, or on standard input");
    if (w->session.screen.nul && (w->session.screen.pretty || w->timestamps == 1))
        return client_usage_error(command, "--null prints messages as they came, so no --pretty and no --timestamps");
    if (w->wish.sign && !sign_is_possible())
        return client_usage_error(command, "--sign needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    return CLIENT_OK;
}

static int parse(const struct client_command *command, int argc, char **argv, struct wanted *w)
{
    int id, status = CLIENT_OK;

    place_init(&w->place);
    w->timestamps = -1;
    for (optind = 0; status == CLIENT_OK && (id = getopt_long(argc, argv, ":", long_options, NULL)) != -1;)
        status = take_option(command, id, argv, w);
    if (status != CLIENT_OK || w->help)
        return status;
    if (argc - optind > 1)
        return client_usage_error(command, "one URL is enough; '%s' is another", argv[optind + 1]);
    w->place.target.url = optind < argc ? argv[optind] : NULL;
    return check(command, w);
}

/* ---- a refusal ---- */

static void describe_body(const struct handshake_answer *answer, bool colour, struct buf *out)
{
    const struct printable_style style = {
        .colour = colour, .indent = 2, .width = BODY_WIDTH, .bytes_max = BODY_SHOWN_MAX};
    struct span body = buf_span(&answer->body);
    struct json_value value;

    if (!body.len)
        return;
    buf_append_str(out, "  ");
    if (json_parse(body, &value, NULL) == 0)
        printable_json(out, value, &style);
    else
        printable_text(out, span_of(body.ptr, body.len < BODY_SHOWN_MAX ? body.len : BODY_SHOWN_MAX), "\n  ");
    buf_append_char(out, '\n');
}

static void add_header(const struct handshake_answer *answer, const char *name, struct buf *out)
{
    const struct span value = handshake_find(answer, name);

    if (!value.ptr)
        return;
    buf_printf(out, "  %s: ", name);
    printable_text(out, value, NULL);
    buf_append_char(out, '\n');
}

static int refused(const struct handshake_answer *answer, const struct url *url)
{
    CLEANUP(free) char *where = url_websocket(url);
    CLEANUP(buf_fini) struct buf out = {0};
    const char *hint = hint_refused(answer->status, handshake_find(answer, "x-amzn-errortype"), url->path[1] != '\0');
    const char *no_colour = getenv("NO_COLOR");

    buf_append_str(&out, "apigw connect: ");
    printable_text(&out, span_of_str(where), NULL);
    buf_printf(&out, " has refused: %u ", answer->status);
    printable_text(&out, buf_span(&answer->reason), NULL);
    buf_append_char(&out, '\n');
    add_header(answer, "x-amzn-ErrorType", &out);
    add_header(answer, "Location", &out);
    describe_body(answer, isatty(STDERR_FILENO) && !(no_colour && *no_colour), &out);
    if (hint)
        buf_printf(&out, "  %s\n", hint);
    fwrite(out.ptr, 1, out.len, stderr);
    return CLIENT_FAILED;
}

/* ---- the handshake ---- */

static void print_head(const char *mark, struct span head)
{
    CLEANUP(buf_fini) struct buf out = {0};

    while (head.len) {
        const char *end = memchr(head.ptr, '\n', head.len);
        const size_t len = end ? (size_t)(end - head.ptr) : head.len;

        buf_append_str(&out, mark);
        printable_text(&out, span_of(head.ptr, len > 0 && head.ptr[len - 1] == '\r' ? len - 1 : len), NULL);
        buf_append_char(&out, '\n');
        head = span_from(head, end ? len + 1 : len);
    }
    fwrite(out.ptr, 1, out.len, stderr);
}

static void on_request(void *arg, struct span head)
{
    print_head("> ", head);
}

static void print_answer(const struct handshake_answer *answer)
{
    CLEANUP(buf_fini) struct buf head = {0};

    if (!answer->status)
        return;
    buf_printf(&head, "HTTP/1.1 %u " SPAN_FMT "\n", answer->status, SPAN_ARG(buf_span(&answer->reason)));
    for (size_t i = 0; i < answer->header_count; i++)
        buf_printf(&head, SPAN_FMT ": " SPAN_FMT "\n", SPAN_ARG(buf_span(&answer->headers[i].name)),
                   SPAN_ARG(buf_span(&answer->headers[i].value)));
    buf_append_char(&head, '\n');
    print_head("< ", buf_span(&head));
}

static int open_link(const struct client_command *self, struct wanted *w, const struct url *url,
                     struct handshake_answer *ret_answer)
{
    CLEANUP(buf_fini) struct buf error = {0};
    const struct link_settings settings = {.url = url,
                                           .transfer = &w->place.transfer,
                                           .wish = &w->wish,
                                           .events = &session_events,
                                           .arg = &w->session,
                                           .on_request = w->verbose ? on_request : NULL};

    w->session.link = link_open(&settings, ret_answer, &error);
    if (w->verbose)
        print_answer(ret_answer);
    if (w->session.link)
        return CLIENT_OK;
    return error.len ? client_failure(self, "%s", buf_terminate(&error)) : refused(ret_answer, url);
}

/* ---- the conversation ---- */

static void greet(struct session *s, const struct handshake_answer *answer)
{
    CLEANUP(free) char *where = url_websocket(s->url);
    CLEANUP(buf_fini) struct buf id = {0};
    const struct span subprotocol = handshake_find(answer, "sec-websocket-protocol");

    screen_note(&s->screen, "connected to %s", where);
    if (subprotocol.len)
        screen_note(&s->screen, "subprotocol " SPAN_FMT, SPAN_ARG(subprotocol));
    if (commands_find_id(s, &id))
        screen_note(&s->screen, "connection id " SPAN_FMT, SPAN_ARG(buf_span(&id)));
    screen_note(&s->screen, "/help lists commands, Ctrl-D closes");
}

static int open_script(const struct client_command *self, struct wanted *w)
{
    CLEANUP(buf_fini) struct buf error = {0};

    if (w->text_count)
        w->session.script = script_of_texts(w->texts, w->text_count);
    else if (w->script || !editor_is_possible())
        w->session.script = script_open(w->script ? w->script : "-", &error);
    return error.len ? client_usage_error(self, "%s", buf_terminate(&error)) : CLIENT_OK;
}

static int talk(struct wanted *w, const struct handshake_answer *answer)
{
    struct session *s = &w->session;
    int status;

    s->screen.timestamps = w->timestamps == -1 ? !s->script : w->timestamps == 1;
    s->screen.colour = screen_wants_colour(w->colour);
    if (!s->script) {
        s->screen.editor = editor_new("> ", commands_names);
        greet(s, answer);
    }
    status = session_run(s);
    editor_free(s->screen.editor);
    return status;
}

static int connect_and_talk(const struct client_command *self, struct wanted *w, const struct url *url)
{
    struct handshake_answer answer = {0};
    int status = open_script(self, w);

    w->session.url = url;
    w->session.transfer = &w->place.transfer;
    if (status == CLIENT_OK)
        status = open_link(self, w, url, &answer);
    if (status == CLIENT_OK)
        status = talk(w, &answer);
    link_free(w->session.link);
    script_close(w->session.script);
    handshake_answer_fini(&answer);
    return status;
}

static int run(const struct client_command *self, int argc, char **argv)
{
    CLEANUP(free) struct wanted *wanted = mem_zalloc(sizeof(*wanted));
    CLEANUP(buf_fini) struct buf error = {0};
    CLEANUP(url_fini) struct url url = {0};
    const int status = parse(self, argc, argv, wanted);

    if (status == CLIENT_OK && wanted->help)
        fputs(self->help, stdout);
    if (status != CLIENT_OK || wanted->help)
        return status;
    if (target_find(&wanted->place.target, URL_WEBSOCKET, &url, &error) < 0)
        return client_usage_error(self, "%s", buf_terminate(&error));
    place_follow(&wanted->place, &url);
    return connect_and_talk(self, wanted, &url);
}

const struct client_command client_connect = {
    .name = "connect",
    .help = "Usage: apigw connect [OPTION]... [URL]\n"
            "Connects to a WebSocket API, and sends each line that is typed as a message; what\n"
            "comes is shown above, with the time, and JSON laid out. URL is ws://HOST:PORT/STAGE\n"
            "or wss://…; without it, APIGW_WEBSOCKET_URL, else the emulator that runs. /help lists\n"
            "what else can be typed; Ctrl-D closes.\n"
            "\n"
            "      --header 'NAME: VALUE'\n"
            "                           send this header with the handshake, too\n"
            "      --subprotocol NAME   offer a subprotocol; may be given several times\n"
            "      --sign               sign the handshake (AWS_IAM) with AWS_ACCESS_KEY_ID, …\n"
            "      --fragment           send messages as frames of at most 4 KB\n"
            "      --full               show messages whole, however long they are\n"
            "      --timestamps         show when a message came; --no-timestamps does not\n"
            "      --no-timestamps      (default: in a terminal)\n"
            "      --color WHEN         auto (default), always or never\n"
            "      --verbose            show the handshake\n" PLACE_HELP "      --help               show this help\n"
            "\n"
            "Without a terminal on standard input it is a script: each line is sent, commands such\n"
            "as /ping and '/wait N' too, and each message that comes is a line of standard output.\n"
            "\n"
            "      --script FILE        take the lines from FILE; - is standard input\n"
            "      --send TEXT          send TEXT, and nothing else; may be given several times\n"
            "      --expect N           end when N messages have come\n"
            "      --wait SECONDS       how long N messages may take (default 10); without --expect:\n"
            "                           end when nothing has come for that long (default 1)\n"
            "      --pretty             lay out JSON\n"
            "      --null               print messages as they came, with a NUL behind each\n"
            "\n"
            "Exit status: 0 if we closed; 1 if it was refused or not reached; 2 if the command line\n"
            "or a line of a script is wrong; 3 if the server closed, or the connection broke; 4 if\n"
            "too few messages came in time; 130 after a second Ctrl-C.\n",
    .run = run,
};
