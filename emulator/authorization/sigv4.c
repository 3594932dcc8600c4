/* sigv4.c - the checks of a signature, one after another, and the arithmetic (signature.h) of the last one.
 *
 * What a client gets is AWS's text; what went wrong is in the denial's detail, for the log. When a signature does not
 * match, it is computed again as if the client had made each of the mistakes that clients make: if one of those
 * matches, the log names it. */
#include "authorization/sigv4.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "authorization/canonical.h"
#include "authorization/claim.h"
#include "authorization/signature.h"
#include "base/mem.h"

#define ALGORITHM SIGNATURE_ALGORITHM
#define SERVICE SIGNATURE_SERVICE
#define TERMINATOR SIGNATURE_TERMINATOR
#define HEX_LEN SIGNATURE_HEX_LEN
#define DURATION_SIZE 32u

struct verification {
    const struct config *config;
    const struct sigv4_request *request;
    uint64_t now_ms;
    struct denial *denial;
    struct claim claim;
    const struct config_credential *credential; /* that of the claimed key */
};

struct span sigv4_find_header(const struct sigv4_request *request, struct span name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (span_equal_nocase(request->headers[i].name, name))
            return request->headers[i].value;
    return span_of(NULL, 0);
}

static bool deny(struct verification *v, enum rule_id rule, const struct span *values)
{
    denial_set(v->denial, rule, values);
    return false;
}

/* ---- the time ---- */

static void write_duration(uint64_t seconds, char *out)
{
    if (seconds % 60 == 0)
        snprintf(out, DURATION_SIZE, "%" PRIu64 " min", seconds / 60);
    else
        snprintf(out, DURATION_SIZE, "%" PRIu64 " sec", seconds);
}

/* `allowed_s` is how far from our clock the signature's date may be, on the side where it is. */
static bool deny_time(struct verification *v, enum rule_id rule, uint64_t allowed_s)
{
    const uint64_t now_s = v->now_ms / 1000, date_s = v->claim.date_s;
    const bool late = now_s > date_s;
    const uint64_t skew_s = late ? now_s - date_s : date_s - now_s;
    char now[CLOCK_BASIC_SIZE], bound[CLOCK_BASIC_SIZE], allowed[DURATION_SIZE];

    clock_format_basic(v->now_ms, now);
    clock_format_basic((late ? now_s - allowed_s : now_s + allowed_s) * 1000, bound);
    write_duration(allowed_s, allowed);
    buf_printf(&v->denial->detail, "it was signed at %s, %" PRIu64 " seconds %s our clock, and %" PRIu64 " are allowed",
               v->claim.stamp, skew_s, late ? "before" : "ahead of", allowed_s);
    v->denial->value = skew_s * 1000;
    return deny(
        v, rule,
        (struct span[]){span_of_str(v->claim.stamp), span_of_str(bound), span_of_str(now), span_of_str(allowed)});
}

static bool check_time(struct verification *v)
{
    const uint64_t now_s = v->now_ms / 1000, date_s = v->claim.date_s;
    const uint64_t before_s = rule_get(RULE_SIGNATURE_EXPIRED)->limit / 1000;
    const uint64_t ahead_s = rule_get(RULE_SIGNATURE_NOT_YET)->limit / 1000;

    if (date_s > now_s + ahead_s)
        return deny_time(v, RULE_SIGNATURE_NOT_YET, ahead_s);
    if (v->claim.expires.ptr)
        return now_s <= date_s + v->claim.expires_s || deny_time(v, RULE_PRESIGN_EXPIRED, v->claim.expires_s);
    return now_s <= date_s + before_s || deny_time(v, RULE_SIGNATURE_EXPIRED, before_s);
}

/* ---- what is claimed ---- */

static bool check_claim(struct verification *v)
{
    return claim_read(&v->claim, v->request, v->denial) == 0;
}

static bool check_host(struct verification *v)
{
    struct span rest = v->claim.signed_headers, name;

    while (canonical_next(&rest, ';', &name))
        if (span_equal_nocase(name, SPAN("host")))
            return true;
    buf_printf(&v->denial->detail, "the signed headers are " SPAN_FMT ", without host",
               SPAN_ARG(v->claim.signed_headers));
    return deny(v, RULE_SIGNATURE_HOST, NULL);
}

