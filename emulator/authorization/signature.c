/* signature.c - see signature.h. The hashes are OpenSSL's. */
#include "authorization/signature.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/mem.h"

#define HASH_SIZE (SIGNATURE_HEX_LEN / 2)

static void write_hex(const unsigned char *bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < HASH_SIZE; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

struct span signature_hash(struct span data, char *out)
{
    unsigned char hash[HASH_SIZE];
    const int ok = EVP_Digest(data.ptr ? data.ptr : "", data.len, hash, NULL, EVP_sha256(), NULL);

    assert(ok == 1);
    write_hex(hash, out);
    return span_of(out, SIGNATURE_HEX_LEN);
}

static void sign(const void *key, size_t key_len, struct span data, unsigned char *ret)
{
    const unsigned char *ok =
        HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)data.ptr, data.len, ret, NULL);

    assert(ok);
}

/* The secret, the day, the region, the service and the terminator make a key for one day. */
static void derive_key(const char *secret, const struct signature_scope *scope, unsigned char *ret)
{
    CLEANUP(buf_fini) struct buf first = {0};

    buf_printf(&first, "AWS4%s", secret);
    sign(first.ptr, first.len, scope->day, ret);
    sign(ret, HASH_SIZE, scope->region, ret);
    sign(ret, HASH_SIZE, scope->service, ret);
    sign(ret, HASH_SIZE, scope->terminator, ret);
    OPENSSL_cleanse(first.ptr, first.len);
}

void signature_compute(const char *secret, const struct signature_scope *scope, struct span string_to_sign, char *ret)
{
    unsigned char key[HASH_SIZE], signature[HASH_SIZE];

    derive_key(secret, scope, key);
    sign(key, sizeof(key), string_to_sign, signature);
    write_hex(signature, ret);
    OPENSSL_cleanse(key, sizeof(key));
}
