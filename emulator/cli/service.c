/* service.c - builds the parts in the order of their dependence, and takes them down in the reverse one. */
#include "cli/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/install.h"
#include "cli/storage.h"
#include "function/function.h"
#include "gateway/gateway.h"
#include "gateway/rules.h"
#include "management/control.h"
#include "management/management.h"
#include "net/server.h"

#define STOP_POLL_MS 5
#define CLOSE_GRACE_MS 1000 /* for clients to answer their close frame */

struct service {
    struct config *config;
    struct loop *loop;
    struct function_pool *pool;
    struct server *server;
    struct gateway *gateway;
    struct control *control;
    struct loop_timer *stop_timer;
    uint64_t stop_deadline_ms;
    uint64_t close_deadline_ms;
    bool stopping;
    bool pool_closing;
    char *websocket_url;
    char *endpoint;
    char *connections_url;
    char *ephemeral_folder; /* NULL: collections are kept */
};

int service_load_config(const char *path, struct config **ret)
{
    CLEANUP(free) char *host_path = install_host_path();
    CLEANUP(free) char *plugin_dir = install_plugin_dir();
    CLEANUP(buf_fini) struct buf diagnostics = {0};
    const struct config_options options = {.plugin_dir = plugin_dir,
                                           .probe_plugin = function_probe_plugin,
                                           .arg = host_path,
                                           .check_rule = rule_check_setting};
    int r = config_load(path, &options, &diagnostics, ret);

    if (diagnostics.len)
        fwrite(diagnostics.ptr, 1, diagnostics.len, stderr);
    return r == 0 ? CLI_OK : CLI_USAGE;
}

/* A host of a URL: the wildcard addresses are no place to connect to, and IPv6 addresses go in brackets. */
static char *url_host(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        return mem_strdup("127.0.0.1");
    return strchr(host, ':') ? mem_printf("[%s]", host) : mem_strdup(host);
}

/* The environments of handlers have the first in their variables (function/variables.c). */
static void make_urls(struct service *s, const char *host)
{
    CLEANUP(free) char *name = url_host(host);
    unsigned port = server_port(s->server);

    s->websocket_url = mem_printf("ws://%s:%u/%s", name, port, s->config->stage);
    s->endpoint = mem_printf("http://%s:%u/%s", name, port, s->config->stage);
    s->connections_url = mem_printf("%s/@connections", s->endpoint);
    setenv("APIGW_WEBSOCKET_URL", s->websocket_url, 1);
}

/* Each rule that is not as on AWS is said: whoever wonders why sees it. */
static void tune_rules(const struct config *config)
{
    rules_apply(config->rules, config->rule_count);
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        CLEANUP(buf_fini) struct buf tuning = {0};

        rule_explain_tuning(id, &tuning);
        if (tuning.len)
            log_info(LOG_CONFIG, "rule " SPAN_FMT, SPAN_ARG(buf_span(&tuning)));
    }
}

static int start(struct service *s, const struct service_options *options)
{
    CLEANUP(free) char *host_path = install_host_path();
    CLEANUP(buf_fini) struct buf error = {0};
    struct function_services services;

    tune_rules(s->config);
    s->loop = loop_new();
    if (!s->loop) {
        log_error(LOG_NET, "the event loop cannot be created: %s", strerror(errno));
        return CLI_FAILED;
    }
    if (access(host_path, X_OK) < 0) {
        log_error(LOG_FUNCTION, "handlers cannot be run: %s: %s", host_path, strerror(errno));
        return CLI_FAILED;
    }
    s->server = server_open(s->loop, options->host, options->port, &error);
    if (!s->server) {
        log_error(LOG_NET, "%s", buf_terminate(&error));
        return CLI_FAILED;
    }
    make_urls(s, options->host);
    s->pool = function_pool_new(s->loop, s->config, host_path);
    s->gateway = gateway_new(s->loop, s->config, s->pool, server_wire_ops());
    services = management_services(s->gateway);
    function_pool_set_services(s->pool, &services);
    s->control = control_new(s->loop, s->gateway, s->pool);
    server_start(s->server, s->gateway, s->control);
    return CLI_OK;
}

