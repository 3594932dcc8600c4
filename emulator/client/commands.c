/* commands.c - see commands.h. One table. */
#include "client/commands.h"

#include <arpa/inet.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/hints.h"
#include "client/post.h"
#include "client/roster.h"

#define ID_TIMEOUT_MS 1000 /* it is looked for before a person can type */
#define ID_PAGES_MAX 50u

/* ---- the connection's id ---- */

/* AWS tells a client no id, and so does the emulator; but its list of connections has the client's port. A stranger on
 * the Internet is not asked: 10/8, 172.16/12, 192.168/16, 127/8, 169.254/16, and of IPv6 ::1, fc00::/7, fe80::/10. */
static bool is_near(const char *address)
{
    unsigned char b[16];

    if (inet_pton(AF_INET, address, b) == 1)
        return b[0] == 127 || b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
               (b[0] == 169 && b[1] == 254);
    if (inet_pton(AF_INET6, address, b) != 1)
        return false;
    return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) ||
           memcmp(b, &in6addr_loopback, sizeof(b)) == 0;
}

struct search {
    const struct session *session;
    struct buf *id;
    unsigned found;
};

static bool on_connection(void *arg, struct json_value connection)
{
    CLEANUP(buf_fini) struct buf agent = {0};
    struct search *search = arg;
    int64_t port;

    if (!roster_number(connection, "sourcePort", &port) || port != (int64_t)link_local_port(search->session->link))
        return true;
    roster_text(connection, "userAgent", &agent);
    if (!search->session->own_user_agent && !span_equal(buf_span(&agent), SPAN("apigw/" APIGW_VERSION)))
        return true;
    buf_clear(search->id, SIZE_MAX);
    search->found += roster_text(connection, "id", search->id) ? 1 : 0;
    return true;
}

/* By its address: a custom domain's name is none that the emulator answers under. */
static char *origin_of(const struct session *s)
{
    const char *address = link_peer_address(s->link);
    const char *colon = s->transfer->connect_to ? strrchr(s->transfer->connect_to, ':') : NULL;
    const bool v6 = strchr(address, ':') != NULL;

    return mem_printf("%s://%s%s%s:%s", s->url->secure ? "https" : "http", v6 ? "[" : "", address, v6 ? "]" : "",
                      colon ? colon + 1 : s->url->port);
}

bool commands_find_id(const struct session *s, struct buf *out)
{
    CLEANUP(free) char *origin = origin_of(s);
    CLEANUP(buf_fini) struct buf error = {0};
    const struct roster_wish wish = {.origin = origin, .pages_max = ID_PAGES_MAX};
    struct transfer_options options = {.timeout_ms = ID_TIMEOUT_MS, .insecure = true};
    struct search search = {s, out, 0};

    /* Not checking the certificate is no loss: it was checked for the name, and this asks by the address. */
    if (!is_near(link_peer_address(s->link)) || roster_walk(&wish, &options, on_connection, &search, &error) < 0)
        return false;
    return search.found == 1;
}

/* ---- words ---- */

static struct span trim(struct span s)
{
    while (s.len && s.ptr[0] == ' ')
        s = span_from(s, 1);
    while (s.len && s.ptr[s.len - 1] == ' ')
        s.len--;
    return s;
}

/* The first word, which is taken off. */
static struct span take_word(struct span *rest)
{
    const char *blank = rest->len ? memchr(rest->ptr, ' ', rest->len) : NULL;
    const struct span word = span_of(rest->ptr, blank ? (size_t)(blank - rest->ptr) : rest->len);

    *rest = trim(span_from(*rest, word.len));
    return word;
}

static bool read_number(struct span text, unsigned max, unsigned *ret)
{
    unsigned value = 0;

    if (text.len == 0 || text.len > 9)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text.ptr[i] - '0');
    }
    *ret = value;
    return value <= max;
}

/* ---- what each does ---- */

static bool help(struct session *s, struct span rest);

/* RFC 6455, section 7.4: those that an endpoint may send. */
static bool may_be_sent(unsigned code)
{
    return code >= 1000 && code <= 4999 && (code < 1004 || code > 1006) && code != 1015 &&
           (code < 1016 || code >= 3000);
}

static bool close_link(struct session *s, struct span rest)
{
    const struct span word = take_word(&rest);
    unsigned code = 1000;

    if (word.len && (!read_number(word, 4999, &code) || !may_be_sent(code))) {
        screen_error(&s->screen,
                     "/close wants a code that a client may send: 1000 to 1003, 1007 to 1014, or 3000 to 4999");
        return false;
    }
    if (rest.len > LINK_REASON_MAX) {
        screen_error(&s->screen, "the reason of a close has at most %u bytes", LINK_REASON_MAX);
        return false;
    }
    session_close(s, code, rest);
    return true;
}

