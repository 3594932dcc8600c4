/* functions.c - GET /_apigw/functions: each function, its environments, and what it has done. */
#include "base/mem.h"
#include "function/inspection.h"
#include "management/control_private.h"

#define NS_PER_MS 1e6

/* The loop serves nobody else while they are written; "environmentCount" tells how many there are. */
#define ENVIRONMENTS_MAX 2000u

static void write_ms(struct json_writer *w, const char *key, uint64_t ns)
{
    CLEANUP(buf_fini) struct buf text = {0};

    buf_printf(&text, "%.3f", (double)ns / NS_PER_MS);
    json_key(w, key);
    json_raw(w, buf_span(&text));
}

/* ---- environments ---- */

static void write_current(struct json_writer *w, const struct environment_details *e)
{
    if (e->request_id.len == 0) {
        control_write_null(w, "current");
        return;
    }
    control_object_begin(w, "current");
    control_write_string(w, "requestId", e->request_id);
    control_write_time(w, "startedAt", e->began_at_ms);
    json_object_end(w);
}

static void write_environment(struct json_writer *w, const struct environment_details *e)
{
    json_object_begin(w);
    control_write_int(w, "pid", (uint64_t)e->pid);
    control_write_string(w, "state", span_of_str(e->state));
    control_write_bool(w, "provisioned", e->provisioned);
    control_write_time(w, "startedAt", e->started_at_ms);
    control_write_int(w, "invocations", e->invocations);
    control_write_int(w, "waiting", e->waiting);
    control_write_int(w, "memoryKb", e->memory_kb);
    control_write_int(w, "memoryMaxKb", e->memory_max_kb);
    control_write_string(w, "logStream", e->log_stream);
    write_current(w, e);
    json_object_end(w);
}

static void write_environments(struct json_writer *w, const struct function *f, size_t *room)
{
    struct environment_details details;

    control_array_begin(w, "environments");
    for (struct environment *env = inspection_next_environment(f, NULL); env && *room > 0;
         env = inspection_next_environment(f, env), --*room) {
        inspection_describe_environment(env, &details);
        write_environment(w, &details);
    }
    json_array_end(w);
}

/* ---- functions ---- */

static void write_users(struct json_writer *w, const struct function *f)
{
    const struct config *user;

    control_array_begin(w, "apis");
    for (size_t index = 0; (user = inspection_next_user(f, &index));)
        json_string(w, span_of_str(user->name));
    json_array_end(w);
}

static void write_configuration(struct json_writer *w, const struct function_details *f)
{
    const struct config_function *function = f->function;

    control_write_string(w, "plugin", span_of_str(function->plugin));
    control_write_string(w, "handler", span_of_str(function->handler));
    control_write_int(w, "timeoutMs", function->timeout_ms);
    control_write_int(w, "memorySizeMb", function->memory_mb);
    control_write_int(w, "concurrency", function->concurrency);
    if (function->reserved_concurrency == CONFIG_UNRESERVED)
        control_write_null(w, "reservedConcurrency");
    else
        control_write_int(w, "reservedConcurrency", function->reserved_concurrency);
    control_write_int(w, "provisioned", function->provisioned);
    control_write_bool(w, "retired", f->retired);
}

static void write_counts(struct json_writer *w, const struct function_counts *counts)
{
    control_object_begin(w, "counts");
    control_write_int(w, "invocations", counts->invocations);
    control_write_int(w, "errors", counts->errors);
    control_write_int(w, "timeouts", counts->timeouts);
    control_write_int(w, "throttles", counts->throttles);
    control_write_int(w, "coldStarts", counts->cold_starts);
    json_object_end(w);
    control_object_begin(w, "durationMs");
    control_write_int(w, "count", counts->timed);
    write_ms(w, "sum", counts->duration_ns);
    write_ms(w, "max", counts->duration_max_ns);
    json_object_end(w);
}

static void write_function(struct json_writer *w, const struct function *f, size_t *room)
{
    struct function_details details;

    inspection_describe_function(f, &details);
    json_object_begin(w);
    control_write_string(w, "name", span_of_str(details.function->name));
    write_users(w, f);
    write_configuration(w, &details);
    control_object_begin(w, "queue");
    control_write_int(w, "invocations", details.queued);
    control_write_int(w, "bytes", details.queued_bytes);
    json_object_end(w);
    control_write_int(w, "running", details.running);
    control_write_int(w, "environmentCount", details.environments);
    write_environments(w, f, room);
    write_counts(w, &details.counts);
    json_object_end(w);
}

void control_get_functions(const struct control_call *call)
{
    const struct function_pool *pool = call->control->setup.pool;
    struct control_document document;
    size_t room = ENVIRONMENTS_MAX;

    control_begin(&document, 200);
    control_array_begin(&document.json, "functions");
    for (const struct function *f = inspection_next_function(pool, NULL); f; f = inspection_next_function(pool, f))
        write_function(&document.json, f, &room);
    json_array_end(&document.json);
    control_send(call, &document);
}
