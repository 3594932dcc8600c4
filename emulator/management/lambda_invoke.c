/* lambda_invoke.c - reads a request in steps, each of which may refuse it; then invokes in the way that was asked for.
 *
 * The order of the steps is inferred: what concerns the request as a whole first, then the function, then the event. */
#include "management/lambda_invoke.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/percent.h"
#include "event/id.h"
#include "function/document.h"
#include "management/lambda_events.h"
#include "management/lambda_name.h"
#include "management/lambda_runs.h"
#include "management/payload.h"

#define PREFIX SPAN("/2015-03-31/functions/")
#define SUFFIX SPAN("/invocations")
#define LATEST SPAN("$LATEST")

/* Of a client's text in an answer: names have at most 170 characters, and a document can have 6 MB. */
#define QUOTED_MAX 200

struct lambda {
    struct function_pool *pool;
    struct lambda_events *events;
    struct lambda_runs runs;
};

/* Who waits for an answer. */
struct caller {
    management_answered_fn *on_answered;
    void *arg;
    char request_id[UUID_SIZE];
};

/* A caller who waits for the function's. */
struct call {
    struct lambda_run run;
    bool is_reserved; /* the function has a concurrency of its own */
    struct caller caller;
};

enum invocation_type { REQUEST_RESPONSE, EVENT, DRY_RUN };

/* What has been found out of a request. */
struct asked {
    const struct lambda *lambda;
    const struct sigv4_request *request;
    size_t body_bytes;
    struct span path_name; /* of the function, as in the path but decoded */
    struct lambda_name name;
    struct span qualifier;
    enum invocation_type type;
    bool wants_log_tail;
    const struct config_function *function;
    struct span document;
    struct json_value value;
    struct buf scratch;
};

/* ---- errors ---- */

/* One of Lambda's: which of its shapes has which status and spelling. */
struct shape {
    unsigned status;
    const char *error_type;
    const char *fault; /* "User" or "Service" */
    const char *message_key;
};

static const struct shape unknown_operation = {404, "UnknownOperationException", "User", "Message"};
static const struct shape validation = {400, "ValidationException", "User", "message"};
static const struct shape parameter = {400, "InvalidParameterValueException", "User", "message"};
static const struct shape not_found = {404, "ResourceNotFoundException", "User", "Message"};
static const struct shape too_large = {413, "RequestTooLargeException", "User", "message"};
static const struct shape media_type = {415, "UnsupportedMediaTypeException", "User", "message"};
static const struct shape content = {400, "InvalidRequestContentException", "User", "message"};
static const struct shape throttled = {429, "TooManyRequestsException", "User", "message"};
static const struct shape service = {500, "ServiceException", "Service", "Message"};

static void add_header(struct management_response *answer, const char *name, struct span value)
{
    management_response_add_header(answer, name, value);
}

static void write_error(struct management_response *answer, const struct shape *shape, const char *reason,
                        struct span message)
{
    struct json_writer w = {.out = &answer->body};

    answer->status = shape->status;
    answer->error_type = shape->error_type;
    answer->has_content_type = true;
    json_object_begin(&w);
    if (reason) {
        json_key(&w, "Reason");
        json_string(&w, span_of_str(reason));
    }
    json_key(&w, "Type");
    json_string(&w, span_of_str(shape->fault));
    json_key(&w, shape->message_key);
    json_string(&w, message);
    json_object_end(&w);
}

/* The line of the log that goes with it. `hint` is for people, NULL if there is nothing to say. */
static void report(const struct management_response *answer, struct span message, const char *hint)
{
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, "refused an invocation: ");
    buf_append(&text, message);
    log_event(LOG_WARN, LOG_FUNCTION, buf_span(&text),
              LOG_FIELDS({.name = "req", .text = span_of_str(answer->request_id)},
                         {.name = "status", .number = answer->status}),
              hint);
}

static bool refuse(struct management_response *answer, const struct shape *shape, struct span message, const char *hint)
{
    write_error(answer, shape, NULL, message);
    report(answer, message, hint);
    return false;
}

