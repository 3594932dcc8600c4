/* test_log.c - lines on standard error: their shape as text and as JSON, what is escaped, and readers that do not
 * read. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Standard error while a test looks at it. */
struct capture {
    int saved;
    int reader;
};

static void capture_descriptors(struct capture *c, int reader, int writer)
{
    c->saved = dup(STDERR_FILENO);
    c->reader = reader;
    assert_true(c->saved >= 0);
    assert_int_equal(dup2(writer, STDERR_FILENO), STDERR_FILENO);
    close(writer);
    assert_int_equal(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
}

static void capture_pipe(struct capture *c)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    capture_descriptors(c, ends[0], ends[1]);
}

/* Appends what there is now. */
static void drain(const struct capture *c, struct buf *out)
{
    ssize_t got;

    while ((got = read(c->reader, buf_reserve(out, 8192), 8192)) > 0)
        out->len += (size_t)got;
}

static void release(struct capture *c, struct buf *out)
{
    dup2(c->saved, STDERR_FILENO);
    close(c->saved);
    drain(c, out);
    close(c->reader);
}

/* Takes the first line off, with its newline. */
static struct span cut_line(struct span *rest)
{
    const char *newline = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    const struct span line = span_of(rest->ptr, newline ? (size_t)(newline - rest->ptr) + 1 : 0);

    assert_non_null(newline);
    *rest = span_from(*rest, line.len);
    return line;
}

/* Something of this shape, where each # is a digit, and then `expected`. */
static void assert_shape_and(const char *shape, struct span line, struct span expected)
{
    assert_true(line.len > strlen(shape));
    for (size_t i = 0; shape[i]; i++)
        assert_true(shape[i] == '#' ? line.ptr[i] >= '0' && line.ptr[i] <= '9' : line.ptr[i] == shape[i]);
    line = span_from(line, strlen(shape));
    if (!span_equal(line, expected))
        fail_msg("got <" SPAN_FMT ">, expected <" SPAN_FMT ">", SPAN_ARG(line), SPAN_ARG(expected));
}

/* "12:01:33.120 " and then `expected`. */
static void assert_line(struct span line, struct span expected)
{
    assert_shape_and("##:##:##.### ", line, expected);
}

static struct json_value parsed(struct span line)
{
    struct json_value value;
    struct json_error error;

    assert_true(line.len > 0 && line.ptr[line.len - 1] == '\n');
    assert_int_equal(utf8_valid_prefix(line), line.len);
    if (json_parse(span_of(line.ptr, line.len - 1), &value, &error) < 0)
        fail_msg("%s at %zu: " SPAN_FMT, error.what, error.offset, SPAN_ARG(line));
    return value;
}

/* An object that begins with the time, and goes on with `expected`. */
static void assert_json(struct span line, struct span expected)
{
    parsed(line);
    assert_shape_and("{\"time\":\"####-##-##T##:##:##.###Z\",", line, expected);
}

static int reset_log(void **state)
{
    log_set_level(LOG_INFO);
    log_set_format(LOG_TEXT);
    return 0;
}

/* ---- shape ---- */

static void a_line_is_time_level_subject_sentence(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    capture_pipe(&c);
    log_warn(LOG_FUNCTION, "chat: Task timed out after %d.00 seconds req=%s", 3, "1f0c");
    release(&c, &out);
    assert_line(buf_span(&out), SPAN("warn  function: chat: Task timed out after 3.00 seconds req=1f0c\n"));
}

static void every_level_has_its_name(void **state)
{
    static const char *const expected[] = {"error net: x\n", "warn  net: x\n", "info  net: x\n", "debug net: x\n"};

    log_set_level(LOG_DEBUG);
    for (size_t i = 0; i < COUNT(expected); i++) {
        CLEANUP(buf_fini) struct buf out = {0};
        struct capture c;

        capture_pipe(&c);
        log_write((enum log_level)i, LOG_NET, "x");
        release(&c, &out);
        assert_line(buf_span(&out), span_of_str(expected[i]));
    }
}

static int count_evaluations(int *count)
{
    return ++*count;
}

static void what_is_below_the_level_is_not_written(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;
    int evaluated = 0;

    log_set_level(LOG_WARN);
    capture_pipe(&c);
    log_info(LOG_NET, "no");
    log_debug(LOG_NET, "no %d", count_evaluations(&evaluated));
    log_error(LOG_NET, "yes");
    release(&c, &out);
    assert_line(buf_span(&out), SPAN("error net: yes\n"));
    assert_int_equal(evaluated, 0);
    assert_true(log_enabled(LOG_WARN));
    assert_false(log_enabled(LOG_INFO));
}

