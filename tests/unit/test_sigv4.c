/* test_sigv4.c - whose signature is it, and what does AWS answer if it is nobody's?
 *
 * The literal signatures are botocore's: SigV4Auth and SigV4QueryAuth for the service execute-api with the access key
 * AKIDEXAMPLE and the secret SECRET, at 2026-11-24T06:23:00Z. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authorization/sigv4.h"
#include "base/mem.h"
#include "signing.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HOST "abcdef1234.execute-api.us-east-1.amazonaws.com"
#define AUTHORIZATION(signed_headers, signature)                                                             \
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" SIGNED_SCOPE ", SignedHeaders=" signed_headers \
    ", Signature=" signature
#define PRESIGNED(path, expires, signature)                                                                          \
    "GET " path "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261124%2Fus-east-1%2Fexecute-api" \
    "%2Faws4_request&X-Amz-Date=" SIGNED_AT expires "&X-Amz-SignedHeaders=host&X-Amz-Signature=" signature           \
    "\nHost: " HOST

#define POST_SIGNATURE "5b27d9cd63e511fbbf4665f352299914a95864b7d9ce6fc0e379be9beeb284bb"
#define POST_BODY SPAN("\0\xffhi")
#define POST                                                                               \
    "POST /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18080\nAccept-Encoding: " \
    "identity\nX-Amz-Date: " SIGNED_AT "\nContent-Length: 4\n" AUTHORIZATION("host;x-amz-date", POST_SIGNATURE)
#define CONNECT                                          \
    PRESIGNED("/prod?room=a%20b&", "&X-Amz-Expires=300", \
              "24e1cd69bb057b94f25ad7238b3549f6b56b0c4478b0de0157a1b5342ec13a78")

static struct config_credential credentials[] = {
    {.name = (char *)(uintptr_t) "other",
     .access_key_id = (char *)(uintptr_t) "AKIDOTHER",
     .secret_access_key = (char *)(uintptr_t) "OTHER"},
    {.name = (char *)(uintptr_t) "alice",
     .access_key_id = (char *)(uintptr_t)SIGNED_KEY_ID,
     .secret_access_key = (char *)(uintptr_t)SIGNED_SECRET},
    {.name = (char *)(uintptr_t) "visitor",
     .access_key_id = (char *)(uintptr_t) "ASIAVISITOR",
     .secret_access_key = (char *)(uintptr_t)SIGNED_SECRET,
     .session_token = (char *)(uintptr_t) "TOKEN/+="},
};

static const struct config config = {
    .region = (char *)(uintptr_t) "us-east-1", .credentials = credentials, .credential_count = COUNT(credentials)};

static const struct config_credential *const alice = &credentials[1];

struct verdict {
    const struct config_credential *credential;
    struct denial denial;
};

static void verdict_fini_ptr(struct verdict *v)
{
    denial_fini(&v->denial);
}

static void verify_at(struct verdict *v, const char *text, struct span body, uint64_t now_ms)
{
    struct request_text r;
    struct sigv4_request request = *request_read(&r, text);

    request.body = body;
    v->credential = sigv4_verify(&config, &request, now_ms, &v->denial);
    assert_int_equal(!v->credential, v->denial.rule != NULL);
}

static void verify(struct verdict *v, const char *text, struct span body)
{
    verify_at(v, text, body, SIGNED_AT_MS);
}

/* ---- the signer of these tests ---- */

/* The keys, and the signature of the ListUsers example, are in AWS's documentation of Signature Version 4; that of
 * "get-vanilla" is in AWS's test suite. */
