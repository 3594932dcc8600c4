/* session.c - see session.h. The loop: the link, the keyboard or the script, signals, and a few deadlines. */
#include "client/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/hints.h"

#define CLOSE_WAIT_MS 5000       /* for the server's close frame */
#define QUIET_MS 1000            /* how long nothing must have come at the end of a script */
#define EXPECT_MS 10000          /* how long messages that are expected may take */
#define LAST_TIMES 10u           /* a script ends after that many times of quiet, whatever comes */
#define QUEUE_MAX (1024u * 1024) /* a script is not read further while so much waits to be sent */

/* ---- what comes ---- */

static void on_message(void *arg, struct span text, bool binary)
{
    struct session *s = arg;

    s->received++;
    screen_received(&s->screen, text, binary);
}

static void forget_ping(struct session *s, size_t i)
{
    s->ping_count--;
    memmove(&s->pings[i], &s->pings[i + 1], (s->ping_count - i) * sizeof(s->pings[0]));
}

static void on_pong(void *arg, struct span payload)
{
    struct session *s = arg;

    for (size_t i = 0; i < s->ping_count; i++) {
        if (!span_equal(payload, span_of(s->pings[i].payload, s->pings[i].len)))
            continue;
        screen_note(&s->screen, "pong '" SPAN_FMT "' after %.2f ms", SPAN_ARG(payload),
                    (double)(clock_mono_ns() - s->pings[i].sent_ns) / 1e6);
        forget_ping(s, i);
        return;
    }
    screen_note(&s->screen, "a pong that no ping has asked for: '" SPAN_FMT "'", SPAN_ARG(payload));
}

const struct link_events session_events = {.on_message = on_message, .on_pong = on_pong};

/* ---- what goes ---- */

void session_send(struct session *s, struct span text)
{
    screen_sent(&s->screen, text);
    link_send(s->link, text, s->fragment);
}

void session_close(struct session *s, unsigned code, struct span reason)
{
    s->input_is_over = true;
    if (!s->close_deadline_ms)
        s->close_deadline_ms = clock_mono_ms() + CLOSE_WAIT_MS;
    link_close(s->link, code, reason);
}

void session_fail(struct session *s, int status)
{
    if (s->status == CLIENT_OK)
        s->status = status;
}

/* A line that was typed, or one of a script. False: it makes no sense. */
static bool take_line(struct session *s, struct span line)
{
    if (line.len == 0)
        return true;
    if (line.ptr[0] == '/' && !(line.len > 1 && line.ptr[1] == '/'))
        return commands_run(s, line);
    session_send(s, line.ptr[0] == '/' ? span_from(line, 1) : line);
    return true;
}

/* ---- a person ---- */

static void read_keys(struct session *s)
{
    const char *line;

    do {
        switch (editor_read(s->screen.editor, &line)) {
        case EDITOR_LINE: take_line(s, span_of_str(line)); break;
        case EDITOR_TOO_LONG:
            screen_error(&s->screen, "a line has at most %zu bytes; that one is not sent", EDITOR_LINE_MAX);
            break;
        case EDITOR_END: session_close(s, 1000, SPAN("")); return;
        case EDITOR_NOTHING: break;
        }
    } while (editor_has_more(s->screen.editor) && !s->input_is_over);
}

/* ---- a script ---- */

/* Is it held up by a /wait, or by what is not sent yet? */
static bool is_held(const struct session *s)
{
    return s->received < s->awaited || link_queued_bytes(s->link) > QUEUE_MAX;
}

static uint64_t wait_ms(const struct session *s, uint64_t usual_ms)
{
    return s->has_wait ? s->wait_ms : usual_ms;
}

static void end_input(struct session *s)
{
    const uint64_t now = clock_mono_ms(), quiet_ms = wait_ms(s, QUIET_MS);

    s->input_is_over = true;
    if (s->expected)
        s->hold_deadline_ms = now + wait_ms(s, EXPECT_MS);
    s->quiet_deadline_ms = now + quiet_ms;
    s->last_deadline_ms = now + LAST_TIMES * quiet_ms;
}

static void fail_script(struct session *s, const char *why)
{
    if (*why)
        screen_error(&s->screen, "%s", why);
    else
        screen_error(&s->screen, "line %zu of the script makes no sense, so it ends here",
                     script_line_number(s->script));
    session_fail(s, CLIENT_USAGE);
    session_close(s, 1000, SPAN(""));
}

/* Lines until it must wait for something. */
static void read_script(struct session *s)
{
    struct span line;

    while (!s->input_is_over && !is_held(s)) {
        switch (script_next(s->script, &line)) {
        case SCRIPT_LINE:
            if (!take_line(s, line))
                fail_script(s, "");
            if (is_held(s) && s->received < s->awaited)
                s->hold_deadline_ms = clock_mono_ms() + wait_ms(s, EXPECT_MS);
            break;
        case SCRIPT_WAIT: return;
        case SCRIPT_END: end_input(s); return;
        case SCRIPT_FAILED: fail_script(s, script_failure(s->script)); return;
        }
    }
}

