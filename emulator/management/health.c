/* health.c - GET /_apigw/health: 200 if all is well, else 503 with the reasons. */
#include "management/health.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "function/inspection.h"
#include "gateway/inspection.h"
#include "management/control_private.h"

struct health {
    enum health_status status;
    struct buf reasons; /* the elements of an array */
    struct json_writer json;
};

/* clang-format off */
static const struct {
    const char *name;
    unsigned http_status;
} statuses[] = {
    [HEALTH_READY]    = {"ready", 200},
    [HEALTH_STARTING] = {"starting", 503},
    [HEALTH_DEGRADED] = {"degraded", 503},
    [HEALTH_STOPPING] = {"stopping", 503},
};
/* clang-format on */

void health_add(struct health *health, enum health_status status, const char *code, struct span subject,
                struct span message)
{
    struct json_writer *w = &health->json;

    if (status > health->status)
        health->status = status;
    json_object_begin(w);
    control_write_string(w, "code", span_of_str(code));
    control_write_string(w, "subject", subject);
    control_write_string(w, "message", message);
    json_object_end(w);
}

/* ---- functions ---- */

/* Those that are provisioned have not all come up. */
static void judge_provisioned(struct health *health, const struct function_details *f)
{
    CLEANUP(buf_fini) struct buf text = {0};

    buf_printf(&text, "%zu of its %u provisioned environments %s", f->provisioned_missing, f->function->provisioned,
               f->provisioned_fails ? "do not come up; the log says why" : "have not come up yet");
    if (f->provisioned_fails)
        health_add(health, HEALTH_DEGRADED, "provisioned-failing", span_of_str(f->function->name), buf_span(&text));
    else
        health_add(health, HEALTH_STARTING, "provisioned-missing", span_of_str(f->function->name), buf_span(&text));
}

static void judge_function(struct health *health, const struct function_details *f)
{
    CLEANUP(buf_fini) struct buf text = {0};

    if (f->start_failure)
        buf_printf(&text, "no environment could be started: %s", f->start_failure);
    else if (f->renewal_failure)
        buf_printf(&text, "%s has changed, but does not work, so the last one that did is used: %s",
                   f->function->plugin, f->renewal_failure);
    else if (f->provisioned_missing > 0)
        judge_provisioned(health, f);
    if (text.len > 0)
        health_add(health, HEALTH_DEGRADED, f->start_failure ? "function-not-starting" : "plugin-not-used",
                   span_of_str(f->function->name), buf_span(&text));
}

static void judge_functions(struct health *health, const struct function_pool *pool)
{
    struct function_details details;

    for (const struct function *f = inspection_next_function(pool, NULL); f; f = inspection_next_function(pool, f)) {
        inspection_describe_function(f, &details);
        if (!details.retired)
            judge_function(health, &details);
    }
}

/* ---- access logs ---- */

static void judge_access_log(struct health *health, const struct stage *stage)
{
    const char *name, *failure = stage->access_log ? access_log_failure(stage->access_log, &name) : NULL;
    CLEANUP(buf_fini) struct buf text = {0};

    if (!failure)
        return;
    buf_printf(&text, "the access log %s cannot be written: %s", name, failure);
    health_add(health, HEALTH_DEGRADED, "access-log-failing", span_of_str(name), buf_span(&text));
}

static void judge_access_logs(struct health *health, const struct gateway *gw)
{
    size_t count;
    const struct api *apis = gateway_apis(gw, &count);

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < apis[i].stage_count; j++)
            judge_access_log(health, &apis[i].stages[j]);
}

/* ---- the document ---- */

static void write_api(struct json_writer *w, const struct config *api)
{
    json_object_begin(w);
    control_write_string(w, "name", span_of_str(api->name));
    control_write_string(w, "apiId", span_of_str(api->api_id));
    control_array_begin(w, "stages");
    for (size_t i = 0; i < api->stage_count; i++)
        json_string(w, span_of_str(api->stages[i].name));
    json_array_end(w);
    json_object_end(w);
}

static void write_apis(struct json_writer *w, const struct gateway *gw)
{
    size_t count;
    const struct api *apis = gateway_apis(gw, &count);

    control_array_begin(w, "apis");
    for (size_t i = 0; i < count; i++)
        write_api(w, apis[i].config);
    json_array_end(w);
}

static void write_document(const struct control_call *call, const struct health *health)
{
    const struct control *control = call->control;
    struct control_document document;
    struct json_writer *w = &document.json;

    control_begin(&document, statuses[health->status].http_status);
    control_write_string(w, "status", span_of_str(statuses[health->status].name));
    control_array_begin(w, "reasons");
    json_raw(w, buf_span(&health->reasons));
    json_array_end(w);
    control_write_string(w, "apigw", SPAN(APIGW_VERSION));
    control_write_int(w, "pid", (uint64_t)getpid());
    control_write_int(w, "uptimeMs", clock_system_ms() - control->started_ms);
    write_apis(w, control->setup.gateway);
    control_write_int(w, "connections", gateway_connection_count(control->setup.gateway));
    control_write_int(w, "invocations", function_pool_busy(control->setup.pool));
    control_send(call, &document);
}

void control_get_health(const struct control_call *call)
{
    const struct control *control = call->control;
    struct health health = {.status = HEALTH_READY};

    health.json.out = &health.reasons;
    if (control->stopped)
        health_add(&health, HEALTH_STOPPING, "stopping", SPAN(""), SPAN("the emulator is stopping"));
    judge_functions(&health, control->setup.pool);
    judge_access_logs(&health, control->setup.gateway);
    if (control->setup.health)
        control->setup.health(control->setup.health_arg, &health);
    write_document(call, &health);
    buf_fini(&health.reasons);
}