static bool check_algorithm(struct verification *v)
{
    return span_equal(v->claim.algorithm, SPAN(ALGORITHM)) || deny(v, RULE_SIGNATURE_ALGORITHM, &v->claim.algorithm);
}

static bool check_credential(struct verification *v)
{
    return claim_read_credential(&v->claim, v->denial) == 0;
}

/* All that is wrong with a scope is said at once; the first of it is the rule. */
static void deny_scope(struct verification *v, enum rule_id rule, const struct span *values)
{
    CLEANUP(denial_fini) struct denial clause = {0};

    denial_set(&clause, rule, values);
    buf_append(&v->denial->message, buf_span(&clause.message));
    if (!v->denial->rule)
        v->denial->rule = clause.rule;
}

static bool check_scope(struct verification *v)
{
    const struct claim *c = &v->claim;
    const struct span today = span_of(c->stamp, 8);

    if (!span_equal(c->region, span_of_str(v->config->region)))
        deny_scope(v, RULE_SCOPE_REGION, &c->region);
    if (!span_equal(c->service, SPAN(SERVICE)))
        deny_scope(v, RULE_SCOPE_SERVICE, NULL);
    if (!span_equal(c->terminator, SPAN(TERMINATOR)))
        deny_scope(v, RULE_SCOPE_TERMINATOR, &c->terminator);
    if (!span_equal(c->day, today))
        deny_scope(v, RULE_SCOPE_DATE, (struct span[]){c->day, today, span_of_str(c->stamp)});
    if (!v->denial->rule)
        return true;
    buf_printf(&v->denial->detail, "it was signed for " SPAN_FMT ", and here it is %.8s/%s/%s/%s", SPAN_ARG(c->scope),
               c->stamp, v->config->region, SERVICE, TERMINATOR);
    return false;
}

static bool find_key(struct verification *v)
{
    for (size_t i = 0; i < v->config->credential_count && !v->credential; i++)
        if (span_equal(v->claim.key_id, span_of_str(v->config->credentials[i].access_key_id)))
            v->credential = &v->config->credentials[i];
    if (v->credential)
        return true;
    buf_printf(&v->denial->detail, "it was signed with the access key " SPAN_FMT ", which no credential has",
               SPAN_ARG(v->claim.key_id));
    return deny(v, RULE_ACCESS_KEY_UNKNOWN, NULL);
}

/* ---- the arithmetic ---- */

/* Writes both texts, and the signature of the second in hex. */
static void compute(const struct verification *v, const struct canonical_form *form, struct buf *canonical,
                    struct buf *string_to_sign, char *ret)
{
    const struct claim *c = &v->claim;
    const struct signature_scope scope = {c->day, c->region, c->service, c->terminator};
    char hash[HEX_LEN];

    canonical_write(canonical, v->request, form);
    buf_printf(string_to_sign, ALGORITHM "\n%s\n", v->claim.stamp);
    buf_append(string_to_sign, v->claim.scope);
    buf_append_char(string_to_sign, '\n');
    buf_append(string_to_sign, signature_hash(buf_span(canonical), hash));
    signature_compute(v->credential->secret_access_key, &scope, buf_span(string_to_sign), ret);
}

/* In a time that does not tell how much of it is right. */
static bool is_claimed(const struct verification *v, const char *signature)
{
    return v->claim.signature.len == HEX_LEN && CRYPTO_memcmp(v->claim.signature.ptr, signature, HEX_LEN) == 0;
}

/* ---- why a signature does not match ---- */

static bool would_match(const struct verification *v, const struct canonical_form *form)
{
    CLEANUP(buf_fini) struct buf canonical = {0}, string_to_sign = {0};
    char signature[HEX_LEN];

    compute(v, form, &canonical, &string_to_sign, signature);
    return is_claimed(v, signature);
}

/* Was it signed with a header that is not there? Empty: no. */
static struct span absent_header(const struct verification *v)
{
    struct span rest = v->claim.signed_headers, name;

    while (canonical_next(&rest, ';', &name))
        if (name.len && !sigv4_find_header(v->request, name).ptr)
            return name;
    return SPAN("");
}

