/* secure.c - see secure.h. The CA is read when the first TLS client comes, so that nobody else waits for that; here it
 * is only made, and its files found. */
#include "cli/secure.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "cli/cli.h"
#include "tls/authority.h"
#include "tls/trust.h"

/* Nobody connects to these by that name; for others that they stand for see tls/identity.c. */
static bool is_wildcard(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

void secure_set_apis(struct secure *s, struct config *const *configs, size_t count)
{
    CLEANUP(words_fini) struct words names = {0};

    if (!s->identity)
        return;
    for (size_t i = 0; i < s->host_count; i++)
        if (!is_wildcard(s->hosts[i]))
            words_add(&names, mem_strdup(s->hosts[i]));
    for (size_t i = 0; i < count; i++) {
        words_add(&names, mem_printf("%s.execute-api.%s.amazonaws.com", configs[i]->api_id, configs[i]->region));
        for (size_t j = 0; j < configs[i]->mapping_count; j++)
            words_add(&names, mem_strdup(configs[i]->mappings[j].domain));
    }
    identity_set_names(s->identity, (const char *const *)names.items, names.count);
}

static void open_local(struct secure *s)
{
    CLEANUP(buf_fini) struct buf error = {0};
    CLEANUP(free) char *folder = authority_folder(&error);

    if (folder && authority_ensure(folder, &error) == 0) {
        s->identity = identity_new_local(folder);
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

    *ret = (struct secure){.hosts = hosts, .host_count = count};
    if (!options->certificate_path) {
        open_local(ret);
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