static void levels_are_known_by_name(void **state)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    enum log_level level = LOG_DEBUG;

    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(log_level_parse(names[i], &level), 0);
        assert_int_equal(level, i);
    }
    assert_int_equal(log_level_parse("warn ", &level), -1);
    assert_int_equal(log_level_parse("WARN", &level), -1);
    assert_int_equal(log_level_parse("", &level), -1);
    assert_int_equal(level, LOG_DEBUG);
}

static void a_plugins_line_is_shown_at_every_level(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;
    struct span rest;

    log_set_level(LOG_ERROR);
    capture_pipe(&c);
    log_plugin("chat", SPAN("1f0c"), SPAN("joined\tlobby %s\x1b[31m"));
    log_plugin("chat", SPAN("init"), (struct span){0});
    release(&c, &out);
    rest = buf_span(&out);
    assert_line(cut_line(&rest), SPAN("chat 1f0c | joined\\x09lobby %s\\x1b[31m\n"));
    assert_line(rest, SPAN("chat init | \n"));
}

static void errno_survives_a_line(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    capture_pipe(&c);
    errno = ENOENT;
    log_info(LOG_CONFIG, "open: %m");
    assert_int_equal(errno, ENOENT);
    release(&c, &out);
    assert_line(buf_span(&out), SPAN("info  config: open: No such file or directory\n"));
}

/* ---- escaping ---- */

struct escape_case {
    struct span text;
    const char *expected;
};

