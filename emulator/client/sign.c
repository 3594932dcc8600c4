/* sign.c - see sign.h. libcurl can sign, too; but the version of Debian 12 encodes the path once, and for execute-api
 * the path of the wire is encoded again (authorization/canonical.h). */
#include "client/sign.h"

#include "authorization/canonical.h"
#include "authorization/signature.h"
#include "base/clock.h"
#include "base/mem.h"

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

bool sign_is_possible(void)
{
    return environment("AWS_ACCESS_KEY_ID") && environment("AWS_SECRET_ACCESS_KEY");
}

/* ID.execute-api.REGION.… */
static struct span region_of_host(struct span host)
{
    static const char mark[] = ".execute-api.";
    const char *found = memmem(host.ptr, host.len, mark, sizeof(mark) - 1);
    struct span rest = found ? span_from(host, (size_t)(found - host.ptr) + sizeof(mark) - 1) : SPAN("");
    const char *dot = rest.len ? memchr(rest.ptr, '.', rest.len) : NULL;

    return dot ? span_of(rest.ptr, (size_t)(dot - rest.ptr)) : SPAN("us-east-1");
}

static struct span region_of(struct span host)
{
    const char *region = environment("AWS_REGION");

    if (!region)
        region = environment("AWS_DEFAULT_REGION");
    return region ? span_of_str(region) : region_of_host(host);
}

size_t sign_headers(const struct sign_request *request, char *ret_lines[SIGN_LINES_MAX])
{
    CLEANUP(buf_fini) struct buf canonical = {0}, string_to_sign = {0};
    const char *token = environment("AWS_SESSION_TOKEN");
    char date[CLOCK_BASIC_SIZE], hash[SIGNATURE_HEX_LEN], signature[SIGNATURE_HEX_LEN];
    const struct event_header headers[] = {{SPAN("host"), request->host},
                                           {SPAN("x-amz-date"), span_of(date, 16)},
                                           {SPAN("x-amz-security-token"), span_of_str(token)}};
    const struct sigv4_request wire = {.method = request->method,
                                       .path = request->path,
                                       .query = request->query,
                                       .headers = headers,
                                       .header_count = token ? 3 : 2};
    const struct canonical_form form = {.signed_headers = token ? SPAN("host;x-amz-date;x-amz-security-token")
                                                                : SPAN("host;x-amz-date"),
                                        .body_hash = signature_hash(request->body, hash)};
    const struct signature_scope scope = {span_of(date, 8), region_of(request->host), SPAN(SIGNATURE_SERVICE),
                                          SPAN(SIGNATURE_TERMINATOR)};
    char canonical_hash[SIGNATURE_HEX_LEN];

    clock_format_basic(clock_wall_ms(), date);
    canonical_write(&canonical, &wire, &form);
    buf_printf(&string_to_sign,
               SIGNATURE_ALGORITHM "\n%s\n%.8s/" SPAN_FMT "/" SIGNATURE_SERVICE "/" SIGNATURE_TERMINATOR "\n", date,
               date, SPAN_ARG(scope.region));
    buf_append(&string_to_sign, signature_hash(buf_span(&canonical), canonical_hash));
    signature_compute(environment("AWS_SECRET_ACCESS_KEY"), &scope, buf_span(&string_to_sign), signature);
    ret_lines[0] = mem_printf("X-Amz-Date: %s", date);
    ret_lines[1] =
        mem_printf("Authorization: " SIGNATURE_ALGORITHM " Credential=%s/%.8s/" SPAN_FMT "/" SIGNATURE_SERVICE
                   "/" SIGNATURE_TERMINATOR ", SignedHeaders=" SPAN_FMT ", Signature=%.*s",
                   environment("AWS_ACCESS_KEY_ID"), date, SPAN_ARG(scope.region), SPAN_ARG(form.signed_headers),
                   (int)SIGNATURE_HEX_LEN, signature);
    if (token)
        ret_lines[2] = mem_printf("X-Amz-Security-Token: %s", token);
    return token ? 3 : 2;
}
