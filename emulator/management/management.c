/* management.c - POST, GET and DELETE of @connections, for both kinds of callers.
 *
 * A refusal is a rule, whoever asked: over HTTP it becomes status, headers and body, in a handler the negative status.
 * What AWS checks first is known in part: method, path and stage before the signature and the id, the id's form before
 * its existence. That the account's rate and the size come before both is inferred. */
#include "management/management.h"

#include <apigw/plugin.h>
#include <assert.h>

#include "authorization/iam.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "event/id.h"
#include "gateway/report.h"
#include "gateway/response.h"
#include "gateway/text.h"
#include "management/path.h"

/* ---- the three operations; NULL or the rule that forbids it ---- */

static const enum rule_id result_rules[] = {
    [CONNECTION_GONE] = RULE_CONNECTION_GONE,
    [CONNECTION_QUEUE_FULL] = RULE_SEND_QUEUE_FULL,
};

static const struct rule *refuse(enum rule_id id, enum log_level level, const char *what, struct span connection_id,
                                 uint64_t value)
{
    report_write(level, &(struct report){
                            .rule = rule_get(id),
                            .happened = what,
                            .value = value,
                            .connection_id = connection_id,
                            .http_status = rule_get(id)->http_status,
                        });
    return rule_get(id);
}

/* Each request counts against the account's rate, whatever it asks for. */
static const struct rule *admit(struct gateway *gw, const char *what, struct span connection_id)
{
    const struct rule *rule = gateway_admit_callback(gw);

    if (rule)
        report_write(LOG_WARN, &(struct report){.rule = rule,
                                                .happened = what,
                                                .connection_id = connection_id,
                                                .http_status = rule->http_status});
    return rule;
}

/* It takes both names to see which of the two is the wrong one. */
static const struct rule *refuse_elsewhere(const struct gateway *gw, const struct stage *stage, const char *what,
                                           struct span connection_id)
{
    const struct rule *rule = rule_get(RULE_CONNECTION_ELSEWHERE);
    CLEANUP(buf_fini) struct buf detail = {0};

    buf_append_str(&detail, "the connection is of ");
    stage_describe(gateway_stage_of(gw, connection_id), &detail);
    buf_append_str(&detail, ", and the request is for ");
    stage_describe(stage, &detail);
    report_write(LOG_WARN, &(struct report){.rule = rule,
                                            .happened = what,
                                            .detail = buf_span(&detail),
                                            .connection_id = connection_id,
                                            .http_status = rule->http_status});
    return rule;
}

/* A client that is gone is nothing unusual, the rest is. */
static const struct rule *judge_result(const struct gateway *gw, const struct stage *stage,
                                       enum connection_result result, const char *what, struct span connection_id)
{
    if (result == CONNECTION_OK)
        return NULL;
    if (result == CONNECTION_ELSEWHERE)
        return refuse_elsewhere(gw, stage, what, connection_id);
    return refuse(result_rules[result], result == CONNECTION_GONE ? LOG_INFO : LOG_WARN, what, connection_id, 0);
}

static const struct rule *post(struct gateway *gw, const struct stage *stage, struct span connection_id,
                               struct span data)
{
    const char *what = "refused a post to a connection";
    const struct rule *rule = admit(gw, what, connection_id);

    if (rule)
        return rule;
    if (data.len > rule_get(RULE_PAYLOAD_TOO_LARGE)->limit)
        return refuse(RULE_PAYLOAD_TOO_LARGE, LOG_WARN, what, connection_id, data.len);
    if (!id_is_connection(connection_id))
        return refuse(RULE_CONNECTION_ID_INVALID, LOG_WARN, what, connection_id, 0);
    return judge_result(gw, stage, gateway_post(gw, stage, connection_id, data), what, connection_id);
}

static const struct rule *get(struct gateway *gw, const struct stage *stage, struct span connection_id,
                              struct connection_info *ret)
{
    const char *what = "refused to look up a connection";
    const struct rule *rule = admit(gw, what, connection_id);

    if (rule)
        return rule;
    if (!id_is_connection(connection_id))
        return refuse(RULE_CONNECTION_ID_INVALID, LOG_WARN, what, connection_id, 0);
    return judge_result(gw, stage, gateway_get(gw, stage, connection_id, ret), what, connection_id);
}

static const struct rule *delete (struct gateway *gw, const struct stage *stage, struct span connection_id)
{
    const char *what = "refused to close a connection";
    const struct rule *rule = admit(gw, what, connection_id);

    if (rule)
        return rule;
    if (!id_is_connection(connection_id))
        return refuse(RULE_CONNECTION_ID_INVALID, LOG_WARN, what, connection_id, 0);
    return judge_result(gw, stage, gateway_delete(gw, stage, connection_id), what, connection_id);
}

/* ---- over HTTP ---- */

void management_response_fini(struct management_response *response)
{
    for (size_t i = 0; i < MANAGEMENT_HEADERS_MAX; i++)
        free(response->headers[i].value);
    buf_fini(&response->body);
    *response = (struct management_response){0};
}

