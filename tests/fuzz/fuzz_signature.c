/* fuzz_signature.c - a request as on the wire, verified (authorization/sigv4.h, claim.h, canonical.h, iam.h). The
 * credentials are those of the signed requests in the corpus. */
#include "authorization/canonical.h"
#include "authorization/claim.h"
#include "authorization/iam.h"
#include "base/json.h"
#include "base/mem.h"
#include "fuzz.h"
#include "gateway/response.h"
#include "net/head.h"

#define NOW_MS 1795501380000ull /* 2026-11-24T06:23:00Z */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct config_credential credentials[] = {
    {.name = TEXT("alice"),
     .access_key_id = TEXT("AKIDEXAMPLE"),
     .secret_access_key = TEXT("SECRET"),
     .user_arn = TEXT("arn:aws:iam::123456789012:user/alice")},
    {.name = TEXT("visitor"),
     .access_key_id = TEXT("ASIAVISITOR"),
     .secret_access_key = TEXT("SECRET"),
     .session_token = TEXT("TOKEN/+="),
     .user_arn = TEXT("arn:aws:sts::123456789012:assumed-role/Role/visitor"),
     .policy = TEXT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}")},
};

static const struct config_stage stage = {.name = TEXT("prod")};
static const struct config config = {.region = TEXT("us-east-1"),
                                     .account_id = TEXT("123456789012"),
                                     .api_id = TEXT("abcdef1234"),
                                     .credentials = credentials,
                                     .credential_count = 2};

/* A refusal has a body, and that is JSON. */
static void check_refusal(const struct denial *denial)
{
    CLEANUP(buf_fini) struct buf body = {0};
    struct json_value value;

    assert(denial->rule->http_status == 403 && denial->message.len > 0);
    response_write_refusal(&body, denial->rule, buf_span(&denial->message));
    assert(json_parse(buf_span(&body), &value, NULL) == 0);
}

static void verify(const struct sigv4_request *request)
{
    CLEANUP(denial_fini) struct denial denial = {0};
    const struct config_credential *caller =
        iam_authorize(&config, &stage, request, IAM_INVOKE, SPAN("$connect"), NOW_MS, &denial);
    CLEANUP(buf_fini) struct buf text = {0};
    struct event_identity identity = {0};

    if (!caller) {
        check_refusal(&denial);
        return;
    }
    assert(!denial.rule && caller >= credentials && caller < credentials + config.credential_count);
    iam_identify(&config, caller, &text, &identity);
    assert(identity.caller.len > 0);
}

static void read_claim(const struct sigv4_request *request, struct span whole)
{
    CLEANUP(denial_fini) struct denial denial = {0};
    CLEANUP(claim_fini) struct claim claim = {0};

    if (claim_read(&claim, request, &denial) < 0) {
        check_refusal(&denial);
        return;
    }
    assert(!denial.rule && claim.algorithm.len && claim.signature.len && claim.signed_headers.len && claim.date.len);
    assert(claim.presigned ? fuzz_within(claim.credential, buf_span(&claim.text))
                           : fuzz_within(claim.credential, whole));
    assert(strlen(claim.stamp) == CLOCK_BASIC_SIZE - 1);
    if (claim_read_credential(&claim, &denial) == 0)
        assert(fuzz_within(claim.scope, claim.credential));
}

/* Whatever mistakes it is written with. */
static void write_canonical(const struct sigv4_request *request)
{
    for (unsigned mistakes = 0; mistakes < 6; mistakes++) {
        CLEANUP(buf_fini) struct buf out = {0};
        const struct canonical_form form = {.signed_headers = sigv4_find_header(request, SPAN("X-Signed")),
                                            .body_hash = SPAN("hash"),
                                            .path = (enum canonical_path)(mistakes % 3),
                                            .host_without_port = mistakes / 3};

        canonical_write(&out, request, &form);
        assert(span_equal(span_from(buf_span(&out), out.len - 5), SPAN("\nhash")));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span bytes = span_of((const char *)data, size);
    struct head head;
    const char *why;

    if (head_parse(bytes, &head, &why) != HEAD_COMPLETE)
        return 0;
    const struct sigv4_request request = {.method = head.method,
                                          .path = head.path,
                                          .query = head.query,
                                          .headers = head.headers,
                                          .header_count = head.header_count,
                                          .body = span_from(bytes, head.size),
                                          .source_ip = SPAN("192.0.2.7")};

    verify(&request);
    read_claim(&request, bytes);
    write_canonical(&request);
    return 0;
}
