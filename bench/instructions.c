/* instructions.c - the emulator's own work for a message, to be counted under callgrind: noise cannot fool a count.
 *
 *     bench-instructions SCENARIO COUNT ROUTES
 *
 * The gateway, the function pool and the channel are the emulator's. The network, the loop and the handlers' process
 * are played (fake_loop.h, fake_host.h), so there is nothing to wait for and every run does the same. What is to be
 * counted is in functions whose names begin with measured_, which callgrind's --toggle-collect takes; no such function
 * calls another. Everything else, warming up included, is done outside of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config.h"
#include "fake_host.h"
#include "fake_loop.h"
#include "function/function.h"
#include "gateway/connection.h"
#include "gateway/gateway.h"
#include "gateway/rules.h"
#include "management/management.h"

#define WARM_UP 64
#define COUNT_MAX 1000000
#define TEXT(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    } /* a constant struct span */
#define MEASURED __attribute__((noinline)) static

/* ---- the network ---- */

struct wire_link {
    uint64_t sent;
    uint64_t bytes;
};

static enum wire_sent fake_send(struct wire_link *link, struct span text)
{
    link->sent++;
    link->bytes += text.len;
    return WIRE_SENT;
}

static void fake_close(struct wire_link *link, unsigned code, struct span reason)
{
    abort(); /* nothing here gives a reason to */
}

static uint64_t fake_quiet_ms(struct wire_link *link)
{
    return UINT64_MAX;
}

static const struct wire_ops wire = {.send = fake_send, .close = fake_close, .quiet_ms = fake_quiet_ms};

/* ---- what is counted ---- */

struct bench {
    struct loop *loop;
    struct config *config;
    struct function_pool *pool;
    struct gateway *gw;
    struct connection *connection;
    struct connection *accepted; /* by the last handshake */
    struct wire_link link;
    struct span body;
    char path[128]; /* of the connection, for POSTs */
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "bench-instructions: %s: %s\n", what, why);
    exit(1);
}

static void on_answered(void *arg, const struct handshake_answer *answer)
{
    struct bench *b = arg;

    if (!answer->accepted)
        die("a handshake", "was refused");
    b->accepted = answer->connection;
}

static void shake_hands(struct bench *b)
{
    static const struct event_header headers[] = {
        {TEXT("Host"), TEXT("127.0.0.1:3001")},
        {TEXT("Upgrade"), TEXT("websocket")},
        {TEXT("Connection"), TEXT("Upgrade")},
        {TEXT("Sec-WebSocket-Version"), TEXT("13")},
        {TEXT("Sec-WebSocket-Key"), TEXT("dGhlIHNhbXBsZSBub25jZQ==")},
        {TEXT("User-Agent"), TEXT("bench/1.0")},
    };
    const struct handshake_request request = {
        .path = SPAN("/dev"),
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
        .host = SPAN("127.0.0.1:3001"),
        .user_agent = SPAN("bench/1.0"),
        .source_ip = SPAN("127.0.0.1"),
        .local_port = 3001,
    };

    b->accepted = NULL;
    gateway_on_handshake(b->gw, &request, on_answered, b);
    fake_loop_turn(b->loop);
}

/* Everything that is pending in the gateway, and in the host. */
static void settle(struct bench *b)
{
    for (int i = 0; i < 4; i++) {
        fake_host_step();
        fake_loop_turn(b->loop);
    }
    if (function_pool_busy(b->pool) != 0)
        die("an invocation", "was not answered");
}

MEASURED void measured_message_in(struct bench *b)
{
    gateway_on_message(b->gw, b->connection, b->body);
    fake_loop_turn(b->loop);
}

MEASURED void measured_message_out(struct bench *b)
{
    fake_loop_turn(b->loop);
}

MEASURED void measured_post(struct bench *b, struct management_response *response)
{
    const struct sigv4_request request = {
        .method = SPAN("POST"), .path = span_of_str(b->path), .body = b->body, .source_ip = SPAN("127.0.0.1")};

    management_handle(b->gw, SPAN("127.0.0.1:3001"), &request, response);
}

MEASURED void measured_handshake_in(struct bench *b)
{
    shake_hands(b);
}

MEASURED void measured_handshake_out(struct bench *b)
{
    fake_loop_turn(b->loop);
    gateway_on_open(b->gw, b->accepted, &b->link);
}

/* ---- the scenarios: the measured parts, and between them what the others do ---- */

