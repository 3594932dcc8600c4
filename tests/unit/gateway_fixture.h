/* gateway_fixture.h - a gateway whose wire, timers and integrations are arrays.
 *
 * The functions of net/loop and integration/ that the gateway calls are defined here; the linker takes these and leaves
 * the library's alone. */
#ifndef TESTS_GATEWAY_FIXTURE_H
#define TESTS_GATEWAY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apigw/plugin.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "gateway/gateway.h"
#include "integration/authorizer.h"
#include "integration/integration.h"

#define FAKE_MAX 32

/* ---- the wire ---- */

struct wire_link {
    struct buf sent[FAKE_MAX];
    size_t sent_count;
    bool full;
    uint64_t quiet_ms;
    struct wire_queue queue;
    unsigned close_code;
    struct buf close_reason;
    unsigned closes;
};

static enum wire_sent fake_send(struct wire_link *link, struct span text)
{
    assert_int_equal(link->closes, 0);
    if (link->full)
        return WIRE_QUEUE_FULL;
    assert_true(link->sent_count < FAKE_MAX);
    buf_append(&link->sent[link->sent_count++], text);
    return WIRE_SENT;
}

static void fake_close(struct wire_link *link, unsigned code, struct span reason)
{
    link->closes++;
    link->close_code = code;
    buf_append(&link->close_reason, reason);
}

static uint64_t fake_quiet_ms(struct wire_link *link)
{
    return link->quiet_ms;
}

static struct wire_queue fake_queue(const struct wire_link *link)
{
    return link->queue;
}

static const struct wire_ops fake_wire = {
    .send = fake_send, .close = fake_close, .quiet_ms = fake_quiet_ms, .queue = fake_queue};

/* ---- timers: there is one, and it fires when told to ---- */

struct loop_timer {
    loop_timer_fn *on_timer;
    void *arg;
    bool active;
    uint64_t after_ms;
};

static struct loop_timer fake_timer;

struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *on_timer, void *arg)
{
    fake_timer = (struct loop_timer){.on_timer = on_timer, .arg = arg};
    return &fake_timer;
}

void loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
    timer->active = true;
    timer->after_ms = after_ms;
}

void loop_timer_stop(struct loop_timer *timer)
{
    timer->active = false;
}

bool loop_timer_active(const struct loop_timer *timer)
{
    return timer->active;
}

void loop_timer_free(struct loop_timer *timer)
{
    timer->active = false;
}

/* Moves the time forward, and fires the timer if it is due. */
static inline void pass_ms(uint64_t ms)
{
    clock_advance_ms(ms);
    if (!fake_timer.active)
        return;
    if (fake_timer.after_ms > ms) {
        fake_timer.after_ms -= ms;
        return;
    }
    fake_timer.active = false;
    fake_timer.on_timer(fake_timer.arg);
}

/* ---- integrations: calls are kept until they are told their result ---- */

struct fake_call {
    const struct config_route *route;
    const struct config_function *function;
    struct buf fields[FIELD_COUNT];
    struct invocation_request request; /* its fields are not to be used */
    integration_done_fn *on_done;
    void *arg;
    bool reachable; /* could its connection be posted to when it was invoked? */
    bool done;
};

static struct gateway *fake_gateway;
static struct fake_call fake_calls[FAKE_MAX];
static size_t fake_call_count;

struct integration_runner *integration_runner_new(struct loop *loop, struct function_pool *pool)
{
    return NULL;
}

void integration_runner_free(struct integration_runner *runner)
{
}

void integration_invoke(struct integration_runner *runner, const struct config_route *route,
                        const struct config_function *function, const struct invocation_request *request,
                        integration_done_fn *on_done, void *arg)
{
    struct fake_call *call = &fake_calls[fake_call_count++];
    struct connection_info info;

    assert_true(fake_call_count <= FAKE_MAX);
    assert_non_null(function);
    *call =
        (struct fake_call){.route = route, .function = function, .request = *request, .on_done = on_done, .arg = arg};
    for (size_t i = 0; i < FIELD_COUNT; i++)
        buf_append(&call->fields[i], request->fields[i]);
    call->reachable = gateway_get(fake_gateway, NULL, request->fields[FIELD_CONNECTION_ID], &info) == CONNECTION_OK;
}