__attribute__((format(printf, 4, 5))) static bool refusef(struct management_response *answer, const struct shape *shape,
                                                          const char *hint, const char *format, ...)
{
    CLEANUP(buf_fini) struct buf message = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&message, format, args);
    va_end(args);
    return refuse(answer, shape, buf_span(&message), hint);
}

/* What a client sent, for an answer: the beginning, and only what is text. */
static struct span quoted(struct span text, struct buf *scratch)
{
    buf_clear(scratch, 0);
    for (size_t i = 0; i < text.len && i < QUOTED_MAX; i++)
        buf_append_char(scratch, text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?');
    return buf_span(scratch);
}

/* A value that is none of those that there are, in the words of AWS's validation. */
static bool refuse_value(struct management_response *answer, struct span value, const char *member, const char *rule)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct span shown = quoted(value, &text);

    return refusef(answer, &validation, NULL,
                   "1 validation error detected: Value '" SPAN_FMT "' at '%s' failed to satisfy constraint: %s",
                   SPAN_ARG(shown), member, rule);
}

/* ---- the steps; each true, or false with `answer` filled in ---- */

static bool read_path(struct asked *asked, struct management_response *answer)
{
    struct span path = span_from(asked->request->path, PREFIX.len);
    const char *slash = path.len > 0 ? memchr(path.ptr, '/', path.len) : NULL;
    struct span name = span_of(path.ptr, slash ? (size_t)(slash - path.ptr) : path.len);

    if (!slash || !span_equal(span_from(path, name.len), SUFFIX) || !span_equal(asked->request->method, SPAN("POST")))
        return refuse(answer, &unknown_operation,
                      SPAN("of Lambda's API there is POST /2015-03-31/functions/{FunctionName}/invocations alone"),
                      NULL);
    buf_reserve(&asked->scratch, asked->request->path.len + asked->request->query.len);
    percent_decode(&asked->scratch, name, PERCENT_PLUS_STAYS);
    asked->path_name = buf_span(&asked->scratch);
    return true;
}

static bool read_name(struct asked *asked, struct management_response *answer)
{
    if (lambda_name_parse(asked->path_name, &asked->name))
        return true;
    return refuse_value(answer, asked->path_name, "functionName",
                        "Member must satisfy regular expression pattern: " LAMBDA_NAME_PATTERN);
}

/* The value of a parameter, decoded behind what is in the scratch already, which has room for it. Empty: none. */
static struct span query_value(struct asked *asked, struct span name)
{
    struct span rest = asked->request->query;

    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '&', rest.len);
        struct span pair = span_of(rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len);

        rest = span_from(rest, pair.len + (end ? 1 : 0));
        if (span_starts_with(pair, name) && pair.len > name.len && pair.ptr[name.len] == '=') {
            size_t start = asked->scratch.len;

            percent_decode(&asked->scratch, span_from(pair, name.len + 1), PERCENT_PLUS_IS_BLANK);
            return span_of(asked->scratch.ptr + start, asked->scratch.len - start);
        }
    }
    return span_of(NULL, 0);
}

static bool read_qualifier(struct asked *asked, struct management_response *answer)
{
    struct span in_name = asked->name.qualifier, in_query = query_value(asked, SPAN("Qualifier"));

    if (in_query.len > 0 && !lambda_name_is_qualifier(in_query))
        return refuse_value(answer, in_query, "qualifier",
                            "Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)");
    if (in_name.len > 0 && in_query.len > 0 && !span_equal(in_name, in_query))
        return refuse(answer, &parameter,
                      SPAN("The derived qualifier from the function name does not match the specified qualifier."),
                      NULL);
    asked->qualifier = in_name.len > 0 ? in_name : in_query.len > 0 ? in_query : LATEST;
    return true;
}

static struct span header(const struct asked *asked, struct span name)
{
    return sigv4_find_header(asked->request, name);
}

