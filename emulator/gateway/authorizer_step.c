/* authorizer_step.c - the step of a handshake that asks the route's Lambda authorizer. */
#include <apigw/plugin.h>

#include "authorization/authorizer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/attempt.h"
#include "gateway/gateway_private.h"

/* The ARN that the policy must allow. */
static void write_method_arn(const struct attempt *a, struct buf *out)
{
    buf_printf(out, "arn:aws:execute-api:%s:%s:%s/%s/$connect", a->config->region, a->config->account_id,
               a->config->api_id, a->stage->config->name);
}

static enum attempt_progress refuse_anonymous(struct attempt *a, const struct config_identity_source *missing)
{
    CLEANUP(buf_fini) struct buf detail = {0};

    authorizer_write_source(missing, &detail);
    buf_printf(&detail, " is missing or empty, so the authorizer %s was not asked", a->route->authorizer->name);
    return attempt_refuse(
        a, &(struct attempt_refusal){.rule = rule_get(RULE_IDENTITY_SOURCE_MISSING), .detail = buf_span(&detail)});
}

/* ---- what comes back ---- */

static void move(struct buf *to, struct buf *from)
{
    *to = *from;
    *from = (struct buf){0};
}

static void let_in(struct attempt *a, struct authorizer_answer *answer)
{
    if (answer->notes.len > 0)
        log_warn(LOG_GATEWAY, "%s: of the authorizer's policy, " SPAN_FMT " conn=%s req=%s", a->route->authorizer->name,
                 SPAN_ARG(buf_span(&answer->notes)), a->connection->id, a->request_id);
    a->trace.authorizer.status = 200;
    move(&a->authorizer, &answer->members);
    move(&a->usage_identifier_key, &answer->usage_identifier_key);
    attempt_continue(a);
}

static void judge(struct attempt *a, struct span result)
{
    CLEANUP(authorizer_answer_fini) struct authorizer_answer answer = {0};
    CLEANUP(denial_fini) struct denial denial = {0};
    CLEANUP(buf_fini) struct buf arn = {0};

    write_method_arn(a, &arn);
    if (authorizer_judge(result,
                         &(struct policy_request){
                             .action = SPAN("execute-api:Invoke"),
                             .resource = buf_span(&arn),
                             .source_ip = a->request.source_ip,
                         },
                         &answer, &denial) < 0)
        attempt_deny(a, &denial);
    else
        let_in(a, &answer);
}

/* For the access log. */
static void note_authorizer(struct attempt *a, const struct authorizer_reply *reply)
{
    struct attempt_trace *trace = &a->trace;

    if (reply->request_id.len == UUID_LEN)
        memcpy(trace->authorizer_request_id, reply->request_id.ptr, UUID_LEN);
    trace->authorizer = (struct access_phase){
        .ran = true,
        .latency_ms = a->authorizer_ms,
        .endpoint_status = reply->lambda_status,
        .request_id = span_of_str(trace->authorizer_request_id),
    };
}

static void on_authorizer_done(void *arg, const struct authorizer_reply *reply)
{
    struct call *call = arg;
    struct attempt *a = call->attempt;

    a->authorizer_ms = clock_mono_ms() - a->authorizer_began_ms;
    note_authorizer(a, reply);
    if (reply->failure)
        attempt_refuse(a, &(struct attempt_refusal){
                              .rule = reply->failure,
                              .decided = reply->failure == rule_get(RULE_AUTHORIZER_UNAUTHORIZED),
                              .detail = reply->detail,
                          });
    else
        judge(a, reply->json);
    gateway_end_call(call);
}

/* ---- asking ---- */

enum attempt_progress attempt_ask_authorizer(struct attempt *a)
{
    CLEANUP(buf_fini) struct buf arn = {0};
    struct gateway *gw = a->gw;
    char port[ATTEMPT_PORT_SIZE];
    struct event_connect connect;
    struct event_request event = {.request_id = {a->request_id, ID_LEN}, .time_ms = a->time_ms};
    struct invocation_request invocation = {.event_type = APIGW_AUTHORIZER};
    const struct config_identity_source *missing;
    struct call *call;

    if (!a->route || a->route->authorization != CONFIG_AUTHORIZATION_CUSTOM)
        return ATTEMPT_GOES_ON;
    write_method_arn(a, &arn);
    attempt_describe(a, port, &connect);
    gateway_clear_event(gw);
    event_write_authorizer(a->connection->source, &event, &connect, buf_span(&arn), &gw->event_head);
    missing = authorizer_missing_source(a->route->authorizer, buf_span(&gw->event_head));
    if (missing)
        return refuse_anonymous(a, missing);
    a->authorizer_began_ms = clock_mono_ms();
    call = gateway_begin_call(gw, a->connection, a->route, &event, &invocation);
    call->attempt = a;
    authorizer_invoke(gw->authorizers, a->route->authorizer, &invocation, on_authorizer_done, call);
    return ATTEMPT_WAITS;
}
