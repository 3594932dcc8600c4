/* control.c - the table of what is under /_apigw, and the way from a request to the operation that answers it. */
#include "management/control.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/response.h"
#include "gateway/text.h"
#include "management/control_private.h"

#define PREFIX SPAN("/_apigw")
#define ID SPAN("{id}")

static control_operation_fn get_index;

/* In the order in which they are told of; those of one path stand together. GET stands for HEAD too. What is not GET
 * changes something. A path may end in {id}. */
static const struct operation {
    struct span path;
    struct span method;
    control_operation_fn *run;
    const char *what;
} operations[] = {
    {{"/_apigw", 7}, {"GET", 3}, get_index, "this list"},
    {{"/_apigw/health", 14}, {"GET", 3}, control_get_health, "may the emulator be used, or why not"},
    {{"/_apigw/connections", 19}, {"GET", 3}, control_list_connections, "who is connected"},
    {{"/_apigw/connections/{id}", 24}, {"GET", 3}, control_get_connection, "one connection"},
    {{"/_apigw/connections/{id}", 24}, {"DELETE", 6}, control_delete_connection, "closes it"},
    {{"/_apigw/functions", 17}, {"GET", 3}, control_get_functions, "functions and their environments"},
    {{"/_apigw/metrics", 15}, {"GET", 3}, control_get_metrics, "what was counted, for Prometheus"},
    {{"/_apigw/clock", 13}, {"GET", 3}, control_get_clock, "the clock"},
    {{"/_apigw/clock", 13}, {"POST", 4}, control_post_clock, "moves it forward"},
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* ---- answers ---- */

void control_send_response(const struct control_call *call, struct management_response *answer)
{
    management_response_add_header(answer, "Cache-Control", SPAN("no-store"));
    management_response_add_header(answer, "X-Content-Type-Options", SPAN("nosniff"));
    call->on_answered(call->arg, answer);
}

void control_answer_message(const struct control_call *call, unsigned status, struct span message)
{
    struct management_response answer = {.status = status, .has_content_type = true};

    response_write_message(&answer.body, message);
    control_send_response(call, &answer);
}

void control_begin(struct control_document *document, unsigned status)
{
    *document = (struct control_document){.answer = {.status = status, .has_content_type = true}};
    document->json.out = &document->answer.body;
    json_object_begin(&document->json);
    control_write_int(&document->json, "version", CONTROL_VERSION);
}

void control_send(const struct control_call *call, struct control_document *document)
{
    json_object_end(&document->json);
    control_send_response(call, &document->answer);
}

/* ---- members ---- */

void control_write_string(struct json_writer *w, const char *key, struct span value)
{
    CLEANUP(buf_fini) struct buf repaired = {0};

    json_key(w, key);
    json_string(w, text_repaired(value, &repaired));
}

void control_write_int(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_int(w, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void control_write_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}

void control_write_null(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_raw(w, SPAN("null"));
}

void control_write_time(struct json_writer *w, const char *key, uint64_t wall_ms)
{
    char text[CLOCK_ISO_SIZE];

    clock_format_iso(wall_ms, text);
    json_key(w, key);
    json_string(w, span_of_str(text));
}

void control_object_begin(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_object_begin(w);
}

void control_array_begin(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_array_begin(w);
}

/* ---- the table ---- */

static bool is_same_path(size_t a, size_t b)
{
    return span_equal(operations[a].path, operations[b].path);
}

static bool is_first_of_path(size_t i)
{
    return i == 0 || !is_same_path(i, i - 1);
}

static void write_methods(struct json_writer *w, size_t first)
{
    control_array_begin(w, "methods");
    for (size_t i = first; i < OPERATIONS && is_same_path(i, first); i++) {
        json_object_begin(w);
        control_write_string(w, "method", operations[i].method);
        control_write_string(w, "what", span_of_str(operations[i].what));
        json_object_end(w);
    }
    json_array_end(w);
}

static void get_index(const struct control_call *call)
{
    struct control_document document;
    struct json_writer *w = &document.json;

    control_begin(&document, 200);
    control_array_begin(w, "resources");
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (!is_first_of_path(i))
            continue;
        json_object_begin(w);
        control_write_string(w, "path", operations[i].path);
        write_methods(w, i);
        json_object_end(w);
    }
    json_array_end(w);
    control_send(call, &document);
}

/* Does `path` fit the pattern, and what stands at its {id}? */
static bool fits(struct span pattern, struct span path, struct span *ret_id)
{
    const size_t before = pattern.len - ID.len;

    *ret_id = SPAN("");
    if (pattern.len < ID.len || !span_equal(span_from(pattern, before), ID))
        return span_equal(pattern, path);
    if (path.len <= before || !span_starts_with(path, span_of(pattern.ptr, before)))
        return false;
    *ret_id = span_from(path, before);
    return !memchr(ret_id->ptr, '/', ret_id->len);
}

/* The first operation of that path; OPERATIONS: there is none. */
static size_t find_path(struct span path, struct span *ret_id)
{
    size_t i = 0;

    while (i < OPERATIONS && !fits(operations[i].path, path, ret_id))
        i++;
    return i;
}

static const struct operation *find_method(size_t first, struct span method)
{
    if (span_equal(method, SPAN("HEAD")))
        method = SPAN("GET");
    for (size_t i = first; i < OPERATIONS && is_same_path(i, first); i++)
        if (span_equal(operations[i].method, method))
            return &operations[i];
    return NULL;
}

/* ---- what nobody is there for ---- */

static void answer_no_path(const struct control_call *call)
{
    CLEANUP(buf_fini) struct buf message = {0};

    buf_append_str(&message, "there is nothing of that name here; there are");
    for (size_t i = 0; i < OPERATIONS; i++)
        if (is_first_of_path(i))
            buf_printf(&message, "%s " SPAN_FMT, i == 0 ? "" : ",", SPAN_ARG(operations[i].path));
    control_answer_message(call, 404, buf_span(&message));
}

static void list_methods(struct buf *out, size_t first, const char *between)
{
    for (size_t i = first; i < OPERATIONS && is_same_path(i, first); i++)
        buf_printf(out, "%s" SPAN_FMT, i == first ? "" : between, SPAN_ARG(operations[i].method));
}

static void answer_no_method(const struct control_call *call, size_t first)
{
    struct management_response answer = {.status = 405, .has_content_type = true};
    CLEANUP(buf_fini) struct buf message = {0}, allow = {0};

    buf_printf(&message, SPAN_FMT " takes ", SPAN_ARG(operations[first].path));
    list_methods(&message, first, " and ");
    list_methods(&allow, first, ", ");
    response_write_message(&answer.body, buf_span(&message));
    management_response_add_header(&answer, "Allow", buf_span(&allow));
    control_send_response(call, &answer);
}

/* ---- a request ---- */

/* "/_apigw/" is "/_apigw". */
static struct span path_of(const struct sigv4_request *request)
{
    return request->path.len == PREFIX.len + 1 ? PREFIX : request->path;
}

static void run(const struct operation *operation, const struct control_call *call)
{
    CLEANUP(buf_fini) struct buf why = {0};

    if (!span_equal(operation->method, SPAN("GET")) && !guard_admits_change(call->request, &why))
        control_answer_message(call, 415, buf_span(&why));
    else
        operation->run(call);
}

/* Whoever wonders what his page, or somebody else's, has tried finds it in the log. */
static void refuse(const struct control_call *call, struct span why)
{
    log_warn(LOG_NET, "refused " SPAN_FMT " " SPAN_FMT ": " SPAN_FMT " status=403", SPAN_ARG(call->request->method),
             SPAN_ARG(call->request->path), SPAN_ARG(why));
    control_answer_message(call, 403, why);
}

bool control_owns(struct span path)
{
    return span_starts_with(path, PREFIX) && (path.len == PREFIX.len || path.ptr[PREFIX.len] == '/');
}

static bool is_custom_domain(void *arg, struct span name)
{
    const struct control *control = arg;
    size_t count;
    const struct api *apis = gateway_apis(control->setup.gateway, &count);

    return directory_has_domain(apis, count, name);
}

void control_handle(struct control *control, const struct sigv4_request *request, management_answered_fn *on_answered,
                    void *arg)
{
    struct control_call call = {.control = control, .request = request, .on_answered = on_answered, .arg = arg};
    const struct guard guard = {control->setup.names, is_custom_domain, control};
    CLEANUP(buf_fini) struct buf why = {0};
    const struct operation *operation;
    size_t first;

    if (!guard_admits(&guard, request, &why)) {
        refuse(&call, buf_span(&why));
        return;
    }
    first = find_path(path_of(request), &call.id);
    if (first == OPERATIONS)
        answer_no_path(&call);
    else if (!(operation = find_method(first, request->method)))
        answer_no_method(&call, first);
    else
        run(operation, &call);
}

/* ---- life ---- */

struct control *control_new(const struct control_setup *setup)
{
    struct control *control = mem_zalloc(sizeof(*control));

    control->setup = *setup;
    control->started_ms = clock_system_ms();
    clock_moves_init(control);
    return control;
}

void control_stop(struct control *control)
{
    control->stopped = true;
    clock_moves_stop(control);
}

void control_free(struct control *control)
{
    if (!control)
        return;
    control_stop(control);
    clock_moves_fini(control);
    free(control);
}
