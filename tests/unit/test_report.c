/* test_report.c - Lambda's lines, byte for byte as they were seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "function/report.h"

#define ID "8f507cfc-b7b0-4f9a-a4f1-5ae1f2a3d7a8"
#define MS UINT64_C(1000000)

static void assert_text(struct buf *actual, const char *expected)
{
    assert_string_equal(buf_terminate(actual), expected);
    buf_fini(actual);
    *actual = (struct buf){0};
}

static void the_lines_around_an_invocation(void **state)
{
    struct buf out = {0};

    report_write_start(&out, SPAN(ID));
    assert_text(&out, "START RequestId: " ID " Version: $LATEST");
    report_write_end(&out, SPAN(ID));
    assert_text(&out, "END RequestId: " ID);
}

static void init_start_names_a_runtime_of_the_region(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    static const char head[] = "INIT_START Runtime Version: provided:al2023.v1\tRuntime Version ARN: "
                               "arn:aws:lambda:eu-west-1::runtime:";

    report_write_init_start(&out, "eu-west-1");
    assert_memory_equal(out.ptr, head, sizeof(head) - 1);
    assert_int_equal(out.len, sizeof(head) - 1 + 64);
    assert_int_equal(strspn(buf_terminate(&out) + sizeof(head) - 1, "0123456789abcdef"), 64);
}

static void a_report_says_what_was_used(void **state)
{
    static const struct {
        struct report report;
        const char *text;
    } reports[] = {
        /* warm: a tab at the end */
        {{.duration_ns = 1220000, .memory_max_kb = 36 * 1024},
         "Duration: 1.22 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"},
        /* cold */
        {{.duration_ns = 3010000, .init_ns = 110100000, .memory_max_kb = 35 * 1024 + 1},
         "Duration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
         "Init Duration: 110.10 ms\t"},
        /* a whole millisecond is not rounded up */
        {{.duration_ns = 4 * MS, .memory_max_kb = 1},
         "Duration: 4.00 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 1 MB\t"},
        {{.duration_ns = 1, .memory_max_kb = 1},
         "Duration: 0.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 1 MB\t"},
        /* never more than there was */
        {{.duration_ns = MS, .memory_max_kb = 140 * 1024},
         "Duration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t"},
        {{.duration_ns = MS,
          .memory_max_kb = 10240,
          .status = REPORT_ERROR,
          .error_type = {"Runtime.InvalidEntrypoint", 25}},
         "Duration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 10 MB\tStatus: error\t"
         "Error Type: Runtime.InvalidEntrypoint"},
        {{.duration_ns = 3000 * MS, .memory_max_kb = 10240, .status = REPORT_TIMEOUT},
         "Duration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 10 MB\tStatus: "
         "timeout"},
    };

    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        struct report report = reports[i].report;
        struct buf out = {0}, expected = {0};
        report.request_id = SPAN(ID);
        report.memory_size_mb = 128;
        report_write_report(&out, &report);
        buf_printf(&expected, "REPORT RequestId: " ID "\t%s", reports[i].text);
        assert_text(&out, buf_terminate(&expected));
        buf_fini(&expected);
    }
}

static void an_init_that_failed_has_a_report_of_its_own(void **state)
{
    struct buf out = {0};

    report_write_init_report(&out, &(struct report_init){1236040000, REPORT_TIMEOUT, {NULL, 0}});
    assert_text(&out, "INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: timeout");
    report_write_init_report(&out, &(struct report_init){206720000, REPORT_ERROR, SPAN("Runtime.ExitError")});
    assert_text(&out,
                "INIT_REPORT Init Duration: 206.72 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError");
    report_write_init_report(&out, &(struct report_init){MS, REPORT_SUCCESS, {NULL, 0}});
    assert_text(&out, "INIT_REPORT Init Duration: 1.00 ms\tPhase: init");
}

static void a_timeout_has_the_time_of_day(void **state)
{
    struct buf out = {0};

    report_write_timeout(&out, UINT64_C(1605442994726), SPAN(ID), 3000);
    assert_text(&out, "2020-11-15T12:23:14.726Z " ID " Task timed out after 3.00 seconds");
}

static void the_end_of_a_process_takes_two_lines(void **state)
{
    struct buf out = {0};

    report_write_end_of_process(&out, SPAN(ID), SPAN("Runtime exited with error: signal: illegal instruction"),
                                SPAN("Runtime.ExitError"));
    assert_text(&out,
                "RequestId: " ID " Error: Runtime exited with error: signal: illegal instruction\nRuntime.ExitError");
}

static void types_that_are_not_lambdas_are_unknown_in_the_log(void **state)
{
    static const struct {
        const char *type;
        const char *logged;
    } types[] = {
        {"Runtime.ExitError", "Runtime.ExitError"},
        {"Function.ResponseSizeTooLarge", "Function.ResponseSizeTooLarge"},
        {"Sandbox.Timedout", "Sandbox.Timedout"},
        {"SuiteError", "Function.Unknown"},
        {"", "Function.Unknown"},
        {"Runtime.", "Function.Unknown"},
        {"Runtime.X", "Function.Unknown"},
        {"Runtime.exit", "Function.Unknown"},
        {"Function.Two Words", "Function.Unknown"},
        {"Function.Line\nREPORT", "Function.Unknown"},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct span logged = report_error_type(span_of_str(types[i].type), SPAN("Function.Unknown"));
        assert_true(span_equal(logged, span_of_str(types[i].logged)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lines_around_an_invocation),
        cmocka_unit_test(init_start_names_a_runtime_of_the_region),
        cmocka_unit_test(a_report_says_what_was_used),
        cmocka_unit_test(an_init_that_failed_has_a_report_of_its_own),
        cmocka_unit_test(a_timeout_has_the_time_of_day),
        cmocka_unit_test(the_end_of_a_process_takes_two_lines),
        cmocka_unit_test(types_that_are_not_lambdas_are_unknown_in_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