static void explain_mismatch(const struct verification *v, const struct canonical_form *right, struct buf *out)
{
    const struct span claimed_hash = sigv4_find_header(v->request, SPAN("X-Amz-Content-Sha256"));
    const struct span absent = absent_header(v);
    char empty[HEX_LEN];
    struct canonical_form body_empty = *right, body_other = *right, body_unsigned = *right, path = *right,
                          sent = *right, host = *right, token = *right;
    const struct {
        const struct canonical_form *form;
        const char *mistake;
    } mistakes[] = {
        {&path, "the client encoded the path once; for execute-api the path of the wire is encoded again"},
        {&sent, "the client signed the path as it sent it, as older versions of curl do; for execute-api it is encoded "
                "again"},
        {&body_unsigned, "the client signed UNSIGNED-PAYLOAD; execute-api wants the hash of the body"},
        {&body_empty, "the client signed an empty body, and the request has one"},
        {&body_other, "the body that arrived is not the one whose hash is in X-Amz-Content-Sha256"},
        {&host, "the client signed the host without its port"},
        {&token, "X-Amz-Security-Token was added to the query after signing"},
    };

    path.path = CANONICAL_PATH_ENCODED_ONCE;
    sent.path = CANONICAL_PATH_AS_SENT;
    body_unsigned.body_hash = SPAN("UNSIGNED-PAYLOAD");
    body_empty.body_hash = signature_hash(SPAN(""), empty);
    body_other.body_hash = claimed_hash;
    host.host_without_port = true;
    token.parameter_left_out = SPAN("X-Amz-Security-Token");
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
        if (would_match(v, mistakes[i].form)) {
            buf_append_str(out, mistakes[i].mistake);
            return;
        }
    if (absent.len)
        buf_printf(out, "the signed header " SPAN_FMT " is not in the request", SPAN_ARG(absent));
    else
        buf_printf(
            out,
            "neither the path's encoding nor the body explains it: the secret of %s is another one, or the query or "
            "a signed header was changed",
            v->credential->access_key_id);
}

static bool check_signature(struct verification *v)
{
    CLEANUP(buf_fini) struct buf canonical = {0}, string_to_sign = {0};
    char body_hash[HEX_LEN], signature[HEX_LEN];
    const struct canonical_form form = {
        .signed_headers = v->claim.signed_headers,
        .body_hash = signature_hash(v->request->body, body_hash),
    };

    compute(v, &form, &canonical, &string_to_sign, signature);
    if (is_claimed(v, signature))
        return true;
    explain_mismatch(v, &form, &v->denial->detail);
    return deny(v, RULE_SIGNATURE_MISMATCH, (struct span[]){buf_span(&canonical), buf_span(&string_to_sign)});
}

static bool check_token(struct verification *v)
{
    const struct span token = v->claim.token, wanted = span_of_str(v->credential->session_token);

    if (token.len == wanted.len && (token.len == 0 || CRYPTO_memcmp(token.ptr, wanted.ptr, token.len) == 0))
        return true;
    buf_printf(&v->denial->detail, "%s has %s, and the request %s", v->credential->access_key_id,
               wanted.len ? "a session token" : "no session token",
               token.len == 0 ? "comes without one"
               : wanted.len   ? "comes with another one"
                              : "comes with one");
    return deny(v, RULE_SECURITY_TOKEN_INVALID, NULL);
}

/* ---- all of it ---- */

static bool (*const checks[])(struct verification *v) = {
    check_claim, check_time, check_host,      check_algorithm, check_credential,
    check_scope, find_key,   check_signature, check_token,
};

const struct config_credential *sigv4_verify(const struct config *config, const struct sigv4_request *request,
                                             uint64_t now_ms, struct denial *denial)
{
    struct verification v = {.config = config, .request = request, .now_ms = now_ms, .denial = denial};
    const struct config_credential *ret = NULL;
    size_t passed = 0;

    while (passed < sizeof(checks) / sizeof(checks[0]) && checks[passed](&v))
        passed++;
    if (passed == sizeof(checks) / sizeof(checks[0]))
        ret = v.credential;
    assert(!ret == !!denial->rule);
    claim_fini(&v.claim);
    return ret;
}
