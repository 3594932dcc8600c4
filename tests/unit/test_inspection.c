/* What is under /_apigw: the documents byte for byte, pages of connections, and what hostile requests get.
 *
 * Functions and their environments are made up here; the linker takes these and leaves the library's alone. */
#include "gateway_fixture.h"

#include "function/inspection.h"
#include "gateway/connection.h"
#include "gateway/rules.h"
#include "management/control.h"

/* ---- what control asks, made up ---- */

struct loop_deferred {
    int unused;
};

struct loop_deferred *loop_deferred_new(struct loop *loop, loop_timer_fn *on_turn, void *arg)
{
    return NULL;
}

void loop_deferred_start(struct loop_deferred *deferred)
{
}

void loop_deferred_free(struct loop_deferred *deferred)
{
}

uint64_t loop_advance_step(struct loop *loop, uint64_t ms)
{
    return 0;
}

void function_pool_sample(struct function_pool *pool)
{
}

bool function_pool_is_ending(const struct function_pool *pool)
{
    return false;
}

size_t function_pool_busy(const struct function_pool *pool)
{
    return 7;
}

uint64_t lambda_invocations(const struct lambda *lambda)
{
    return 0;
}

bool lambda_is_busy_with(const struct lambda *lambda, uint64_t after, uint64_t up_to)
{
    return false;
}

struct environment {
    struct environment_details details;
};

struct function {
    struct function_details details;
    struct environment *environments;
};

#define FUNCTIONS_MAX 4
static struct function functions[FUNCTIONS_MAX];
static size_t function_count;

const struct function *inspection_next_function(const struct function_pool *pool, const struct function *f)
{
    const size_t next = f ? (size_t)(f - functions) + 1 : 0;

    return next < function_count ? &functions[next] : NULL;
}

const struct config *inspection_next_user(const struct function *f, size_t *index)
{
    static const struct config users[] = {{.name = (char *)"chat"}, {.name = (char *)"other"}};

    return *index < 2 ? &users[(*index)++] : NULL;
}

void inspection_describe_function(const struct function *f, struct function_details *ret)
{
    *ret = f->details;
}

struct environment *inspection_next_environment(const struct function *f, const struct environment *env)
{
    const size_t next = env ? (size_t)(env - f->environments) + 1 : 0;

    return next < f->details.environments ? &f->environments[next] : NULL;
}

void inspection_describe_environment(struct environment *env, struct environment_details *ret)
{
    *ret = env->details;
}

/* ---- asking ---- */

struct world {
    struct fixture *f;
    struct guard_names names;
    struct control *control;
    struct management_response answer;
    unsigned answers;
    char *text; /* of the body */
};

static struct world *world_new(void)
{
    struct world *w = mem_zalloc(sizeof(*w));

    function_count = 0;
    w->f = fixture_new(all_routes, ROUTES_ALL);
    w->control = control_new(&(struct control_setup){.gateway = w->f->gw, .names = &w->names});
    return w;
}

static void world_free_ptr(struct world **w)
{
    management_response_fini(&(*w)->answer);
    free((*w)->text);
    control_free((*w)->control);
    fixture_free((*w)->f);
    free(*w);
}

static void on_control_answered(void *arg, struct management_response *answer)
{
    struct world *w = arg;

    w->answers++;
    management_response_fini(&w->answer);
    w->answer = *answer;
    free(w->text);
    w->text = mem_span_dup(buf_span(&answer->body));
}

/* The status. `target` is a path and perhaps a query. */
static unsigned ask(struct world *w, const char *method, const char *target)
{
    static const struct event_header headers[] = {{{"Host", 4}, {"localhost", 9}},
                                                  {{"Content-Type", 12}, {"application/json", 16}}};
    const char *query = strchr(target, '?');
    struct sigv4_request request = {
        .method = span_of_str(method),
        .path = span_of(target, query ? (size_t)(query - target) : strlen(target)),
        .query = span_of_str(query ? query + 1 : NULL),
        .headers = headers,
        .header_count = 2,
    };

    w->answers = 0;
    control_handle(w->control, &request, on_control_answered, w);
    assert_int_equal(w->answers, 1);
    return w->answer.status;
}

/* A member of the answer, as JSON. */
static struct json_value member(const struct world *w, const char *key)
{
    struct json_value root, value;

