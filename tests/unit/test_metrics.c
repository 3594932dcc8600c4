/* test_metrics.c - what a stage counts, and the text that Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway/metrics.h"
#include "management/exposition.h"

/* ---- histograms ---- */

static void a_duration_is_counted_in_the_smallest_bucket_that_holds_it(void **state)
{
    struct histogram h = {0};

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram_add(&h, histogram_limit_ns(i));
        assert_int_equal(h.buckets[i], 1);
        histogram_add(&h, histogram_limit_ns(i) + 1);
        assert_int_equal(h.buckets[i + 1], 1);
        h.buckets[i + 1] = 0;
    }
    histogram_add(&h, UINT64_MAX / 2);
    assert_int_equal(h.buckets[HISTOGRAM_BUCKETS], 1);
    assert_int_equal(histogram_up_to(&h, 3), 4);
    assert_int_equal(histogram_up_to(&h, HISTOGRAM_BUCKETS), HISTOGRAM_BUCKETS + 1);
}

static void the_text_of_each_limit_is_its_number_of_seconds(void **state)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        assert_int_equal((uint64_t)(strtod(histogram_limit_text(i), NULL) * 1e9 + 0.5), histogram_limit_ns(i));
        if (i > 0)
            assert_true(histogram_limit_ns(i) > histogram_limit_ns(i - 1));
    }
}

static void merging_adds_every_bucket_and_the_sums(void **state)
{
    struct histogram a = {0}, b = {0};

    histogram_add(&a, 1000);
    histogram_add(&b, 2000);
    histogram_add(&b, UINT64_C(40000000000));
    histogram_merge(&a, &b);
    assert_int_equal(a.buckets[0], 2);
    assert_int_equal(a.buckets[HISTOGRAM_BUCKETS], 1);
    assert_int_equal(a.sum_ns, UINT64_C(40000003000));
}

/* ---- counters ---- */

static char key_connect[] = "$connect", key_say[] = "say", key_new[] = "new";
static struct config_route connect_and_say[] = {{.key = key_connect}, {.key = key_say}};
static struct config_route say_and_new[] = {{.key = key_say}, {.key = key_new}};

static void what_a_route_has_counted_survives_a_reload_and_a_removed_route_does_not(void **state)
{
    const struct config before = {.routes = connect_and_say, .route_count = 2};
    const struct config after = {.routes = say_and_new, .route_count = 2};
    struct metrics *metrics = metrics_new(&before);

    metrics_add(metrics_route(metrics, 0), METRIC_CONNECT_COUNT, 1);
    metrics_add(metrics_route(metrics, 1), METRIC_MESSAGES_IN, 7);
    metrics_integration(metrics_route(metrics, 1), NULL, 200, 1);
    metrics_add(metrics_route(metrics, METRICS_NO_ROUTE), METRIC_MESSAGES_OUT, 3);
    metrics_handshake(metrics, 101);
    metrics_reconfigure(metrics, &after);
    assert_string_equal(metrics_route(metrics, 0)->key, "say");
    assert_int_equal(metrics_route(metrics, 0)->counts[METRIC_MESSAGES_IN], 7);
    assert_int_equal(metrics_route(metrics, 0)->latency.buckets[0], 1);
    assert_string_equal(metrics_route(metrics, 1)->key, "new");
    for (size_t i = 0; i < METRIC_COUNT; i++)
        assert_int_equal(metrics_route(metrics, 1)->counts[i], 0);
    assert_string_equal(metrics_route(metrics, METRICS_NO_ROUTE)->key, "");
    assert_int_equal(metrics_route(metrics, METRICS_NO_ROUTE)->counts[METRIC_MESSAGES_OUT], 3);
    assert_int_equal(metrics->handshakes[1], 1);
    metrics_free(metrics);
}

static void an_integration_errs_by_its_status_and_a_call_by_failing(void **state)
{
    struct metrics_route route = {0};

    metrics_integration(&route, NULL, 200, 1);
    metrics_integration(&route, NULL, 399, 1);
    metrics_integration(&route, NULL, 600, 1);
    assert_int_equal(route.counts[METRIC_INTEGRATION_ERROR], 0);
    metrics_integration(&route, NULL, 400, 1);
    metrics_integration(&route, NULL, 599, 1);
    assert_int_equal(route.counts[METRIC_INTEGRATION_ERROR], 2);
    metrics_integration(&route, rule_get(RULE_INTEGRATION_TIMEOUT), 0, 1);
    assert_int_equal(route.counts[METRIC_INTEGRATION_ERROR], 2);
    assert_int_equal(route.counts[METRIC_EXECUTION_ERROR], 1);
    assert_int_equal(histogram_up_to(&route.latency, HISTOGRAM_BUCKETS), 6);
}

