/* trust.c - see trust.h. */
#include "tls/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "tls/authority.h"

/* A bundle of the system has 250 KB. */
#define BUNDLE_BYTES_MAX (16u << 20)

enum when { ALWAYS, WHERE_SET };
enum base { NOTHING, SYSTEM }; /* what a program knows if the variable is not set, and does not know if it is */

static const struct {
    const char *name;
    enum when when;
    enum base base;
} variables[] = {
    {"NODE_EXTRA_CA_CERTS", ALWAYS, NOTHING}, /* Node.js */
    {"AWS_CA_BUNDLE", ALWAYS, SYSTEM},        /* the AWS CLI, boto3 */
    {"SSL_CERT_FILE", ALWAYS, SYSTEM},        /* OpenSSL: curl, Python's ssl, Ruby; Go */
    {"REQUESTS_CA_BUNDLE", ALWAYS, SYSTEM},   /* Python's requests, which does not look at SSL_CERT_FILE */
    {"CURL_CA_BUNDLE", WHERE_SET, SYSTEM},    /* would hide the one before it */
};

#define VARIABLE_COUNT (sizeof(variables) / sizeof(variables[0]))

/* Where systems keep their bundle. */
static const char *const system_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Alpine, Arch */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* the same, newer */
    "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
    "/etc/ssl/cert.pem",
};

/* NULL: there is none, such as in a small container. */
static const char *system_bundle(void)
{
    for (size_t i = 0; i < sizeof(system_bundles) / sizeof(system_bundles[0]); i++)
        if (access(system_bundles[i], R_OK) == 0)
            return system_bundles[i];
    return NULL;
}

/* ---- bundles ---- */

static int append_file(struct buf *out, const char *path)
{
    FILE *file = fopen(path, "re");
    size_t n = 1;
    int error;

    if (!file)
        return -1;
    while (n > 0 && out->len < BUNDLE_BYTES_MAX) {
        n = fread(buf_reserve(out, 65536), 1, 65536, file);
        out->len += n;
    }
    error = ferror(file) ? EIO : n > 0 ? EFBIG : 0;
    fclose(file);
    errno = error;
    return error ? -1 : 0;
}

static bool is_newer(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec > b->st_mtim.tv_sec ||
           (a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec > b->st_mtim.tv_nsec);
}

/* Is it made of these two as they are now? A system's update may bring an older file of another size. */
static bool is_current(const char *bundle, const char *base, const char *certificate)
{
    struct stat made, from, ca;

    return stat(bundle, &made) == 0 && stat(base, &from) == 0 && stat(certificate, &ca) == 0 &&
           is_newer(&made, &from) && is_newer(&made, &ca) && made.st_size == from.st_size + 1 + ca.st_size;
}

/* FNV-1a: files of different users of the same folder must not be one another's, that is all. */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 0x100000001b3u;
    return h;
}

static char *bundle_path(const char *folder, const char *base)
{
    const char *system = system_bundle();
    CLEANUP(free) char *real = realpath(base, NULL);

    if (system && strcmp(base, system) == 0)
        return mem_printf("%s/bundle.pem", folder);
    return mem_printf("%s/bundle-%016" PRIx64 ".pem", folder, hash(real ? real : base));
}

static bool is_bundle_of_ours(const char *folder, const char *path)
{
    const size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && strncmp(path + len, "/bundle", 7) == 0;
}

/* `base` and the CA behind it. The path of one file that has both. */
static char *make_bundle(const char *folder, const char *base, struct buf *ret_error)
{
    CLEANUP(free) char *certificate = authority_certificate_path(folder);
    CLEANUP(free) char *path = NULL;
    CLEANUP(buf_fini) struct buf bytes = {0};

    if (!base || strcmp(base, certificate) == 0)
        return TAKE(certificate);
    if (is_bundle_of_ours(folder, base))
        return mem_strdup(base); /* an `exec` within an `exec` */
    path = bundle_path(folder, base);
    if (is_current(path, base, certificate))
        return TAKE(path);
    if (append_file(&bytes, base) < 0) {
        buf_printf(ret_error, "%s: %s", base, strerror(errno));
        return NULL;
    }
    buf_append_char(&bytes, '\n'); /* the last line of a file that somebody has edited may lack it */
    if (append_file(&bytes, certificate) == 0 && authority_write_file(path, 0644, buf_span(&bytes)) == 0)
        return TAKE(path);
    buf_printf(ret_error, "%s: %s", path, strerror(errno));
    return NULL;
}

char *trust_bundle(const char *folder, struct buf *ret_error)
{
    return make_bundle(folder, system_bundle(), ret_error);
}

/* ---- variables ---- */

static const char *value_of(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* A file that the user has named and that is not there was ignored, or refused, before us; so only ours counts. */
static const char *base_of(size_t i)
{
    const char *value = value_of(variables[i].name);

    if (value && access(value, R_OK) == 0)
        return value;
    if (value)
        log_warn(LOG_NET, "%s names %s, which cannot be read: %s", variables[i].name, value, strerror(errno));
    return variables[i].base == SYSTEM ? system_bundle() : NULL;
}

int trust_set_environment(const char *folder, struct buf *ret_error)
{
    char *paths[VARIABLE_COUNT] = {0};
    int r = 0;

    for (size_t i = 0; i < VARIABLE_COUNT && r == 0; i++) {
        if (variables[i].when == WHERE_SET && !value_of(variables[i].name))
            continue;
        paths[i] = make_bundle(folder, base_of(i), ret_error);
        r = paths[i] ? 0 : -1;
    }
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        if (r == 0 && paths[i])
            setenv(variables[i].name, paths[i], 1);
        free(paths[i]);
    }
    return r;
}