    assert_int_equal(json_parse(span_of_str(w->text), &root, NULL), 0);
    assert_true(json_get(root, span_of_str(key), &value));
    return value;
}

static size_t count_elements(struct json_value array)
{
    struct json_iter it;
    struct json_value value;
    struct span key;
    size_t count = 0;

    json_iter_init(&it, array);
    while (json_iter_next(&it, &key, &value))
        count++;
    return count;
}

static const char *header(const struct world *w, const char *name)
{
    for (size_t i = 0; i < MANAGEMENT_HEADERS_MAX && w->answer.headers[i].name; i++)
        if (strcmp(w->answer.headers[i].name, name) == 0)
            return w->answer.headers[i].value;
    return NULL;
}

static const char *iso(uint64_t wall_ms)
{
    static char text[2][CLOCK_ISO_SIZE];
    static unsigned turn;

    turn ^= 1;
    clock_format_iso(wall_ms, text[turn]);
    return text[turn];
}

/* ---- connections ---- */

static void a_connection_is_written_with_all_that_is_known_of_it(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    struct wire_link *link;
    struct connection *c = connect_client(w->f, &link);
    char expected[1024], target[64];

    gateway_on_message(w->f->gw, c, SPAN("{\"action\":\"tell\"}"));
    gateway_on_message(w->f->gw, c, SPAN("12345"));
    assert_int_equal(gateway_post(w->f->gw, NULL, connection_id(c), SPAN("hi")), CONNECTION_OK);
    link->queue = (struct wire_queue){.messages = 3, .bytes = 4000};
    link->quiet_ms = UINT64_MAX;
    clock_advance_ms(5000);
    snprintf(target, sizeof(target), "/_apigw/connections/%.15s%%3D", c->id);
    assert_int_equal(ask(w, "GET", target), 200);
    snprintf(expected, sizeof(expected),
             "{\"version\":1,\"id\":\"%s\",\"apiId\":\"abcdef1234\",\"api\":\"chat\",\"stage\":\"dev\","
             "\"state\":\"open\",\"connectedAt\":\"%s\",\"lastActiveAt\":\"%s\",\"idleLeftMs\":",
             c->id, iso(c->connected_at_ms), iso(connection_last_active_ms(c)));
    assert_memory_equal(w->text, expected, strlen(expected));
    assert_non_null(strstr(w->text, ",\"sourceIp\":\"127.0.0.1\",\"sourcePort\":40000,\"userAgent\":\"fixture/1.0\","
                                    "\"domainName\":\"127.0.0.1:3001\",\"principalId\":null,\"secure\":false,"
                                    "\"received\":{\"messages\":2,\"bytes\":22},\"sent\":{\"messages\":1,\"bytes\":2},"
                                    "\"queue\":{\"messages\":3,\"bytes\":4000}}"));
    assert_true(w->answer.has_content_type);
    assert_string_equal(header(w, "Cache-Control"), "no-store");
    assert_string_equal(header(w, "X-Content-Type-Options"), "nosniff");
}

static int64_t number(const struct world *w, const char *key)
{
    int64_t value = -1;

    assert_int_equal(json_int_value(member(w, key), &value), 0);
    return value;
}

static void what_is_left_follows_the_clock_and_pings(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    struct wire_link *link;
    struct connection *c = connect_client(w->f, &link);
    const int64_t idle_ms = (int64_t)rule_get(RULE_IDLE_TIMEOUT)->limit;
    const int64_t lifetime_ms = (int64_t)rule_get(RULE_CONNECTION_LIFETIME)->limit;
    char target[64];

    snprintf(target, sizeof(target), "/_apigw/connections/%s", c->id);
    link->quiet_ms = UINT64_MAX;
    clock_advance_ms(60000);
    assert_int_equal(ask(w, "GET", target), 200);
    assert_in_range(number(w, "idleLeftMs"), idle_ms - 61000, idle_ms - 60000);
    assert_in_range(number(w, "lifetimeLeftMs"), lifetime_ms - 61000, lifetime_ms - 60000);
    link->quiet_ms = 10000; /* a ping came ten seconds ago */
    assert_int_equal(ask(w, "GET", target), 200);
    assert_in_range(number(w, "idleLeftMs"), idle_ms - 11000, idle_ms - 10000);
}

