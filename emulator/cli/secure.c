/* secure.c - see secure.h. The CA is read when the first TLS client comes, so that nobody else waits for that; here it
 * is only made, and its files found. */
#include "cli/secure.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "tls/authority.h"
#include "tls/trust.h"

/* Nobody connects to these by that name; for others that they stand for see tls/identity.c. */
static bool is_wildcard(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static struct identity *local_identity(const char *folder, const char *const *hosts, size_t count)
{
    CLEANUP(free) const char **names = mem_alloc((count + 1) * sizeof(*names));
    size_t name_count = 0;

    for (size_t i = 0; i < count; i++)
        if (!is_wildcard(hosts[i]))
            names[name_count++] = hosts[i];
    return identity_new_local(folder, names, name_count);
}

static void open_local(const char *const *hosts, size_t count, struct secure *s)
{
    CLEANUP(buf_fini) struct buf error = {0};
    CLEANUP(free) char *folder = authority_folder(&error);

    if (folder && authority_ensure(folder, &error) == 0) {
        s->identity = local_identity(folder, hosts, count);
        s->ca_path = authority_certificate_path(folder);
        if (trust_set_environment(folder, &error) == 0)
            return;
        log_warn(LOG_NET, "programs are not told of the local CA: %s", buf_terminate(&error));
        return;
    }
    log_warn(LOG_NET, "TLS is not served: %s", buf_terminate(&error));
}

int secure_open(const struct secure_options *options, const char *const *hosts, size_t count, struct secure *ret)
{
    CLEANUP(buf_fini) struct buf error = {0};

    *ret = (struct secure){0};
    if (!options->certificate_path) {
        open_local(hosts, count, ret);
        return CLI_OK;
    }
    ret->identity = identity_new_from_files(options->certificate_path, options->key_path, &error);
    if (ret->identity)
        return CLI_OK;
    log_error(LOG_NET, "%s", buf_terminate(&error));
    return CLI_FAILED;
}

void secure_close(struct secure *s)
{
    identity_free(TAKE(s->identity));
    free(TAKE(s->ca_path));
}
