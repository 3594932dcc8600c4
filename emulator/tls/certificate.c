/* certificate.c - see certificate.h. */
#include "tls/certificate.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

#define DAY_SECONDS (24L * 60 * 60)
#define SERIAL_BITS 159 /* RFC 5280, 4.1.2.2: positive, at most 20 bytes */

/* A client's clock, such as that of a virtual machine, may be behind ours. */
#define CLOCK_SKEW_SECONDS DAY_SECONDS

/* The current form of certificates, X.509 version 3, is written as 2. */
#define VERSION_3 2

struct extension {
    int nid;
    const char *value;
};

void certificate_fini(struct certificate *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    *c = (struct certificate){0};
}

EVP_PKEY *certificate_new_key(void)
{
    return EVP_EC_gen("P-256");
}

static bool set_serial(X509 *x509)
{
    BIGNUM *number = BN_new();
    bool ok = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));

    BN_free(number);
    return ok;
}

static bool set_subject(X509 *x509, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(x509);

    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"apigw", -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0);
}

static bool add_extensions(X509 *x509, X509 *issuer, const struct extension *extensions, size_t count)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        bool ok = extension && X509_add_ext(x509, extension, -1);

        X509_EXTENSION_free(extension);
        if (!ok)
            return false;
    }
    return true;
}

static bool describe(X509 *x509, EVP_PKEY *key, const char *common_name, int valid_days)
{
    return X509_set_version(x509, VERSION_3) && set_serial(x509) && set_subject(x509, common_name) &&
           X509_gmtime_adj(X509_getm_notBefore(x509), -CLOCK_SKEW_SECONDS) &&
           X509_gmtime_adj(X509_getm_notAfter(x509), valid_days * DAY_SECONDS) && X509_set_pubkey(x509, key);
}

static X509 *free_unless(bool ok, X509 *x509)
{
    if (ok)
        return x509;
    X509_free(x509);
    return NULL;
}

X509 *certificate_new_authority(EVP_PKEY *key, const char *common_name, int valid_days)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
    };
    X509 *x509 = X509_new();

    return free_unless(x509 && describe(x509, key, common_name, valid_days) &&
                           X509_set_issuer_name(x509, X509_get_subject_name(x509)) &&
                           add_extensions(x509, x509, extensions, sizeof(extensions) / sizeof(extensions[0])) &&
                           X509_sign(x509, key, EVP_sha256()),
                       x509);
}

static GENERAL_NAME *new_name(const char *text)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *dns;

    if (!name) {
        ASN1_OCTET_STRING_free(address);
        return NULL;
    }
    if (address) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, address);
        return name;
    }
    dns = ASN1_IA5STRING_new();
    if (!dns || !ASN1_STRING_set(dns, text, -1)) {
        ASN1_IA5STRING_free(dns);
        GENERAL_NAME_free(name);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, dns);
    return name;
}

static bool add_names(X509 *x509, const char *const *names, size_t count)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    bool ok = all != NULL;

    for (size_t i = 0; ok && i < count; i++) {
        GENERAL_NAME *name = new_name(names[i]);

        ok = name && sk_GENERAL_NAME_push(all, name);
        if (!ok)
            GENERAL_NAME_free(name);
    }
    ok = ok && X509_add1_ext_i2d(x509, NID_subject_alt_name, all, 0, 0) == 1;
    GENERAL_NAMES_free(all);
    return ok;
}

static bool end_with_authority(X509 *x509, const X509 *authority)
{
    const ASN1_TIME *end = X509_get0_notAfter(authority);

    return ASN1_TIME_compare(X509_get0_notAfter(x509), end) <= 0 || X509_set1_notAfter(x509, end);
}

X509 *certificate_new_server(const struct certificate *authority, EVP_PKEY *key, const char *const *names, size_t count)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
    };
    X509 *x509 = X509_new();

    return free_unless(
        x509 && describe(x509, key, "apigw on this machine", CERTIFICATE_SERVER_DAYS) &&
            end_with_authority(x509, authority->x509) &&
            X509_set_issuer_name(x509, X509_get_subject_name(authority->x509)) && add_names(x509, names, count) &&
            add_extensions(x509, authority->x509, extensions, sizeof(extensions) / sizeof(extensions[0])) &&
            X509_sign(x509, authority->key, EVP_sha256()),
        x509);
}

void certificate_fingerprint(const X509 *x509, struct buf *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    X509_digest(x509, EVP_sha256(), digest, &len);
    for (unsigned i = 0; i < len; i++)
        buf_printf(out, "%s%02X", i ? ":" : "", digest[i]);
}

void certificate_end(const X509 *x509, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    if (bio && ASN1_TIME_print_ex(bio, X509_get0_notAfter(x509), ASN1_DTFLGS_ISO8601) == 1) {
        len = BIO_get_mem_data(bio, &text);
        buf_append(out, span_of(text, (size_t)len));
    }
    BIO_free(bio);
}

int certificate_days_left(const X509 *x509)
{
    int days = 0, seconds = 0;

    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x509));
    return seconds < 0 && days == 0 ? -1 : days;
}
