/* The local CA and the certificates that it vouches for: emulator/tls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tls/authority.h"
#include "tls/certificate.h"
#include "tls/identity.h"

struct fixture {
    char folder[64]; /* of the CA */
    struct certificate authority;
};

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));

    snprintf(f->folder, sizeof(f->folder), "/tmp/apigw-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->authority.key = certificate_new_key();
    f->authority.x509 = certificate_new_authority(f->authority.key, "test CA", 10);
    assert_non_null(f->authority.x509);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    DIR *dir = opendir(f->folder);
    struct dirent *entry;

    while ((entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(f->folder);
    certificate_fini(&f->authority);
    free(f);
    return 0;
}

static X509 *issue(const struct fixture *f, const char *const *names, size_t count)
{
    EVP_PKEY *key = certificate_new_key();
    X509 *x509 = certificate_new_server(&f->authority, key, names, count);

    EVP_PKEY_free(key);
    assert_non_null(x509);
    return x509;
}

/* As a client does it. */
static int verify(X509 *authority, X509 *x509, int purpose)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int r;

    X509_STORE_add_cert(store, authority);
    X509_STORE_CTX_init(context, store, x509, NULL);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
    r = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return r;
}

/* ---- certificates ---- */

static void a_certificate_is_for_its_names_and_addresses(void **state)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1", "a.example.com", "*.example.org"};
    X509 *x509 = issue(*state, names, sizeof(names) / sizeof(names[0]));

    assert_int_equal(X509_check_host(x509, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(x509, "a.example.com", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(x509, "any.example.org", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(x509, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(x509, "::1", 0), 1);
    assert_int_equal(X509_check_host(x509, "b.example.com", 0, 0, NULL), 0);
    assert_int_equal(X509_check_host(x509, "example.org", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(x509, "127.0.0.2", 0), 0);
    X509_free(x509);
}

static void a_strict_client_takes_a_certificate_for_a_server_and_for_nothing_else(void **state)
{
    const struct fixture *f = *state;
    static const char *const names[] = {"localhost"};
    X509 *x509 = issue(f, names, 1);

    assert_int_equal(verify(f->authority.x509, x509, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    assert_int_equal(verify(f->authority.x509, x509, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_INVALID_PURPOSE);
    assert_int_equal(X509_check_ca(x509), 0);
    X509_free(x509);
}

static void an_authority_vouches_for_no_other_authority(void **state)
{
    const struct fixture *f = *state;

    assert_int_equal(X509_check_ca(f->authority.x509), 1);
    assert_int_equal(X509_get_pathlen(f->authority.x509), 0);
}

static void two_certificates_have_two_serial_numbers(void **state)
{
    static const char *const names[] = {"localhost"};
    X509 *one = issue(*state, names, 1), *other = issue(*state, names, 1);

    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(one), X509_get0_serialNumber(other)), 0);
    X509_free(one);
    X509_free(other);
}

static void a_certificate_is_valid_for_no_longer_than_clients_take(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"localhost"};
    X509 *x509;

    X509_free(f->authority.x509);
    f->authority.x509 = certificate_new_authority(f->authority.key, "test CA", CERTIFICATE_AUTHORITY_DAYS);
    x509 = issue(f, names, 1);
    assert_in_range(certificate_days_left(x509), 1, 825);
    assert_int_equal(X509_cmp_current_time(X509_get0_notBefore(x509)), -1);
    X509_free(x509);
}

static void a_certificate_does_not_outlive_its_authority(void **state)
{
    const struct fixture *f = *state;
    static const char *const names[] = {"localhost"};
    X509 *x509 = issue(f, names, 1);

    assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(x509), X509_get0_notAfter(f->authority.x509)), 0);
    X509_free(x509);
}

static void days_left_are_negative_once_a_certificate_has_expired(void **state)
{
    static const int days[] = {-400, -1};

    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        const struct fixture *f = *state;
        X509 *x509 = certificate_new_authority(f->authority.key, "test CA", days[i]);

        assert_true(certificate_days_left(x509) < 0);
        X509_free(x509);
    }
}

/* ---- the files of the authority ---- */

static char *path_in(const struct fixture *f, const char *name)
{
    return mem_printf("%s/%s", f->folder, name);
}

static struct buf load_error(const struct fixture *f)
{
    struct certificate loaded = {0};
    struct buf error = {0};

    assert_int_equal(authority_load(f->folder, &loaded, &error), -1);
    assert_null(loaded.x509);
    assert_null(loaded.key);
    buf_terminate(&error);
    return error;
}

static void an_authority_that_was_made_can_be_loaded(void **state)
{
    const struct fixture *f = *state;
    struct certificate loaded = {0}, again = {0};
    struct buf error = {0};

    assert_int_equal(authority_ensure(f->folder, &error), 0);
    assert_int_equal(authority_load(f->folder, &loaded, &error), 0);
    assert_int_equal(authority_ensure(f->folder, &error), 0);
    assert_int_equal(authority_load(f->folder, &again, &error), 0);
    assert_int_equal(X509_cmp(loaded.x509, again.x509), 0);
    assert_in_range(certificate_days_left(loaded.x509), 3600, 3700);
    assert_int_equal(error.len, 0);
    certificate_fini(&loaded);
    certificate_fini(&again);
}

static void processes_at_once_make_one_authority(void **state)
{
    const struct fixture *f = *state;
    struct certificate loaded = {0};
    struct buf error = {0};
    int status;

    for (int i = 0; i < 8; i++)
        if (fork() == 0)
            _exit(authority_ensure(f->folder, &error) == 0 && authority_load(f->folder, &loaded, &error) == 0 ? 0 : 1);
    for (int i = 0; i < 8; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(authority_load(f->folder, &loaded, &error), 0);
    certificate_fini(&loaded);
}

static void a_key_without_a_certificate_is_that_of_a_process_that_was_killed(void **state)
{
    const struct fixture *f = *state;
    CLEANUP(free) char *key = path_in(f, "ca-key.pem");
    struct certificate loaded = {0};
    struct buf error = {0};

    assert_int_equal(authority_write_file(key, 0600, SPAN("half a key")), 0);
    assert_int_equal(authority_ensure(f->folder, &error), 0);
    assert_int_equal(authority_load(f->folder, &loaded, &error), 0);
    certificate_fini(&loaded);
}

static void an_authority_that_has_expired_is_not_used_and_not_replaced(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *key = path_in(f, "ca-key.pem"), *certificate = path_in(f, "ca.pem");
    CLEANUP(buf_fini) struct buf error = {0}, said = {0};
    FILE *file = fopen(certificate, "w");

    X509_free(f->authority.x509);
    f->authority.x509 = certificate_new_authority(f->authority.key, "test CA", -1);
    PEM_write_X509(file, f->authority.x509);
    fclose(file);
    file = fopen(key, "w");
    PEM_write_PrivateKey(file, f->authority.key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    assert_int_equal(authority_ensure(f->folder, &error), 0);
    said = load_error(f);
    assert_non_null(strstr(said.ptr, "ca.pem has expired; remove it"));
}

static void a_certificate_of_no_authority_is_not_used(void **state)
{
    const struct fixture *f = *state;
    static const char *const names[] = {"localhost"};
    CLEANUP(free) char *key = path_in(f, "ca-key.pem"), *certificate = path_in(f, "ca.pem");
    CLEANUP(buf_fini) struct buf said = {0};
    FILE *file = fopen(certificate, "w");
    X509 *x509 = certificate_new_server(&f->authority, f->authority.key, names, 1);

    PEM_write_X509(file, x509);
    fclose(file);
    file = fopen(key, "w");
    PEM_write_PrivateKey(file, f->authority.key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(x509);
    said = load_error(f);
    assert_non_null(strstr(said.ptr, "is not the certificate of a CA"));
}

static void a_file_is_written_whole_and_leaves_no_other(void **state)
{
    const struct fixture *f = *state;
    CLEANUP(free) char *path = path_in(f, "file"), *absent = path_in(f, "absent/file");
    struct stat found;
    struct dirent *entry;
    int count = 0;
    DIR *dir;

    assert_int_equal(authority_write_file(path, 0600, SPAN("one")), 0);
    assert_int_equal(authority_write_file(path, 0600, SPAN("another")), 0);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_size, 7);
    assert_int_equal(authority_write_file(absent, 0600, SPAN("x")), -1);
    dir = opendir(f->folder);
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    closedir(dir);
    assert_int_equal(count, 1);
}

/* ---- what a client is shown ---- */

static void move_bytes(SSL *from, SSL *to)
{
    char bytes[4096];
    int n;

    while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof(bytes))) > 0)
        BIO_write(SSL_get_rbio(to), bytes, n);
}

static SSL *new_end(SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    return ssl;
}

/* The certificate that a client gets who asks for `name`; NULL: it asks for none. */
static X509 *shown(struct identity *identity, const char *name)
{
    CLEANUP(buf_fini) struct buf error = {0};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method()), *ours = identity_context(identity, &error);
    SSL *client = new_end(context), *server;
    X509 *x509;

    assert_non_null(ours);
    server = new_end(ours);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    if (name)
        SSL_set_tlsext_host_name(client, name);
    for (int i = 0; i < 8 && !SSL_is_init_finished(client); i++) {
        SSL_do_handshake(client);
        move_bytes(client, server);
        SSL_do_handshake(server);
        move_bytes(server, client);
    }
    x509 = SSL_get1_peer_certificate(client);
    assert_non_null(x509);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(context);
    ERR_clear_error();
    return x509;
}

