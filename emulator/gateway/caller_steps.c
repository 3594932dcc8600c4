/* caller_steps.c - two steps of a handshake that know at once: who signed it, and which API key it comes with. */
#include "authorization/api_keys.h"
#include "authorization/iam.h"
#include "base/clock.h"
#include "base/mem.h"
#include "gateway/attempt.h"
#include "gateway/gateway_private.h"

/* For the access log: who signed, and may he? */
static void note_signature(struct attempt *a, const struct denial *denial)
{
    const bool is_policy =
        denial->rule == rule_get(RULE_IAM_DENIED) || denial->rule == rule_get(RULE_IAM_DENIED_EXPLICITLY);
    struct access_phase *refused = is_policy ? &a->trace.authorize : &a->trace.authenticate;

    a->trace.authenticate = (struct access_phase){.ran = true, .status = 200};
    if (!denial->rule || is_policy)
        a->trace.authorize = (struct access_phase){.ran = true, .status = 200};
    if (denial->rule)
        *refused = (struct access_phase){
            .ran = true, .status = denial->rule->http_status, .error = buf_span(&denial->message)};
}

/* A client signs the upgrade's GET, which has no body, in its headers or as a presigned URL. */
enum attempt_progress attempt_check_signature(struct attempt *a)
{
    CLEANUP(denial_fini) struct denial denial = {0};
    const struct config *config = a->config;
    const struct config_credential *credential;

    if (!a->route || a->route->authorization != CONFIG_AUTHORIZATION_IAM)
        return ATTEMPT_GOES_ON;
    credential = iam_authorize(config, a->stage->config,
                               &(struct sigv4_request){
                                   .method = SPAN("GET"),
                                   .path = a->request.path,
                                   .query = a->request.query,
                                   .headers = a->request.headers,
                                   .header_count = a->request.header_count,
                                   .source_ip = a->request.source_ip,
                               },
                               IAM_INVOKE, SPAN("$connect"), clock_wall_ms(), &denial);
    note_signature(a, &denial);
    if (!credential)
        return attempt_deny(a, &denial);
    iam_identify(config, credential, &a->identity_text, &a->identity);
    return ATTEMPT_GOES_ON;
}

/* What the API's selection expression for keys gives; empty if there is none. */
static struct span select_key(const struct attempt *a)
{
    if (a->config->api_key_from_authorizer)
        return buf_span(&a->usage_identifier_key);
    for (size_t i = 0; i < a->request.header_count; i++)
        if (span_equal_nocase(a->request.headers[i].name, SPAN("x-api-key")))
            return a->request.headers[i].value;
    return SPAN("");
}

enum attempt_progress attempt_check_api_key(struct attempt *a)
{
    CLEANUP(denial_fini) struct denial denial = {0};
    const struct config_api_key *key;

    if (!a->route || !a->route->api_key_required)
        return ATTEMPT_GOES_ON;
    key = api_keys_use(a->stage->api->keys, select_key(a), clock_mono_ns(), clock_wall_ms(), &denial);
    if (!key)
        return attempt_deny(a, &denial);
    api_key_write_id(key, a->api_key_id);
    a->identity.api_key = span_of_str(key->value);
    a->identity.api_key_id = span_of_str(a->api_key_id);
    return ATTEMPT_GOES_ON;
}
