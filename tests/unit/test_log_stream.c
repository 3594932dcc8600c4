/* test_log_stream.c - log streams on the real loop, in a folder of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "function/log_stream.h"

#define NAME "aws/lambda/f/2026/01/31/[$LATEST]0123"

struct fixture {
    char folder[64];
    struct loop *loop;
    struct log_streams *streams;
};

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));

    strcpy(f->folder, "/tmp/test_log_stream.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->loop = loop_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *command = mem_printf("chmod -R u+w '%s'; rm -rf '%s'", f->folder, f->folder);

    log_streams_close(f->streams);
    loop_free(f->loop);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void open_streams(struct fixture *f, uint64_t bytes_max)
{
    CLEANUP(free) char *folder = mem_printf("%s/a/b", f->folder);
    CLEANUP(buf_fini) struct buf error = {0};

    f->streams = log_streams_open(f->loop, folder, bytes_max, &error);
    if (!f->streams)
        fail_msg("%s", buf_terminate(&error));
}

static char *path_of(const struct fixture *f, const char *name)
{
    return mem_printf("%s/a/b/%s", f->folder, name);
}

/* -1: it is not there. */
static off_t size_of(const struct fixture *f, const char *name)
{
    CLEANUP(free) char *path = path_of(f, name);
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void assert_file(const struct fixture *f, const char *name, const char *expected)
{
    CLEANUP(free) char *path = path_of(f, name);
    char text[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len;

    assert_true(fd >= 0);
    len = read(fd, text, sizeof(text) - 1);
    close(fd);
    assert_true(len >= 0);
    text[len] = '\0';
    assert_string_equal(text, expected);
}

static void lines_are_written_together_a_moment_later(void **state)
{
    struct fixture *f = *state;
    struct log_stream *stream;

    open_streams(f, LOG_STREAM_BYTES_MAX);
    stream = log_stream_new(f->streams, NAME);
    log_stream_write(stream, SPAN("one"));
    log_stream_write(stream, SPAN(""));
    log_stream_write(stream, SPAN("two\tand three\nfour"));
    loop_advance(f->loop, LOG_STREAM_DELAY_MS - 1);
    assert_int_equal(size_of(f, NAME), -1);
    loop_advance(f->loop, 1);
    assert_file(f, NAME, "one\n\ntwo\tand three\nfour\n");
    log_stream_write(stream, SPAN("five"));
    loop_advance(f->loop, LOG_STREAM_DELAY_MS);
    assert_file(f, NAME, "one\n\ntwo\tand three\nfour\nfive\n");
    log_stream_free(stream);
}

static void what_waits_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct log_stream *stream;
    char line[1023];

    memset(line, 'x', sizeof(line));
    open_streams(f, LOG_STREAM_BYTES_MAX);
    stream = log_stream_new(f->streams, NAME);
    for (unsigned i = 0; i < LOG_STREAM_BUFFER / 1024 - 1; i++)
        log_stream_write(stream, span_of(line, sizeof(line)));
    assert_int_equal(size_of(f, NAME), -1);
    log_stream_write(stream, span_of(line, sizeof(line)));
    assert_int_equal(size_of(f, NAME), LOG_STREAM_BUFFER);
    log_stream_free(stream);
}

static void the_end_of_a_stream_writes_what_is_left(void **state)
{
    struct fixture *f = *state;
    struct log_stream *first, *second;

    open_streams(f, LOG_STREAM_BYTES_MAX);
    first = log_stream_new(f->streams, NAME);
    second = log_stream_new(f->streams, "aws/lambda/g/1");
    log_stream_write(first, SPAN("of the first"));
    log_stream_write(second, SPAN("of the second"));
    log_stream_free(first);
    assert_file(f, NAME, "of the first\n");
    assert_int_equal(size_of(f, "aws/lambda/g/1"), -1);
    log_stream_free(second);
    assert_file(f, "aws/lambda/g/1", "of the second\n");
}

static void a_stream_that_says_nothing_has_no_file(void **state)
{
    struct fixture *f = *state;

    open_streams(f, LOG_STREAM_BYTES_MAX);
    log_stream_free(log_stream_new(f->streams, NAME));
    assert_int_equal(size_of(f, NAME), -1);
}

static void a_full_stream_says_so_in_its_last_line(void **state)
{
    struct fixture *f = *state;
    struct log_stream *stream;

    open_streams(f, 12);
    stream = log_stream_new(f->streams, NAME);
    for (unsigned i = 0; i < 10; i++)
        log_stream_write(stream, SPAN("12345"));
    log_stream_free(stream);
    assert_file(f, NAME, "12345\n12345\nThe log stream has reached its limit of size; what follows is lost.\n");
}

static void a_file_that_cannot_be_made_loses_lines_and_no_more(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *path = NULL;
    struct log_stream *stream;
    int fd;

    open_streams(f, LOG_STREAM_BYTES_MAX);
    path = path_of(f, "aws");
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* where a folder should be */
    assert_true(fd >= 0);
    close(fd);
    stream = log_stream_new(f->streams, NAME);
    log_stream_write(stream, SPAN("lost"));
    loop_advance(f->loop, LOG_STREAM_DELAY_MS);
    log_stream_write(stream, SPAN("lost too"));
    log_stream_free(stream);
    assert_int_equal(size_of(f, "aws"), 0);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf error = {0};

    assert_null(log_streams_open(f->loop, "/dev/null/logs", LOG_STREAM_BYTES_MAX, &error));
    assert_string_equal(buf_terminate(&error), "logs cannot be written to /dev/null/logs: Not a directory");
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(lines_are_written_together_a_moment_later),
        STREAM_TEST(what_waits_is_bounded),
        STREAM_TEST(the_end_of_a_stream_writes_what_is_left),
        STREAM_TEST(a_stream_that_says_nothing_has_no_file),
        STREAM_TEST(a_full_stream_says_so_in_its_last_line),
        STREAM_TEST(a_file_that_cannot_be_made_loses_lines_and_no_more),
        STREAM_TEST(a_folder_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
