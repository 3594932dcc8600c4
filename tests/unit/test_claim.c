/* test_claim.c - what a signed request says of its signature, and what AWS answers if it says too little or it wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authorization/claim.h"
#include "base/mem.h"
#include "signing.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CREDENTIAL SIGNED_KEY_ID "/" SIGNED_SCOPE
#define PAIRS "Credential=" CREDENTIAL ", SignedHeaders=host;x-amz-date, Signature=abc"
#define SIGNED "GET /prod\nHost: h\nX-Amz-Date: " SIGNED_AT "\nAuthorization: AWS4-HMAC-SHA256 " PAIRS

#define ALGORITHM "X-Amz-Algorithm=AWS4-HMAC-SHA256"
#define PARAMETERS                                                                                           \
    "X-Amz-Credential=AKIDEXAMPLE%2F20261124%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Date=" SIGNED_AT \
    "&X-Amz-SignedHeaders=host&X-Amz-Signature=abc"
#define PRESIGNED "GET /prod?room=a%20b&" ALGORITHM "&" PARAMETERS

struct reading {
    struct request_text text;
    struct claim claim;
    struct denial denial;
};

static void reading_fini_ptr(struct reading *r)
{
    claim_fini(&r->claim);
    denial_fini(&r->denial);
}

static int read_claim(struct reading *r, const char *text)
{
    const int result = claim_read(&r->claim, request_read(&r->text, text), &r->denial);

    assert_int_equal(result, r->denial.rule ? -1 : 0);
    return result;
}

static void assert_span(struct span actual, const char *expected)
{
    if (!span_equal(actual, span_of_str(expected)))
        fail_msg("<" SPAN_FMT ">, not <%s>", SPAN_ARG(actual), expected);
}

static void assert_read(struct reading *r, const char *text)
{
    if (read_claim(r, text) < 0)
        fail_msg("%s: %s", text, r->denial.rule->id);
}

/* ---- what is read ---- */

static void the_header_form_is_read(void **state)
{
    static const char *const forms[] = {
        SIGNED,
        "GET /prod\nX-AMZ-DATE: " SIGNED_AT "\nauthorization: AWS4-HMAC-SHA256 " PAIRS,
        "GET /prod\nX-Amz-Date: " SIGNED_AT "\nAuthorization: AWS4-HMAC-SHA256  Credential=" CREDENTIAL
        ",SignedHeaders=host;x-amz-date,Signature=abc",
        "GET /prod\nX-Amz-Date: " SIGNED_AT
        "\nAuthorization:  AWS4-HMAC-SHA256\tSignature=abc SignedHeaders=host;x-amz-date"
        "\tCredential=" CREDENTIAL " ,, ",
        "GET /prod\nX-Amz-Date: " SIGNED_AT "\nDate: nonsense\nAuthorization: AWS4-HMAC-SHA256 " PAIRS ", Other=1",
        "GET /prod\nX-Amz-Date: " SIGNED_AT "\nAuthorization: AWS4-HMAC-SHA256 Signature=first, " PAIRS,
        /* what only looks like a presigned URL */
        "GET /prod?X-Amz-Date=nonsense&X-Amz-Signature=x&X-Amz-Expires=x&X-Amz-Security-Token=x\nX-Amz-Date: " SIGNED_AT
        "\nAuthorization: AWS4-HMAC-SHA256 " PAIRS,
    };

    for (size_t i = 0; i < COUNT(forms); i++) {
        CLEANUP(reading_fini) struct reading r = {0};

        assert_read(&r, forms[i]);
        assert_false(r.claim.presigned);
        assert_span(r.claim.algorithm, "AWS4-HMAC-SHA256");
        assert_span(r.claim.credential, CREDENTIAL);
        assert_span(r.claim.signature, "abc");
        assert_span(r.claim.signed_headers, "host;x-amz-date");
        assert_int_equal(r.claim.date_s, SIGNED_AT_MS / 1000);
        assert_string_equal(r.claim.stamp, SIGNED_AT);
        assert_null(r.claim.expires.ptr);
        assert_null(r.claim.token.ptr);
    }
}

