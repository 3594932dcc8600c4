/* iam.c - see iam.h. */
#include "authorization/iam.h"

#include <openssl/evp.h>

#include "authorization/canonical.h"
#include "authorization/policy.h"
#include "base/mem.h"

#define UNIQUE_ID_LEN 17 /* behind the prefix */
#define HASH_SIZE 32
#define ARN_PARTS 5 /* before the resource, which may have colons of its own */

/* ---- may the caller do it? ---- */

static void write_arn(struct buf *out, const struct config *config, const struct config_stage *stage,
                      struct span account, struct span resource)
{
    buf_printf(out, "arn:aws:execute-api:%s:" SPAN_FMT ":%s/%s/" SPAN_FMT, config->region, SPAN_ARG(account),
               config->api_id, stage->name, SPAN_ARG(resource));
}

/* AWS shows strangers the last four digits of an account only. */
static void mask_account(struct span account, struct buf *out)
{
    const size_t shown = account.len < 4 ? account.len : 4;

    buf_append(out, SPAN("********"));
    buf_append(out, span_from(account, account.len - shown));
}

static void deny(const struct config *config, const struct config_stage *stage,
                 const struct config_credential *credential, enum rule_id rule, const char *action,
                 struct span resource, struct denial *denial)
{
    CLEANUP(buf_fini) struct buf account = {0}, masked = {0}, whole = {0};

    mask_account(span_of_str(config->account_id), &account);
    write_arn(&masked, config, stage, buf_span(&account), resource);
    write_arn(&whole, config, stage, span_of_str(config->account_id), resource);
    denial_set(denial, rule,
               (struct span[]){span_of_str(credential->user_arn), span_of_str(action), buf_span(&masked)});
    buf_printf(&denial->detail, "the policy of %s %s %s on " SPAN_FMT, credential->name,
               rule == RULE_IAM_DENIED_EXPLICITLY ? "denies" : "does not allow", action, SPAN_ARG(buf_span(&whole)));
}

static enum policy_effect judge(const struct config *config, const struct config_stage *stage,
                                const struct config_credential *credential, const char *action, struct span resource,
                                struct span source_ip, struct buf *notes)
{
    CLEANUP(buf_fini) struct buf arn = {0};

    if (!credential->policy)
        return POLICY_ALLOW;
    write_arn(&arn, config, stage, span_of_str(config->account_id), resource);
    return policy_evaluate(span_of_str(credential->policy),
                           &(struct policy_request){span_of_str(action), buf_span(&arn), source_ip}, notes);
}

const struct config_credential *iam_authorize(const struct config *config, const struct config_stage *stage,
                                              const struct sigv4_request *request, const char *action,
                                              struct span resource, uint64_t now_ms, struct denial *denial)
{
    const struct config_credential *credential = sigv4_verify(config, request, now_ms, denial);
    CLEANUP(buf_fini) struct buf notes = {0};
    enum policy_effect effect;

    if (!credential)
        return NULL;
    effect = judge(config, stage, credential, action, resource, request->source_ip, &notes);
    if (effect == POLICY_ALLOW)
        return credential;
    deny(config, stage, credential, effect == POLICY_DENY ? RULE_IAM_DENIED_EXPLICITLY : RULE_IAM_DENIED, action,
         resource, denial);
    if (notes.len > 0)
        buf_printf(&denial->detail, " (" SPAN_FMT ")", SPAN_ARG(buf_span(&notes)));
    return NULL;
}

/* ---- who is it? ---- */

/* What IAM makes up when a user or a role is created: here the same for the same ARN. */
static void write_unique_id(struct buf *out, const char *prefix, struct span arn)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char hash[HASH_SIZE] = {0};

    EVP_Digest(arn.ptr, arn.len, hash, NULL, EVP_sha256(), NULL);
    buf_append_str(out, prefix);
    for (size_t i = 0; i < UNIQUE_ID_LEN; i++)
        buf_append_char(out, digits[hash[i] & 31]);
}

/* "assumed-role/ROLE/SESSION": the id of the role, and the session. */
static void write_role_id(struct buf *out, struct span arn, struct span account, struct span resource)
{
    const char *slash = resource.len ? memrchr(resource.ptr, '/', resource.len) : NULL;
    const size_t session_len = slash ? (size_t)(resource.ptr + resource.len - slash) - 1 : 0;

    write_unique_id(out, "AROA", span_of(arn.ptr, arn.len - session_len));
    buf_append_char(out, ':');
    buf_append(out, span_from(resource, resource.len - session_len));
}

static void write_federated_id(struct buf *out, struct span arn, struct span account, struct span resource)
{
    buf_append(out, account);
    buf_append_char(out, ':');
    buf_append(out, span_from(resource, sizeof("federated-user/") - 1));
}

static void write_root_id(struct buf *out, struct span arn, struct span account, struct span resource)
{
    buf_append(out, account);
}

static void write_user_id(struct buf *out, struct span arn, struct span account, struct span resource)
{
    write_unique_id(out, "AIDA", arn);
}

static const struct {
    struct span prefix; /* of an ARN's resource */
    void (*write_id)(struct buf *out, struct span arn, struct span account, struct span resource);
} callers[] = {
    {{"assumed-role/", 13}, write_role_id},
    {{"federated-user/", 15}, write_federated_id},
    {{"root", 4}, write_root_id},
    {{"", 0}, write_user_id},
};

void iam_identify(const struct config *config, const struct config_credential *credential, struct buf *text,
                  struct event_identity *ret)
{
    struct span rest = span_of_str(credential->user_arn), account = span_of(NULL, 0);
    size_t i = 0;

    for (size_t part = 0; part < ARN_PARTS; part++)
        canonical_next(&rest, ':', &account);
    if (!account.len)
        account = span_of_str(config->account_id);
    while (!span_starts_with(rest, callers[i].prefix))
        i++;
    buf_clear(text, 0);
    callers[i].write_id(text, span_of_str(credential->user_arn), account, rest);
    ret->user_arn = span_of_str(credential->user_arn);
    ret->account_id = account;
    ret->access_key = span_of_str(credential->access_key_id);
    ret->caller = ret->user = buf_span(text);
}