static void a_connection_whose_connect_runs_is_connecting_and_cannot_be_closed(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    char target[64], id[ID_SIZE];

    shake_hands(w->f, SPAN("/dev"));
    snprintf(id, sizeof(id), "%s", call_field(0, FIELD_CONNECTION_ID));
    snprintf(target, sizeof(target), "/_apigw/connections/%s", id);
    assert_int_equal(ask(w, "GET", target), 200);
    assert_non_null(strstr(w->text, "\"state\":\"connecting\""));
    assert_non_null(strstr(w->text, "\"idleLeftMs\":null,\"lifetimeLeftMs\":null"));
    assert_int_equal(ask(w, "DELETE", target), 409);
    finish(0, (struct integration_result){.status_code = 403});
    assert_int_equal(ask(w, "GET", target), 404);
}

static void a_delete_closes_with_1000_and_a_second_one_finds_nobody(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    struct wire_link *link;
    struct connection *c = connect_client(w->f, &link);
    char target[64];

    snprintf(target, sizeof(target), "/_apigw/connections/%s", c->id);
    assert_int_equal(ask(w, "DELETE", target), 204);
    assert_string_equal(w->text, "");
    assert_false(w->answer.has_content_type);
    assert_int_equal(link->close_code, 1000);
    assert_int_equal(ask(w, "DELETE", target), 404);
    assert_non_null(strstr(w->text, "no connection of that id"));
}

static void an_id_that_nobody_has_is_a_404_whatever_is_in_it(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    static const char *const ids[] = {"x",  "L0SM9cOFvHcCIhw=", "%00", "%",   "%%%",
                                      "..", "%2e%2e%2fclock",   "\"}", "%ff", "L0SM9cOFvHcCIhw=L0SM9cOFvHcCIhw="};
    char target[128];

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        snprintf(target, sizeof(target), "/_apigw/connections/%s", ids[i]);
        assert_int_equal(ask(w, "GET", target), 404);
        assert_non_null(strstr(w->text, "no connection of that id"));
        assert_int_equal(ask(w, "DELETE", target), 404);
    }
}

/* Walks all pages; returns how many connections they have, and checks that none comes twice. */
static size_t walk(struct world *w, const char *query, size_t *ret_pages)
{
    CLEANUP(buf_fini) struct buf seen = {0};
    char target[256];
    struct span next;
    size_t count = 0;

    snprintf(target, sizeof(target), "/_apigw/connections?%s", query);
    for (*ret_pages = 1;; ++*ret_pages) {
        struct json_iter it;
        struct json_value value, id;
        struct span key;

        assert_int_equal(ask(w, "GET", target), 200);
        json_iter_init(&it, member(w, "connections"));
        while (json_iter_next(&it, &key, &value)) {
            assert_true(json_get(value, SPAN("id"), &id));
            assert_true(seen.len == 0 || !memmem(seen.ptr, seen.len, id.raw.ptr, id.raw.len));
            buf_append(&seen, id.raw);
            count++;
        }
        if (member(w, "next").type == JSON_NULL)
            return count;
        assert_true(json_string_plain(member(w, "next"), &next));
        snprintf(target, sizeof(target), "/_apigw/connections?%s&next=" SPAN_FMT, query, SPAN_ARG(next));
    }
}

static void a_list_comes_in_pages_that_together_have_each_connection_once(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    struct wire_link *link;
    size_t pages;

    for (int i = 0; i < 10; i++)
        connect_client(w->f, &link)->link->quiet_ms = UINT64_MAX;
    assert_int_equal(walk(w, "", &pages), 10);
    assert_int_equal(pages, 1);
    assert_int_equal(walk(w, "limit=4", &pages), 10);
    assert_int_equal(pages, 3);
    assert_int_equal(walk(w, "limit=10", &pages), 10);
    assert_int_equal(pages, 1);
    assert_int_equal(walk(w, "limit=1", &pages), 10);
    assert_int_equal(pages, 10);
    assert_int_equal(number(w, "total"), 10);
}