static void the_presigned_form_is_read_and_decoded(void **state)
{
    static const char *const forms[] = {
        PRESIGNED,
        PRESIGNED "&",
        "GET /prod?" PARAMETERS "&" ALGORITHM,
        "GET /prod?X%2DAmz-Algorithm=AWS4%2DHMAC-SHA256&" PARAMETERS,
        "GET /prod?" ALGORITHM "&" PARAMETERS "&X-Amz-Signature=second&X-Amz-Date=second",
        PRESIGNED "\nX-Amz-Date: nonsense\nX-Amz-Security-Token: of the header",
        PRESIGNED "\nAuthorization: ",
    };

    for (size_t i = 0; i < COUNT(forms); i++) {
        CLEANUP(reading_fini) struct reading r = {0};

        assert_read(&r, forms[i]);
        assert_true(r.claim.presigned);
        assert_span(r.claim.algorithm, "AWS4-HMAC-SHA256");
        assert_span(r.claim.credential, CREDENTIAL);
        assert_span(r.claim.signature, "abc");
        assert_span(r.claim.signed_headers, "host");
        assert_int_equal(r.claim.date_s, SIGNED_AT_MS / 1000);
        assert_null(r.claim.expires.ptr);
        assert_null(r.claim.token.ptr);
    }
}

static void a_session_token_is_taken_from_where_the_signature_is(void **state)
{
    CLEANUP(reading_fini) struct reading header = {0}, query = {0};

    assert_read(&header, SIGNED "\nx-amz-security-token: TOKEN/+=");
    assert_span(header.claim.token, "TOKEN/+=");
    assert_read(&query, PRESIGNED "&X-Amz-Security-Token=TOKEN%2F%2B%3D");
    assert_span(query.claim.token, "TOKEN/+=");
}

static void seconds_of_validity_are_read_without_overflow(void **state)
{
    static const uint64_t century_s = 100ull * 365 * 24 * 3600;
    const struct {
        const char *text;
        uint64_t seconds;
    } cases[] = {
        {"0", 0},
        {"300", 300},
        {"0000000000000000000000300", 300},
        {"604801", 604801},
        {"99999999999999999999999999", century_s},
        {"18446744073709551616", century_s},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(reading_fini) struct reading r = {0};
        CLEANUP(free) char *text = mem_printf("%s&X-Amz-Expires=%s", PRESIGNED, cases[i].text);

        assert_read(&r, text);
        assert_int_equal(r.claim.expires_s, cases[i].seconds);
    }
}

/* ---- what is refused, with AWS's words ---- */

#define LACKS(name) "Authorization header requires '" name "' parameter. "
#define LACKS_DATE "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
#define MUST_HAVE(name) "AWS query-string parameters must include '" name "'. "

struct refusal {
    const char *text;
    enum rule_id rule;
    const char *error_type;
    const char *message;
};

static void assert_refusal(const struct denial *denial, const struct refusal *expected)
{
    if (denial->rule != rule_get(expected->rule))
        fail_msg("%s: %s", expected->text, denial->rule ? denial->rule->id : "accepted");
    assert_int_equal(denial->rule->http_status, 403);
    assert_string_equal(denial->rule->error_type, expected->error_type);
    assert_null(denial->rule->message_key);
    assert_span(buf_span(&denial->message), expected->message);
}