static bool read_type(struct asked *asked, struct management_response *answer)
{
    static const struct span names[] = {
        [REQUEST_RESPONSE] = {"RequestResponse", 15}, [EVENT] = {"Event", 5}, [DRY_RUN] = {"DryRun", 6}};
    struct span value = header(asked, SPAN("X-Amz-Invocation-Type"));

    if (value.len == 0)
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_equal(value, names[i])) {
            asked->type = (enum invocation_type)i;
            return true;
        }
    return refuse_value(answer, value, "invocationType",
                        "Member must satisfy enum value set: [Event, RequestResponse, DryRun]");
}

static bool read_log_type(struct asked *asked, struct management_response *answer)
{
    struct span value = header(asked, SPAN("X-Amz-Log-Type"));

    asked->wants_log_tail = span_equal(value, SPAN("Tail"));
    if (value.len == 0 || asked->wants_log_tail || span_equal(value, SPAN("None")))
        return true;
    return refuse_value(answer, value, "logType", "Member must satisfy enum value set: [Tail, None]");
}

static bool check_size(struct asked *asked, struct management_response *answer)
{
    if (asked->body_bytes > LAMBDA_PAYLOAD_MAX)
        return refusef(answer, &too_large, NULL,
                       "Request must be smaller than %u bytes for the InvokeFunction operation", LAMBDA_PAYLOAD_MAX);
    if (asked->type == EVENT && asked->body_bytes > LAMBDA_EVENT_PAYLOAD_MAX)
        return refusef(answer, &too_large, NULL,
                       "%zu byte payload is too large for the Event invocation type (limit %u bytes)",
                       asked->body_bytes, LAMBDA_EVENT_PAYLOAD_MAX);
    return true;
}

static const char *nearest_function(const struct function_pool *pool, struct span name)
{
    CLEANUP(free) const char **names = NULL;
    const struct config *config;
    size_t count = 0;

    for (size_t a = 0; (config = function_pool_config(pool, a)); a++) {
        names = mem_realloc(names, (count + config->function_count + 1) * sizeof(*names));
        for (size_t i = 0; i < config->function_count; i++)
            names[count++] = config->functions[i].name;
    }
    return config_nearest(name, names, count);
}

static bool refuse_function(const struct asked *asked, const struct config *config, struct management_response *answer)
{
    const char *nearest = nearest_function(asked->lambda->pool, asked->name.function);
    CLEANUP(free) char *hint = nearest ? mem_printf("did you mean %s?", nearest) : NULL;
    struct span account = asked->name.account_id;

    if (account.len == 0)
        account = span_of_str(config->account_id);
    if (!span_equal(asked->qualifier, LATEST)) {
        free(hint);
        hint = mem_strdup("there are no versions and aliases, but $LATEST");
    }
    return refusef(answer, &not_found, hint,
                   "Function not found: arn:aws:lambda:%s:" SPAN_FMT ":function:" SPAN_FMT ":" SPAN_FMT, config->region,
                   SPAN_ARG(account), SPAN_ARG(asked->name.function), SPAN_ARG(asked->qualifier));
}

static bool find(struct asked *asked, struct management_response *answer)
{
    const struct config *config = function_pool_config(asked->lambda->pool, 0); /* all have its region and account */
    const struct lambda_name *name = &asked->name;

    if (name->region.len > 0 && !span_equal(name->region, span_of_str(config->region)))
        return refusef(answer, &not_found, "the region is \"region\" in the configuration",
                       "Functions from '" SPAN_FMT "' are not reachable in this region ('%s')", SPAN_ARG(name->region),
                       config->region);
    if ((name->account_id.len == 0 || span_equal(name->account_id, span_of_str(config->account_id))) &&
        span_equal(asked->qualifier, LATEST))
        asked->function = function_find(asked->lambda->pool, name->function);
    return asked->function || refuse_function(asked, config, answer);
}

/* What says that it is JSON, or nothing, or what clients say who do not know: SDKs, and curl. */
static bool is_json_type(struct span type)
{
    static const char *const types[] = {"application/json",           "application/octet-stream",
                                        "binary/octet-stream",        "application/x-amz-json-1.0",
                                        "application/x-amz-json-1.1", "application/x-www-form-urlencoded"};
    const char *semicolon = type.len > 0 ? memchr(type.ptr, ';', type.len) : NULL;

    if (semicolon)
        type.len = (size_t)(semicolon - type.ptr);
    while (type.len > 0 && type.ptr[type.len - 1] == ' ')
        type.len--;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (span_equal_nocase(type, span_of_str(types[i])))
            return true;
    return type.len == 0;
}

