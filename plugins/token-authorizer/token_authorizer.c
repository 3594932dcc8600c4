/* token_authorizer.c - lets in who has a signed token, and knows the client by it from then on.
 *
 *     ws://…/dev?token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIiwiZXhwIjo0MTAyNDQ0ODAwfQ.…
 *
 * The token is a JSON Web Token (RFC 7519), signed with HMAC-SHA256 ("HS256", RFC 7515) and the secret in the
 * function's variable TOKEN_SECRET. `authorize` is asked before a client is let in. What it learns from the token is in
 * every later event of the connection: `whoami` tells it to the client.
 *
 * The order matters: nothing of a token is believed, or even read, before its signature is checked. The token's own
 * word for how it was signed counts only to refuse it.
 *
 * Built with -lcrypto: a plugin may use any library. */
#include <apigw/event.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES_MIN 32 /* RFC 7518, 3.2: as many as the hash has */

struct token {
    struct apigw_span header;    /* Base64 */
    struct apigw_span claims;    /* Base64 */
    struct apigw_span signature; /* Base64 */
    struct apigw_span is_signed; /* header.claims, as they stand */
};

/* ---- reading a token ---- */

/* What of `text` stands before the next dot; `text` goes on behind it. */
static struct apigw_span next_part(struct apigw_span *text)
{
    const char *dot = text->len > 0 ? memchr(text->ptr, '.', text->len) : NULL;
    const size_t len = dot ? (size_t)(dot - text->ptr) : text->len;
    const struct apigw_span part = apigw_span_of(text->ptr, len);
    const size_t used = dot ? len + 1 : len;

    *text = apigw_span_of(text->ptr + used, text->len - used);
    return part;
}

/* 1 if it has three parts, none of them empty. */
static int split(struct apigw_span text, struct token *ret)
{
    const char *begin = text.ptr;

    ret->header = next_part(&text);
    ret->claims = next_part(&text);
    ret->signature = text;
    ret->is_signed = apigw_span_of(begin, ret->header.len + 1 + ret->claims.len);
    return ret->header.len > 0 && ret->claims.len > 0 && ret->signature.len > 0;
}

/* The value of a digit of Base64 in URLs (RFC 4648, 5); -1: it is none. */
static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *found = c ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* The bytes that a part stands for; empty if it is not exactly what they are written as, or there is no memory. */
static struct apigw_span decode(struct apigw_context *context, struct apigw_span part)
{
    char *out = apigw_allocate(context, part.len + 1);
    const unsigned spare_bits = (unsigned)(part.len * 6 % 8);
    size_t len = 0, i;
    unsigned held = 0;

    for (i = 0; out && i < part.len; i++) {
        const int digit = digit_of(part.ptr[i]);
        if (digit < 0)
            return apigw_span_of(NULL, 0);
        held = (held << 6 | (unsigned)digit) & 0xffff;
        if (i % 4 > 0)
            out[len++] = (char)(held >> (6 - 2 * (i % 4)) & 0xff);
    }
    if (!out || spare_bits == 6 || (held & ((1u << spare_bits) - 1)) != 0)
        return apigw_span_of(NULL, 0);
    return apigw_span_of(out, len);
}

static struct apigw_json decode_json(struct apigw_context *context, struct apigw_span part)
{
    struct apigw_json value = {APIGW_JSON_NONE, 0, {NULL, 0}};

    apigw_json_parse(context, decode(context, part), &value);
    return value;
}

/* ---- believing it ---- */

static int is_signed_with(struct apigw_context *context, const struct token *token, const char *secret)
{
    const struct apigw_span given = decode(context, token->signature);
    unsigned char right[EVP_MAX_MD_SIZE];
    unsigned right_len = 0;

    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)token->is_signed.ptr,
              token->is_signed.len, right, &right_len))
        return 0;
    return given.len == right_len && CRYPTO_memcmp(given.ptr, right, right_len) == 0;
}