static void what_is_missing_or_malformed_is_refused(void **state)
{
    /* clang-format off */
    static const struct refusal cases[] = {
        {"GET /prod", RULE_SIGNATURE_MISSING, "MissingAuthenticationTokenException", "Missing Authentication Token"},
        {"GET /prod?room=1\nHost: h\nX-Amz-Date: " SIGNED_AT, RULE_SIGNATURE_MISSING, "MissingAuthenticationTokenException", "Missing Authentication Token"},
        {"GET /prod\nAuthorization: ", RULE_SIGNATURE_MISSING, "MissingAuthenticationTokenException", "Missing Authentication Token"},
        {"GET /prod?" PARAMETERS, RULE_SIGNATURE_MISSING, "MissingAuthenticationTokenException", "Missing Authentication Token"},
        {"GET /prod?x-amz-algorithm=AWS4-HMAC-SHA256&" PARAMETERS, RULE_SIGNATURE_MISSING, "MissingAuthenticationTokenException", "Missing Authentication Token"},
        {PRESIGNED "\nAuthorization: AWS4-HMAC-SHA256 " PAIRS, RULE_SIGNATURE_TWICE, "InvalidSignatureException",
         "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."},
        {"GET /prod?X-Amz-Algorithm=\nAuthorization: x", RULE_SIGNATURE_TWICE, "InvalidSignatureException",
         "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."},

        {"GET /prod\nAuthorization: Bearer sometoken", RULE_AUTHORIZATION_PAIR, "IncompleteSignatureException",
         "'sometoken' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer sometoken'."},
        {"GET /prod\nAuthorization: AWS4-HMAC-SHA256 Credential=a, Signature", RULE_AUTHORIZATION_PAIR, "IncompleteSignatureException",
         "'Signature' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 Credential=a, Signature'."},
        {"GET /prod\nAuthorization: token", RULE_AUTHORIZATION_INCOMPLETE, "IncompleteSignatureException",
         LACKS("Credential") LACKS("Signature") LACKS("SignedHeaders") LACKS_DATE "Authorization=token"},
        {"GET /prod\nX-Amz-Date: " SIGNED_AT "\nAuthorization: Basic dXNlcjpwYXNz=", RULE_AUTHORIZATION_INCOMPLETE, "IncompleteSignatureException",
         LACKS("Credential") LACKS("Signature") LACKS("SignedHeaders") "Authorization=Basic dXNlcjpwYXNz="},
        {"GET /prod\nDate: x\nAuthorization: AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host", RULE_AUTHORIZATION_INCOMPLETE, "IncompleteSignatureException",
         LACKS("Signature") "Authorization=AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host"},
        {"GET /prod\nDate: x\nAuthorization: AWS4-HMAC-SHA256 Credential=, SignedHeaders=host, Signature=", RULE_AUTHORIZATION_INCOMPLETE, "IncompleteSignatureException",
         LACKS("Credential") LACKS("Signature") "Authorization=AWS4-HMAC-SHA256 Credential=, SignedHeaders=host, Signature="},
        {"GET /prod\nDate: x\nAuthorization: AWS4-HMAC-SHA256 credential=a, SignedHeaders=host, Signature=b", RULE_AUTHORIZATION_INCOMPLETE, "IncompleteSignatureException",
         LACKS("Credential") "Authorization=AWS4-HMAC-SHA256 credential=a, SignedHeaders=host, Signature=b"},
        {"GET /prod\nX-Amz-Date: \nAuthorization: AWS4-HMAC-SHA256 " PAIRS, RULE_AUTHORIZATION_INCOMPLETE, "IncompleteSignatureException",
         LACKS_DATE "Authorization=AWS4-HMAC-SHA256 " PAIRS},

        {"GET /prod?X-Amz-Algorithm=AWS4-HMAC-SHA256", RULE_PRESIGN_INCOMPLETE, "IncompleteSignatureException",
         MUST_HAVE("X-Amz-Credential") MUST_HAVE("X-Amz-Signature") MUST_HAVE("X-Amz-SignedHeaders") MUST_HAVE("X-Amz-Date") "Re-examine the query-string parameters."},
        {"GET /prod?X-Amz-Algorithm=&" PARAMETERS, RULE_PRESIGN_INCOMPLETE, "IncompleteSignatureException",
         MUST_HAVE("X-Amz-Algorithm") "Re-examine the query-string parameters."},
        {"GET /prod?" ALGORITHM "&X-Amz-Signature=&" PARAMETERS, RULE_PRESIGN_INCOMPLETE, "IncompleteSignatureException",
         MUST_HAVE("X-Amz-Signature") "Re-examine the query-string parameters."},
        {PRESIGNED "&X-Amz-Expires=", RULE_PRESIGN_EXPIRES, "IncompleteSignatureException", "X-Amz-Expires should be a number"},
        {PRESIGNED "&X-Amz-Expires=-1", RULE_PRESIGN_EXPIRES, "IncompleteSignatureException", "X-Amz-Expires should be a number"},
        {PRESIGNED "&X-Amz-Expires=5m", RULE_PRESIGN_EXPIRES, "IncompleteSignatureException", "X-Amz-Expires should be a number"},
        {PRESIGNED "&X-Amz-Expires=+5", RULE_PRESIGN_EXPIRES, "IncompleteSignatureException", "X-Amz-Expires should be a number"},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(reading_fini) struct reading r = {0};

        read_claim(&r, cases[i].text);
        assert_refusal(&r.denial, &cases[i]);
    }
}

/* ---- dates ---- */