static bool check_media_type(struct asked *asked, struct management_response *answer)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct span type = header(asked, SPAN("Content-Type"));

    if (is_json_type(type))
        return true;
    type = quoted(type, &text);
    return refusef(answer, &media_type, "send application/json", "Unsupported content type: " SPAN_FMT, SPAN_ARG(type));
}

/* Lines and columns are told as Lambda's own parser does, which says other words of what is wrong. */
static bool refuse_document(struct asked *asked, const struct json_error *error, struct management_response *answer)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct span shown = quoted(asked->document, &text);
    unsigned line = 1, column = 1;

    for (size_t i = 0; i < error->offset && i < asked->document.len; i++) {
        column = asked->document.ptr[i] == '\n' ? 1 : column + 1;
        line += asked->document.ptr[i] == '\n';
    }
    return refusef(answer, &content, NULL,
                   "Could not parse request body into json: Could not parse payload into json: %s\n at [Source: "
                   "(byte[])\"" SPAN_FMT "\"; line: %u, column: %u]",
                   error->what, SPAN_ARG(shown), line, column);
}

/* Nothing at all is an empty object. */
static bool read_document(struct asked *asked, struct management_response *answer)
{
    struct json_error error;

    asked->document = asked->request->body.len > 0 ? asked->request->body : SPAN("{}");
    return document_parse(asked->document, &asked->value, &error) == 0 || refuse_document(asked, &error, answer);
}

typedef bool step_fn(struct asked *asked, struct management_response *answer);

static step_fn *const steps[] = {read_path,  read_name, read_qualifier,   read_type,    read_log_type,
                                 check_size, find,      check_media_type, read_document};

/* ---- answers ---- */

/* As Lambda writes it: "root=1-5fb11db2-0cedbd927fcf897126a48be5;sampled=0". */
static void add_trace_id(struct management_response *answer)
{
    char root[TRACE_ID_SIZE], text[TRACE_ID_SIZE + 16];

    id_new_trace(root);
    root[0] = 'r';
    snprintf(text, sizeof(text), "%s;sampled=0", root);
    add_header(answer, "X-Amzn-Trace-Id", span_of_str(text));
}

static void answer_init(struct management_response *answer, const struct caller *caller)
{
    *answer = (struct management_response){.is_lambda = true};
    memcpy(answer->request_id, caller->request_id, UUID_SIZE);
}

static void send(const struct caller *caller, struct management_response *answer)
{
    caller->on_answered(caller->arg, answer);
}

static void add_log_tail(struct management_response *answer, struct span tail)
{
    CLEANUP(buf_fini) struct buf encoded = {0};

    if (!tail.ptr)
        return;
    base64_encode(&encoded, tail);
    add_header(answer, "X-Amz-Log-Result", buf_span(&encoded));
}

static void write_payload(struct management_response *answer, const struct invocation_result *result)
{
    answer->status = 200;
    answer->has_content_type = true;
    if (payload_is_error(result))
        add_header(answer, "X-Amz-Function-Error", SPAN("Unhandled"));
    add_header(answer, "x-amzn-Remapped-Content-Length", SPAN("0"));
    add_log_tail(answer, result->log_tail);
    add_header(answer, "X-Amz-Executed-Version", LATEST);
    add_trace_id(answer);
    payload_write(result, &answer->body);
}

static void write_throttled(struct management_response *answer, bool is_reserved)
{
    write_error(answer, &throttled,
                is_reserved ? "ReservedFunctionConcurrentInvocationLimitExceeded" : "ConcurrentInvocationLimitExceeded",
                SPAN("Rate Exceeded."));
    add_header(answer, "Retry-After", SPAN("1"));
}

