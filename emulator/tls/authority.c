/* authority.c - see authority.h.
 *
 * The key is renamed into place before the certificate, and whoever makes them holds a lock: so a certificate that is
 * there has its key beside it, whenever a process is killed. */
#include "tls/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define COMMON_NAME_MAX 64 /* RFC 5280, ub-common-name */

#define START_ANEW "remove it, and a new CA is made, which clients have to trust again"

/* ---- where ---- */

static char *absolute(const char *path)
{
    char here[PATH_MAX];

    return path[0] == '/' || !getcwd(here, sizeof(here)) ? mem_strdup(path) : mem_printf("%s/%s", here, path);
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

char *authority_folder(struct buf *ret_error)
{
    const char *chosen = variable(AUTHORITY_FOLDER_VARIABLE), *data = variable("XDG_DATA_HOME"),
               *home = variable("HOME");

    if (chosen)
        return absolute(chosen);
    if (data && data[0] == '/') /* the specification has others ignored */
        return mem_printf("%s/apigw/ca", data);
    if (home)
        return mem_printf("%s/.local/share/apigw/ca", home);
    buf_append_str(ret_error, "the local CA has no place, since HOME is not set; set HOME or " AUTHORITY_FOLDER_VARIABLE
                              ", or give --tls-cert and --tls-key");
    return NULL;
}

char *authority_certificate_path(const char *folder)
{
    return mem_printf("%s/ca.pem", folder);
}

static char *key_path(const char *folder)
{
    return mem_printf("%s/ca-key.pem", folder);
}

/* ---- making ---- */

static int make_folders(const char *folder)
{
    CLEANUP(free) char *path = mem_strdup(folder);

    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            bytes = span_from(bytes, (size_t)n);
    }
    return 0;
}

int authority_write_file(const char *path, unsigned mode, struct span bytes)
{
    CLEANUP(free) char *temporary = mem_printf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC), r, error;

    if (fd < 0)
        return -1;
    r = write_all(fd, bytes) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -1 : 0;
    error = errno;
    close(fd);
    if (r == 0 && rename(temporary, path) == 0)
        return 0;
    error = r == 0 ? errno : error;
    unlink(temporary);
    errno = error;
    return -1;
}

/* What is written of a BIO in memory, which it frees. */
static int write_bio(const char *path, unsigned mode, BIO *bio)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    int r = authority_write_file(path, mode, span_of(bytes, (size_t)len));
    int error = errno;

    BIO_free(bio); /* clears a key's bytes */
    errno = error;
    return r;
}

static int write_files(const char *folder, const struct certificate *made)
{
    CLEANUP(free) char *certificate = authority_certificate_path(folder);
    CLEANUP(free) char *key = key_path(folder);
    BIO *bio = BIO_new(BIO_s_secmem());
    int r = -1;

    errno = ENOMEM;
    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, made->key, NULL, NULL, 0, NULL, NULL))
        r = write_bio(key, 0600, TAKE(bio));
    if (r == 0 && (bio = BIO_new(BIO_s_mem())) && PEM_write_bio_X509(bio, made->x509))
        return write_bio(certificate, 0644, bio);
    BIO_free(bio);
    return -1;
}

static int make(const char *folder)
{
    char host[HOST_NAME_MAX + 1] = "", name[COMMON_NAME_MAX + 1];
    struct certificate made = {.key = certificate_new_key()};
    int r = -1;

    gethostname(host, sizeof(host) - 1);
    snprintf(name, sizeof(name), "apigw local CA, %.40s", host);
    errno = ENOMEM;
    if (made.key)
        made.x509 = certificate_new_authority(made.key, name, CERTIFICATE_AUTHORITY_DAYS);
    if (made.x509)
        r = write_files(folder, &made);
    certificate_fini(&made);
    return r;
}

/* Others that start at this moment wait, and find it made. */
static int make_locked(const char *folder, const char *certificate)
{
    CLEANUP(free) char *path = mem_printf("%s/lock", folder);
    int fd, r = 0, error;

    if (make_folders(folder) < 0)
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
        continue;
    if (access(certificate, F_OK) < 0)
        r = make(folder);
    error = errno;
    close(fd);
    errno = error;
    return r;
}

int authority_ensure(const char *folder, struct buf *ret_error)
{
    CLEANUP(free) char *certificate = authority_certificate_path(folder);

    if (access(certificate, F_OK) == 0 || make_locked(folder, certificate) == 0)
        return 0;
    buf_printf(ret_error,
               "the local CA cannot be made in %s: %s; set " AUTHORITY_FOLDER_VARIABLE
               " to a folder that can be written, or give --tls-cert and --tls-key",
               folder, strerror(errno));
    return -1;
}

/* ---- reading ---- */

/* An empty passphrase for what is encrypted: nobody is to be asked for one. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
    return 0;
}

static int read_certificate(const char *path, struct certificate *ret, struct buf *ret_error)
{
    FILE *file = fopen(path, "re");

    if (!file) {
        buf_printf(ret_error, "the local CA cannot be read: %s: %s", path, strerror(errno));
        return -1;
    }
    ret->x509 = PEM_read_X509(file, NULL, no_passphrase, NULL);
    fclose(file);
    if (ret->x509)
        return 0;
    buf_printf(ret_error, "the local CA cannot be read: %s has no certificate; " START_ANEW, path);
    return -1;
}

static int read_key(const char *path, struct certificate *ret, struct buf *ret_error)
{
    FILE *file = fopen(path, "re");

    if (!file) {
        buf_printf(ret_error,
                   "the key of the local CA cannot be read: %s: %s; remove ca.pem beside it, and a new CA is made",
                   path, strerror(errno));
        return -1;
    }
    ret->key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
    fclose(file);
    if (ret->key)
        return 0;
    buf_printf(ret_error,
               "the key of the local CA cannot be read: %s has no key; remove ca.pem beside it, and a new CA is made",
               path);
    return -1;
}

static int check(const char *path, const struct certificate *c, struct buf *ret_error)
{
    if (X509_check_private_key(c->x509, c->key) != 1)
        buf_printf(ret_error, "ca-key.pem does not belong to the local CA %s; " START_ANEW, path);
    else if (X509_check_ca(c->x509) != 1)
        buf_printf(ret_error, "%s is not the certificate of a CA; " START_ANEW, path);
    else if (certificate_days_left(c->x509) < 0)
        buf_printf(ret_error, "the local CA %s has expired; " START_ANEW, path);
    else
        return 0;
    return -1;
}

int authority_load(const char *folder, struct certificate *ret, struct buf *ret_error)
{
    CLEANUP(free) char *path = authority_certificate_path(folder);
    CLEANUP(free) char *key = key_path(folder);
    struct certificate read = {0};
    int r = read_certificate(path, &read, ret_error);

    if (r == 0)
        r = read_key(key, &read, ret_error);
    if (r == 0)
        r = check(path, &read, ret_error);
    ERR_clear_error();
    if (r == 0)
        *ret = read;
    else
        certificate_fini(&read);
    return r;
}