/* ---- authorizers: the same, one at a time ---- */

struct fake_question {
    const struct config_authorizer *authorizer;
    uint32_t event_type;
    struct buf event;
    authorizer_done_fn *on_done; /* NULL: none was asked, or it has answered */
    void *arg;
};

static struct fake_question fake_question;

struct authorizer_runner *authorizer_runner_new(struct loop *loop, struct function_pool *pool)
{
    return NULL;
}

void authorizer_runner_free(struct authorizer_runner *runner)
{
}

void authorizer_invoke(struct authorizer_runner *runner, const struct config_authorizer *authorizer,
                       const struct invocation_request *request, authorizer_done_fn *on_done, void *arg)
{
    assert_null(fake_question.on_done);
    buf_fini(&fake_question.event);
    fake_question = (struct fake_question){
        .authorizer = authorizer, .event_type = request->event_type, .on_done = on_done, .arg = arg};
    buf_append(&fake_question.event, request->fields[FIELD_EVENT_HEAD]);
}

static inline void reply_to_question(struct authorizer_reply reply)
{
    authorizer_done_fn *on_done = TAKE(fake_question.on_done);

    assert_non_null(on_done);
    on_done(fake_question.arg, &reply);
}

/* ---- results ---- */

static inline void finish(size_t index, struct integration_result result)
{
    struct fake_call *call = &fake_calls[index];

    assert_true(index < fake_call_count && !call->done);
    call->done = true;
    call->on_done(call->arg, &result);
}

static inline const char *call_field(size_t index, enum protocol_field field)
{
    assert_true(index < fake_call_count);
    return buf_terminate(&fake_calls[index].fields[field]);
}

/* ---- the API ---- */

static struct config_function fake_function = {.name = (char *)"chat"};

static struct config_route all_routes[] = {
    {.key = (char *)"$connect", .function = (char *)"chat"},
    {.key = (char *)"$disconnect", .function = (char *)"chat"},
    {.key = (char *)"ask", .function = (char *)"chat", .route_response = true},
    {.key = (char *)"tell", .function = (char *)"chat"},
    {.key = (char *)"$default", .function = (char *)"chat"}, /* last: tests leave it out */
};

#define ROUTES_WITHOUT_DEFAULT (sizeof(all_routes) / sizeof(all_routes[0]) - 1)
#define ROUTES_ALL (sizeof(all_routes) / sizeof(all_routes[0]))

/* One reference stays here, so that the config is never freed. */
static inline struct config *fake_config(struct config_route *routes, size_t count)
{
    static struct config config;
    static struct config_throttle throttles[CONFIG_ROUTES_MAX];
    static const struct config_function *functions[CONFIG_ROUTES_MAX];
    static struct config_stage stage = {.name = (char *)"dev", .throttles = throttles, .functions = functions};
    struct expression_error error;

    for (size_t i = 0; i < count; i++)
        functions[i] = routes[i].function ? &fake_function : NULL;

    expression_free(config.selection);
    config = (struct config){
        .refs = 1,
        .path = (char *)"routes.json",
        .name = (char *)"chat",
        .stages = &stage,
        .stage_count = 1,
        .api_id = (char *)"abcdef1234",
        .region = (char *)"us-east-1",
        .account_id = (char *)"123456789012",
        .route_selection_expression = (char *)"$request.body.action",
        .functions = &fake_function,
        .function_count = 1,
        .routes = routes,
        .route_count = count,
    };
    assert_int_equal(expression_compile(SPAN("$request.body.action"), &config.selection, &error), 0);
    return &config;
}

struct fixture {
    struct gateway *gw;
    struct config *config;
    struct wire_link links[FAKE_MAX];
    size_t link_count;
    /* the last answer to a handshake */
    unsigned answers;
    struct connection *accepted;
    const struct rule *refusal;
    unsigned http_status;
    struct buf subprotocol, error_type, body;
    int log_fd; /* what was logged so far */
    int stderr_fd;
};

static inline void capture_log(struct fixture *f)
{
    fflush(stderr);
    f->log_fd = memfd_create("log", MFD_CLOEXEC);
    f->stderr_fd = dup(STDERR_FILENO);
    assert_true(f->log_fd >= 0 && dup2(f->log_fd, STDERR_FILENO) >= 0);
}