static void message_once(struct bench *b, bool counted)
{
    uint64_t sent = b->link.sent;
    uint64_t bytes = b->link.bytes;

    if (counted) {
        measured_message_in(b);
        fake_host_step();
        measured_message_out(b);
    } else {
        gateway_on_message(b->gw, b->connection, b->body);
        fake_loop_turn(b->loop);
        settle(b);
    }
    if (b->link.sent != sent + 1 || b->link.bytes != bytes + b->body.len)
        die("a message", "did not come back");
}

static void post_once(struct bench *b, bool counted)
{
    struct management_response response = {0};
    uint64_t sent = b->link.sent;

    if (counted)
        measured_post(b, &response);
    else
        management_handle(
            b->gw, SPAN("127.0.0.1:3001"),
            &(struct sigv4_request){.method = SPAN("POST"), .path = span_of_str(b->path), .body = b->body}, &response);
    if (response.status != 200 || b->link.sent != sent + 1)
        die("a POST", "was not delivered");
    management_response_fini(&response);
}

static void handshake_once(struct bench *b, bool counted)
{
    if (counted) {
        measured_handshake_in(b);
        fake_host_step();
        measured_handshake_out(b);
    } else {
        shake_hands(b);
        settle(b);
        gateway_on_open(b->gw, b->accepted, &b->link);
    }
    gateway_on_closed(b->gw, b->accepted, 1000, SPAN(""));
    fake_loop_turn(b->loop);
    settle(b);
}

struct scenario {
    const char *name;
    void (*once)(struct bench *b, bool counted);
    size_t size;
};

static const struct scenario scenarios[] = {
    {"message-64", message_once, 64},  {"message-1024", message_once, 1024}, {"message-16384", message_once, 16384},
    {"post-64", post_once, 64},        {"post-1024", post_once, 1024},       {"post-16384", post_once, 16384},
    {"handshake", handshake_once, 64},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static const struct scenario *find_scenario(const char *name)
{
    for (size_t i = 0; i < SCENARIOS; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    die(name, "no such scenario");
}

/* ---- setting up ---- */

/* The handlers of bench_plugin.c; asking a process for them is not what is counted. */
static int probe(void *arg, const char *path, struct buf *ret_names, struct buf *ret_error)
{
    static const char names[] = "connect\0disconnect\0echo\0slow\0whoami\0fanout";

    buf_append(ret_names, span_of(names, sizeof(names)));
    return 0;
}

static void open_gateway(struct bench *b, const char *path)
{
    const struct config_options options = {.probe_plugin = probe, .check_rule = rule_check_setting};
    CLEANUP(buf_fini) struct buf diagnostics = {0};

    if (config_load(path, &options, &diagnostics, &b->config) < 0)
        die(path, buf_terminate(&diagnostics));
    rules_apply(b->config->rules, b->config->rule_count);
    b->loop = loop_new();
    b->pool = function_pool_new(b->loop, &b->config, 1, "apigw-host");
    b->gw = gateway_new(b->loop, &b->config, 1, b->pool, &wire);
}

static void connect_client(struct bench *b)
{
    shake_hands(b);
    settle(b);
    if (!b->accepted)
        die("a handshake", "was not answered");
    b->connection = b->accepted;
    gateway_on_open(b->gw, b->connection, &b->link);
    snprintf(b->path, sizeof(b->path), "/dev/@connections/%.*s%%3D", ID_LEN - 1, b->connection->id);
}

/* A message to the route `echo`, of exactly `size` bytes. */
static struct span make_body(size_t size)
{
    static const char head[] = "{\"action\":\"echo\",\"pad\":\"";
    char *text = mem_zalloc(size + 1);

    memset(text, 'x', size);
    memcpy(text, head, sizeof(head) - 1);
    memcpy(text + size - 2, "\"}", 2);
    return span_of(text, size);
}

int main(int argc, char **argv)
{
    static struct bench b;
    const struct scenario *scenario;
    unsigned long count;

    if (argc != 4)
        die("usage", "bench-instructions SCENARIO COUNT ROUTES");
    scenario = find_scenario(argv[1]);
    count = strtoul(argv[2], NULL, 10);
    if (count < 1 || count > COUNT_MAX)
        die(argv[2], "no count from 1 to 1000000");
    open_gateway(&b, argv[3]);
    connect_client(&b);
    b.body = make_body(scenario->size);
    for (unsigned long i = 0; i < WARM_UP; i++)
        scenario->once(&b, false);
    for (unsigned long i = 0; i < count; i++)
        scenario->once(&b, true);
    printf("%s: %lu times, %llu events answered\n", scenario->name, count, (unsigned long long)fake_host_answered());
    fflush(stdout);
    _exit(0); /* what would be freed now is not what is counted */
}