static void a_page_goes_on_where_the_last_one_ended_though_its_connections_are_gone(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    struct connection *c[6];
    struct wire_link *link;
    char target[64];
    struct span next;

    for (size_t i = 0; i < 6; i++) {
        c[i] = connect_client(w->f, &link);
        link->quiet_ms = UINT64_MAX;
    }
    assert_int_equal(ask(w, "GET", "/_apigw/connections?limit=3"), 200);
    assert_true(json_string_plain(member(w, "next"), &next));
    snprintf(target, sizeof(target), "/_apigw/connections?next=" SPAN_FMT, SPAN_ARG(next));
    for (size_t i = 1; i < 4; i++) /* the last one of that page, and the first of the next */
        gateway_delete(w->f->gw, NULL, connection_id(c[i]));
    assert_int_equal(ask(w, "GET", target), 200);
    assert_int_equal(count_elements(member(w, "connections")), 2);
    assert_non_null(strstr(w->text, c[4]->id));
    assert_non_null(strstr(w->text, c[5]->id));
}

static void filters_take_a_name_an_id_or_a_stage(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    static const struct {
        const char *query;
        size_t count;
    } filters[] = {
        {"api=chat", 1}, {"api=abcdef1234", 1}, {"stage=dev", 1}, {"api=chat&stage=dev", 1}, {"api=%63hat", 1},
        {"stage=", 1},   {"api=other", 0},      {"stage=DEV", 0}, {"api=chat&stage=x", 0},   {"&&stage=dev&", 1},
    };
    struct wire_link *link;

    connect_client(w->f, &link);
    link->quiet_ms = UINT64_MAX;
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        size_t pages;

        assert_int_equal(walk(w, filters[i].query, &pages), filters[i].count);
    }
}

static void a_parameter_that_does_not_fit_is_a_400_that_says_what_does(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    static const struct {
        const char *query;
        const char *says;
    } wrong[] = {
        {"limit=0", "1 to 1000"},
        {"limit=1001", "1 to 1000"},
        {"limit=-1", "1 to 1000"},
        {"limit=", "1 to 1000"},
        {"limit=1e3", "1 to 1000"},
        {"limit=99999999999999999999999", "1 to 1000"},
        {"next=", "the page before"},
        {"next=abc", "the page before"},
        {"next=18446744073709551616", "the page before"},
        {"Limit=1", "api, limit, next and stage"},
        {"state=open", "api, limit, next and stage"},
        {"limit", "1 to 1000"},
    };
    char target[128];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(target, sizeof(target), "/_apigw/connections?%s", wrong[i].query);
        assert_int_equal(ask(w, "GET", target), 400);
        assert_non_null(strstr(w->text, wrong[i].says));
    }
}

/* ---- functions ---- */

static struct config_function echo = {
    .name = (char *)"echo",
    .plugin = (char *)"ec\"ho.so",
    .handler = (char *)"echo",
    .timeout_ms = 3000,
    .memory_mb = 128,
    .concurrency = 100,
    .reserved_concurrency = CONFIG_UNRESERVED,
    .provisioned = 2,
};

static void a_function_is_written_with_its_environments(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    struct environment environments[] = {
        {{.pid = 11, .state = "starting", .log_stream = SPAN("s1")}},
        {{.pid = 12,
          .state = "slow",
          .provisioned = true,
          .started_at_ms = 1700000000123,
          .invocations = 5,
          .waiting = 1,
          .memory_kb = 700,
          .memory_max_kb = 900,
          .log_stream = SPAN("s2"),
          .request_id = SPAN("r"),
          .began_at_ms = 1700000001000}},
    };

    functions[0] = (struct function){
        .details = {.function = &echo,
                    .queued = 4,
                    .queued_bytes = 4096,
                    .running = 2,
                    .environments = 2,
                    .counts = {9, 3, 1, 2, 6, 8, 1234567, 1000000}},
        .environments = environments,
    };
    function_count = 1;
    assert_int_equal(ask(w, "GET", "/_apigw/functions"), 200);
    assert_string_equal(
        w->text,
        "{\"version\":1,\"functions\":[{\"name\":\"echo\",\"apis\":[\"chat\",\"other\"],"
        "\"plugin\":\"ec\\\"ho.so\",\"handler\":\"echo\",\"timeoutMs\":3000,\"memorySizeMb\":128,\"concurrency\":100,"
        "\"reservedConcurrency\":null,\"provisioned\":2,\"retired\":false,"
        "\"queue\":{\"invocations\":4,\"bytes\":4096},\"running\":2,\"environmentCount\":2,\"environments\":["
        "{\"pid\":11,\"state\":\"starting\",\"provisioned\":false,\"startedAt\":\"1970-01-01T00:00:00.000Z\","
        "\"invocations\":0,\"waiting\":0,\"memoryKb\":0,\"memoryMaxKb\":0,\"logStream\":\"s1\",\"current\":null},"
        "{\"pid\":12,\"state\":\"slow\",\"provisioned\":true,\"startedAt\":\"2023-11-14T22:13:20.123Z\","
        "\"invocations\":5,\"waiting\":1,\"memoryKb\":700,\"memoryMaxKb\":900,\"logStream\":\"s2\","
        "\"current\":{\"requestId\":\"r\",\"startedAt\":\"2023-11-14T22:13:21.000Z\"}}],"
        "\"counts\":{\"invocations\":9,\"errors\":3,\"timeouts\":1,\"throttles\":2,\"coldStarts\":6},"
        "\"durationMs\":{\"count\":8,\"sum\":1.235,\"max\":1.000}}]}");
}