static void only_a_refusal_of_the_400s_is_a_client_error(void **state)
{
    static const unsigned others[] = {0, 101, 200, 399, 500, 503};
    struct metrics_route route = {0};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        metrics_refused(&route, others[i]);
    assert_int_equal(route.counts[METRIC_CLIENT_ERROR], 0);
    metrics_refused(&route, 400);
    metrics_refused(&route, 499);
    assert_int_equal(route.counts[METRIC_CLIENT_ERROR], 2);
}

static void a_status_that_is_none_is_not_counted(void **state)
{
    const struct config config = {.routes = connect_and_say, .route_count = 2};
    struct metrics *metrics = metrics_new(&config);

    metrics_handshake(metrics, 0);
    metrics_handshake(metrics, 99);
    metrics_handshake(metrics, 600);
    metrics_handshake(metrics, UINT32_MAX);
    for (size_t i = 0; i < sizeof(metrics->handshakes) / sizeof(metrics->handshakes[0]); i++)
        assert_int_equal(metrics->handshakes[i], 0);
    metrics_handshake(metrics, 599);
    assert_int_equal(metrics->handshakes[499], 1);
    metrics_free(metrics);
}

/* ---- the text ---- */

static const struct exposition_family family = {"apigw_x_total", EXPOSITION_COUNTER, "What x is."};

static void a_family_says_what_it_is_before_its_samples(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct exposition_labels labels = {0}, empty = {0};

    exposition_label(&labels, "stage", SPAN("dev"));
    exposition_label(&labels, "route", SPAN(""));
    exposition_label(&labels, "api", SPAN("a"));
    exposition_label(&empty, "route", SPAN(""));
    exposition_begin(&family, &out);
    exposition_value(&family, &labels, UINT64_MAX, &out);
    exposition_value(&family, &empty, 0, &out);
    assert_string_equal(buf_terminate(&out), "# HELP apigw_x_total What x is.\n"
                                             "# TYPE apigw_x_total counter\n"
                                             "apigw_x_total{stage=\"dev\",api=\"a\"} 18446744073709551615\n"
                                             "apigw_x_total 0\n");
}

static void what_would_end_a_label_is_escaped_and_what_is_no_utf8_replaced(void **state)
{
    CLEANUP(buf_fini) struct buf out = {0};
    struct exposition_labels labels = {0};

    exposition_label(&labels, "route", SPAN("a\"b\\c\nd\xff}"));
    exposition_value(&family, &labels, 1, &out);
    assert_string_equal(buf_terminate(&out), "apigw_x_total{route=\"a\\\"b\\\\c\\nd\xef\xbf\xbd}\"} 1\n");
}

static void buckets_add_up_to_the_count(void **state)
{
    static const struct exposition_family latency = {"l_seconds", EXPOSITION_HISTOGRAM, "Latency."};
    CLEANUP(buf_fini) struct buf out = {0};
    struct histogram h = {0};
    const char *text;

    histogram_add(&h, 1000000);
    histogram_add(&h, 1500000);
    histogram_add(&h, UINT64_C(30000000001));
    exposition_histogram(&latency, &(struct exposition_labels){0}, &h, &out);
    text = buf_terminate(&out);
    assert_non_null(strstr(text, "l_seconds_bucket{le=\"0.0005\"} 0\n"));
    assert_non_null(strstr(text, "l_seconds_bucket{le=\"0.001\"} 1\nl_seconds_bucket{le=\"0.0025\"} 2\n"));
    assert_non_null(strstr(text, "l_seconds_bucket{le=\"29\"} 2\nl_seconds_bucket{le=\"+Inf\"} 3\n"
                                 "l_seconds_sum 30.002500001\nl_seconds_count 3\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_is_counted_in_the_smallest_bucket_that_holds_it),
        cmocka_unit_test(the_text_of_each_limit_is_its_number_of_seconds),
        cmocka_unit_test(merging_adds_every_bucket_and_the_sums),
        cmocka_unit_test(what_a_route_has_counted_survives_a_reload_and_a_removed_route_does_not),
        cmocka_unit_test(an_integration_errs_by_its_status_and_a_call_by_failing),
        cmocka_unit_test(only_a_refusal_of_the_400s_is_a_client_error),
        cmocka_unit_test(a_status_that_is_none_is_not_counted),
        cmocka_unit_test(a_family_says_what_it_is_before_its_samples),
        cmocka_unit_test(what_would_end_a_label_is_escaped_and_what_is_no_utf8_replaced),
        cmocka_unit_test(buckets_add_up_to_the_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
