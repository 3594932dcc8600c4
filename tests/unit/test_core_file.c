/* test_core_file.c - where a core file is, by what core(5) says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "function/core_file.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static siginfo_t crash;

static void assert_text(const struct buf *actual, struct span expected)
{
    if (!span_equal(buf_span(actual), expected))
        fail_msg("got <" SPAN_FMT ">, expected <" SPAN_FMT ">", SPAN_ARG(buf_span(actual)), SPAN_ARG(expected));
}

static const struct {
    struct span pattern;
    bool uses_pid;
    struct span glob;
} glob_cases[] = {
    {SPAN("core"), false, SPAN("core")},
    {SPAN("core"), true, SPAN("core.4711")},
    {SPAN(""), true, SPAN(".4711")},
    {SPAN("/var/crash/%e.%p"), true, SPAN("/var/crash/*.4711")},
    {SPAN("/var/crash/%e.%p"), false, SPAN("/var/crash/*.4711")},
    {SPAN("core-%s-%t-%P"), false, SPAN("core-11-*-*")},
    {SPAN("100%%-%u"), false, SPAN("100%-*")},
    {SPAN("%%p"), true, SPAN("%p.4711")},
    {SPAN("core%"), false, SPAN("core")},
    {SPAN("a*b?[c]\\"), false, SPAN("a\\*b\\?\\[c\\]\\\\")},
};

static void a_pattern_becomes_the_names_that_it_can_make(void **state)
{
    for (size_t i = 0; i < COUNT(glob_cases); i++) {
        const struct core_file_pattern pattern = {glob_cases[i].pattern, glob_cases[i].uses_pid};
        CLEANUP(buf_fini) struct buf out = {0};

        core_file_glob(&pattern, &crash, &out);
        assert_text(&out, glob_cases[i].glob);
    }
}

static const struct {
    struct span pattern, sentence;
} program_cases[] = {
    {SPAN("|/usr/lib/systemd/systemd-coredump %P %u"),
     SPAN("its core file was given to /usr/lib/systemd/systemd-coredump (coredumpctl gdb 4711)")},
    {SPAN("| /usr/share/apport/apport -p%p"), SPAN("its core file was given to /usr/share/apport/apport")},
    {SPAN("|"), SPAN("its core file was given to ")},
    {SPAN("no/such/folder/core"), SPAN("its core file is named as kernel.core_pattern says: no/such/folder/core")},
};

static void who_was_given_it_or_what_it_is_called_is_said(void **state)
{
    for (size_t i = 0; i < COUNT(program_cases); i++) {
        const struct core_file_pattern pattern = {program_cases[i].pattern, true};
        CLEANUP(buf_fini) struct buf out = {0};

        core_file_describe(&pattern, &crash, SPAN("/"), &out);
        assert_text(&out, program_cases[i].sentence);
    }
}

/* An empty file that was last written `seconds` after the epoch. */
static void make_file(const char *folder, const char *name, time_t seconds)
{
    CLEANUP(free) char *path = mem_printf("%s/%s", folder, name);
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void of_several_files_there_or_beside_the_plugin_it_is_the_newest(void **state)
{
    static const char *const names[] = {"a.4711", "b.4711", "c.4711", "d.4712"};
    char folder[] = "/tmp/apigw-[core]-XXXXXX";
    CLEANUP(buf_fini) struct buf out = {0};
    CLEANUP(buf_fini) struct buf beside = {0};
    CLEANUP(free) char *text = NULL, *expected = NULL;

    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < COUNT(names); i++)
        make_file(folder, names[i], i == 1 ? 2000 : 1000 + (time_t)i);
    text = mem_printf("%s/%%e.%%p", folder);
    expected = mem_printf("its core file is %s/b.4711", folder);
    core_file_describe(&(struct core_file_pattern){span_of_str(text), false}, &crash, SPAN("/"), &out);
    core_file_describe(&(struct core_file_pattern){SPAN("%e.%p"), false}, &crash, span_of_str(folder), &beside);
    for (size_t i = 0; i < COUNT(names); i++) {
        CLEANUP(free) char *path = mem_printf("%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    assert_text(&out, span_of_str(expected));
    assert_text(&beside, span_of_str(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_becomes_the_names_that_it_can_make),
        cmocka_unit_test(who_was_given_it_or_what_it_is_called_is_said),
        cmocka_unit_test(of_several_files_there_or_beside_the_plugin_it_is_the_newest),
    };
    crash.si_code = CLD_DUMPED;
    crash.si_pid = 4711;
    crash.si_status = SIGSEGV;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
