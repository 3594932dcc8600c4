/* service.h - configurations being served: what `run` and `exec` have in common.
 *
 * Owner: the command; service_open to service_free. Threads: loop thread only. */
#ifndef CLI_SERVICE_H
#define CLI_SERVICE_H

#include <stdint.h>

#include "base/buf.h"
#include "cli/secure.h"
#include "config/config.h"
#include "management/guard.h"
#include "net/loop.h"

#define SERVICE_HOSTS_MAX 16

struct service_options {
    const char *config_paths[CONFIG_APIS_MAX];
    size_t config_count;
    const char *hosts[SERVICE_HOSTS_MAX]; /* to listen on; the first is in URLs */
    size_t host_count;
    uint16_t port;
    struct secure_options secure;
    bool ephemeral;          /* collections are gone with the service */
    bool no_watch;           /* what changes while it is served has no effect */
    const char *logs_folder; /* where log streams are written; NULL: nowhere */
    const char *wrap;        /* the command that every function is started under; NULL: each as the file says */
    const char *allow_hosts[GUARD_NAMES_MAX]; /* names that what is under /_apigw answers to, beside loopback ones */
    size_t allow_host_count;
};

struct address;
struct service;

/* Reads the configuration and writes what is wrong with it to standard error. CLI_OK and *ret, or CLI_USAGE. */
int service_load_config(const char *path, struct config **ret);

/* The same for several that are to be served together; `ret` has room for `count`. */
int service_load_configs(const char *const *paths, size_t count, struct config **ret);

/* Loads, binds, and begins to accept. CLI_OK and *ret, or the exit status after having said why on standard error. */
int service_open(const struct service_options *options, struct service **ret);

/* The same for what does not serve: warnings are not shown. Plugins need not be there if nobody is to run them. */
int service_load_config_quietly(const char *path, bool without_plugins, struct config **ret);

struct loop *service_loop(const struct service *s);
const struct address *service_address(const struct service *s);
const char *service_websocket_url(const struct service *s);   /* ws://127.0.0.1:3001/dev */
const char *service_endpoint(const struct service *s);        /* http://127.0.0.1:3001/dev */
const char *service_connections_url(const struct service *s); /* http://127.0.0.1:3001/dev/@connections */
const char *service_lambda_url(const struct service *s);      /* http://127.0.0.1:3001 */

bool service_has_tls(const struct service *s);

/* One of an earlier run must not be taken for this one's: before service_open, and at the end. */
void service_remove_ready_file(const char *path);

/* Appends what the ready file says. */
void service_describe(const struct service *s, struct buf *out);

/* Writes the ready file atomically: {"pid":…,"port":…,"websocket":…,"connections":…}, if TLS is served
 * "secureWebsocket", "secureConnections" and the path of the "caCertificate", and "apis". 0, or -1 after having said
 * why. */
int service_write_ready_file(const struct service *s, const char *path);

/* Runs the loop until the service has stopped. */
void service_run(struct service *s);

/* Stops accepting, closes the clients with 1001, lets running handlers finish for at most SERVICE_GRACE_MS, then ends.
 * Called again: ends at once. */
#define SERVICE_GRACE_MS 5000
void service_stop(struct service *s);

void service_free(struct service *s); /* NULL is fine */

#endif
