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
#include "cli/address.h"
#include "cli/cli.h"
#include "cli/install.h"
#include "cli/storage.h"
#include "function/function.h"
#include "gateway/gateway.h"
#include "gateway/rules.h"
#include "management/control.h"
#include "management/lambda_invoke.h"
#include "management/management.h"
#include "net/server.h"

#define CONFIG_SETTLE_MS 20 /* an editor may write a file in steps */
#define STOP_POLL_MS 5
#define CLOSE_GRACE_MS 1000 /* for clients to answer their close frame */

/* One configuration file. */
struct served {
    struct service *service;
    struct config *config;  /* referenced; what configs has too */
    struct config *changed; /* referenced: what does not fit to the other APIs yet; NULL: nothing */
    struct loop_file *file;
    char *problem; /* why the file as it is now is not what is served; NULL: it is */
};

struct service {
    struct served *served;
    struct config **configs; /* in the order of the command line */
    size_t config_count;
    struct address address;
    struct loop *loop;
    struct function_pool *pool;
    struct secure secure;
    struct server *server;
    struct gateway *gateway;
    struct lambda *lambda;
    struct control *control;
    const char *wrap;         /* of the command line; NULL: none */
    struct guard_names names; /* that /_apigw answers to */
    struct loop_timer *stop_timer;
    uint64_t stop_deadline_ms;
    uint64_t close_deadline_ms;
    bool stopping;
    bool pool_closing;
    char *websocket_url;
    char *endpoint;
    char *connections_url;
    char *ephemeral_folder; /* NULL: collections are kept */
    char *lambda_url;
};

static int load_config(const char *path, bool without_plugins, bool warn, struct config **ret)
{
    CLEANUP(free) char *host_path = install_host_path();
    CLEANUP(free) char *plugin_dir = install_plugin_dir();
    CLEANUP(buf_fini) struct buf diagnostics = {0};
    const struct config_options options = {.plugin_dir = plugin_dir,
                                           .without_plugins = without_plugins,
                                           .probe_plugin = function_probe_plugin,
                                           .arg = host_path,
                                           .check_rule = rule_check_setting};
    int r = config_load(path, &options, &diagnostics, ret);

    if (diagnostics.len && (warn || r < 0))
        fwrite(diagnostics.ptr, 1, diagnostics.len, stderr);
    return r == 0 ? CLI_OK : CLI_USAGE;
}

int service_load_config(const char *path, struct config **ret)
{
    return load_config(path, false, true, ret);
}

int service_load_config_quietly(const char *path, bool without_plugins, struct config **ret)
{
    return load_config(path, without_plugins, false, ret);
}

/* Those of the first stage. The environments of handlers have the first in their variables (function/variables.c). */
static void make_urls(struct service *s, const char *host)
{
    const struct config *first = s->configs[0];

    s->address = (struct address){
        .host = host, .port = server_port(s->server), .configs = s->configs, .config_count = s->config_count};
    s->websocket_url = address_of_stage(&s->address, "ws", first, &first->stages[0]);
    s->endpoint = address_of_stage(&s->address, "http", first, &first->stages[0]);
    s->connections_url = mem_printf("%s/@connections", s->endpoint);
    s->lambda_url = address_origin(&s->address, "http");
}

/* Each rule that is not as on AWS is said: whoever wonders why sees it. */
static void tune_rules(const struct service *s)
{
    CLEANUP(free) struct config_rule_setting *settings = NULL;
    size_t count = 0;

    for (size_t i = 0; i < s->config_count; i++) {
        const struct config *config = s->configs[i];

        settings = mem_realloc(settings, (count + config->rule_count + 1) * sizeof(*settings));
        for (size_t j = 0; j < config->rule_count; j++)
            settings[count++] = config->rules[j];
    }
    rules_apply(settings, count);
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        CLEANUP(buf_fini) struct buf tuning = {0};

        rule_explain_tuning(id, &tuning);
        if (tuning.len)
            log_info(LOG_CONFIG, "rule " SPAN_FMT, SPAN_ARG(buf_span(&tuning)));
    }
}

static int make_pool(struct service *s, const struct service_options *options, const char *host_path)
{
    CLEANUP(buf_fini) struct buf error = {0};

    s->pool = function_pool_new(s->loop, s->configs, s->config_count, host_path);
    if (!options->logs_folder || function_pool_set_logs(s->pool, options->logs_folder, &error) == 0)
        return CLI_OK;
    log_error(LOG_FUNCTION, "%s", buf_terminate(&error));
    return CLI_FAILED;
}