/* How many lines were logged that contain `text`. */
static inline size_t logged(struct fixture *f, const char *text)
{
    static char log[256 * 1024];
    size_t count = 0;
    ssize_t len = pread(f->log_fd, log, sizeof(log) - 1, 0);

    assert_true(len >= 0);
    log[len] = '\0';
    for (char *rest = log, *line; (line = strsep(&rest, "\n"));)
        if (strstr(line, text))
            count++;
    return count;
}

static inline struct fixture *fixture_new(struct config_route *routes, size_t count)
{
    struct fixture *f = mem_zalloc(sizeof(*f));

    fake_call_count = 0;
    buf_fini(&fake_question.event);
    fake_question = (struct fake_question){0};
    f->config = fake_config(routes, count);
    f->gw = gateway_new(NULL, &f->config, 1, NULL, &fake_wire);
    fake_gateway = f->gw;
    capture_log(f);
    return f;
}

static inline void free_link(struct wire_link *link)
{
    for (size_t i = 0; i < link->sent_count; i++)
        buf_fini(&link->sent[i]);
    buf_fini(&link->close_reason);
}

static inline void fixture_free(struct fixture *f)
{
    for (size_t i = 0; i < fake_call_count; i++) {
        if (!fake_calls[i].done)
            finish(i, (struct integration_result){.status_code = 200});
        for (size_t field = 0; field < FIELD_COUNT; field++)
            buf_fini(&fake_calls[i].fields[field]);
    }
    assert_int_equal(gateway_busy(f->gw), 0);
    gateway_free(f->gw);
    assert_int_equal(f->config->refs, 1);
    for (size_t i = 0; i < f->link_count; i++)
        free_link(&f->links[i]);
    buf_fini(&f->subprotocol);
    buf_fini(&f->error_type);
    buf_fini(&f->body);
    fflush(stderr);
    dup2(f->stderr_fd, STDERR_FILENO);
    close(f->stderr_fd);
    close(f->log_fd);
    expression_free(f->config->selection);
    f->config->selection = NULL;
    free(f);
}

static inline void fixture_free_ptr(struct fixture **f)
{
    fixture_free(*f);
}

static inline void on_answered(void *arg, const struct handshake_answer *answer)
{
    struct fixture *f = arg;

    f->answers++;
    f->accepted = answer->accepted ? answer->connection : NULL;
    f->refusal = answer->rule;
    f->http_status = answer->http_status;
    buf_clear(&f->subprotocol, 0);
    buf_clear(&f->error_type, 0);
    buf_clear(&f->body, 0);
    buf_append(&f->subprotocol, answer->subprotocol);
    buf_append(&f->error_type, answer->error_type);
    buf_append(&f->body, answer->body);
}

static inline void shake_hands(struct fixture *f, struct span path)
{
    static const struct event_header headers[] = {{{"Host", 4}, {"127.0.0.1:3001", 14}}};
    struct handshake_request request = {
        .path = path,
        .headers = headers,
        .header_count = 1,
        .host = SPAN("127.0.0.1:3001"),
        .user_agent = SPAN("fixture/1.0"),
        .source_ip = SPAN("127.0.0.1"),
        .source_port = 40000,
        .local_port = 3001,
    };

    f->answers = 0;
    gateway_on_handshake(f->gw, &request, on_answered, f);
}

/* An open connection. Its $connect, if there is one, was the last call. */
static inline struct connection *connect_client(struct fixture *f, struct wire_link **ret_link)
{
    size_t calls = fake_call_count;

    shake_hands(f, SPAN("/dev"));
    if (fake_call_count > calls)
        finish(calls, (struct integration_result){.status_code = 200});
    assert_int_equal(f->answers, 1);
    assert_non_null(f->accepted);
    assert_true(f->link_count < FAKE_MAX);
    *ret_link = &f->links[f->link_count++];
    gateway_on_open(f->gw, f->accepted, *ret_link);
    return f->accepted;
}

static inline const char *sent_text(struct wire_link *link, size_t index)
{
    assert_true(index < link->sent_count);
    return buf_terminate(&link->sent[index]);
}

#endif