static void on_done(void *arg, const struct invocation_result *result)
{
    struct call *call = arg;
    struct management_response answer;

    answer_init(&answer, &call->caller);
    if (result->outcome == INVOCATION_THROTTLED)
        write_throttled(&answer, call->is_reserved);
    else if (result->outcome == INVOCATION_STOPPED)
        write_error(&answer, &service, NULL, result->error_message);
    else
        write_payload(&answer, result);
    lambda_run_end(&call->run);
    send(&call->caller, &answer);
    free(call);
}

/* ---- one way to invoke for each type ---- */

static void invoke_and_wait(struct lambda *lambda, struct asked *asked, const struct caller *caller)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct call *call = mem_zalloc(sizeof(*call));
    struct invocation_request request;

    call->caller = *caller;
    call->is_reserved = asked->function->reserved_concurrency != CONFIG_UNRESERVED;
    lambda_run_begin(&lambda->runs, &call->run);
    invocation_request_from_document(&request, asked->document, asked->value, &text);
    request.fields[FIELD_AWS_REQUEST_ID] = span_of(caller->request_id, UUID_LEN);
    request.wants_log_tail = asked->wants_log_tail;
    function_invoke(lambda->pool, asked->function, &request, on_done, call);
}

static void invoke_later(struct lambda *lambda, struct asked *asked, const struct caller *caller)
{
    struct management_response answer;

    answer_init(&answer, caller);
    if (lambda_events_add(lambda->events, asked->function, caller->request_id, asked->document)) {
        answer.status = 202;
        add_header(&answer, "x-amzn-Remapped-Content-Length", SPAN("0"));
        add_trace_id(&answer);
    } else {
        write_throttled(&answer, false);
        report(&answer, SPAN("too many asynchronous invocations wait already"), NULL);
    }
    send(caller, &answer);
}

static void do_not_invoke(struct lambda *lambda, struct asked *asked, const struct caller *caller)
{
    struct management_response answer;

    answer_init(&answer, caller);
    answer.status = 204;
    add_trace_id(&answer);
    send(caller, &answer);
}

typedef void invoke_fn(struct lambda *lambda, struct asked *asked, const struct caller *caller);

static invoke_fn *const types[] = {
    [REQUEST_RESPONSE] = invoke_and_wait, [EVENT] = invoke_later, [DRY_RUN] = do_not_invoke};

/* ---- the whole ---- */

bool lambda_owns(struct span path)
{
    return span_starts_with(path, PREFIX);
}

size_t lambda_body_max(void)
{
    return LAMBDA_PAYLOAD_MAX + 1;
}

static bool judge(struct asked *asked, struct management_response *answer)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (!steps[i](asked, answer))
            return false;
    return true;
}

void lambda_handle(struct lambda *lambda, const struct sigv4_request *request, size_t body_bytes,
                   management_answered_fn *on_answered, void *arg)
{
    struct asked asked = {.lambda = lambda, .request = request, .body_bytes = body_bytes};
    struct caller caller = {.on_answered = on_answered, .arg = arg};
    struct management_response answer;

    id_new_uuid(caller.request_id);
    answer_init(&answer, &caller);
    if (judge(&asked, &answer))
        types[asked.type](lambda, &asked, &caller);
    else
        send(&caller, &answer);
    buf_fini(&asked.scratch);
}

uint64_t lambda_invocations(const struct lambda *lambda)
{
    return lambda->runs.count;
}

/* In order, so the last that is among the first `up_to` decides. */
bool lambda_is_busy_with(const struct lambda *lambda, uint64_t after, uint64_t up_to)
{
    const struct list *runs = &lambda->runs.list;

    for (const struct list *node = runs->prev; node != runs; node = node->prev) {
        const uint64_t number = LIST_ENTRY(node, struct lambda_run, link)->number;

        if (number <= up_to)
            return number > after;
    }
    return false;
}

struct lambda *lambda_new(struct loop *loop, struct function_pool *pool)
{
    struct lambda *lambda = mem_zalloc(sizeof(*lambda));

    lambda->pool = pool;
    list_init(&lambda->runs.list);
    lambda->events = lambda_events_new(loop, pool, &lambda->runs);
    return lambda;
}

void lambda_free(struct lambda *lambda)
{
    if (!lambda)
        return;
    lambda_events_free(lambda->events);
    free(lambda);
}
