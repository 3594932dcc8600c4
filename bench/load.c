/* load.c - the load generator's command line, and what its scenarios share.
 *
 *     apigw-load SCENARIO --port P [--option value …] [-- COMMAND…]
 *
 * It keeps a fixed number of requests on their way and sends the next when an answer comes, so that it never asks
 * faster than the server answers. The last line printed is the result as one JSON object. */
#include "load.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "stream.h"

struct scenario {
    const char *name;
    load_scenario_fn *run;
    const char *summary;
};

struct number_option {
    const char *name;
    size_t offset;
    unsigned min;
    unsigned max;
    const char *summary;
};

struct text_option {
    const char *name;
    size_t offset;
    const char *summary;
};

/* clang-format off */
static const struct scenario scenarios[] = {
    {"echo",    load_echo,    "messages that come back"},
    {"burst",   load_burst,   "messages sent once, all at once"},
    {"connect", load_connect, "connections opened and closed"},
    {"open",    load_open,    "connections opened, which stay open"},
    {"idle",    load_idle,    "the server's memory for connections that do nothing"},
    {"post",    load_post,    "HTTP POSTs, and their delivery to WebSocket receivers"},
    {"fanout",  load_fanout,  "one message that a handler posts to every receiver"},
    {"start",   load_start,   "from exec of COMMAND to the first accepted connection"},
};

static const struct number_option number_options[] = {
    {"--port",        offsetof(struct load_options, port),        1,  65535,   "the server's, on 127.0.0.1"},
    {"--connections", offsetof(struct load_options, connections), 1,  100000,  "echo, burst, open, idle: how many"},
    {"--inflight",    offsetof(struct load_options, inflight),    1,  1024,    "echo, burst: messages on their way on each"},
    {"--size",        offsetof(struct load_options, size),        LOAD_SIZE_MIN, 131072, "bytes of a message"},
    {"--silent",      offsetof(struct load_options, silent),      0,  100000,  "echo: connections beside that send nothing"},
    {"--actions",     offsetof(struct load_options, actions),     1,  1000,    "echo: routes to go round, r000 and so on"},
    {"--starts",      offsetof(struct load_options, starts),      1,  1000,    "start: how many"},
    {"--duration-ms", offsetof(struct load_options, duration_ms), 1,  600000,  "the measured time"},
    {"--warmup-ms",   offsetof(struct load_options, warmup_ms),   0,  60000,   "before it"},
    {"--at-least",    offsetof(struct load_options, least),       1,  1000000, "things to measure, if that takes longer"},
    {"--limit-ms",    offsetof(struct load_options, limit_ms),    1,  600000,  "for any other wait"},
    {"--concurrency", offsetof(struct load_options, concurrency), 1,  1024,    "connections being opened at once"},
    {"--clients",     offsetof(struct load_options, clients),     1,  1024,    "post: HTTP clients"},
    {"--receivers",   offsetof(struct load_options, receivers),   0,  1000,    "post, fanout: WebSocket receivers"},
    {"--server-pid",  offsetof(struct load_options, server_pid),  1,  4194304, "echo, idle: whose CPU time and memory, with its children's"},
};

static const struct text_option text_options[] = {
    {"--path",      offsetof(struct load_options, path),      "of WebSocket connections"},
    {"--post-path", offsetof(struct load_options, post_path), "of POSTs; {id} is a receiver's connection id"},
};

static const struct text_option flag_options[] = {
    {"--ask-id",    offsetof(struct load_options, ask_id),    "ask the server for connection ids, with {\"action\":\"whoami\"}"},
};
/* clang-format on */