/* clang-format off */
static const struct escape_case escape_cases[] = {
    {SPAN("forged\n12:00:00.000 error"), "forged\\x0a12:00:00.000 error"},
    {SPAN("a\rb\tc\x1b[2J\x7f"), "a\\x0db\\x09c\\x1b[2J\\x7f"},
    {SPAN("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {SPAN("caf\xe9 \xff"), "caf\\xe9 \\xff"},
    {SPAN("\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xf8"), "\\xc0\\xaf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80 \\xf8"},
    {SPAN("\xe0\x9f\xbf \xf0\x8f\xbf\xbf \xe2\x82"), "\\xe0\\x9f\\xbf \\xf0\\x8f\\xbf\\xbf \\xe2\\x82"},
    {SPAN("\xc2\x9b" "2J \xc2\x80 \xc2\xa0"), "\\xc2\\x9b2J \\xc2\\x80 \xc2\xa0"},
    {SPAN("\xe2\x80\xa8 \xe2\x80\xae \xe2\x81\xa6 \xe2\x80\xa6"),
     "\\xe2\\x80\\xa8 \\xe2\\x80\\xae \\xe2\\x81\\xa6 \xe2\x80\xa6"},
};
/* clang-format on */

static void unprintable_bytes_are_escaped_and_utf8_passes(void **state)
{
    for (size_t i = 0; i < COUNT(escape_cases); i++) {
        CLEANUP(buf_fini) struct buf out = {0};
        CLEANUP(buf_fini) struct buf expected = {0};
        struct capture c;

        capture_pipe(&c);
        log_info(LOG_NET, SPAN_FMT, SPAN_ARG(escape_cases[i].text));
        release(&c, &out);
        buf_printf(&expected, "info  net: %s\n", escape_cases[i].expected);
        assert_line(buf_span(&out), buf_span(&expected));
    }
}

static void a_plugins_line_may_hold_a_zero_byte(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    capture_pipe(&c);
    log_plugin("x\n", SPAN("-\n"), SPAN("a\0b"));
    release(&c, &out);
    assert_line(buf_span(&out), SPAN("x\\x0a -\\x0a | a\\x00b\n"));
}

/* ---- events ---- */

static const struct log_field all_kinds[] = {
    {.name = "rule", .text = SPAN("frame-too-large")}, {.name = "value", .number = 32769},
    {.name = "largest", .number = UINT64_MAX},         {.name = "none", .text = SPAN("")},
    {.name = "frame", .text = SPAN("two words\n")},
};

static void the_fields_and_the_advice_of_an_event_stand_behind_its_sentence(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    capture_pipe(&c);
    log_event(LOG_WARN, LOG_GATEWAY, SPAN("closed a connection"), all_kinds, COUNT(all_kinds), "send less");
    release(&c, &out);
    assert_line(buf_span(&out), SPAN("warn  gateway: closed a connection rule=frame-too-large value=32769 "
                                     "largest=18446744073709551615 none=\"\" frame=\"two words\\x0a\" (send less)\n"));
}

static void an_event_may_have_nothing_but_a_sentence(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    capture_pipe(&c);
    log_event(LOG_INFO, LOG_NET, SPAN("listening"), NULL, 0, NULL);
    log_event(LOG_DEBUG, LOG_NET, SPAN("not at this level"), all_kinds, COUNT(all_kinds), NULL);
    release(&c, &out);
    assert_line(buf_span(&out), SPAN("info  net: listening\n"));
}

static void a_line_about_a_function_begins_with_its_name_and_ends_with_the_request(void **state)
{
    const struct {
        struct span request;
        const char *expected;
    } cases[] = {
        {SPAN("1f0c"), "error function: chat: timed out after 3 s req=1f0c\n"},
        {NO_REQUEST, "error function: chat: timed out after 3 s\n"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_fini) struct buf out = {0};
        struct capture c;

        capture_pipe(&c);
        log_function(LOG_ERROR, "chat", cases[i].request, "timed out after %d s", 3);
        log_function(LOG_DEBUG, "chat", cases[i].request, "not at this level");
        release(&c, &out);
        assert_line(buf_span(&out), span_of_str(cases[i].expected));
    }
}

/* ---- JSON ---- */

static void formats_are_known_by_name(void **state)
{
    enum log_format format = LOG_TEXT;

    assert_int_equal(log_format_parse("json", &format), 0);
    assert_int_equal(format, LOG_JSON);
    assert_int_equal(log_format_parse("text", &format), 0);
    assert_int_equal(format, LOG_TEXT);
    assert_int_equal(log_format_parse("JSON", &format), -1);
    assert_int_equal(log_format_parse("", &format), -1);
    assert_int_equal(format, LOG_TEXT);
}

static void as_json_an_event_is_an_object_that_ends_in_its_message(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    log_set_format(LOG_JSON);
    capture_pipe(&c);
    log_event(LOG_WARN, LOG_GATEWAY, SPAN("closed a connection"), all_kinds, COUNT(all_kinds), "send \"less\"");
    release(&c, &out);
    assert_json(buf_span(&out),
                SPAN("\"level\":\"warn\",\"subject\":\"gateway\",\"rule\":\"frame-too-large\",\"value\":32769,"
                     "\"largest\":18446744073709551615,\"none\":\"\",\"frame\":\"two words\\u000a\","
                     "\"todo\":\"send \\\"less\\\"\",\"message\":\"closed a connection\"}\n"));
}

static void as_json_every_level_has_its_name(void **state)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    log_set_format(LOG_JSON);
    for (size_t i = 0; i < COUNT(names); i++) {
        CLEANUP(buf_fini) struct buf out = {0};
        CLEANUP(buf_fini) struct buf expected = {0};
        struct capture c;

        log_set_level((enum log_level)i);
        capture_pipe(&c);
        for (enum log_level level = (enum log_level)i; level <= LOG_DEBUG; level++)
            log_write(level, LOG_NET, "x"); /* the first alone is not below the level */
        release(&c, &out);
        buf_printf(&expected, "\"level\":\"%s\",\"subject\":\"net\",\"message\":\"x\"}\n", names[i]);
        assert_json(buf_span(&out), buf_span(&expected));
    }
}

static void as_json_a_line_about_a_function_names_it_in_a_member(void **state)
{
    CLEANUP(buf_fini) struct buf with = {0};
    CLEANUP(buf_fini) struct buf without = {0};
    struct capture c;

    log_set_format(LOG_JSON);
    capture_pipe(&c);
    log_function(LOG_ERROR, "chat", SPAN("1f0c"), "timed out after %d s", 3);
    release(&c, &with);
    capture_pipe(&c);
    log_function(LOG_INFO, "chat", NO_REQUEST, "started");
    release(&c, &without);
    assert_json(buf_span(&with), SPAN("\"level\":\"error\",\"subject\":\"function\",\"fn\":\"chat\",\"req\":\"1f0c\","
                                      "\"message\":\"timed out after 3 s\"}\n"));
    assert_json(buf_span(&without), SPAN("\"level\":\"info\",\"subject\":\"function\",\"fn\":\"chat\","
                                         "\"message\":\"started\"}\n"));
}

static void as_json_a_plugins_line_is_the_message_of_a_handler_at_every_level(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    log_set_format(LOG_JSON);
    log_set_level(LOG_ERROR);
    capture_pipe(&c);
    log_plugin("chat", SPAN("1f0c"), SPAN("say \"hi\"\0\n"));
    release(&c, &out);
    assert_json(buf_span(&out), SPAN("\"level\":\"info\",\"subject\":\"handler\",\"fn\":\"chat\",\"req\":\"1f0c\","
                                     "\"message\":\"say \\\"hi\\\"\\u0000\\u000a\"}\n"));
}

/* clang-format off */
static const struct escape_case json_escape_cases[] = {
    {SPAN("a \"quote\" and \\ C:\\x09"), "a \\\"quote\\\" and \\\\ C:\\\\x09"},
    {SPAN("a\rb\tc\x1b[2J\x7f"), "a\\u000db\\u0009c\\u001b[2J\\u007f"},
    {SPAN("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {SPAN("caf\xe9 \xff"), "caf\\\\xe9 \\\\xff"},
    {SPAN("\xc0\xaf \xed\xa0\x80 \xe2\x82"), "\\\\xc0\\\\xaf \\\\xed\\\\xa0\\\\x80 \\\\xe2\\\\x82"},
    {SPAN("\xc2\x9b" "2J \xc2\x80 \xc2\xa0"), "\\u009b2J \\u0080 \xc2\xa0"},
    {SPAN("\xe2\x80\xa8 \xe2\x80\xae \xe2\x81\xa6 \xe2\x80\xa6"), "\\u2028 \\u202e \\u2066 \xe2\x80\xa6"},
};
/* clang-format on */

static void as_json_whatever_a_text_holds_it_is_one_string(void **state)
{
    log_set_format(LOG_JSON);
    for (size_t i = 0; i < COUNT(json_escape_cases); i++) {
        const struct log_field field = {.name = "value", .text = json_escape_cases[i].text};
        const char *expected = json_escape_cases[i].expected;
        CLEANUP(buf_fini) struct buf out = {0};
        CLEANUP(buf_fini) struct buf line = {0};
        struct capture c;

        capture_pipe(&c);
        log_event(LOG_INFO, LOG_NET, json_escape_cases[i].text, &field, 1, NULL);
        release(&c, &out);
        buf_printf(&line, "\"level\":\"info\",\"subject\":\"net\",\"value\":\"%s\",\"message\":\"%s\"}\n", expected,
                   expected);
        assert_json(buf_span(&out), buf_span(&line));
    }
}

/* One line as JSON: `field_len` bytes in a field and `message_len` in the message, of characters of `unit`. */
static void write_long(struct buf *out, struct span unit, size_t field_len, size_t message_len)
{
    char text[2 * LOG_LINE_MAX] = {0};
    const struct log_field fields[] = {{.name = "value", .text = span_of(text, field_len)},
                                       {.name = "number", .number = 123456789}};
    struct capture c;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = unit.ptr[i % unit.len];
    capture_pipe(&c);
    log_event(LOG_INFO, LOG_NET, span_of(text, message_len), fields, COUNT(fields), "do");
    release(&c, out);
}

static bool ends_with_mark(struct span line)
{
    static const struct span mark = SPAN("\xe2\x80\xa6\"}\n");

    return line.len > mark.len && span_equal(span_from(line, line.len - mark.len), mark);
}

/* Wherever the limit falls, the object is whole and its members are. */
static void as_json_a_line_of_any_length_is_cut_to_a_whole_object(void **state)
{
    static const struct span units[] = {SPAN("x"), SPAN("\xf0\x9f\x98\x80"), SPAN("\x01"), SPAN("\"")};

    log_set_format(LOG_JSON);
    for (size_t u = 0; u < COUNT(units); u++) {
        for (size_t len = 0; len <= LOG_LINE_MAX; len += len < 400 || len > LOG_LINE_MAX - 250 ? 1 : 97) {
            CLEANUP(buf_fini) struct buf in_message = {0};
            CLEANUP(buf_fini) struct buf in_field = {0};
            struct json_value value;

            write_long(&in_message, units[u], 3, len);
            write_long(&in_field, units[u], len, 3);
            assert_true(in_message.len <= LOG_LINE_MAX && in_field.len <= LOG_LINE_MAX);
            assert_true(json_get(parsed(buf_span(&in_message)), SPAN("todo"), &value));
            assert_true(json_get(parsed(buf_span(&in_field)), SPAN("subject"), &value));
        }
    }
}

static void as_json_what_is_cut_has_a_mark(void **state)
{
    CLEANUP(buf_fini) struct buf whole = {0};
    CLEANUP(buf_fini) struct buf cut = {0};
    CLEANUP(buf_fini) struct buf field = {0};
    struct json_value value;

    log_set_format(LOG_JSON);
    write_long(&whole, SPAN("x"), 3, 3800);
    write_long(&cut, SPAN("x"), 3, 2 * LOG_LINE_MAX);
    write_long(&field, SPAN("x"), 2 * LOG_LINE_MAX, 3);
    assert_false(ends_with_mark(buf_span(&whole)));
    assert_true(ends_with_mark(buf_span(&cut)));
    assert_int_equal(cut.len, LOG_LINE_MAX);
    assert_true(ends_with_mark(buf_span(&field)));
    assert_false(json_get(parsed(buf_span(&field)), SPAN("message"), &value));
}

/* ---- length ---- */

static void check_length(const char *unit, size_t times, bool cut)
{
    CLEANUP(buf_fini) struct buf text = {0};
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;
    struct span end = cut ? SPAN("\xe2\x80\xa6\n") : SPAN("\n");

    for (size_t i = 0; i < times; i++)
        buf_append_str(&text, unit);
    capture_pipe(&c);
    log_plugin("t", SPAN("-"), buf_span(&text));
    log_info(LOG_NET, "%s", buf_terminate(&text));
    release(&c, &out);

    for (int line = 0; line < 2; line++) {
        const char *newline = memchr(out.ptr, '\n', out.len);
        size_t len;

        assert_non_null(newline);
        len = (size_t)(newline - out.ptr) + 1;
        assert_true(len <= LOG_LINE_MAX);
        if (cut)
            assert_true(len > LOG_LINE_MAX - 8);
        assert_memory_equal(newline + 1 - end.len, end.ptr, end.len);
        assert_int_equal(memmem(out.ptr, len, "\xe2\x80\xa6", 3) != NULL, cut);
        assert_int_equal(utf8_valid_prefix(span_of(out.ptr, len)), len);
        buf_consume(&out, len);
    }
    assert_int_equal(out.len, 0);
}

static void a_long_line_is_cut_with_a_mark(void **state)
{
    check_length("x", 4000, false);
    check_length("x", 4096, true);
    check_length("x", 50000, true);
    check_length("\xf0\x9f\x98\x80", 5000, true);
    check_length("\x01", 5000, true);
}

/* 13 bytes of time, 11 of level and subject, the newline: the rest is text. */
static void a_line_is_cut_only_when_it_must_be(void **state)
{
    const size_t room = LOG_LINE_MAX - sizeof("\xe2\x80\xa6") - strlen("12:01:33.120 info  net: ");
    char text[LOG_LINE_MAX];

    for (size_t len = room; len <= room + 1; len++) {
        CLEANUP(buf_fini) struct buf out = {0};
        struct capture c;

        memset(text, 'x', len);
        text[len] = '\0';
        capture_pipe(&c);
        log_info(LOG_NET, "%s", text);
        release(&c, &out);
        assert_int_equal(memmem(out.ptr, out.len, "\xe2\x80\xa6", 3) != NULL, len > room);
    }
}

/* ---- readers that do not read ---- */

static void check_full_pipe(int flags)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    capture_pipe(&c);
    assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, flags), 0);
    for (int i = 0; i < 3000; i++)
        log_info(LOG_NET, "line %d of more than a pipe holds: " SPAN_FMT, i, 80,
                 "................................"
                 "................................"
                 "................");
    drain(&c, &out);
    assert_int_equal(out.ptr[out.len - 1], '\n');
    assert_line(span_of(out.ptr, 40 + 13), SPAN("info  net: line 0 of more than a pipe ho"));

    out.len = 0;
    log_info(LOG_NET, "room again");
    release(&c, &out);
    assert_non_null(memmem(out.ptr, out.len, "warn  log: standard error did not take all lines lost=", 54));
    assert_non_null(memmem(out.ptr, out.len, "info  net: room again\n", 22));
}