static void environments_beyond_the_limit_of_one_answer_are_counted_alone(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    const size_t count = 2500;
    CLEANUP(free) struct environment *environments = mem_zalloc(count * sizeof(*environments));
    struct json_iter it;
    struct json_value f, value;
    struct span key;
    size_t listed = 0;

    for (size_t i = 0; i < count; i++)
        environments[i].details.state = "idle";
    for (size_t i = 0; i < 2; i++)
        functions[i] = (struct function){
            .details = {.function = &echo, .environments = count / 2 + i},
            .environments = environments,
        };
    function_count = 2;
    assert_int_equal(ask(w, "GET", "/_apigw/functions"), 200);
    json_iter_init(&it, member(w, "functions"));
    while (json_iter_next(&it, &key, &f)) {
        assert_true(json_get(f, SPAN("environments"), &value));
        listed += count_elements(value);
    }
    assert_int_equal(listed, 2000);
    assert_non_null(strstr(w->text, "\"environmentCount\":1250"));
    assert_non_null(strstr(w->text, "\"environmentCount\":1251"));
}

/* ---- health ---- */

static void health_is_ready_when_nothing_is_wrong(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();

    assert_int_equal(ask(w, "GET", "/_apigw/health"), 200);
    assert_non_null(strstr(w->text, "{\"version\":1,\"status\":\"ready\",\"reasons\":[],\"apigw\":\""));
    assert_non_null(strstr(w->text, "\"apis\":[{\"name\":\"chat\",\"apiId\":\"abcdef1234\",\"stages\":[\"dev\"]}],"
                                    "\"connections\":0,\"invocations\":7}"));
}

static void health_names_each_reason_and_the_worst_counts(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    static const struct {
        struct function_details details;
        unsigned status;
        const char *says;
    } cases[] = {
        {{.provisioned_missing = 1}, 503, "\"status\":\"starting\",\"reasons\":[{\"code\":\"provisioned-missing\","},
        {{.provisioned_missing = 1, .provisioned_fails = true}, 503, "{\"code\":\"provisioned-failing\","},
        {{.start_failure = "Runtime.ExitError: it \"fell\""},
         503,
         "\"status\":\"degraded\",\"reasons\":[{\"code\":\"function-not-starting\",\"subject\":\"echo\","
         "\"message\":\"no environment could be started: Runtime.ExitError: it \\\"fell\\\"\"}]"},
        {{.renewal_failure = "Init: no"}, 503, "{\"code\":\"plugin-not-used\",\"subject\":\"echo\","},
        {{.start_failure = "gone", .retired = true}, 200, "\"reasons\":[]"},
        {{.start_failure = "\xff\xfe"}, 503, "started: \xef\xbf\xbd\xef\xbf\xbd\""},
    };

    function_count = 2;
    functions[1] = (struct function){.details = {.function = &echo}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        functions[0].details = cases[i].details;
        functions[0].details.function = &echo;
        assert_int_equal(ask(w, "GET", "/_apigw/health"), cases[i].status);
        if (!strstr(w->text, cases[i].says))
            fail_msg("%s", w->text);
    }
    functions[1].details.provisioned_missing = 1;
    assert_int_equal(ask(w, "GET", "/_apigw/health"), 503);
    assert_non_null(strstr(w->text, "\"status\":\"degraded\""));
    assert_int_equal(count_elements(member(w, "reasons")), 2);
    control_stop(w->control);
    assert_int_equal(ask(w, "GET", "/_apigw/health"), 503);
    assert_non_null(strstr(w->text, "\"status\":\"stopping\""));
    assert_int_equal(count_elements(member(w, "reasons")), 3);
}