static bool quit(struct session *s, struct span rest)
{
    session_close(s, 1000, SPAN(""));
    return true;
}

static bool ping(struct session *s, struct span rest)
{
    CLEANUP(buf_fini) struct buf payload = {0};

    if (rest.len > LINK_CONTROL_MAX) {
        screen_error(&s->screen, "a ping has at most %u bytes", LINK_CONTROL_MAX);
        return false;
    }
    buf_append(&payload, rest);
    if (!rest.len)
        buf_printf(&payload, "%zu", ++s->ping_number);
    if (s->ping_count < SESSION_PINGS_MAX) {
        memcpy(s->pings[s->ping_count].payload, payload.ptr, payload.len);
        s->pings[s->ping_count].len = payload.len;
        s->pings[s->ping_count++].sent_ns = clock_mono_ns();
    }
    link_ping(s->link, buf_span(&payload));
    return true;
}

static bool post(struct session *s, struct span rest)
{
    CLEANUP(free) char *base = url_connections(s->url);
    CLEANUP(buf_fini) struct buf error = {0};
    const struct span id = take_word(&rest);
    const struct post_request request = {.connections = base, .id = id, .body = rest};

    if (!id.len || !rest.len) {
        screen_error(&s->screen, "/post wants an ID and a TEXT");
        return false;
    }
    if (post_send(&request, s->transfer, &error) == CLIENT_OK) {
        if (s->screen.editor)
            screen_note(&s->screen, "posted to " SPAN_FMT, SPAN_ARG(id));
        return true;
    }
    screen_error(&s->screen, SPAN_FMT, SPAN_ARG(buf_span(&error)));
    session_fail(s, CLIENT_FAILED);
    return true;
}

static bool show_id(struct session *s, struct span rest)
{
    CLEANUP(buf_fini) struct buf id = {0};

    if (commands_find_id(s, &id))
        screen_note(&s->screen, "connection id " SPAN_FMT, SPAN_ARG(buf_span(&id)));
    else
        screen_note(&s->screen, "the connection's id is not known: API Gateway does not tell clients, and this is no "
                                "apigw, or one that cannot be asked");
    return true;
}

static bool await(struct session *s, struct span rest)
{
    unsigned count = 1;

    if (!s->script) {
        screen_error(&s->screen, "/wait is for scripts");
        return false;
    }
    if (rest.len && (!read_number(rest, 1000000, &count) || count == 0)) {
        screen_error(&s->screen, "/wait wants a number of messages, from 1 to 1000000");
        return false;
    }
    s->awaited += count;
    return true;
}

static const struct command {
    const char *name;
    const char *arguments;
    const char *what;
    bool (*run)(struct session *s, struct span rest);
} commands[] = {
    {"/help", "", "show this", help},
    {"/close", "[CODE [REASON]]", "close; with 1000 if no CODE is given", close_link},
    {"/ping", "[TEXT]", "send a ping, and time its pong", ping},
    {"/post", "ID TEXT", "send TEXT to another connection", post},
    {"/id", "", "show this connection's id", show_id},
    {"/wait", "[N]", "in a script: await N more messages", await},
    {"/quit", "", "close with 1000", quit},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const char *const commands_names[COMMAND_COUNT + 1] = {"/help", "/close", "/ping", "/post", "/id", "/quit", NULL};

static bool help(struct session *s, struct span rest)
{
    CLEANUP(buf_fini) struct buf text = {0};

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buf_printf(&text, "%s%s %-*s %s", i ? "\n" : "", commands[i].name, (int)(22 - strlen(commands[i].name)),
                   commands[i].arguments, commands[i].what);
    buf_append_str(&text, "\n//text                  send a text that begins with '/'\n"
                          "Ctrl-D, Ctrl-C          close; Ctrl-C again ends at once\n"
                          "Up, Down                lines of before\n"
                          "Ctrl-R                  those that begin with what is typed");
    screen_note(&s->screen, SPAN_FMT, SPAN_ARG(buf_span(&text)));
    return true;
}

bool commands_run(struct session *s, struct span line)
{
    struct span rest = trim(line);
    const struct span name = take_word(&rest);

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (span_equal(name, span_of_str(commands[i].name)))
            return commands[i].run(s, rest);
    screen_error(&s->screen,
                 "there is no command '" SPAN_FMT "'; /help lists them, and //" SPAN_FMT " sends it as a text",
                 SPAN_ARG(name), SPAN_ARG(span_from(name, 1)));
    return false;
}
