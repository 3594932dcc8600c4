/* test_log.c - lines on standard error: their shape, what is escaped, and readers that do not read. */
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

/* "12:01:33.120 " and then `expected`. */
static void assert_line(struct span line, struct span expected)
{
    static const char shape[] = "dd:dd:dd.ddd ";

    assert_true(line.len > strlen(shape));
    for (size_t i = 0; shape[i]; i++)
        assert_true(shape[i] == 'd' ? line.ptr[i] >= '0' && line.ptr[i] <= '9' : line.ptr[i] == shape[i]);
    line = span_from(line, strlen(shape));
    if (!span_equal(line, expected))
        fail_msg("got <" SPAN_FMT ">, expected <" SPAN_FMT ">", SPAN_ARG(line), SPAN_ARG(expected));
}

static int reset_level(void **state)
{
    log_set_level(LOG_INFO);
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

    log_set_level(LOG_ERROR);
    capture_pipe(&c);
    log_plugin(SPAN("chat[2]"), SPAN("joined\tlobby %s\x1b[31m"));
    release(&c, &out);
    assert_line(buf_span(&out), SPAN("chat[2] | joined\\x09lobby %s\\x1b[31m\n"));
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
    log_plugin(SPAN("x\n"), SPAN("a\0b"));
    log_plugin((struct span){0}, (struct span){0});
    release(&c, &out);
    assert_line(span_of(out.ptr, out.len - 17), SPAN("x\\x0a | a\\x00b\n"));
    assert_line(span_from(buf_span(&out), out.len - 17), SPAN(" | \n"));
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
    log_plugin(SPAN("t"), buf_span(&text));
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
        cmocka_unit_test_setup(a_line_is_time_level_subject_sentence, reset_level),
        cmocka_unit_test_setup(every_level_has_its_name, reset_level),
        cmocka_unit_test_setup(what_is_below_the_level_is_not_written, reset_level),
        cmocka_unit_test_setup(levels_are_known_by_name, reset_level),
        cmocka_unit_test_setup(a_plugins_line_is_shown_at_every_level, reset_level),
        cmocka_unit_test_setup(errno_survives_a_line, reset_level),
        cmocka_unit_test_setup(unprintable_bytes_are_escaped_and_utf8_passes, reset_level),
        cmocka_unit_test_setup(a_plugins_line_may_hold_a_zero_byte, reset_level),
        cmocka_unit_test_setup(a_long_line_is_cut_with_a_mark, reset_level),
        cmocka_unit_test_setup(a_line_is_cut_only_when_it_must_be, reset_level),
        cmocka_unit_test_setup(a_full_pipe_loses_lines_and_says_so, reset_level),
        cmocka_unit_test_setup(a_closed_standard_error_is_survived, reset_level),
        cmocka_unit_test_setup(the_level_is_coloured_on_a_terminal_unless_told_not_to, reset_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