/* What is suspended is said: whoever has forgotten it in the file sees it. */
static int wrap_functions(struct config *config, const char *command)
{
    CLEANUP(buf_fini) struct buf error = {0};

    if (command && config_wrap(config, command, &error) < 0) {
        fprintf(stderr, "apigw: --wrap: %s\n", buf_terminate(&error));
        return CLI_USAGE;
    }
    for (size_t i = 0; i < config->function_count; i++)
        if (config_function_is_wrapped(&config->functions[i]))
            log_function(LOG_INFO, config->functions[i].name, NO_REQUEST,
                         "runs under %s, in one environment; its timeout and the limits of init, integrations and "
                         "authorizers are suspended",
                         config->functions[i].wrap.items[0]);
    return CLI_OK;
}

/* Names that /_apigw answers to. What is listened on is no secret, and whoever gave it meant it. */
static int allow_hosts(struct service *s, const struct service_options *options)
{
    for (size_t i = 0; i < options->host_count; i++) /* what is no name cannot be listened on either */
        guard_names_add(&s->names, span_of_str(options->hosts[i]));
    for (size_t i = 0; i < options->allow_host_count; i++) {
        const char *wrong = guard_names_add(&s->names, span_of_str(options->allow_hosts[i]));

        if (wrong) {
            fprintf(stderr, "apigw: --allow-host: '%s' %s\n", options->allow_hosts[i], wrong);
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}

/* ---- a configuration that changes ---- */

static bool same_stages(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < a->stage_count; i++)
        if (!config_find_stage(b, span_of_str(a->stages[i].name)))
            return false;
    return a->stage_count == b->stage_count;
}

/* What clients and handlers have been told already, or what was built into the running process. NULL: nothing of that
 * differs. */
static const char *fixed_difference(const struct config *old, const struct config *new)
{
    if (!same_stages(old, new))
        return old->stage_count == 1 && new->stage_count == 1 ? "\"stage\"" : "\"stages\"";
    if (strcmp(old->api_id, new->api_id) != 0)
        return strcmp(old->name, new->name) != 0 ? "\"name\"" : "\"apiId\"";
    if (strcmp(old->region, new->region) != 0)
        return "\"region\"";
    return config_rules_equal(old, new) ? NULL : "\"rules\"";
}

/* Takes `problem`, a sentence behind the file's name. */
static void note_problem(struct served *served, char *problem)
{
    log_warn(LOG_CONFIG, "%s: %s", served->config->path, problem);
    free(served->problem);
    served->problem = problem;
}

/* A configuration that has changed, if it can be read and changes nothing that is fixed; else NULL, after a line. */
static struct config *load_changed(struct served *served)
{
    const char *path = served->config->path;
    struct config *config;
    const char *fixed;

    if (service_load_config(path, &config) != CLI_OK) {
        note_problem(served, mem_strdup("has errors, what was served before is served on"));
        return NULL;
    }
    wrap_functions(config, served->service->wrap); /* it was found at the start */
    fixed = fixed_difference(served->config, config);
    if (!fixed)
        return config;
    note_problem(served, mem_printf("%s cannot change while clients are served; what was served before is served on, "
                                    "until apigw is started anew",
                                    fixed));
    config_unref(config);
    return NULL;
}

/* Do all fit together, with what has changed of `one`, or of every API if that is NULL? Says what does not. */
static bool fit(const struct service *s, const struct served *one, struct buf *ret_diagnostics)
{
    CLEANUP(free) struct config **configs = mem_alloc(s->config_count * sizeof(*configs));

    for (size_t i = 0; i < s->config_count; i++) {
        const struct served *served = &s->served[i];

        configs[i] = served->changed && (!one || one == served) ? served->changed : served->config;
    }
    return config_check_together(configs, s->config_count, ret_diagnostics) == 0;
}

/* What has changed of `one`, or of every API if that is NULL, counts from now on. */
static void adopt(struct service *s, const struct served *one)
{
    for (size_t i = 0; i < s->config_count; i++)
        if (s->served[i].changed && (!one || one == &s->served[i]))
            s->configs[i] = s->served[i].changed;
    function_pool_reconfigure(s->pool, s->configs, s->config_count);
    for (size_t i = 0; i < s->config_count; i++) {
        struct served *served = &s->served[i];

        if (s->configs[i] == served->config)
            continue;
        gateway_reconfigure(s->gateway, served->config, s->configs[i]);
        config_unref(served->config);
        served->config = TAKE(served->changed);
        free(TAKE(served->problem));
        log_info(LOG_CONFIG, "%s: taken over, %zu routes, %zu functions", served->config->path,
                 served->config->route_count, served->config->function_count);
    }
    secure_set_apis(&s->secure, s->configs, s->config_count);
}

static bool has_changed(const struct service *s)
{
    for (size_t i = 0; i < s->config_count; i++)
        if (s->served[i].changed)
            return true;
    return false;
}

/* A configuration that cannot be taken over leaves the one that is served. One that merely does not fit to the others
 * waits for them to change too: what APIs share, such as a function, is changed in one file after the other. */
static void on_config_changed(void *arg)
{
    CLEANUP(buf_fini) struct buf diagnostics = {0}, all_diagnostics = {0};
    struct served *served = arg;
    struct service *s = served->service;

    if (s->stopping)
        return;
    config_unref(TAKE(served->changed));
    served->changed = load_changed(served);
    if (!served->changed)
        return;
    if (fit(s, served, &diagnostics))
        adopt(s, served);
    if (has_changed(s) && fit(s, NULL, &all_diagnostics))
        adopt(s, NULL);
    if (!served->changed)
        return;
    fwrite(diagnostics.ptr, 1, diagnostics.len, stderr);
    note_problem(served, mem_strdup("does not fit to the other APIs; what was served before is served on, until they "
                                    "are changed too"));
}

static void watch(struct service *s)
{
    function_pool_watch(s->pool);
    for (size_t i = 0; i < s->config_count; i++) {
        struct served *served = &s->served[i];

        served->file = loop_file_new(s->loop, served->config->path, CONFIG_SETTLE_MS, on_config_changed, served);
        if (!served->file)
            log_warn(LOG_CONFIG, "%s: is not watched for changes: %s", served->config->path, strerror(errno));
    }
}

/* ---- health ---- */

/* What only the service knows. */
static void add_health(void *arg, struct health *health)
{
    const struct service *s = arg;

    for (size_t i = 0; i < s->config_count; i++)
        if (s->served[i].problem)
            health_add(health, HEALTH_DEGRADED, "configuration-not-used", span_of_str(s->served[i].config->path),
                       span_of_str(s->served[i].problem));
    if (server_is_full(s->server))
        health_add(health, HEALTH_DEGRADED, "descriptors-exhausted", SPAN(""),
                   SPAN("no more clients can be accepted until others leave: the limit of open descriptors is reached "
                        "(raise it with ulimit -n)"));
}

/* ---- starting ---- */

static int start(struct service *s, const struct service_options *options)
{
    CLEANUP(free) char *host_path = install_host_path();
    CLEANUP(buf_fini) struct buf error = {0};
    struct function_services services;

    tune_rules(s);
    s->loop = loop_new();
    if (!s->loop) {
        log_error(LOG_NET, "the event loop cannot be created: %s", strerror(errno));
        return CLI_FAILED;
    }
    if (access(host_path, X_OK) < 0) {
        log_error(LOG_FUNCTION, "handlers cannot be run: %s: %s", host_path, strerror(errno));
        return CLI_FAILED;
    }
    if (secure_open(&options->secure, options->hosts, options->host_count, &s->secure) != CLI_OK)
        return CLI_FAILED;
    secure_set_apis(&s->secure, s->configs, s->config_count);
    s->server = server_open(s->loop, options->hosts, options->host_count, options->port, s->secure.identity, &error);
    if (!s->server) {
        log_error(LOG_NET, "%s", buf_terminate(&error));
        return CLI_FAILED;
    }
    make_urls(s, options->hosts[0]);
    setenv("APIGW_WEBSOCKET_URL", s->websocket_url, 1); /* for handlers, see function/variables.c */
    if (make_pool(s, options, host_path) != CLI_OK)
        return CLI_FAILED;
    s->gateway = gateway_new(s->loop, s->configs, s->config_count, s->pool, server_wire_ops());
    if (gateway_open_logs(s->gateway, &error) < 0) {
        log_error(LOG_GATEWAY, "%s", buf_terminate(&error));
        return CLI_FAILED;
    }
    services = management_services(s->gateway);
    function_pool_set_services(s->pool, &services);
    function_pool_start(s->pool);
    s->lambda = lambda_new(s->loop, s->pool);
    s->control = control_new(&(struct control_setup){
        .loop = s->loop,
        .gateway = s->gateway,
        .pool = s->pool,
        .lambda = s->lambda,
        .names = &s->names,
        .health = add_health,
        .health_arg = s,
    });
    server_start(s->server, s->gateway, s->control, s->lambda);
    if (!options->no_watch)
        watch(s);
    return CLI_OK;
}

int service_load_configs(const char *const *paths, size_t count, struct config **ret)
{
    CLEANUP(buf_fini) struct buf diagnostics = {0};
    size_t loaded = 0;
    int status = CLI_OK;

    for (size_t i = 0; i < count; i++) {
        if (service_load_config(paths[i], &ret[loaded]) == CLI_OK)
            loaded++;
        else
            status = CLI_USAGE; /* the others are read too: all errors at once */
    }
    if (status == CLI_OK && config_check_together(ret, count, &diagnostics) < 0) {
        fwrite(diagnostics.ptr, 1, diagnostics.len, stderr);
        status = CLI_USAGE;
    }
    while (status != CLI_OK && loaded > 0)
        config_unref(ret[--loaded]);
    return status;
}

static int load_all(struct service *s, const struct service_options *options)
{
    const size_t count = options->config_count;
    int r;

    s->configs = mem_zalloc(count * sizeof(*s->configs));
    s->served = mem_zalloc(count * sizeof(*s->served));
    r = service_load_configs(options->config_paths, count, s->configs);
    if (r != CLI_OK)
        return r;
    s->config_count = count;
    for (size_t i = 0; i < count; i++)
        s->served[i] = (struct served){.service = s, .config = s->configs[i]};
    for (size_t i = 0; i < count && r == CLI_OK; i++)
        r = wrap_functions(s->configs[i], s->wrap);
    return r;
}

int service_open(const struct service_options *options, struct service **ret)
{
    struct service *s = mem_zalloc(sizeof(*s));
    int r;

    s->wrap = options->wrap;
    signal(SIGPIPE, SIG_IGN);
    server_raise_descriptor_limit();
    r = load_all(s, options);
    if (r == CLI_OK && storage_open(options->config_paths[0], options->ephemeral, &s->ephemeral_folder) < 0)
        r = CLI_FAILED;
    if (r == CLI_OK)
        r = allow_hosts(s, options);
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

const struct address *service_address(const struct service *s)
{
    return &s->address;
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

const char *service_lambda_url(const struct service *s)
{
    return s->lambda_url;
}

bool service_has_tls(const struct service *s)
{
    return s->secure.identity != NULL;
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

/* With an `s` behind the scheme, it is the same URL. */
static void write_secure_url(struct json_writer *w, const char *key, const char *url)
{
    CLEANUP(free) char *secure = mem_printf("%.*ss%s", (int)strcspn(url, ":"), url, strchr(url, ':'));

    json_key(w, key);
    json_string(w, span_of_str(secure));
}

void service_describe(const struct service *s, struct buf *out)
{
    struct json_writer w = {.out = out};

    json_object_begin(&w);
    json_key(&w, "pid");
    json_int(&w, getpid());
    json_key(&w, "port");
    json_int(&w, server_port(s->server));
    json_key(&w, "websocket");
    json_string(&w, span_of_str(s->websocket_url));
    json_key(&w, "connections");
    json_string(&w, span_of_str(s->connections_url));
    if (s->secure.identity) {
        write_secure_url(&w, "secureWebsocket", s->websocket_url);
        write_secure_url(&w, "secureConnections", s->connections_url);
    }
    if (s->secure.ca_path) {
        json_key(&w, "caCertificate");
        json_string(&w, span_of_str(s->secure.ca_path));
    }
    json_key(&w, "apis");
    address_write_apis(&s->address, &w);
    json_object_end(&w);
    buf_append_char(out, '\n');
}

int service_write_ready_file(const struct service *s, const char *path)
{
    CLEANUP(buf_fini) struct buf text = {0};

    service_describe(s, &text);
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
    if (s->pool_closing) {
        function_pool_hurry(s->pool);
        return;
    }
    s->stop_deadline_ms = s->stopping ? 0 : clock_mono_ms() + SERVICE_GRACE_MS;
    if (!s->stopping) {
        s->close_deadline_ms = clock_mono_ms() + CLOSE_GRACE_MS;
        s->stop_timer = loop_timer_new(s->loop, on_stop_timer, s);
        control_stop(s->control);
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
    for (size_t i = 0; i < s->config_count; i++)
        loop_file_free(s->served[i].file);
    if (s->server) {
        server_close(s->server);
        loop_settle(s->loop);
    }
    control_free(s->control);
    lambda_free(s->lambda);
    gateway_free(s->gateway);
    function_pool_free(s->pool);
    server_free(s->server);
    secure_close(&s->secure);
    loop_free(s->loop);
    for (size_t i = 0; i < s->config_count; i++) {
        config_unref(s->served[i].changed);
        config_unref(s->configs[i]);
        free(s->served[i].problem);
    }
    free(s->configs);
    free(s->served);
    storage_close(s->ephemeral_folder);
    guard_names_fini(&s->names);
    free(s->websocket_url);
    free(s->endpoint);
    free(s->connections_url);
    free(s->lambda_url);
    free(s);
}
