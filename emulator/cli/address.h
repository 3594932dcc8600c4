/* address.h - the URLs by which what is served is reached. */
#ifndef CLI_ADDRESS_H
#define CLI_ADDRESS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "config/config.h"

/* Where it listens, and what is served there. */
struct address {
    const char *host; /* as given on the command line */
    uint16_t port;
    struct config *const *configs;
    size_t config_count;
};

/* "SCHEME://HOST:PORT", without a path. Where a wildcard address is listened on, of the loopback. The caller frees it.
 */
char *address_origin(const struct address *address, const char *scheme);

/* "SCHEME://HOST:PORT/STAGE": by its path alone if no other API has a stage of that name, else by the API's own host;
 * by a custom domain if that is the only way. The caller frees it. */
char *address_of_stage(const struct address *address, const char *scheme, const struct config *config,
                       const struct config_stage *stage);

/* Is there something that is not reached by its path alone: do clients have to find names of hosts? */
bool address_needs_names(const struct address *address);

/* "SCHEME://DOMAIN:PORT/KEY". The caller frees it. */
char *address_of_mapping(const struct address *address, const char *scheme, const struct config_mapping *mapping);

/* An array with an object for each API: its name and id, its stages and custom domains with their URLs. */
void address_write_apis(const struct address *address, struct json_writer *w);

#endif