void management_response_add_header(struct management_response *response, const char *name, struct span value)
{
    size_t i = 0;

    while (i < MANAGEMENT_HEADERS_MAX && response->headers[i].name)
        i++;
    assert(i < MANAGEMENT_HEADERS_MAX);
    response->headers[i] = (struct management_header){name, mem_span_dup(value)};
}

size_t management_body_max(void)
{
    return (size_t)rule_get(RULE_PAYLOAD_TOO_LARGE)->limit + 1;
}

static void write_refusal(const struct rule *rule, struct span message, struct management_response *ret)
{
    ret->status = rule->http_status;
    ret->has_content_type = true;
    ret->error_type = rule->error_type;
    if (rule->message)
        response_write_refusal(&ret->body, rule, message);
}

/* `values` go into the holes of the rule's message. */
static void write_error(const struct rule *rule, const struct span *values, struct management_response *ret)
{
    CLEANUP(buf_fini) struct buf message = {0};

    if (rule->message)
        response_fill(&message, rule->message, values);
    write_refusal(rule, buf_span(&message), ret);
}

static void append_member(struct buf *out, const char *before, struct span value, const char *after)
{
    buf_append_str(out, before);
    json_escape(out, value);
    buf_append_str(out, after);
}

/* A client that sent no User-Agent has an empty one, unless the rule is tuned: what AWS writes for it is not known, and
 * SDKs ask for the member. */
static bool shows_user_agent(const struct connection_info *info)
{
    return info->user_agent.len > 0 || rule_choice(RULE_USER_AGENT_MISSING) == USER_AGENT_EMPTY;
}

/* AWS writes this one with indentation and blanks around the colons. */
static void write_info(const struct connection_info *info, struct buf *out)
{
    CLEANUP(buf_fini) struct buf repaired = {0};
    char connected_at[CLOCK_ISO_SIZE], last_active_at[CLOCK_ISO_SIZE];

    clock_format_iso(info->connected_at_ms, connected_at);
    clock_format_iso(info->last_active_at_ms, last_active_at);
    append_member(out, "{\n  \"identity\" : {\n    \"sourceIp\" : \"", info->source_ip, "\"");
    if (shows_user_agent(info))
        append_member(out, ",\n    \"userAgent\" : \"", text_repaired(info->user_agent, &repaired), "\"");
    append_member(out, "\n  },\n  \"connectedAt\" : \"", span_of_str(connected_at), "\",\n");
    append_member(out, "  \"lastActiveAt\" : \"", span_of_str(last_active_at), "\"\n}");
}

static const struct rule *http_post(struct gateway *gw, const struct stage *stage, struct span connection_id,
                                    struct span body, struct management_response *ret)
{
    ret->status = 200;
    ret->has_content_type = true;
    return post(gw, stage, connection_id, body);
}

static const struct rule *http_get(struct gateway *gw, const struct stage *stage, struct span connection_id,
                                   struct span body, struct management_response *ret)
{
    struct connection_info info = {0};
    const struct rule *refusal = get(gw, stage, connection_id, &info);

    if (refusal)
        return refusal;
    ret->status = 200;
    ret->has_content_type = true;
    write_info(&info, &ret->body);
    return NULL;
}

static const struct rule *http_delete(struct gateway *gw, const struct stage *stage, struct span connection_id,
                                      struct span body, struct management_response *ret)
{
    ret->status = rule_choice(RULE_DELETE_STATUS) == DELETE_NO_CONTENT ? 204 : 200;
    return delete (gw, stage, connection_id);
}

typedef const struct rule *operation_fn(struct gateway *gw, const struct stage *stage, struct span connection_id,
                                        struct span body, struct management_response *ret);

static const struct {
    struct span method;
    operation_fn *operation;
} operations[] = {
    {{"POST", 4}, http_post},
    {{"GET", 3}, http_get},
    {{"DELETE", 6}, http_delete},
};

static operation_fn *find_operation(struct span method)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (span_equal(method, operations[i].method))
            return operations[i].operation;
    return NULL;
}

/* Does it ask a custom domain for something that @connections could have, were it there? */
static bool is_behind_mapping(const struct directory_place *place, const struct path *path, struct span method)
{
    return place->mapped && path->kind == PATH_STAGE && path->route.len > 0 && find_operation(method);
}

/* NULL, or the rule against this method on this path. Paths without an id get the 404 that WebSocket APIs were seen to
 * give, and so do others behind a custom domain, such as those that name the stage there; for everything else under a
 * stage, AWS's documentation has the 403 of an unsigned call, and 426 was seen for GET. */
static const struct rule *judge_request(const struct directory_place *place, const struct path *path,
                                        struct span method)
{
    if (!place->stage)
        return rule_get(RULE_STAGE_UNKNOWN);
    if (path->kind == PATH_CONNECTIONS || is_behind_mapping(place, path, method))
        return rule_get(RULE_MANAGEMENT_PATH);
    if (path->kind == PATH_STAGE && span_equal(method, SPAN("GET")))
        return rule_get(RULE_UPGRADE_REQUIRED);
    if (path->kind == PATH_STAGE || !find_operation(method))
        return rule_get(RULE_MANAGEMENT_FORBIDDEN);
    return NULL;
}

