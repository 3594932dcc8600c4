/* Which requests for /_apigw are answered: what browsers send for other people's pages is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/mem.h"
#include "management/guard.h"

#define HEADERS_MAX 8

/* "Name: value" lines, up to a NULL. */
struct sample {
    const char *headers[HEADERS_MAX];
    bool admitted;
};

static struct guard_names allowed;

static int allow_names(void **state)
{
    assert_null(guard_names_add(&allowed, SPAN("Apigw.Test")));
    assert_null(guard_names_add(&allowed, SPAN("192.168.1.5")));
    assert_null(guard_names_add(&allowed, SPAN("[fd00::1]")));
    assert_null(guard_names_add(&allowed, SPAN("trailing.test.")));
    return 0;
}

static int forget_names(void **state)
{
    guard_names_fini(&allowed);
    return 0;
}

static struct event_header split(const char *line)
{
    const char *colon = strstr(line, ": ");

    assert_non_null(colon);
    return (struct event_header){span_of(line, (size_t)(colon - line)), span_of_str(colon + 2)};
}

static bool is_domain(void *arg, struct span name)
{
    assert_ptr_equal(arg, &allowed);
    return span_equal_nocase(name, SPAN("api.example.test"));
}

static bool judge(const struct sample *s, bool changes, struct buf *why)
{
    struct event_header headers[HEADERS_MAX];
    struct sigv4_request request = {.headers = headers};
    const struct guard guard = {.names = &allowed, .is_domain = is_domain, .arg = &allowed};

    while (request.header_count < HEADERS_MAX && s->headers[request.header_count]) {
        headers[request.header_count] = split(s->headers[request.header_count]);
        request.header_count++;
    }
    return changes ? guard_admits_change(&request, why) : guard_admits(&guard, &request, why);
}

static void check(const struct sample *samples, size_t count, bool changes, const char *remedy)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_fini) struct buf why = {0};
        bool admitted = judge(&samples[i], changes, &why);

        if (admitted != samples[i].admitted)
            fail_msg("%s %s: %s", samples[i].headers[0], samples[i].headers[1] ? samples[i].headers[1] : "",
                     buf_terminate(&why));
        assert_int_equal(admitted, why.len == 0);
        if (!admitted && remedy)
            assert_non_null(strstr(buf_terminate(&why), remedy));
        for (size_t at = 0; at < why.len; at++)
            assert_in_range(why.ptr[at], ' ', '~');
    }
}

#define CHECK(samples, changes, remedy) check(samples, sizeof(samples) / sizeof((samples)[0]), changes, remedy)

static void a_host_that_is_this_machine_is_admitted(void **state)
{
    static const struct sample samples[] = {
        {{"Host: localhost"}, true},          {{"host: LOCALHOST:3001"}, true},
        {{"Host: localhost."}, true},         {{"Host: abcdef1234.execute-api.us-east-1.localhost:3001"}, true},
        {{"Host: 127.0.0.1"}, true},          {{"Host: 127.0.0.1:1"}, true},
        {{"Host: 127.255.1.2:65535"}, true},  {{"Host: [::1]"}, true},
        {{"Host: [::1]:3001"}, true},         {{"Host: [0:0:0:0:0:0:0:1]:3001"}, true},
        {{"Host: [::ffff:127.0.0.1]"}, true}, {{"Host: localhost:"}, true}, /* RFC 3986 lets a port be empty */
    };

    CHECK(samples, false, NULL);
}

static void a_host_that_was_allowed_is_admitted_in_each_spelling(void **state)
{
    static const struct sample samples[] = {
        {{"Host: apigw.test:3001"}, true},      {{"Host: APIGW.TEST."}, true},
        {{"Host: 192.168.1.5:3001"}, true},     {{"Host: [fd00::1]"}, true},
        {{"Host: [FD00:0::0:1]:3001"}, true},   {{"Host: trailing.test"}, true},
        {{"Host: [::ffff:192.168.1.5]"}, true}, {{"Host: API.example.test:443"}, true},
    };

    CHECK(samples, false, NULL);
}

