/* signing.h - requests written as text, and a signer that shares no code with the emulator. Of the signer, test_sigv4.c
 * checks that it gives what AWS has published. */
#ifndef TESTS_SIGNING_H
#define TESTS_SIGNING_H

#include <assert.h>
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "authorization/sigv4.h"
#include "base/mem.h"

#define SIGNED_AT "20261124T062300Z"
#define SIGNED_AT_MS 1795501380000ull
#define SIGNED_SCOPE "20261124/us-east-1/execute-api/aws4_request"
#define SIGNED_KEY_ID "AKIDEXAMPLE"
#define SIGNED_SECRET "SECRET"
#define HASH_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* ---- requests ---- */

#define REQUEST_HEADERS_MAX 8

/* Its spans point into the text that it was read from. */
struct request_text {
    struct event_header headers[REQUEST_HEADERS_MAX];
    struct sigv4_request request;
};

static inline struct span request_line(const char **at)
{
    const struct span line = span_of(*at, strcspn(*at, "\n"));

    *at += line.len + ((*at)[line.len] == '\n');
    return line;
}

static inline void request_read_target(struct sigv4_request *request, struct span line)
{
    const size_t method_len = strcspn(line.ptr, " ");
    const struct span target = span_from(line, method_len + 1);
    const char *mark = target.len ? memchr(target.ptr, '?', target.len) : NULL;
    const size_t path_len = mark ? (size_t)(mark - target.ptr) : target.len;

    request->method = span_of(line.ptr, method_len);
    request->path = span_of(target.ptr, path_len);
    if (mark)
        request->query = span_from(target, path_len + 1);
}

/* "GET /dev?a=b\nHost: h\nX-Twice: 1\nX-Twice: 2": one blank behind a colon is not the value's. */
static inline const struct sigv4_request *request_read(struct request_text *r, const char *text)
{
    *r = (struct request_text){.request = {.headers = r->headers, .source_ip = SPAN("192.0.2.7")}};
    request_read_target(&r->request, request_line(&text));
    while (*text) {
        const struct span line = request_line(&text);
        const size_t name_len = strcspn(line.ptr, ":");

        assert(name_len + 2 <= line.len && r->request.header_count < REQUEST_HEADERS_MAX);
        r->headers[r->request.header_count++] =
            (struct event_header){span_of(line.ptr, name_len), span_from(line, name_len + 2)};
    }
    return &r->request;
}

/* ---- the signer ---- */

#define SIGN_BYTES 32
#define SIGN_HEX_SIZE (2 * SIGN_BYTES + 1)

static inline void sign_write_hex(const unsigned char *bytes, char *out)
{
    for (size_t i = 0; i < SIGN_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static inline void sign_hash(struct span text, char *out)
{
    unsigned char hash[SIGN_BYTES];

    assert(EVP_Digest(text.len ? text.ptr : "", text.len, hash, NULL, EVP_sha256(), NULL) == 1);
    sign_write_hex(hash, out);
}

static inline void sign_bytes(const void *key, size_t key_len, const char *text, unsigned char *ret)
{
    assert(HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), ret, NULL));
}

/* `scope` is DAY/REGION/SERVICE/TERMINATOR. */
static inline void sign_derive_key(const char *secret, const char *scope, unsigned char *ret)
{
    CLEANUP(free) char *parts = mem_strdup(scope);
    CLEANUP(free) char *first = mem_printf("AWS4%s", secret);
    char *rest = parts;

    sign_bytes(first, strlen(first), strsep(&rest, "/"), ret);
    while (rest)
        sign_bytes(ret, SIGN_BYTES, strsep(&rest, "/"), ret);
}

/* The signature of a canonical request, in hex; `out` holds SIGN_HEX_SIZE. */
static inline void sign_canonical(const char *canonical, const char *secret, const char *stamp, const char *scope,
                                  char *out)
{
    unsigned char key[SIGN_BYTES], signature[SIGN_BYTES];
    char hash[SIGN_HEX_SIZE];
    CLEANUP(free) char *string_to_sign = NULL;

    sign_hash(span_of_str(canonical), hash);
    string_to_sign = mem_printf("AWS4-HMAC-SHA256\n%s\n%s\n%s", stamp, scope, hash);
    sign_derive_key(secret, scope, key);
    sign_bytes(key, sizeof(key), string_to_sign, signature);
    sign_write_hex(signature, out);
}

#endif
