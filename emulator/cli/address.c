/* address.c - see address.h. */
#include "cli/address.h"

#include "base/mem.h"

/* The host of a URL: the wildcard addresses are no place to connect to, and IPv6 addresses go in brackets. */
static char *url_host(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return mem_strdup("127.0.0.1");
    if (strcmp(host, "::") == 0)
        return mem_strdup("[::1]");
    return strchr(host, ':') ? mem_printf("[%s]", host) : mem_strdup(host);
}

char *address_origin(const struct address *address, const char *scheme)
{
    CLEANUP(free) char *host = url_host(address->host);

    return mem_printf("%s://%s:%u", scheme, host, address->port);
}

/* Can the path alone tell which API is meant? */
static bool is_unambiguous(const struct address *address, const struct config_stage *stage)
{
    size_t found = 0;

    for (size_t i = 0; i < address->config_count; i++)
        found += !address->configs[i]->disable_execute_api_endpoint &&
                 config_find_stage(address->configs[i], span_of_str(stage->name));
    return found == 1;
}

static const struct config_mapping *mapping_to(const struct config *config, const struct config_stage *stage)
{
    for (size_t i = 0; i < config->mapping_count; i++)
        if (config->mappings[i].stage == stage)
            return &config->mappings[i];
    return NULL;
}

char *address_of_mapping(const struct address *address, const char *scheme, const struct config_mapping *mapping)
{
    const bool any_label = mapping->domain[0] == '*';

    return mem_printf("%s://%s%s:%u%s%s", scheme, any_label ? "any" : "", mapping->domain + any_label, address->port,
                      mapping->key[0] ? "/" : "", mapping->key);
}

char *address_of_stage(const struct address *address, const char *scheme, const struct config *config,
                       const struct config_stage *stage)
{
    const struct config_mapping *mapping = mapping_to(config, stage);
    CLEANUP(free) char *origin = address_origin(address, scheme);

    if (config->disable_execute_api_endpoint && mapping)
        return address_of_mapping(address, scheme, mapping);
    if (config->disable_execute_api_endpoint || is_unambiguous(address, stage))
        return mem_printf("%s/%s", origin, stage->name);
    return mem_printf("%s://%s.execute-api.%s.localhost:%u/%s", scheme, config->api_id, config->region, address->port,
                      stage->name);
}

bool address_needs_names(const struct address *address)
{
    for (size_t a = 0; a < address->config_count; a++) {
        const struct config *config = address->configs[a];

        if (config->mapping_count > 0)
            return true;
        for (size_t i = 0; i < config->stage_count; i++)
            if (!config->disable_execute_api_endpoint && !is_unambiguous(address, &config->stages[i]))
                return true;
    }
    return false;
}

static void write_text(struct json_writer *w, const char *key, const char *value)
{
    json_key(w, key);
    json_string(w, span_of_str(value));
}

static void write_urls(struct json_writer *w, const char *websocket, const char *endpoint)
{
    CLEANUP(free) char *connections = mem_printf("%s/@connections", endpoint);

    write_text(w, "websocket", websocket);
    write_text(w, "connections", connections);
}

static void write_stage(const struct address *address, const struct config *config, const struct config_stage *stage,
                        struct json_writer *w)
{
    CLEANUP(free) char *websocket = address_of_stage(address, "ws", config, stage);
    CLEANUP(free) char *endpoint = address_of_stage(address, "http", config, stage);

    json_object_begin(w);
    write_text(w, "name", stage->name);
    write_urls(w, websocket, endpoint);
    json_object_end(w);
}

static void write_mapping(const struct address *address, const struct config_mapping *mapping, struct json_writer *w)
{
    CLEANUP(free) char *websocket = address_of_mapping(address, "ws", mapping);
    CLEANUP(free) char *endpoint = address_of_mapping(address, "http", mapping);

    json_object_begin(w);
    write_text(w, "domain", mapping->domain);
    write_text(w, "key", mapping->key);
    write_text(w, "stage", mapping->stage->name);
    write_urls(w, websocket, endpoint);
    json_object_end(w);
}

static void write_api(const struct address *address, const struct config *config, struct json_writer *w)
{
    CLEANUP(free)
    char *host = mem_printf("%s.execute-api.%s.localhost:%u", config->api_id, config->region, address->port);

    json_object_begin(w);
    write_text(w, "name", config->name);
    write_text(w, "apiId", config->api_id);
    if (!config->disable_execute_api_endpoint)
        write_text(w, "host", host);
    json_key(w, "stages");
    json_array_begin(w);
    for (size_t i = 0; i < config->stage_count; i++)
        write_stage(address, config, &config->stages[i], w);
    json_array_end(w);
    json_key(w, "domains");
    json_array_begin(w);
    for (size_t i = 0; i < config->mapping_count; i++)
        write_mapping(address, &config->mappings[i], w);
    json_array_end(w);
    json_object_end(w);
}

void address_write_apis(const struct address *address, struct json_writer *w)
{
    json_array_begin(w);
    for (size_t i = 0; i < address->config_count; i++)
        write_api(address, address->configs[i], w);
    json_array_end(w);
}