static void a_date_that_exists_is_read(void **state)
{
    static const struct {
        const char *header, *date;
        uint64_t seconds;
        const char *stamp;
    } cases[] = {
        {"X-Amz-Date", "20261124T062300Z", 1795501380, "20261124T062300Z"},
        {"X-Amz-Date", "19700101T000000Z", 0, "19700101T000000Z"},
        {"X-Amz-Date", "20240229T235959Z", 1709251199, "20240229T235959Z"},
        {"X-Amz-Date", "99991231T235959Z", 253402300799, "99991231T235959Z"},
        {"Date", "20261124T062300Z", 1795501380, "20261124T062300Z"},
        {"Date", "Tue, 24 Nov 2026 06:23:00 GMT", 1795501380, "20261124T062300Z"},
        {"X-Amz-Date", "Tue, 24 Nov 2026 06:23:00 GMT", 1795501380, "20261124T062300Z"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(reading_fini) struct reading r = {0};
        CLEANUP(free)
        char *text =
            mem_printf("GET /\n%s: %s\nAuthorization: AWS4-HMAC-SHA256 " PAIRS, cases[i].header, cases[i].date);

        assert_read(&r, text);
        assert_int_equal(r.claim.date_s, cases[i].seconds);
        assert_string_equal(r.claim.stamp, cases[i].stamp);
    }
}

static void a_date_that_does_not_exist_is_refused(void **state)
{
    static const char *const dates[] = {
        "x",
        "20261124",
        "20261124T062300",
        "20261124T062300z",
        "20261124t062300Z",
        "20261124T0623000Z",
        "2026112 T062300Z",
        "-2026112T062300Z",
        "2026-11-24T06:23:00Z",
        "20261324T062300Z",
        "20260024T062300Z",
        "20261132T062300Z",
        "20261100T062300Z",
        "20250229T062300Z",
        "20261124T242300Z",
        "20261124T066000Z",
        "20261124T062360Z",
        "19691231T235959Z",
        "Tue, 24 Nov 2026 06:23:00 CET",
        "Tue, 31 Nov 2026 06:23:00 GMT",
        "Tue, 24 Now 2026 06:23:00 GMT",
        "Tue, 24 Nov 1826 06:23:00 GMT",
        "1795501380",
    };

    for (size_t i = 0; i < COUNT(dates); i++) {
        CLEANUP(reading_fini) struct reading r = {0};
        CLEANUP(free)
        char *text = mem_printf("GET /\nX-Amz-Date: %s\nAuthorization: AWS4-HMAC-SHA256 " PAIRS, dates[i]);
        CLEANUP(free)
        char *message = mem_printf(
            "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", dates[i]);

        read_claim(&r, text);
        assert_refusal(&r.denial,
                       &(struct refusal){dates[i], RULE_SIGNATURE_DATE, "IncompleteSignatureException", message});
    }
}

static void a_presigned_date_has_one_format(void **state)
{
    CLEANUP(reading_fini) struct reading r = {0};

    read_claim(&r, "GET /?" ALGORITHM "&X-Amz-Date=Tue,%2024%20Nov%202026%2006:23:00%20GMT&" PARAMETERS);
    assert_ptr_equal(r.denial.rule, rule_get(RULE_SIGNATURE_DATE));
}

/* ---- the credential ---- */

static int read_credential(struct reading *r, const char *credential)
{
    r->claim.credential = span_of_str(credential);
    return claim_read_credential(&r->claim, &r->denial);
}

static void a_credential_has_five_parts(void **state)
{
    CLEANUP(reading_fini) struct reading r = {0};

    assert_int_equal(read_credential(&r, CREDENTIAL), 0);
    assert_span(r.claim.key_id, "AKIDEXAMPLE");
    assert_span(r.claim.scope, SIGNED_SCOPE);
    assert_span(r.claim.day, "20261124");
    assert_span(r.claim.region, "us-east-1");
    assert_span(r.claim.service, "execute-api");
    assert_span(r.claim.terminator, "aws4_request");
    assert_int_equal(read_credential(&r, "////x"), 0);
    assert_span(r.claim.key_id, "");
    assert_span(r.claim.scope, "///x");
    /* an empty end is none */
    assert_int_equal(read_credential(&r, CREDENTIAL "/"), 0);
    assert_span(r.claim.scope, SIGNED_SCOPE);
}

static void a_credential_with_another_number_of_parts_is_refused(void **state)
{
    static const char *const credentials[] = {
        "",
        "/",
        "////",
        "AKIDEXAMPLE",
        "AKIDEXAMPLE/20261124/us-east-1/execute-api",
        CREDENTIAL "/more",
        "a/b/" CREDENTIAL,
    };

    for (size_t i = 0; i < COUNT(credentials); i++) {
        CLEANUP(reading_fini) struct reading r = {0};
        CLEANUP(free)
        char *message = mem_printf(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'",
            credentials[i]);

        assert_int_equal(read_credential(&r, credentials[i]), -1);
        assert_refusal(&r.denial, &(struct refusal){credentials[i], RULE_CREDENTIAL_MALFORMED,
                                                    "IncompleteSignatureException", message});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_form_is_read),
        cmocka_unit_test(the_presigned_form_is_read_and_decoded),
        cmocka_unit_test(a_session_token_is_taken_from_where_the_signature_is),
        cmocka_unit_test(seconds_of_validity_are_read_without_overflow),
        cmocka_unit_test(what_is_missing_or_malformed_is_refused),
        cmocka_unit_test(a_date_that_exists_is_read),
        cmocka_unit_test(a_date_that_does_not_exist_is_refused),
        cmocka_unit_test(a_presigned_date_has_one_format),
        cmocka_unit_test(a_credential_has_five_parts),
        cmocka_unit_test(a_credential_with_another_number_of_parts_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
