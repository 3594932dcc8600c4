/* ca.c - apigw ca: where the local certificate authority is, and how to have programs trust it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "tls/authority.h"
#include "tls/trust.h"

/* What to do, for each of them; {ca} and {bundle} stand for the files. */
static const struct {
    const char *program;
    const char *how;
} ways[] = {
    {"Node.js", "export NODE_EXTRA_CA_CERTS={ca}"},
    {"boto3, AWS CLI", "export AWS_CA_BUNDLE={bundle}"},
    {"Python (ssl), curl, Go, Ruby", "export SSL_CERT_FILE={bundle}"},
    {"Python (requests)", "export REQUESTS_CA_BUNDLE={bundle}"},
    {"curl, once", "curl --cacert {ca} https://…"},
    {"Debian, Ubuntu: all of the system",
     "sudo cp {ca} /usr/local/share/ca-certificates/apigw.crt && sudo update-ca-certificates"},
    {"Chrome, Chromium (certutil is in libnss3-tools)", "certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n apigw -i {ca}"},
    {"Firefox", "Settings, Privacy & Security, View Certificates, Authorities, Import: {ca}"},
};

static void print_way(const char *how, const char *ca, const char *bundle)
{
    fputs("      ", stdout);
    while (*how) {
        size_t plain = strcspn(how, "{");

        fwrite(how, 1, plain, stdout);
        how += plain;
        if (strncmp(how, "{ca}", 4) == 0) {
            fputs(ca, stdout);
            how += 4;
        } else if (strncmp(how, "{bundle}", 8) == 0) {
            fputs(bundle, stdout);
            how += 8;
        }
    }
    putchar('\n');
}

static void print_all(const struct certificate *authority, const char *ca, const char *bundle)
{
    CLEANUP(buf_fini) struct buf fingerprint = {0}, end = {0};

    certificate_fingerprint(authority->x509, &fingerprint);
    certificate_end(authority->x509, &end);
    printf("%s\n\n", ca);
    printf("is the certificate of a CA of your own, for wss:// and https:// of apigw.\n"
           "Its key is beside it, and only you can read it: whoever has it can pretend to\n"
           "be any site to programs that trust this CA.\n\n");
    printf("  valid until  %s\n  SHA-256      %s\n", buf_terminate(&end), buf_terminate(&fingerprint));
    printf("  bundle       %s: the system's CAs and this one\n\n", bundle);
    printf("What `apigw exec` starts trusts it, and so do handlers. Others:\n");
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        printf("\n  %s\n", ways[i].program);
        print_way(ways[i].how, ca, bundle);
    }
}

static int show(const char *folder, struct buf *error)
{
    struct certificate authority = {0};
    CLEANUP(free) char *ca = authority_certificate_path(folder);
    CLEANUP(free) char *bundle = NULL;

    if (authority_load(folder, &authority, error) < 0)
        return -1;
    bundle = trust_bundle(folder, error);
    if (bundle)
        print_all(&authority, ca, bundle);
    certificate_fini(&authority);
    return bundle ? 0 : -1;
}

static int show_path(const char *folder)
{
    CLEANUP(free) char *ca = authority_certificate_path(folder);

    puts(ca);
    return 0;
}

static int find(bool path_only)
{
    CLEANUP(buf_fini) struct buf error = {0};
    CLEANUP(free) char *folder = authority_folder(&error);

    if (folder && authority_ensure(folder, &error) == 0 && (path_only ? show_path(folder) : show(folder, &error)) == 0)
        return CLI_OK;
    fprintf(stderr, "apigw ca: %s\n", buf_terminate(&error));
    return CLI_FAILED;
}

static int ca(const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"path", no_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool path_only = false;
    int id;

    optind = 0;
    while ((id = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
        if (id == 'h') {
            fputs(self->help, stdout);
            return CLI_OK;
        }
        if (id != 'p')
            return cli_usage_error(self, "there is no option '%s'", argv[optind - 1]);
        path_only = true;
    }
    if (optind < argc)
        return cli_usage_error(self, "'%s' is one argument too many", argv[optind]);
    return find(path_only);
}

const struct cli_command cli_ca = {
    .name = "ca",
    .summary = "show how programs can trust wss:// and https:// of apigw",
    .help = "Usage: apigw ca [OPTION]...\n"
            "Shows the certificate of the local CA, which vouches for apigw's certificates,\n"
            "and how to have Node.js, Python, the AWS CLI, curl and browsers trust it. Makes\n"
            "the CA if there is none.\n"
            "\n"
            "      --path  print the path of the certificate, and nothing else\n"
            "      --help  show this help\n"
            "\n"
            "The CA is kept in apigw/ca below XDG_DATA_HOME, or ~/.local/share; APIGW_CA_DIR\n"
            "names another folder.\n"
            "\n"
            "Exit status: 0; 1 if the CA can be neither read nor made, 2 if the command line\n"
            "is wrong.\n",
    .run = ca,
};