#define NUMBER_AT 24 /* in a message, see load_message */
#define NUMBER_DIGITS 8

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void load_die(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("apigw-load: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void *load_alloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);

    if (!p)
        load_die("out of memory");
    return p;
}

char *load_message(const char *action, size_t size, size_t number)
{
    char *text = load_alloc(size + 1, 1);
    int head = snprintf(text, size, "{\"action\":\"%s\",\"pad\":\"%0*zx", action, NUMBER_DIGITS, number);

    assert(head == NUMBER_AT + NUMBER_DIGITS && size >= LOAD_SIZE_MIN);
    memset(text + head, 'x', size - 2 - (size_t)head);
    memcpy(text + size - 2, "\"}", 3);
    return text;
}

size_t load_message_number(const char *text, size_t len)
{
    size_t number = 0;
    size_t i;

    if (len < NUMBER_AT + NUMBER_DIGITS)
        return LOAD_NO_NUMBER;
    for (i = NUMBER_AT; i < NUMBER_AT + NUMBER_DIGITS; i++) {
        char c = text[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return LOAD_NO_NUMBER;
        number = number << 4 | (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return number;
}

void load_window_open(struct load_window *w, const struct load_options *o)
{
    w->start_ns = loop_now_ns() + o->warmup_ms * 1000000ull;
    w->end_ns = w->start_ns + o->duration_ms * 1000000ull;
    w->least = o->least;
    histogram_reset(&w->latency);
}

bool load_window_contains(const struct load_window *w, uint64_t now_ns)
{
    return now_ns >= w->start_ns && (now_ns < w->end_ns || w->latency.count < w->least);
}

bool load_window_is_over(const struct load_window *w)
{
    return loop_now_ns() >= w->end_ns;
}

double load_window_seconds(const struct load_window *w)
{
    return (double)(w->end_ns - w->start_ns) / 1e9;
}

void load_window_record(struct load_window *w, uint64_t since_ns, uint64_t now_ns)
{
    if (!load_window_contains(w, now_ns))
        return;
    histogram_record(&w->latency, now_ns - since_ns);
    if (now_ns >= w->end_ns)
        w->end_ns = now_ns + 1;
}

uint64_t load_deadline_ns(const struct load_options *o)
{
    return loop_now_ns() + o->limit_ms * 1000000ull;
}

static void usage(FILE *out)
{
    size_t i;

    fputs("usage: apigw-load SCENARIO --port P [--option value …] [-- COMMAND…]\n\n", out);
    for (i = 0; i < COUNT(scenarios); i++)
        fprintf(out, "  %-14s %s\n", scenarios[i].name, scenarios[i].summary);
    fputc('\n', out);
    for (i = 0; i < COUNT(number_options); i++)
        fprintf(out, "  %-14s %s\n", number_options[i].name, number_options[i].summary);
    for (i = 0; i < COUNT(text_options); i++)
        fprintf(out, "  %-14s %s\n", text_options[i].name, text_options[i].summary);
    for (i = 0; i < COUNT(flag_options); i++)
        fprintf(out, "  %-14s %s\n", flag_options[i].name, flag_options[i].summary);
}

static unsigned number(const struct number_option *option, const char *text)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno || *end || end == text || *text == '-' || value < option->min || value > option->max)
        load_die("%s takes a number from %u to %u, not '%s'", option->name, option->min, option->max, text);
    return (unsigned)value;
}

static bool set_number(struct load_options *o, const char *name, const char *value)
{
    size_t i;

    for (i = 0; i < COUNT(number_options); i++) {
        if (strcmp(name, number_options[i].name) != 0)
            continue;
        *(unsigned *)((char *)o + number_options[i].offset) = number(&number_options[i], value);
        return true;
    }
    return false;
}

static bool set_text(struct load_options *o, const char *name, const char *value)
{
    size_t i;

    for (i = 0; i < COUNT(text_options); i++) {
        if (strcmp(name, text_options[i].name) != 0)
            continue;
        if (value[0] != '/')
            load_die("%s takes a path that starts with a slash, not '%s'", name, value);
        *(const char **)((char *)o + text_options[i].offset) = value;
        return true;
    }
    return false;
}

static bool set_flag(struct load_options *o, const char *name)
{
    size_t i;

    for (i = 0; i < COUNT(flag_options); i++) {
        if (strcmp(name, flag_options[i].name) != 0)
            continue;
        *(bool *)((char *)o + flag_options[i].offset) = true;
        return true;
    }
    return false;
}

static void parse_options(struct load_options *o, char **arguments)
{
    for (; *arguments; arguments++) {
        const char *name = *arguments;

        if (strcmp(name, "--") == 0) {
            o->command = arguments + 1;
            break;
        }
        if (set_flag(o, name))
            continue;
        if (!arguments[1])
            load_die("%s: no such option, or its value is missing", name);
        arguments++;
        if (!set_number(o, name, *arguments) && !set_text(o, name, *arguments))
            load_die("%s: no such option", name);
    }
    if (!o->port)
        load_die("--port is missing");
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        load_die("getrlimit: %s", strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        load_die("setrlimit: %s", strerror(errno));
}

static const struct scenario *find_scenario(const char *name)
{
    size_t i;

    for (i = 0; i < COUNT(scenarios); i++)
        if (strcmp(name, scenarios[i].name) == 0)
            return &scenarios[i];
    return NULL;
}

int main(int argc, char **argv)
{
    struct load_options options = {
        .path = "/",
        .post_path = "/",
        .connections = 1,
        .inflight = 1,
        .size = 1024,
        .duration_ms = 2000,
        .warmup_ms = 500,
        .limit_ms = 20000,
        .concurrency = 32,
        .clients = 32,
        .starts = 10,
        .least = 1,
    };
    const struct scenario *scenario = argc > 1 ? find_scenario(argv[1]) : NULL;

    if (!scenario) {
        usage(stderr);
        return 2;
    }
    parse_options(&options, argv + 2);
    raise_descriptor_limit();
    return scenario->run(&options);
}
