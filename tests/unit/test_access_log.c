/* test_access_log.c - the files of access logs, on the real loop, in a folder of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/access_log.h"

#define PATIENCE_MS 10000

struct fixture {
    char folder[64];
    char *path;
    struct loop *loop;
    struct loop_timer *poll;
    struct access_logs *logs;
    uint64_t deadline_ms;
    uint64_t size; /* that the file is to have */
};

static uint64_t size_of(const char *path)
{
    struct stat is;

    return stat(path, &is) == 0 ? (uint64_t)is.st_size : 0;
}

static void on_poll(void *arg)
{
    struct fixture *f = arg;

    if (size_of(f->path) == f->size || clock_mono_ms() > f->deadline_ms)
        loop_stop(f->loop);
    else
        loop_timer_start(f->poll, 1);
}

/* Turns the loop until the file has that size. */
static void wait_size(struct fixture *f, uint64_t size)
{
    f->size = size;
    f->deadline_ms = clock_mono_ms() + PATIENCE_MS;
    loop_timer_start(f->poll, 1);
    loop_run(f->loop);
    assert_int_equal(size_of(f->path), size);
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));

    strcpy(f->folder, "/tmp/test_access_log.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->path = mem_printf("%s/access.log", f->folder);
    f->loop = loop_new();
    f->poll = loop_timer_new(f->loop, on_poll, f);
    f->logs = access_logs_new(f->loop);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *command = mem_printf("rm -rf '%s'", f->folder);

    access_logs_free(f->logs);
    loop_timer_free(f->poll);
    loop_free(f->loop);
    assert_int_equal(system(command), 0);
    free(f->path);
    free(f);
    return 0;
}

static struct access_log *open_log(struct fixture *f)
{
    CLEANUP(buf_fini) struct buf error = {0};
    struct access_log *log = access_log_open(f->logs, f->path, &error);

    if (error.len > 0)
        fail_msg("%s", buf_terminate(&error));
    return log;
}

static bool write_line(struct access_log *log, const char *text)
{
    struct buf *line = access_log_begin(log);

    if (!line)
        return false;
    buf_append_str(line, text);
    access_log_end(log);
    return true;
}

static void check_file(const char *path, const char *expected)
{
    char text[256];
    FILE *file = fopen(path, "re");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

/* ---- */

static void lines_are_appended_together_and_the_last_ones_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct access_log *log = open_log(f);

    write_line(log, "one");
    write_line(log, "two");
    assert_int_equal(size_of(f->path), 0);
    wait_size(f, 8);
    write_line(log, "three");
    access_log_close(log);
    check_file(f->path, "one\ntwo\nthree\n");
    log = open_log(f);
    write_line(log, "four");
    access_log_close(log);
    check_file(f->path, "one\ntwo\nthree\nfour\n");
}

static void who_names_the_same_file_writes_to_the_same(void **state)
{
    struct fixture *f = *state;
    struct access_log *log = open_log(f), *same = open_log(f);

    assert_ptr_equal(log, same);
    write_line(log, "a");
    access_log_close(log);
    write_line(same, "b");
    access_log_close(same);
    check_file(f->path, "a\nb\n");
}

static void many_lines_do_not_wait_for_the_timer(void **state)
{
    struct fixture *f = *state;
    struct access_log *log = open_log(f);
    char line[1024];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    for (size_t i = 0; i < 2 * ACCESS_LOG_BUFFER / sizeof(line); i++)
        write_line(log, line);
    assert_int_equal(size_of(f->path), 2 * ACCESS_LOG_BUFFER);
    access_log_close(log);
}

static void a_file_that_was_moved_away_or_removed_is_made_anew(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *rotated = mem_printf("%s.1", f->path);
    struct access_log *log = open_log(f);

    write_line(log, "old");
    wait_size(f, 4);
    assert_int_equal(rename(f->path, rotated), 0);
    write_line(log, "newer");
    wait_size(f, 6);
    check_file(rotated, "old\n");
    check_file(f->path, "newer\n");
    assert_int_equal(unlink(f->path), 0);
    write_line(log, "newest");
    wait_size(f, 7);
    check_file(f->path, "newest\n");
    access_log_close(log);
}

static void a_file_that_cannot_be_opened_is_named_and_tried_again(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf error = {0};
    CLEANUP(free) char *folder = mem_printf("%s/later", f->folder);
    CLEANUP(free) char *expected = NULL;
    struct access_log *log;

    free(f->path);
    f->path = mem_printf("%s/access.log", folder);
    expected = mem_printf("the access log %s cannot be written: No such file or directory", f->path);
    log = access_log_open(f->logs, f->path, &error);
    assert_string_equal(buf_terminate(&error), expected);
    write_line(log, "kept");
    assert_int_equal(mkdir(folder, 0777), 0);
    wait_size(f, 5);
    access_log_close(log);
    check_file(f->path, "kept\n");
}

static void a_folder_is_no_access_log(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf error = {0};
    struct access_log *log = access_log_open(f->logs, f->folder, &error);

    assert_non_null(strstr(buf_terminate(&error), "Is a directory"));
    access_log_close(log);
}

/* As a full disk does it, a limit of size stops a write in the middle of a line. */
static void what_does_not_fit_waits_and_no_line_is_cut(void **state)
{
    struct fixture *f = *state;
    struct access_log *log = open_log(f);
    struct rlimit before, small;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 6;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    write_line(log, "one");
    write_line(log, "two");
    wait_size(f, 6);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    loop_advance(f->loop, ACCESS_LOG_RETRY_MS);
    write_line(log, "three");
    wait_size(f, 14);
    access_log_close(log);
    check_file(f->path, "one\ntwo\nthree\n");
}

static void a_pipe_that_nobody_reads_stops_no_one_and_lines_are_dropped_at_the_limit(void **state)
{
    struct fixture *f = *state;
    char line[4096], piece[65536];
    struct access_log *log;
    size_t taken = 0;
    uint64_t received = 0;
    int reader;

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    assert_int_equal(mkfifo(f->path, 0600), 0);
    reader = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    log = open_log(f);
    while (write_line(log, line)) {
        taken++;
        assert_true(taken * sizeof(line) <= 2 * (size_t)ACCESS_LOG_WAITING_MAX);
    }
    assert_false(write_line(log, line));
    for (ssize_t n; (n = read(reader, piece, sizeof(piece))) > 0;)
        received += (uint64_t)n;
    assert_in_range(received, 1, ACCESS_LOG_WAITING_MAX);
    access_log_close(log);
    close(reader);
}

static void a_pipe_without_a_reader_is_an_error_that_does_not_wait(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf error = {0};

    assert_int_equal(mkfifo(f->path, 0600), 0);
    access_log_close(access_log_open(f->logs, f->path, &error));
    assert_non_null(strstr(buf_terminate(&error), "cannot be written"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_appended_together_and_the_last_ones_at_the_end),
        TEST(who_names_the_same_file_writes_to_the_same),
        TEST(many_lines_do_not_wait_for_the_timer),
        TEST(a_file_that_was_moved_away_or_removed_is_made_anew),
        TEST(a_file_that_cannot_be_opened_is_named_and_tried_again),
        TEST(a_folder_is_no_access_log),
        TEST(what_does_not_fit_waits_and_no_line_is_cut),
        TEST(a_pipe_that_nobody_reads_stops_no_one_and_lines_are_dropped_at_the_limit),
        TEST(a_pipe_without_a_reader_is_an_error_that_does_not_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