static bool is_shown_for(struct identity *identity, const char *asked, const char *name)
{
    X509 *x509 = shown(identity, asked);
    bool r = X509_check_host(x509, name, 0, 0, NULL) == 1;

    X509_free(x509);
    return r;
}

static struct identity *identity_with(const struct fixture *f, const char *const *names, size_t count)
{
    struct identity *identity = identity_new_local(f->folder);

    identity_set_names(identity, names, count);
    return identity;
}

static void a_client_is_shown_a_certificate_for_the_name_it_asks_for(void **state)
{
    static const char *const names[] = {"ws.example.com", "*.example.org", "192.0.2.7"};
    static const char *const asked[] = {"localhost",      "x.localhost",     "a.execute-api.us-east-1.localhost",
                                        "ws.example.com", "any.example.org", "WS.Example.COM"};
    struct identity *identity = identity_with(*state, names, 3);

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        assert_true(is_shown_for(identity, asked[i], asked[i]));
    identity_free(identity);
}

static void a_client_that_asks_for_what_is_not_ours_is_shown_localhost(void **state)
{
    static const char *const names[] = {"ws.example.com", "*.example.org", "192.0.2.7"};
    static const char *const asked[] = {"example.com",   "a.ws.example.com",  "example.org",   "a.b.example.org",
                                        "notlocalhost",  "localhost.example", "a..localhost",  ".localhost",
                                        "a b.localhost", "*.localhost",       "\xff.localhost"};
    struct identity *identity = identity_with(*state, names, 3);

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        assert_true(is_shown_for(identity, asked[i], "localhost"));
        assert_false(is_shown_for(identity, asked[i], asked[i]));
    }
    identity_free(identity);
}