static void the_signer_of_the_tests_gives_what_aws_has_published(void **state)
{
    static const char secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    static const struct {
        const char *scope, *key;
    } keys[] = {
        {"20150830/us-east-1/iam/aws4_request", "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"},
        {"20120215/us-east-1/iam/aws4_request", "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"},
    };
    unsigned char key[SIGN_BYTES];
    char hex[SIGN_HEX_SIZE];

    for (size_t i = 0; i < COUNT(keys); i++) {
        sign_derive_key(secret, keys[i].scope, key);
        sign_write_hex(key, hex);
        assert_string_equal(hex, keys[i].key);
    }
    sign_canonical("GET\n/\nAction=ListUsers&Version=2010-05-08\n"
                   "content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n"
                   "x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n" HASH_OF_NOTHING,
                   secret, "20150830T123600Z", "20150830/us-east-1/iam/aws4_request", hex);
    assert_string_equal(hex, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    sign_canonical(
        "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" HASH_OF_NOTHING,
        secret, "20150830T123600Z", "20150830/us-east-1/service/aws4_request", hex);
    assert_string_equal(hex, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

/* ---- what is accepted ---- */

static void what_botocore_signs_is_accepted(void **state)
{
    /* clang-format off */
    static const struct {
        const char *text;
        struct span body;
    } cases[] = {
        {POST, SPAN("\0\xffhi")},
        {"GET /prod?b=2&a=1&a=0&c=%20x%2F&d\nHost: " HOST "\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("host;x-amz-date", "432bb033b3b746fba4f3e67bc70b03934227a47f3c3aad8b25c6b97e2fb90d3b"), SPAN("")},
        {"DELETE /prod/%40connections/L0SM9cOFvHcCIhw%3D\nX-Spaced:   a   b  \nContent-Type: application/octet-stream\nHost: " HOST
         "\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("content-type;host;x-amz-date;x-spaced", "a782d0b610136f612a61945a0026842fe14a33004ef1696862130959eeda355b"), SPAN("")},
        {CONNECT, SPAN("")},
        {PRESIGNED("/prod?", "&X-Amz-Expires=0", "93f7e6943877a4e0a19104c2966106c7688b4ba8b24ac8e9080654d561dad7d0"), SPAN("")},
        {PRESIGNED("/prod?", "&X-Amz-Expires=604801", "69519947548bbdd52275b08abd5d326e2d8d34ede51cbb81029a29c069c93644"), SPAN("")},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(verdict_fini) struct verdict v = {0};

        verify(&v, cases[i].text, cases[i].body);
        if (v.credential != alice)
            fail_msg("%s: %s", cases[i].text, v.denial.rule ? buf_terminate(&v.denial.message) : "somebody else");
    }
}

/* A request with the signature of `canonical` between `before` and `after`. */
static void verify_signed(struct verdict *v, const char *before, const char *after, struct span body,
                          const char *canonical)
{
    char signature[SIGN_HEX_SIZE];
    CLEANUP(free) char *text = NULL;

    sign_canonical(canonical, SIGNED_SECRET, SIGNED_AT, SIGNED_SCOPE, signature);
    text = mem_printf("%s%s%s", before, signature, after);
    verify(v, text, body);
}

static void a_presigned_url_needs_no_expires(void **state)
{
    CLEANUP(verdict_fini) struct verdict v = {0};

    verify_signed(&v,
                  "GET /prod?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261124%2Fus-east-1"
                  "%2Fexecute-api%2Faws4_request&X-Amz-Date=" SIGNED_AT "&X-Amz-SignedHeaders=host&X-Amz-Signature=",
                  "\nHost: " HOST, SPAN(""),
                  "GET\n/prod\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261124%2Fus-east-1"
                  "%2Fexecute-api%2Faws4_request&X-Amz-Date=" SIGNED_AT "&X-Amz-SignedHeaders=host\nhost:" HOST
                  "\n\nhost\n" HASH_OF_NOTHING);
    assert_ptr_equal(v.credential, alice);
}

static void a_date_header_in_the_format_of_http_is_signed_as_basic(void **state)
{
    CLEANUP(verdict_fini) struct verdict v = {0};

    verify_signed(&v,
                  "GET /prod\nHost: h\nDate: Tue, 24 Nov 2026 06:23:00 GMT\nAuthorization: AWS4-HMAC-SHA256 "
                  "Credential=AKIDEXAMPLE/" SIGNED_SCOPE ", SignedHeaders=date;host, Signature=",
                  "", SPAN(""),
                  "GET\n/prod\n\ndate:Tue, 24 Nov 2026 06:23:00 GMT\nhost:h\n\ndate;host\n" HASH_OF_NOTHING);
    assert_ptr_equal(v.credential, alice);
}

static void the_hash_header_is_a_header_like_others(void **state)
{
    static const char *const hashes[] = {HASH_OF_NOTHING, "UNSIGNED-PAYLOAD", "x"};

    for (size_t i = 0; i < COUNT(hashes); i++) {
        CLEANUP(verdict_fini) struct verdict v = {0};
        CLEANUP(free)
        char *before = mem_printf(
            "GET /prod\nHost: h\nX-Amz-Date: " SIGNED_AT "\nX-Amz-Content-Sha256: %s\nAuthorization: AWS4-HMAC-SHA256 "
            "Credential=AKIDEXAMPLE/" SIGNED_SCOPE ", SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=",
            hashes[i]);
        CLEANUP(free)
        char *canonical = mem_printf("GET\n/prod\n\nhost:h\nx-amz-content-sha256:%s\nx-amz-date:" SIGNED_AT
                                     "\n\nhost;x-amz-content-sha256;x-amz-date\n" HASH_OF_NOTHING,
                                     hashes[i]);

        verify_signed(&v, before, "", SPAN(""), canonical);
        assert_ptr_equal(v.credential, alice);
    }
}

/* ---- the time ---- */

#define EXPIRED(bound, now, allowed) \
    "Signature expired: " SIGNED_AT " is now earlier than " bound " (" now " - " allowed ".)"
#define NOT_YET(bound, now) "Signature not yet current: " SIGNED_AT " is still later than " bound " (" now " + 5 min.)"

struct moment {
    const char *text;
    struct span body;
    int64_t after_s;   /* behind the signature's date */
    enum rule_id rule; /* RULE_COUNT: accepted */
    const char *message;
};

static void assert_moment(const struct moment *m)
{
    CLEANUP(verdict_fini) struct verdict v = {0};
    const int64_t distance_s = m->after_s < 0 ? -m->after_s : m->after_s;

    verify_at(&v, m->text, m->body, SIGNED_AT_MS + (uint64_t)(m->after_s * 1000) + 999);
    if (m->rule == RULE_COUNT) {
        if (v.denial.rule)
            fail_msg("%d s later: %s", (int)m->after_s, v.denial.rule->id);
        return;
    }
    assert_ptr_equal(v.denial.rule, rule_get(m->rule));
    assert_int_equal(v.denial.rule->http_status, 403);
    assert_string_equal(v.denial.rule->error_type, "InvalidSignatureException");
    assert_string_equal(buf_terminate(&v.denial.message), m->message);
    assert_int_equal(v.denial.value, distance_s * 1000);
}

static void a_signature_is_good_for_five_minutes_either_way(void **state)
{
    static const struct moment moments[] = {
        {POST, SPAN("\0\xffhi"), 0, RULE_COUNT, NULL},
        {POST, SPAN("\0\xffhi"), 300, RULE_COUNT, NULL},
        {POST, SPAN("\0\xffhi"), 301, RULE_SIGNATURE_EXPIRED, EXPIRED("20261124T062301Z", "20261124T062801Z", "5 min")},
        {POST, SPAN("\0\xffhi"), 86400, RULE_SIGNATURE_EXPIRED,
         EXPIRED("20261125T061800Z", "20261125T062300Z", "5 min")},
        {POST, SPAN("\0\xffhi"), -300, RULE_COUNT, NULL},
        {POST, SPAN("\0\xffhi"), -301, RULE_SIGNATURE_NOT_YET, NOT_YET("20261124T062259Z", "20261124T061759Z")},
    };

    for (size_t i = 0; i < COUNT(moments); i++)
        assert_moment(&moments[i]);
}

static void a_presigned_url_is_good_for_as_long_as_it_says(void **state)
{
#define FOR_A_WEEK \
    PRESIGNED("/prod?", "&X-Amz-Expires=604801", "69519947548bbdd52275b08abd5d326e2d8d34ede51cbb81029a29c069c93644")
#define FOR_NOTHING \
    PRESIGNED("/prod?", "&X-Amz-Expires=0", "93f7e6943877a4e0a19104c2966106c7688b4ba8b24ac8e9080654d561dad7d0")
    static const struct moment moments[] = {
        {CONNECT, SPAN(""), 300, RULE_COUNT, NULL},
        {CONNECT, SPAN(""), 301, RULE_PRESIGN_EXPIRED, EXPIRED("20261124T062301Z", "20261124T062801Z", "5 min")},
        {CONNECT, SPAN(""), -300, RULE_COUNT, NULL},
        {CONNECT, SPAN(""), -301, RULE_SIGNATURE_NOT_YET, NOT_YET("20261124T062259Z", "20261124T061759Z")},
        {FOR_A_WEEK, SPAN(""), 604801, RULE_COUNT, NULL},
        {FOR_A_WEEK, SPAN(""), 604802, RULE_PRESIGN_EXPIRED,
         EXPIRED("20261124T062301Z", "20261201T062302Z", "604801 sec")},
        {FOR_NOTHING, SPAN(""), 0, RULE_COUNT, NULL},
        {FOR_NOTHING, SPAN(""), 1, RULE_PRESIGN_EXPIRED, EXPIRED("20261124T062301Z", "20261124T062301Z", "0 min")},
    };

    for (size_t i = 0; i < COUNT(moments); i++)
        assert_moment(&moments[i]);
}

static void the_log_has_the_distance_of_the_clocks(void **state)
{
    CLEANUP(verdict_fini) struct verdict late = {0}, early = {0};

    verify_at(&late, POST, POST_BODY, SIGNED_AT_MS + 900000);
    assert_string_equal(buf_terminate(&late.denial.detail),
                        "it was signed at 20261124T062300Z, 900 seconds before our clock, and 300 are allowed");
    verify_at(&early, POST, POST_BODY, SIGNED_AT_MS - 900000);
    assert_string_equal(buf_terminate(&early.denial.detail),
                        "it was signed at 20261124T062300Z, 900 seconds ahead of our clock, and 300 are allowed");
}

static int untune(void **state)
{
    rules_apply(NULL, 0);
    return 0;
}

static void the_windows_can_be_tuned(void **state)
{
    const struct config_rule_setting settings[] = {
        {.id = (char *)(uintptr_t) "signature-expired", .limit = 3600000},
        {.id = (char *)(uintptr_t) "signature-not-yet", .limit = 0},
    };
    static const struct moment moments[] = {
        {POST, SPAN("\0\xffhi"), 3600, RULE_COUNT, NULL},
        {POST, SPAN("\0\xffhi"), 3601, RULE_SIGNATURE_EXPIRED,
         EXPIRED("20261124T062301Z", "20261124T072301Z", "60 min")},
        {POST, SPAN("\0\xffhi"), -1, RULE_SIGNATURE_NOT_YET,
         "Signature not yet current: " SIGNED_AT " is still later than 20261124T062259Z (20261124T062259Z + 0 min.)"},
    };

    rules_apply(settings, COUNT(settings));
    for (size_t i = 0; i < COUNT(moments); i++)
        assert_moment(&moments[i]);
}

/* ---- who signed, and for what ---- */

#define CLAIM(algorithm, credential, signed_headers)                                                     \
    "GET /prod\nHost: h\nX-Amz-Date: " SIGNED_AT "\nAuthorization: " algorithm " Credential=" credential \
    ", SignedHeaders=" signed_headers ", Signature=0000000000000000000000000000000000000000000000000000000000000000"
#define WITH_SCOPE(scope) CLAIM("AWS4-HMAC-SHA256", "AKIDEXAMPLE/" scope, "host")

#define BAD_REGION(region) "Credential should be scoped to a valid region, not '" region "'. "
#define BAD_SERVICE "Credential should be scoped to correct service: 'execute-api'. "
#define BAD_TERMINATOR(terminator) \
    "Credential should be scoped with a valid terminator: 'aws4_request', not '" terminator "'. "
#define BAD_DATE(day)                                                                                 \
    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" day \
    "' != '20261124', from '20261124T062300Z'."

static void each_failure_has_the_answer_of_aws(void **state)
{
    /* clang-format off */
    static const struct {
        const char *text;
        enum rule_id rule;
        const char *error_type, *message;
    } cases[] = {
        {"GET /prod\nHost: h", RULE_SIGNATURE_MISSING, "MissingAuthenticationTokenException", "Missing Authentication Token"},
        {"GET /prod\nAuthorization: Bearer sometoken", RULE_AUTHORIZATION_PAIR, "IncompleteSignatureException",
         "'sometoken' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer sometoken'."},
        {CLAIM("AWS4-HMAC-SHA256", "AKIDEXAMPLE/" SIGNED_SCOPE, "x-amz-date"), RULE_SIGNATURE_HOST, "InvalidSignatureException",
         "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
        {CLAIM("AWS4-HMAC-SHA256", "AKIDEXAMPLE/" SIGNED_SCOPE, "hosts;ahost"), RULE_SIGNATURE_HOST, "InvalidSignatureException",
         "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
        {CLAIM("AWS4-ECDSA-P256-SHA256", "AKIDEXAMPLE/" SIGNED_SCOPE, "host"), RULE_SIGNATURE_ALGORITHM, "IncompleteSignatureException",
         "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now). "},
        {CLAIM("aws4-hmac-sha256", "AKIDEXAMPLE/" SIGNED_SCOPE, "host"), RULE_SIGNATURE_ALGORITHM, "IncompleteSignatureException",
         "Unsupported AWS 'algorithm': 'aws4-hmac-sha256' (only AWS4-HMAC-SHA256 for now). "},
        {CLAIM("AWS4-HMAC-SHA256", "AKIDEXAMPLE", "host"), RULE_CREDENTIAL_MALFORMED, "IncompleteSignatureException",
         "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE'"},
        {WITH_SCOPE("20261124/eu-west-1/execute-api/aws4_request"), RULE_SCOPE_REGION, "InvalidSignatureException", BAD_REGION("eu-west-1")},
        {WITH_SCOPE("20261124/us-east-1/iam/aws4_request"), RULE_SCOPE_SERVICE, "InvalidSignatureException", BAD_SERVICE},
        {WITH_SCOPE("20261124/us-east-1/execute-api/aws3_request"), RULE_SCOPE_TERMINATOR, "InvalidSignatureException", BAD_TERMINATOR("aws3_request")},
        {WITH_SCOPE("20261123/us-east-1/execute-api/aws4_request"), RULE_SCOPE_DATE, "InvalidSignatureException", BAD_DATE("20261123")},
        {WITH_SCOPE("20261123/eu-west-1/iam/x"), RULE_SCOPE_REGION, "InvalidSignatureException",
         BAD_REGION("eu-west-1") BAD_SERVICE BAD_TERMINATOR("x") BAD_DATE("20261123")},
        {WITH_SCOPE("20261124/us-east-1/s3/x"), RULE_SCOPE_SERVICE, "InvalidSignatureException", BAD_SERVICE BAD_TERMINATOR("x")},
        {CLAIM("AWS4-HMAC-SHA256", "AKIDUNKNOWN/" SIGNED_SCOPE, "host"), RULE_ACCESS_KEY_UNKNOWN, "UnrecognizedClientException",
         "The security token included in the request is invalid."},
        {CLAIM("AWS4-HMAC-SHA256", "akidexample/" SIGNED_SCOPE, "host"), RULE_ACCESS_KEY_UNKNOWN, "UnrecognizedClientException",
         "The security token included in the request is invalid."},
        {CLAIM("AWS4-HMAC-SHA256", "/" SIGNED_SCOPE, "host"), RULE_ACCESS_KEY_UNKNOWN, "UnrecognizedClientException",
         "The security token included in the request is invalid."},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(verdict_fini) struct verdict v = {0};

        verify(&v, cases[i].text, SPAN(""));
        if (v.denial.rule != rule_get(cases[i].rule))
            fail_msg("%s: %s", cases[i].text, v.denial.rule ? v.denial.rule->id : "accepted");
        assert_int_equal(v.denial.rule->http_status, 403);
        assert_string_equal(v.denial.rule->error_type, cases[i].error_type);
        assert_string_equal(buf_terminate(&v.denial.message), cases[i].message);
    }
}

/* Each of these has everything wrong that those behind it have: the order is AWS's. */
static void the_first_of_several_failures_is_told(void **state)
{
#define WRONG(date, signed_headers, algorithm, credential)                                 \
    "GET /prod\nX-Amz-Date: " date "\nAuthorization: " algorithm " Credential=" credential \
    ", SignedHeaders=" signed_headers ", Signature=x"
    static const struct {
        const char *text;
        enum rule_id rule;
    } cases[] = {
        {WRONG("x", "a", "x", "x"), RULE_SIGNATURE_DATE},
        {WRONG("20251124T062300Z", "a", "x", "x"), RULE_SIGNATURE_EXPIRED},
        {WRONG(SIGNED_AT, "a", "x", "x"), RULE_SIGNATURE_HOST},
        {WRONG(SIGNED_AT, "host", "x", "x"), RULE_SIGNATURE_ALGORITHM},
        {WRONG(SIGNED_AT, "host", "AWS4-HMAC-SHA256", "x"), RULE_CREDENTIAL_MALFORMED},
        {WRONG(SIGNED_AT, "host", "AWS4-HMAC-SHA256", "x/20261124/x/x/x"), RULE_SCOPE_REGION},
        {WRONG(SIGNED_AT, "host", "AWS4-HMAC-SHA256", "x/" SIGNED_SCOPE), RULE_ACCESS_KEY_UNKNOWN},
        {WRONG(SIGNED_AT, "host", "AWS4-HMAC-SHA256", "ASIAVISITOR/" SIGNED_SCOPE), RULE_SIGNATURE_MISMATCH},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(verdict_fini) struct verdict v = {0};

        verify(&v, cases[i].text, SPAN(""));
        if (v.denial.rule != rule_get(cases[i].rule))
            fail_msg("%s: %s", cases[i].text, v.denial.rule ? v.denial.rule->id : "accepted");
    }
}

/* ---- a signature that does not match ---- */

static void a_wrong_signature_is_answered_with_what_should_have_been_signed(void **state)
{
    CLEANUP(verdict_fini) struct verdict v = {0};

    verify(&v, POST, SPAN("another body"));
    assert_ptr_equal(v.denial.rule, rule_get(RULE_SIGNATURE_MISMATCH));
    assert_int_equal(v.denial.rule->http_status, 403);
    assert_string_equal(v.denial.rule->error_type, "InvalidSignatureException");
    assert_string_equal(
        buf_terminate(&v.denial.message),
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key "
        "and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request "
        "should have been\n'POST\n/prod/%40connections/L0SM9cOFvHcCIhw%253D\n\nhost:127.0.0.1:18080\n"
        "x-amz-date:20261124T062300Z\n\nhost;x-amz-date\n"
        "867ad8c10a26b2e9273f73e17e4d0005c77b54c85fdebe168b354dee49477d7e'\n\nThe String-to-Sign should have been\n"
        "'AWS4-HMAC-SHA256\n20261124T062300Z\n20261124/us-east-1/execute-api/aws4_request\n"
        "3759b7adda9f88692416656a94c1443dfe5e88324a5dfd3384b670d17ec50c5e'\n");
}

static void no_change_of_a_signed_request_goes_unnoticed(void **state)
{
    /* clang-format off */
    static const struct {
        const char *what, *text;
        struct span body;
    } cases[] = {
        {"the body", POST, SPAN("\0\xffhj")},
        {"no body", POST, SPAN("")},
        {"the method", "PUT /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18080\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("host;x-amz-date", POST_SIGNATURE), SPAN("\0\xffhi")},
        {"the path", "POST /prod/@connections/L0SM9cOFvHcCIhx%3D\nHost: 127.0.0.1:18080\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("host;x-amz-date", POST_SIGNATURE), SPAN("\0\xffhi")},
        {"a query", "POST /prod/@connections/L0SM9cOFvHcCIhw%3D?a\nHost: 127.0.0.1:18080\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("host;x-amz-date", POST_SIGNATURE), SPAN("\0\xffhi")},
        {"the host", "POST /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18081\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("host;x-amz-date", POST_SIGNATURE), SPAN("\0\xffhi")},
        {"the date", "POST /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18080\nX-Amz-Date: 20261124T062301Z\n"
         AUTHORIZATION("host;x-amz-date", POST_SIGNATURE), SPAN("\0\xffhi")},
        {"the signed headers", "POST /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18080\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("host", POST_SIGNATURE), SPAN("\0\xffhi")},
        {"upper case", "POST /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18080\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("host;x-amz-date", "5B27D9CD63E511FBBF4665F352299914A95864B7D9CE6FC0E379BE9BEEB284BB"), SPAN("\0\xffhi")},
        {"a shorter signature", "POST /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18080\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("host;x-amz-date", "5b27d9cd63e511fbbf4665f352299914a95864b7d9ce6fc0e379be9beeb284b"), SPAN("\0\xffhi")},
        {"a longer signature", "POST /prod/@connections/L0SM9cOFvHcCIhw%3D\nHost: 127.0.0.1:18080\nX-Amz-Date: " SIGNED_AT "\n"
         AUTHORIZATION("host;x-amz-date", POST_SIGNATURE "0"), SPAN("\0\xffhi")},
        {"a parameter", PRESIGNED("/prod?room=b&", "&X-Amz-Expires=300", "24e1cd69bb057b94f25ad7238b3549f6b56b0c4478b0de0157a1b5342ec13a78"), SPAN("")},
        {"a longer validity", PRESIGNED("/prod?room=a%20b&", "&X-Amz-Expires=301", "24e1cd69bb057b94f25ad7238b3549f6b56b0c4478b0de0157a1b5342ec13a78"), SPAN("")},
        {"one more parameter", PRESIGNED("/prod?room=a%20b&admin=1&", "&X-Amz-Expires=300", "24e1cd69bb057b94f25ad7238b3549f6b56b0c4478b0de0157a1b5342ec13a78"), SPAN("")},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(verdict_fini) struct verdict v = {0};

        verify(&v, cases[i].text, cases[i].body);
        if (v.denial.rule != rule_get(RULE_SIGNATURE_MISMATCH))
            fail_msg("%s: %s", cases[i].what, v.denial.rule ? v.denial.rule->id : "accepted");
    }
}

static void the_log_names_the_mistake_that_explains_a_mismatch(void **state)
{
#define SENT                                                                                              \
    "POST /prod/%40connections/x%3D\nHost: h:3001\nX-Amz-Content-Sha256: CLAIMED\nX-Amz-Date: " SIGNED_AT \
    "\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" SIGNED_SCOPE                              \
    ", SignedHeaders=host;x-amz-date, Signature="
#define TWICE "POST\n/prod/%2540connections/x%253D\n\n"
#define HEADERS "host:h:3001\nx-amz-date:" SIGNED_AT "\n\nhost;x-amz-date\n"
#define HASH_OF_HI "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"
    static const struct {
        const char *canonical, *words;
    } cases[] = {
        {TWICE HEADERS HASH_OF_HI, NULL},
        {"POST\n/prod/%40connections/x%3D\n\n" HEADERS HASH_OF_HI, "the client encoded the path once"},
        {TWICE HEADERS HASH_OF_NOTHING, "the client signed an empty body"},
        {TWICE HEADERS "UNSIGNED-PAYLOAD", "the client signed UNSIGNED-PAYLOAD"},
        {TWICE HEADERS "CLAIMED", "the body that arrived is not the one whose hash is in X-Amz-Content-Sha256"},
        {TWICE "host:h\nx-amz-date:" SIGNED_AT "\n\nhost;x-amz-date\n" HASH_OF_HI, "the host without its port"},
        {"something else", "the secret of AKIDEXAMPLE is another one"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(verdict_fini) struct verdict v = {0};

        verify_signed(&v, SENT, "", SPAN("hi"), cases[i].canonical);
        assert_ptr_equal(v.denial.rule, cases[i].words ? rule_get(RULE_SIGNATURE_MISMATCH) : NULL);
        if (cases[i].words && !strstr(buf_terminate(&v.denial.detail), cases[i].words))
            fail_msg("\"%s\" does not speak of \"%s\"", buf_terminate(&v.denial.detail), cases[i].words);
    }
}

static void the_log_names_a_signed_header_that_is_missing(void **state)
{
    CLEANUP(verdict_fini) struct verdict v = {0};

    verify(&v, CLAIM("AWS4-HMAC-SHA256", "AKIDEXAMPLE/" SIGNED_SCOPE, "host;x-lost"), SPAN(""));
    assert_string_equal(buf_terminate(&v.denial.detail), "the signed header x-lost is not in the request");
}

/* ---- session tokens ---- */

static void a_session_token_must_be_that_of_the_credential(void **state)
{
#define HEADER_FORM(key_id, token, signed_headers)                                                            \
    "GET /prod\nHost: h\nX-Amz-Date: " SIGNED_AT token "\nAuthorization: AWS4-HMAC-SHA256 Credential=" key_id \
    "/" SIGNED_SCOPE ", SignedHeaders=" signed_headers ", Signature="
#define CANONICAL(lines, signed_headers) \
    "GET\n/prod\n\nhost:h\nx-amz-date:" SIGNED_AT "\n" lines "\n" signed_headers "\n" HASH_OF_NOTHING
#define TOKEN_LINE "\nX-Amz-Security-Token: TOKEN/+="
    static const struct {
        const char *request, *canonical, *words; /* NULL: accepted */
    } cases[] = {
        {HEADER_FORM("ASIAVISITOR", TOKEN_LINE, "host;x-amz-date;x-amz-security-token"),
         CANONICAL("x-amz-security-token:TOKEN/+=\n", "host;x-amz-date;x-amz-security-token"), NULL},
        {HEADER_FORM("ASIAVISITOR", TOKEN_LINE, "host;x-amz-date"), CANONICAL("", "host;x-amz-date"), NULL},
        {HEADER_FORM("ASIAVISITOR", "", "host;x-amz-date"), CANONICAL("", "host;x-amz-date"),
         "ASIAVISITOR has a session token, and the request comes without one"},
        {HEADER_FORM("ASIAVISITOR", "\nX-Amz-Security-Token: TOKEN/+!", "host;x-amz-date"),
         CANONICAL("", "host;x-amz-date"), "ASIAVISITOR has a session token, and the request comes with another one"},
        {HEADER_FORM("AKIDEXAMPLE", TOKEN_LINE, "host;x-amz-date"), CANONICAL("", "host;x-amz-date"),
         "AKIDEXAMPLE has no session token, and the request comes with one"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(verdict_fini) struct verdict v = {0};

        verify_signed(&v, cases[i].request, "", SPAN(""), cases[i].canonical);
        if (!cases[i].words) {
            assert_ptr_equal(v.credential, &credentials[2]);
            continue;
        }
        assert_ptr_equal(v.denial.rule, rule_get(RULE_SECURITY_TOKEN_INVALID));
        assert_string_equal(v.denial.rule->error_type, "UnrecognizedClientException");
        assert_string_equal(buf_terminate(&v.denial.message), "The security token included in the request is invalid");
        assert_string_equal(buf_terminate(&v.denial.detail), cases[i].words);
    }
}

/* botocore's, too: with the session token TOKEN/+= among the signed parameters, and then added behind. */
static void a_presigned_session_token_must_be_signed(void **state)
{
#define PRESIGNED_TOKEN(key_id, signature)                                                                     \
    "GET /prod?room=a%20b&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" key_id "%2F20261124%2Fus-east-1" \
    "%2Fexecute-api%2Faws4_request&X-Amz-Date=" SIGNED_AT "&X-Amz-Expires=300&X-Amz-SignedHeaders=host"        \
    "&X-Amz-Security-Token=TOKEN%2F%2B%3D&X-Amz-Signature=" signature "\nHost: " HOST
    CLEANUP(verdict_fini) struct verdict whole = {0}, added = {0};

    verify(&whole, PRESIGNED_TOKEN("AKIDEXAMPLE", "07a02a30c3c58776a934f05219308f4720e660011b6ec7821eaa270a2eb55a60"),
           SPAN(""));
    assert_ptr_equal(whole.denial.rule,
                     rule_get(RULE_SECURITY_TOKEN_INVALID)); /* the signature is right, alice has no token */
    verify(&added, PRESIGNED_TOKEN("AKIDEXAMPLE", "24e1cd69bb057b94f25ad7238b3549f6b56b0c4478b0de0157a1b5342ec13a78"),
           SPAN(""));
    assert_ptr_equal(added.denial.rule, rule_get(RULE_SIGNATURE_MISMATCH));
    assert_string_equal(buf_terminate(&added.denial.detail),
                        "X-Amz-Security-Token was added to the query after signing");
}

/* ---- headers ---- */

static void a_header_is_found_in_any_case_and_the_first_counts(void **state)
{
    struct request_text r;
    const struct sigv4_request *request = request_read(&r, "GET /\nX-A: 1\nx-a: 2\nX-B: ");

    assert_true(span_equal(sigv4_find_header(request, SPAN("x-A")), SPAN("1")));
    assert_non_null(sigv4_find_header(request, SPAN("X-B")).ptr);
    assert_null(sigv4_find_header(request, SPAN("X-C")).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signer_of_the_tests_gives_what_aws_has_published),
        cmocka_unit_test(what_botocore_signs_is_accepted),
        cmocka_unit_test(a_presigned_url_needs_no_expires),
        cmocka_unit_test(a_date_header_in_the_format_of_http_is_signed_as_basic),
        cmocka_unit_test(the_hash_header_is_a_header_like_others),
        cmocka_unit_test(a_signature_is_good_for_five_minutes_either_way),
        cmocka_unit_test(a_presigned_url_is_good_for_as_long_as_it_says),
        cmocka_unit_test(the_log_has_the_distance_of_the_clocks),
        cmocka_unit_test_teardown(the_windows_can_be_tuned, untune),
        cmocka_unit_test(each_failure_has_the_answer_of_aws),
        cmocka_unit_test(the_first_of_several_failures_is_told),
        cmocka_unit_test(a_wrong_signature_is_answered_with_what_should_have_been_signed),
        cmocka_unit_test(no_change_of_a_signed_request_goes_unnoticed),
        cmocka_unit_test(the_log_names_the_mistake_that_explains_a_mismatch),
        cmocka_unit_test(the_log_names_a_signed_header_that_is_missing),
        cmocka_unit_test(a_session_token_must_be_that_of_the_credential),
        cmocka_unit_test(a_presigned_session_token_must_be_signed),
        cmocka_unit_test(a_header_is_found_in_any_case_and_the_first_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