/* ---- the table ---- */

static void the_index_lists_what_a_404_lists(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    struct json_iter it;
    struct json_value resource, path;
    struct span key, text;
    size_t count = 0;
    CLEANUP(free) char *index = NULL;

    assert_int_equal(ask(w, "GET", "/_apigw"), 200);
    index = mem_strdup(w->text);
    assert_int_equal(ask(w, "GET", "/_apigw/"), 200);
    assert_string_equal(w->text, index);
    assert_int_equal(ask(w, "GET", "/_apigw/nothing"), 404);
    {
        struct json_value root, resources;

        assert_int_equal(json_parse(span_of_str(index), &root, NULL), 0);
        assert_true(json_get(root, SPAN("resources"), &resources));
        json_iter_init(&it, resources);
    }
    while (json_iter_next(&it, &key, &resource)) {
        assert_true(json_get(resource, SPAN("path"), &path) && json_string_plain(path, &text));
        assert_non_null(memmem(w->text, strlen(w->text), text.ptr, text.len));
        count++;
    }
    assert_true(count >= 6);
}

static void another_method_is_a_405_that_allows_those_there_are(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();

    assert_int_equal(ask(w, "PUT", "/_apigw/connections/x"), 405);
    assert_string_equal(header(w, "Allow"), "GET, DELETE");
    assert_string_equal(w->text, "{\"message\":\"/_apigw/connections/{id} takes GET and DELETE\"}");
    assert_int_equal(ask(w, "DELETE", "/_apigw/connections"), 405);
    assert_string_equal(header(w, "Allow"), "GET");
    assert_int_equal(ask(w, "OPTIONS", "/_apigw/clock"), 405);
    assert_int_equal(ask(w, "HEAD", "/_apigw/clock"), 200);
}

static void paths_that_only_look_like_one_are_a_404(void **state)
{
    CLEANUP(world_free) struct world *w = world_new();
    static const char *const paths[] = {
        "/_apigw//",           "/_apigw/Health",       "/_apigw/health/",         "/_apigw/health/x",
        "/_apigw/%68ealth",    "/_apigw/connections/", "/_apigw/connections/a/b", "/_apigw/connections/a/",
        "/_apigw/connectionsx"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (ask(w, "GET", paths[i]) != 404)
            fail_msg("%s: %u", paths[i], w->answer.status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_written_with_all_that_is_known_of_it),
        cmocka_unit_test(what_is_left_follows_the_clock_and_pings),
        cmocka_unit_test(a_connection_whose_connect_runs_is_connecting_and_cannot_be_closed),
        cmocka_unit_test(a_delete_closes_with_1000_and_a_second_one_finds_nobody),
        cmocka_unit_test(an_id_that_nobody_has_is_a_404_whatever_is_in_it),
        cmocka_unit_test(a_list_comes_in_pages_that_together_have_each_connection_once),
        cmocka_unit_test(a_page_goes_on_where_the_last_one_ended_though_its_connections_are_gone),
        cmocka_unit_test(filters_take_a_name_an_id_or_a_stage),
        cmocka_unit_test(a_parameter_that_does_not_fit_is_a_400_that_says_what_does),
        cmocka_unit_test(a_function_is_written_with_its_environments),
        cmocka_unit_test(environments_beyond_the_limit_of_one_answer_are_counted_alone),
        cmocka_unit_test(health_is_ready_when_nothing_is_wrong),
        cmocka_unit_test(health_names_each_reason_and_the_worst_counts),
        cmocka_unit_test(the_index_lists_what_a_404_lists),
        cmocka_unit_test(another_method_is_a_405_that_allows_those_there_are),
        cmocka_unit_test(paths_that_only_look_like_one_are_a_404),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