static void a_full_pipe_loses_lines_and_says_so(void **state)
{
    check_full_pipe(O_NONBLOCK);
    check_full_pipe(0);
}

static void a_closed_standard_error_is_survived(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    capture_pipe(&c);
    close(STDERR_FILENO);
    log_error(LOG_NET, "nobody hears this");
    assert_int_equal(dup2(c.saved, STDERR_FILENO), STDERR_FILENO);
    release(&c, &out);
    assert_int_equal(out.len, 0);

    capture_pipe(&c);
    log_error(LOG_NET, "heard");
    release(&c, &out);
    assert_non_null(memmem(out.ptr, out.len, "lost=1\n", 7));
    assert_non_null(memmem(out.ptr, out.len, "error net: heard\n", 17));
}

static void as_json_lines_that_were_lost_are_counted_in_a_member(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;
    struct span rest;

    log_set_format(LOG_JSON);
    capture_pipe(&c);
    close(STDERR_FILENO);
    log_error(LOG_NET, "nobody hears this");
    log_error(LOG_NET, "nor this");
    assert_int_equal(dup2(c.saved, STDERR_FILENO), STDERR_FILENO);
    release(&c, &out);
    assert_int_equal(out.len, 0);

    capture_pipe(&c);
    log_error(LOG_NET, "heard");
    release(&c, &out);
    rest = buf_span(&out);
    assert_json(cut_line(&rest), SPAN("\"level\":\"warn\",\"subject\":\"log\",\"lost\":2,"
                                      "\"message\":\"standard error did not take all lines\"}\n"));
    assert_json(rest, SPAN("\"level\":\"error\",\"subject\":\"net\",\"message\":\"heard\"}\n"));
}