static void every_other_host_is_refused_and_told_of_allow_host(void **state)
{
    static const struct sample samples[] = {
        {{"Accept: */*"}, false},
        {{"Host: "}, false},
        {{"Host: evil.test"}, false},
        {{"Host: evil.test:3001"}, false},
        {{"Host: localhost.evil.test"}, false},
        {{"Host: 127.0.0.1.evil.test"}, false},
        {{"Host: notlocalhost"}, false},
        {{"Host: .localhost"}, false},
        {{"Host: localhost@evil.test"}, false},
        {{"Host: evil.test/localhost"}, false},
        {{"Host: localhost:3001:localhost"}, false},
        {{"Host: localhost:80a"}, false},
        {{"Host: localhost:123456"}, false},
        {{"Host: localhost evil.test"}, false},
        {{"Host: localhost,evil.test"}, false},
        {{"Host: .apigw.test"}, false},
        {{"Host: x.apigw.test"}, false},
        {{"Host: 0.0.0.0:3001"}, false},
        {{"Host: 128.0.0.1"}, false},
        {{"Host: 127.1"}, false},
        {{"Host: 2130706433"}, false},
        {{"Host: 0x7f.0.0.1"}, false},
        {{"Host: 10.0.0.1"}, false},
        {{"Host: ::1"}, false},
        {{"Host: [::1"}, false},
        {{"Host: [::1]x"}, false},
        {{"Host: []"}, false},
        {{"Host: [localhost]"}, false},
        {{"Host: [::2]"}, false},
        {{"Host: [::ffff:10.0.0.1]"}, false},
        {{"Host: localhost", "Host: evil.test"}, false},
        {{"Host: localhost", "Host: localhost"}, false},
        {{"Host: \xff\x01\x7f"}, false},
        {{"Host: "
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.localhos"},
         false},
    };

    CHECK(samples, false, "--allow-host");
}

static void an_origin_is_the_hosts_own_or_this_machines(void **state)
{
    static const struct sample samples[] = {
        {{"Host: apigw.test:3001", "Origin: http://apigw.test:3001"}, true},
        {{"Host: apigw.test", "Origin: http://apigw.test"}, true},
        {{"Host: apigw.test:443", "Origin: https://apigw.test"}, true},
        {{"Host: apigw.test", "Origin: https://apigw.test:443"}, true},
        {{"Host: localhost:3001", "Origin: http://localhost:8080"}, true},
        {{"Host: localhost:3001", "Origin: http://127.0.0.1:8080"}, true},
        {{"Host: localhost:3001", "Origin: https://app.localhost"}, true},
        {{"Host: localhost:3001", "Origin: http://[::1]:5173"}, true},
        {{"Host: apigw.test:3001", "Origin: http://apigw.test"}, false},
        {{"Host: apigw.test:3001", "Origin: http://apigw.test:3002"}, false},
        {{"Host: apigw.test", "Origin: http://192.168.1.5"}, false},
        {{"Host: localhost", "Origin: http://evil.test"}, false},
        {{"Host: localhost", "Origin: http://localhost.evil.test"}, false},
        {{"Host: localhost", "Origin: http://localhost@evil.test"}, false},
        {{"Host: localhost", "Origin: null"}, false},
        {{"Host: localhost", "Origin: "}, false},
        {{"Host: localhost", "Origin: localhost"}, false},
        {{"Host: localhost", "Origin: file://"}, false},
        {{"Host: localhost", "Origin: chrome-extension://abcdefgh"}, false},
        {{"Host: localhost", "Origin: ://localhost"}, false},
        {{"Host: localhost", "Origin: http://"}, false},
        {{"Host: localhost", "Origin: http://localhost", "Origin: http://evil.test"}, false},
        {{"Host: localhost", "Origin: http://localhost http://evil.test"}, false},
    };

    CHECK(samples, false, "programs of this machine");
}

static void what_a_page_of_another_site_asks_is_refused(void **state)
{
    static const struct sample samples[] = {
        {{"Host: localhost", "Sec-Fetch-Site: same-origin"}, true},
        {{"Host: localhost", "Sec-Fetch-Site: same-site"}, true},
        {{"Host: localhost", "Sec-Fetch-Site: none"}, true},
        {{"Host: localhost", "Sec-Fetch-Site: cross-site"}, false},
        {{"Host: localhost", "sec-fetch-site: Cross-Site"}, false},
        {{"Host: localhost", "Sec-Fetch-Site: none", "Sec-Fetch-Site: none"}, false},
        {{"Host: localhost", "Origin: http://localhost", "Sec-Fetch-Site: cross-site"}, false},
    };

    CHECK(samples, false, "another site");
}

static void a_change_needs_a_content_type_that_no_form_has(void **state)
{
    static const struct sample samples[] = {
        {{"Content-Type: application/json"}, true},
        {{"content-type: Application/JSON"}, true},
        {{"Content-Type: application/json; charset=utf-8"}, true},
        {{"Content-Type:  application/json ;charset=utf-8"}, true},
        {{"Accept: application/json"}, false},
        {{"Content-Type: "}, false},
        {{"Content-Type: text/plain"}, false},
        {{"Content-Type: text/plain; application/json"}, false},
        {{"Content-Type: text/plain, application/json"}, false},
        {{"Content-Type: application/json, text/plain"}, false},
        {{"Content-Type: application/x-www-form-urlencoded"}, false},
        {{"Content-Type: multipart/form-data; boundary=application/json"}, false},
        {{"Content-Type: application/json5"}, false},
        {{"Content-Type: application/jso"}, false},
        {{"Content-Type: application/json", "Content-Type: text/plain"}, false},
        {{"Content-Type: text/plain", "Content-Type: application/json"}, false},
    };

    CHECK(samples, true, "-H 'Content-Type: application/json'");
}

static void what_is_no_name_cannot_be_allowed(void **state)
{
    static const char *const wrong[] = {"",         "http://a", "a:80", "a/b",    "*.a", "a b", "[a]x",      "[::1]:80",
                                        "\xc3\xbc", "a,b",      "a\n",  "user@a", "[]",  "*",   "fe80::1%lo"};
    struct guard_names names = {0};
    char long_name[GUARD_NAME_LEN_MAX + 2];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (!guard_names_add(&names, span_of_str(wrong[i])))
            fail_msg("'%s' was taken", wrong[i]);
    memset(long_name, 'a', sizeof(long_name));
    assert_non_null(guard_names_add(&names, span_of(long_name, GUARD_NAME_LEN_MAX + 1)));
    assert_null(guard_names_add(&names, span_of(long_name, GUARD_NAME_LEN_MAX)));
    assert_int_equal(names.count, 1);
    guard_names_fini(&names);
}

static void there_is_a_limit_to_allowed_names(void **state)
{
    struct guard_names names = {0};

    for (int i = 0; i < GUARD_NAMES_MAX; i++)
        assert_null(guard_names_add(&names, SPAN("apigw.test")));
    assert_non_null(strstr(guard_names_add(&names, SPAN("apigw.test")), "64"));
    guard_names_fini(&names);
    assert_int_equal(names.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_is_this_machine_is_admitted),
        cmocka_unit_test(a_host_that_was_allowed_is_admitted_in_each_spelling),
        cmocka_unit_test(every_other_host_is_refused_and_told_of_allow_host),
        cmocka_unit_test(an_origin_is_the_hosts_own_or_this_machines),
        cmocka_unit_test(what_a_page_of_another_site_asks_is_refused),
        cmocka_unit_test(a_change_needs_a_content_type_that_no_form_has),
        cmocka_unit_test(what_is_no_name_cannot_be_allowed),
        cmocka_unit_test(there_is_a_limit_to_allowed_names),
    };

    return cmocka_run_group_tests(tests, allow_names, forget_names);
}