/* 1 if the event's time is within what the claims say; a token that never expires is refused. */
static int is_in_time(const struct apigw_event *event, struct apigw_context *context, struct apigw_json claims)
{
    const double now_s = (double)event->request_time_ms / 1000.0;

    return now_s < apigw_json_number(context, apigw_json_get(context, claims, "exp"), 0) &&
           now_s >= apigw_json_number(context, apigw_json_get(context, claims, "nbf"), 0);
}

/* The claims of a token that is genuine and in time, else NONE; `ret_why` is for the log alone. */
static struct apigw_json believe(const struct apigw_event *event, struct apigw_context *context, const char *secret,
                                 const char **ret_why)
{
    struct apigw_json claims = {APIGW_JSON_NONE, 0, {NULL, 0}}, none = claims;
    struct token token;

    *ret_why = "it is no token of three parts";
    if (!split(apigw_event_query(context, "token"), &token))
        return none;
    *ret_why = "its signature is wrong";
    if (!is_signed_with(context, &token, secret))
        return none;
    *ret_why = "its algorithm is not HS256";
    if (!apigw_span_equal(apigw_json_text(context, apigw_json_get(context, decode_json(context, token.header), "alg")),
                          APIGW_SPAN("HS256")))
        return none;
    *ret_why = "it has expired, or is not valid yet";
    claims = decode_json(context, token.claims);
    return is_in_time(event, context, claims) ? claims : none;
}

/* ---- the handlers ---- */

/* The policy that lets a client in, and what later events shall know of it: the token's `sub` and `role`. */
static struct apigw_span allow(struct apigw_context *context, struct apigw_json claims)
{
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_object(&w);
    apigw_json_key(&w, "principalId");
    apigw_json_string(&w, apigw_json_text(context, apigw_json_get(context, claims, "sub")));
    apigw_json_key(&w, "context");
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "role");
    apigw_json_string(&w, apigw_json_text(context, apigw_json_get(context, claims, "role")));
    apigw_json_end_object(&w);
    apigw_json_key(&w, "policyDocument");
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "Version");
    apigw_json_string(&w, APIGW_SPAN("2012-10-17"));
    apigw_json_key(&w, "Statement");
    apigw_json_begin_array(&w);
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "Effect");
    apigw_json_string(&w, APIGW_SPAN("Allow"));
    apigw_json_key(&w, "Action");
    apigw_json_string(&w, APIGW_SPAN("execute-api:Invoke"));
    apigw_json_key(&w, "Resource");
    apigw_json_string(&w, apigw_json_text(context, apigw_event_get(context, "methodArn")));
    apigw_json_end_object(&w);
    apigw_json_end_array(&w);
    apigw_json_end_object(&w);
    apigw_json_end_object(&w);
    return apigw_json_written(&w);
}

/* The client is told "Unauthorized" and no more; why, only the log knows. */
static int authorize(const struct apigw_event *event, struct apigw_context *context)
{
    const char *secret = getenv("TOKEN_SECRET"), *why;
    struct apigw_json claims;

    if (!secret || strlen(secret) < SECRET_BYTES_MIN)
        return apigw_fail(context, APIGW_SPAN("ConfigurationError"), APIGW_SPAN("TOKEN_SECRET has under 32 bytes"));
    claims = believe(event, context, secret, &why);
    if (claims.type == APIGW_JSON_OBJECT)
        return apigw_respond_json(context, allow(context, claims));
    apigw_log(context, APIGW_LOG_INFO, apigw_span_of_str(why));
    return apigw_fail(context, APIGW_SPAN("Error"), APIGW_SPAN("Unauthorized")); /* exactly this: a 401 */
}

/* {"name":"anna","role":"admin"} */
static int whoami(const struct apigw_event *event, struct apigw_context *context)
{
    struct apigw_json_writer w = apigw_json_write(context);

    (void)event;
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "name");
    apigw_json_string(&w, apigw_event_authorizer(context, "principalId"));
    apigw_json_key(&w, "role");
    apigw_json_string(&w, apigw_event_authorizer(context, "role"));
    apigw_json_end_object(&w);
    return apigw_respond_written(context, 200, &w);
}

APIGW_PLUGIN("token_authorizer", "1.0.0", APIGW_HANDLER("authorize", authorize), APIGW_HANDLER("whoami", whoami));