/* ---- colours ---- */

static void capture_terminal(struct capture *c)
{
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    int slave;

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    capture_descriptors(c, master, slave);
}

static void check_terminal(const char *no_color, struct span expected)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct capture c;

    if (no_color)
        setenv("NO_COLOR", no_color, 1);
    else
        unsetenv("NO_COLOR");
    capture_terminal(&c);
    log_error(LOG_NET, "x");
    drain(&c, &out); /* what the terminal's slave wrote goes when its last descriptor closes */
    release(&c, &out);
    unsetenv("NO_COLOR");
    assert_line(buf_span(&out), expected);
}

static void the_level_is_coloured_on_a_terminal_unless_told_not_to(void **state)
{
    check_terminal(NULL, SPAN("\033[31merror\033[0m net: x\r\n"));
    check_terminal("", SPAN("\033[31merror\033[0m net: x\r\n"));
    check_terminal("1", SPAN("error net: x\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_is_time_level_subject_sentence, reset_log),
        cmocka_unit_test_setup(every_level_has_its_name, reset_log),
        cmocka_unit_test_setup(what_is_below_the_level_is_not_written, reset_log),
        cmocka_unit_test_setup(levels_are_known_by_name, reset_log),
        cmocka_unit_test_setup(a_plugins_line_is_shown_at_every_level, reset_log),
        cmocka_unit_test_setup(errno_survives_a_line, reset_log),
        cmocka_unit_test_setup(unprintable_bytes_are_escaped_and_utf8_passes, reset_log),
        cmocka_unit_test_setup(a_plugins_line_may_hold_a_zero_byte, reset_log),
        cmocka_unit_test_setup(the_fields_and_the_advice_of_an_event_stand_behind_its_sentence, reset_log),
        cmocka_unit_test_setup(an_event_may_have_nothing_but_a_sentence, reset_log),
        cmocka_unit_test_setup(a_line_about_a_function_begins_with_its_name_and_ends_with_the_request, reset_log),
        cmocka_unit_test_setup(formats_are_known_by_name, reset_log),
        cmocka_unit_test_setup(as_json_an_event_is_an_object_that_ends_in_its_message, reset_log),
        cmocka_unit_test_setup(as_json_every_level_has_its_name, reset_log),
        cmocka_unit_test_setup(as_json_a_line_about_a_function_names_it_in_a_member, reset_log),
        cmocka_unit_test_setup(as_json_a_plugins_line_is_the_message_of_a_handler_at_every_level, reset_log),
        cmocka_unit_test_setup(as_json_whatever_a_text_holds_it_is_one_string, reset_log),
        cmocka_unit_test_setup(as_json_a_line_of_any_length_is_cut_to_a_whole_object, reset_log),
        cmocka_unit_test_setup(as_json_what_is_cut_has_a_mark, reset_log),
        cmocka_unit_test_setup(a_long_line_is_cut_with_a_mark, reset_log),
        cmocka_unit_test_setup(a_line_is_cut_only_when_it_must_be, reset_log),
        cmocka_unit_test_setup(a_full_pipe_loses_lines_and_says_so, reset_log),
        cmocka_unit_test_setup(a_closed_standard_error_is_survived, reset_log),
        cmocka_unit_test_setup(as_json_lines_that_were_lost_are_counted_in_a_member, reset_log),
        cmocka_unit_test_setup(the_level_is_coloured_on_a_terminal_unless_told_not_to, reset_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