int service_open(const struct service_options *options, struct service **ret)
{
    struct service *s = mem_zalloc(sizeof(*s));
    int r;

    signal(SIGPIPE, SIG_IGN);
    server_raise_descriptor_limit();
    r = service_load_config(options->config_path, &s->config);
    if (r == CLI_OK && storage_open(options->config_path, options->ephemeral, &s->ephemeral_folder) < 0)
        r = CLI_FAILED;
    if (r == CLI_OK)
        r = start(s, options);
    if (r == CLI_OK)
        *ret = s;
    else
        service_free(s);
    return r;
}

struct loop *service_loop(const struct service *s)
{
    return s->loop;
}

const struct config *service_config(const struct service *s)
{
    return s->config;
}

const char *service_websocket_url(const struct service *s)
{
    return s->websocket_url;
}

const char *service_endpoint(const struct service *s)
{
    return s->endpoint;
}

const char *service_connections_url(const struct service *s)
{
    return s->connections_url;
}

static int write_file_atomically(const char *path, struct span text)
{
    CLEANUP(free) char *temporary = mem_printf("%s.%d.tmp", path, (int)getpid());
    FILE *file = fopen(temporary, "we");
    bool ok;

    if (!file)
        return -1;
    ok = fwrite(text.ptr, 1, text.len, file) == text.len;
    ok = fclose(file) == 0 && ok;
    if (ok && rename(temporary, path) == 0)
        return 0;
    unlink(temporary);
    return -1;
}

void service_remove_ready_file(const char *path)
{
    unlink(path);
}

int service_write_ready_file(const struct service *s, const char *path)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct json_writer w = {.out = &text};

    json_object_begin(&w);
    json_key(&w, "pid");
    json_int(&w, getpid());
    json_key(&w, "port");
    json_int(&w, server_port(s->server));
    json_key(&w, "websocket");
    json_string(&w, span_of_str(s->websocket_url));
    json_key(&w, "connections");
    json_string(&w, span_of_str(s->connections_url));
    json_object_end(&w);
    buf_append_char(&text, '\n');
    if (write_file_atomically(path, buf_span(&text)) == 0)
        return 0;
    log_error(LOG_NET, "the ready file %s cannot be written: %s", path, strerror(errno));
    return -1;
}

/* The stop has been heard: the loop puts back what a signal did before, and that would end a clean-up that is under
 * way. */
static void block_stop_signals(void)
{
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL);
}

void service_run(struct service *s)
{
    loop_run(s->loop);
    block_stop_signals();
}

/* ---- stopping ---- */

static void on_pool_closed(void *arg)
{
    struct service *s = arg;

    loop_stop(s->loop);
}

/* Looks whether everything has come to rest; then, or when the grace time is over, the handlers' processes end. */
static void on_stop_timer(void *arg)
{
    struct service *s = arg;
    size_t busy = gateway_busy(s->gateway) + function_pool_busy(s->pool);
    bool late = clock_mono_ms() >= s->stop_deadline_ms;
    bool closing = server_websocket_count(s->server) > 0 && clock_mono_ms() < s->close_deadline_ms;

    if (!late && (busy > 0 || closing)) {
        loop_timer_start(s->stop_timer, STOP_POLL_MS);
        return;
    }
    if (late && busy > 0)
        log_warn(LOG_FUNCTION, "ended %zu invocations that were still running", function_pool_busy(s->pool));
    s->pool_closing = true;
    function_pool_close(s->pool, on_pool_closed, s);
}

void service_stop(struct service *s)
{
    if (s->pool_closing)
        return;
    s->stop_deadline_ms = s->stopping ? 0 : clock_mono_ms() + SERVICE_GRACE_MS;
    if (!s->stopping) {
        s->close_deadline_ms = clock_mono_ms() + CLOSE_GRACE_MS;
        s->stop_timer = loop_timer_new(s->loop, on_stop_timer, s);
        server_stop_accepting(s->server);
        gateway_close_all(s->gateway);
    }
    s->stopping = true;
    loop_timer_start(s->stop_timer, 0);
}

void service_free(struct service *s)
{
    if (!s)
        return;
    loop_timer_free(s->stop_timer);
    if (s->server) {
        server_close(s->server);
        loop_settle(s->loop);
    }
    control_free(s->control);
    gateway_free(s->gateway);
    function_pool_free(s->pool);
    server_free(s->server);
    loop_free(s->loop);
    config_unref(s->config);
    storage_close(s->ephemeral_folder);
    free(s->websocket_url);
    free(s->endpoint);
    free(s->connections_url);
    free(s);
}