static void addresses_are_in_every_certificate_and_names_only_where_they_are_asked_for(void **state)
{
    static const char *const names[] = {"ws.example.com", "192.0.2.7"};
    struct identity *identity = identity_with(*state, names, 2);
    X509 *x509 = shown(identity, NULL);

    assert_int_equal(X509_check_ip_asc(x509, "192.0.2.7", 0), 1);
    assert_int_equal(X509_check_ip_asc(x509, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(x509, "::1", 0), 1);
    assert_int_equal(X509_check_host(x509, "ws.example.com", 0, 0, NULL), 0);
    X509_free(x509);
    identity_free(identity);
}

static void a_name_is_given_one_certificate_until_others_take_its_place(void **state)
{
    struct identity *identity = identity_with(*state, NULL, 0);
    X509 *first = shown(identity, "first.localhost"), *again = shown(identity, "first.localhost"), *later;
    char name[32];

    assert_int_equal(X509_cmp(first, again), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "n%d.localhost", i);
        assert_true(is_shown_for(identity, name, name));
    }
    later = shown(identity, "first.localhost");
    assert_int_not_equal(X509_cmp(first, later), 0);
    X509_free(first);
    X509_free(again);
    X509_free(later);
    identity_free(identity);
}

static void a_certificate_that_is_about_to_end_is_made_anew(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *key = path_in(f, "ca-key.pem"), *certificate = path_in(f, "ca.pem");
    struct identity *identity;
    X509 *first, *again;
    FILE *file;

    X509_free(f->authority.x509);
    f->authority.x509 = certificate_new_authority(f->authority.key, "test CA", 1); /* ends within a day */
    file = fopen(certificate, "w");
    PEM_write_X509(file, f->authority.x509);
    fclose(file);
    file = fopen(key, "w");
    PEM_write_PrivateKey(file, f->authority.key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    identity = identity_with(f, NULL, 0);
    first = shown(identity, "localhost");
    again = shown(identity, "localhost");
    assert_int_not_equal(X509_cmp(first, again), 0);
    X509_free(first);
    X509_free(again);
    identity_free(identity);
}

static void other_names_count_from_the_next_client_on(void **state)
{
    static const char *const before[] = {"old.example.com"}, *const after[] = {"new.example.com"};
    struct identity *identity = identity_with(*state, before, 1);

    assert_true(is_shown_for(identity, before[0], before[0]));
    identity_set_names(identity, after, 1);
    assert_false(is_shown_for(identity, before[0], before[0]));
    assert_true(is_shown_for(identity, after[0], after[0]));
    identity_free(identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_certificate_is_for_its_names_and_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_strict_client_takes_a_certificate_for_a_server_and_for_nothing_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_authority_vouches_for_no_other_authority, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_certificates_have_two_serial_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_is_valid_for_no_longer_than_clients_take, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_does_not_outlive_its_authority, set_up, tear_down),
        cmocka_unit_test_setup_teardown(days_left_are_negative_once_a_certificate_has_expired, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_authority_that_was_made_can_be_loaded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(processes_at_once_make_one_authority, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_without_a_certificate_is_that_of_a_process_that_was_killed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_authority_that_has_expired_is_not_used_and_not_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_of_no_authority_is_not_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_is_written_whole_and_leaves_no_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_is_shown_a_certificate_for_the_name_it_asks_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_asks_for_what_is_not_ours_is_shown_localhost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses_are_in_every_certificate_and_names_only_where_they_are_asked_for,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_is_given_one_certificate_until_others_take_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_that_is_about_to_end_is_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_names_count_from_the_next_client_on, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