/* After what may have brought messages. */
static void look_at_script(struct session *s, size_t received_before)
{
    const uint64_t now = clock_mono_ms();
    const size_t wanted = s->input_is_over && s->expected ? s->expected : s->awaited;

    if (s->close_deadline_ms)
        return;
    if (s->received != received_before)
        s->quiet_deadline_ms = now + wait_ms(s, QUIET_MS);
    if (s->received < wanted) {
        if (!s->hold_deadline_ms || now < s->hold_deadline_ms)
            return;
        screen_error(&s->screen, "%zu of %zu messages have come in %g seconds", s->received, wanted,
                     (double)wait_ms(s, EXPECT_MS) / 1000);
        session_fail(s, CLIENT_TIMEOUT);
        session_close(s, 1000, SPAN(""));
    } else if (!s->input_is_over) {
        s->hold_deadline_ms = 0;
        read_script(s);
    } else if (s->expected || now >= s->quiet_deadline_ms || now >= s->last_deadline_ms) {
        session_close(s, 1000, SPAN(""));
    }
}

/* ---- signals ---- */

static int open_signals(sigset_t *ret_before)
{
    static const int wanted[] = {SIGINT, SIGTERM, SIGWINCH, SIGCONT};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        sigaddset(&set, wanted[i]);
    sigprocmask(SIG_BLOCK, &set, ret_before);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_signals(struct session *s, int fd)
{
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof(info)) == sizeof(info)) {
        const bool stop = info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM;

        if (stop && s->close_deadline_ms)
            s->interrupted = true;
        else if (stop)
            session_close(s, 1000, SPAN(""));
        else if (s->screen.editor)
            editor_resize(s->screen.editor);
    }
}

/* ---- the loop ---- */

static void sooner(uint64_t *at, uint64_t deadline)
{
    if (deadline && (!*at || deadline < *at))
        *at = deadline;
}

/* For poll(2). */
static int timeout(const struct session *s)
{
    const uint64_t now = clock_mono_ms();
    uint64_t at = s->close_deadline_ms;

    if (link_has_more(s->link))
        return 0;
    if (!s->close_deadline_ms) {
        sooner(&at, s->hold_deadline_ms);
        sooner(&at, s->input_is_over && !s->expected ? s->quiet_deadline_ms : 0);
        sooner(&at, s->input_is_over && !s->expected ? s->last_deadline_ms : 0);
    }
    if (!at)
        return -1;
    return at <= now ? 0 : (int)(at - now);
}

static int input_descriptor(const struct session *s)
{
    if (s->input_is_over)
        return -1;
    if (!s->script)
        return STDIN_FILENO;
    return is_held(s) ? -1 : script_descriptor(s->script);
}

static void read_input(struct session *s)
{
    if (s->script) {
        script_fill(s->script);
        read_script(s);
    } else {
        read_keys(s);
    }
}

/* False: it has come to its end. */
static bool turn(struct session *s, int signals)
{
    const size_t received = s->received;
    struct pollfd p[] = {{.fd = link_descriptor(s->link), .events = link_poll_events(s->link)},
                         {.fd = signals, .events = POLLIN},
                         {.fd = input_descriptor(s), .events = POLLIN}};
    bool goes_on;

    if (poll(p, 3, timeout(s)) < 0 && errno != EINTR)
        return false;
    if (p[1].revents)
        take_signals(s, signals);
    if (p[2].revents)
        read_input(s);
    goes_on = link_turn(s->link) && !s->interrupted && !s->screen.output_is_lost;
    if (goes_on && s->script)
        look_at_script(s, received);
    return goes_on && !(s->close_deadline_ms && clock_mono_ms() >= s->close_deadline_ms);
}

/* ---- the end ---- */

static void say_how_it_ended(struct session *s, const struct link_end *end)
{
    const char *name = hint_close_name(end->code), *hint = end->by_us ? NULL : hint_close(end->code);
    CLEANUP(buf_fini) struct buf text = {0};

    buf_printf(&text, "closed by %s: %u",
               end->by_us && end->code != 1006 ? "us"
               : end->breach                   ? "us"
                                               : "the server",
               end->code);
    if (name)
        buf_printf(&text, " %s", name);
    if (*end->reason)
        buf_printf(&text, ", '%s'", end->reason);
    if (end->breach)
        buf_append_str(&text, " (the server has sent what RFC 6455 does not allow, or more than 64 MiB)");
    else if (hint)
        buf_printf(&text, " (%s)", hint);
    if (end->by_us && end->code != 1006)
        screen_note(&s->screen, SPAN_FMT, SPAN_ARG(buf_span(&text)));
    else
        screen_error(&s->screen, SPAN_FMT, SPAN_ARG(buf_span(&text)));
}

static int finish(struct session *s)
{
    const struct link_end end = link_end(s->link);

    if (s->interrupted)
        return CLIENT_INTERRUPTED;
    if (s->screen.output_is_lost) {
        screen_error(&s->screen, "standard output takes no more");
        return CLIENT_FAILED;
    }
    if (s->close_deadline_ms && clock_mono_ms() >= s->close_deadline_ms) {
        screen_error(&s->screen, "the server has not answered the close in %d seconds", CLOSE_WAIT_MS / 1000);
        return s->status != CLIENT_OK ? s->status : CLIENT_CLOSED;
    }
    if (s->screen.editor || !end.by_us || end.code == 1006)
        say_how_it_ended(s, &end);
    if (s->status != CLIENT_OK)
        return s->status;
    return end.by_us && end.code != 1006 ? CLIENT_OK : CLIENT_CLOSED;
}

int session_run(struct session *s)
{
    sigset_t before;
    const int signals = open_signals(&before);
    int status;

    if (s->script)
        read_script(s);
    while (turn(s, signals))
        ;
    status = finish(s);
    close(signals);
    return status;
}