static void report_request(const struct rule *rule, const struct sigv4_request *request, struct span why,
                           uint64_t value)
{
    CLEANUP(buf_fini) struct buf detail = {0};

    buf_printf(&detail, SPAN_FMT " " SPAN_FMT ": " SPAN_FMT, SPAN_ARG(request->method), SPAN_ARG(request->path),
               SPAN_ARG(why));
    report_write(LOG_WARN, &(struct report){
                               .rule = rule,
                               .happened = "refused an HTTP request",
                               .detail = buf_span(&detail),
                               .value = value,
                               .http_status = rule->http_status,
                           });
}

/* With IAM on: is it signed by somebody who may do this? A policy cannot name one connection: what it is asked about
 * ends in these very characters (observed). */
static bool check_caller(const struct stage *stage, const struct sigv4_request *request,
                         struct management_response *ret)
{
    CLEANUP(denial_fini) struct denial denial = {0};
    CLEANUP(buf_fini) struct buf resource = {0};
    const struct config *config = stage->api->config;

    if (!config->connections_iam)
        return true;
    buf_printf(&resource, SPAN_FMT "/@connections/{connectionId}", SPAN_ARG(request->method));
    if (iam_authorize(config, stage->config, request, IAM_MANAGE_CONNECTIONS, buf_span(&resource), clock_wall_ms(),
                      &denial))
        return true;
    report_request(denial.rule, request, denial.detail.len ? buf_span(&denial.detail) : span_of_str(denial.rule->what),
                   denial.value);
    write_refusal(denial.rule, buf_span(&denial.message), ret);
    return false;
}

/* The rules that are checked before the connection is looked up answer without a trace id, as AWS was seen to do. */
static bool has_trace_id(const struct rule *refusal)
{
    return !refusal || refusal == rule_get(RULE_CONNECTION_GONE) || refusal == rule_get(RULE_SEND_QUEUE_FULL);
}

/* Why there is nothing at this path, where the rule does not say it all: behind a custom domain most often because it
 * was made of a stage, and not of a mapping's key. */
static void explain_place(struct gateway *gw, const struct directory_place *place, const struct rule *refusal,
                          struct span host, struct span path, struct buf *out)
{
    if (!place->stage || (place->mapped && refusal == rule_get(RULE_MANAGEMENT_PATH)))
        gateway_explain_place(gw, place->result, host, path, out);
}

void management_handle(struct gateway *gw, struct span host, const struct sigv4_request *request,
                       struct management_response *ret)
{
    CLEANUP(buf_fini) struct buf scratch = {0}, why = {0};
    struct directory_place place = gateway_find_place(gw, host, request->path);
    struct path path = path_parse(place.rest, &scratch);
    const struct rule *refusal = judge_request(&place, &path, request->method);

    *ret = (struct management_response){0};
    if (refusal) {
        explain_place(gw, &place, refusal, host, request->path, &why);
        report_request(refusal, request, why.len > 0 ? buf_span(&why) : span_of_str(refusal->what), 0);
        write_error(refusal, (struct span[]){path.route, request->method}, ret);
        return;
    }
    /* A body that is too large is not here as a whole, so its signature cannot be checked. */
    if (request->body.len <= rule_get(RULE_PAYLOAD_TOO_LARGE)->limit && !check_caller(place.stage, request, ret))
        return;
    refusal = find_operation(request->method)(gw, place.stage, path.connection_id, request->body, ret);
    ret->has_trace_id = has_trace_id(refusal);
    if (refusal)
        write_error(refusal, &path.connection_id, ret);
}

/* ---- for handlers ---- */

/* enum apigw_result has the statuses of these rules, negative. */
static int result_of(const struct rule *refusal)
{
    return refusal ? -(int)refusal->http_status : APIGW_OK;
}

static int service_post(void *arg, struct span connection_id, struct span data)
{
    return result_of(post(arg, NULL, connection_id, data));
}

static int service_get(void *arg, struct span connection_id, struct function_connection *ret)
{
    struct connection_info info = {0};
    const struct rule *refusal = get(arg, NULL, connection_id, &info);

    if (!refusal)
        *ret = (struct function_connection){
            .connected_at_ms = info.connected_at_ms,
            .last_active_at_ms = info.last_active_at_ms,
            .source_ip = info.source_ip,
            .user_agent = info.user_agent,
        };
    return result_of(refusal);
}

static int service_delete(void *arg, struct span connection_id)
{
    return result_of(delete (arg, NULL, connection_id));
}

struct function_services management_services(struct gateway *gw)
{
    return (struct function_services){
        .post_to_connection = service_post,
        .get_connection = service_get,
        .delete_connection = service_delete,
        .arg = gw,
    };
}
