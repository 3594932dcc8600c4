/* directory.c - see directory.h. */
#include "gateway/directory.h"

#include "base/mem.h"
#include "base/percent.h"

#define EXECUTE_API SPAN(".execute-api.")
#define LISTED_MAX 10 /* places that a sentence names */

/* ---- hosts ---- */

/* Without its port, and without the dot of an absolute name. */
static struct span host_name(struct span host)
{
    const char *colon = host.len > 0 ? memrchr(host.ptr, ':', host.len) : NULL;

    if (colon && host.ptr[host.len - 1] != ']')
        host.len = (size_t)(colon - host.ptr);
    if (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

/* The label before ".execute-api.", which must be the first; and the region, which is the next. */
static bool split_execute_api(struct span name, struct span *ret_id, struct span *ret_region)
{
    const char *dot = name.len > 0 ? memchr(name.ptr, '.', name.len) : NULL;
    struct span rest;

    if (!dot)
        return false;
    *ret_id = span_of(name.ptr, (size_t)(dot - name.ptr));
    rest = span_from(name, ret_id->len);
    if (rest.len <= EXECUTE_API.len || !span_equal_nocase(span_of(rest.ptr, EXECUTE_API.len), EXECUTE_API))
        return false;
    rest = span_from(rest, EXECUTE_API.len);
    dot = memchr(rest.ptr, '.', rest.len);
    *ret_region = dot ? span_of(rest.ptr, (size_t)(dot - rest.ptr)) : rest;
    return true;
}

/* "*.example.com" is any one label and the rest. An exact name goes before it. */
static bool is_wildcard_of(const char *domain, struct span name)
{
    const char *dot = name.len > 0 ? memchr(name.ptr, '.', name.len) : NULL;

    return domain[0] == '*' && dot && dot != name.ptr &&
           span_equal_nocase(span_from(name, (size_t)(dot - name.ptr)), span_of_str(domain + 1));
}

static bool is_domain(const char *domain, struct span name, bool wildcard)
{
    return wildcard ? is_wildcard_of(domain, name) : span_equal_nocase(name, span_of_str(domain));
}

static bool has_domain(const struct api *apis, size_t count, struct span name, bool wildcard)
{
    for (size_t a = 0; a < count; a++)
        for (size_t i = 0; i < apis[a].config->mapping_count; i++)
            if (is_domain(apis[a].config->mappings[i].domain, name, wildcard))
                return true;
    return false;
}

static bool owns_domain(const struct api *apis, size_t count, struct span name)
{
    return has_domain(apis, count, name, false) || has_domain(apis, count, name, true);
}

bool directory_owns_host(const struct api *apis, size_t count, struct span host)
{
    struct span name = host_name(host), id, region;

    if (owns_domain(apis, count, name))
        return true;
    if (!split_execute_api(name, &id, &region))
        return false;
    for (size_t a = 0; a < count; a++)
        if (span_equal_nocase(id, span_of_str(apis[a].config->api_id)))
            return true;
    return false;
}

/* ---- paths ---- */

static size_t count_slashes(struct span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '/';
    return count;
}

/* A slash that comes of decoding is part of its segment, and so equals none that separates two. */
static bool equals_decoded(struct span path, struct span segments)
{
    CLEANUP(buf_fini) struct buf decoded = {0};

    if (path.len > segments.len * 3) /* all of it encoded */
        return false;
    percent_decode(&decoded, path, PERCENT_PLUS_STAYS);
    return span_equal(buf_span(&decoded), segments) && count_slashes(path) == count_slashes(segments);
}

/* Does the path begin with "/" and `segments`, and does a segment end there? Then *ret_rest is what follows. */
static bool begins_with(struct span path, struct span segments, bool decodes, struct span *ret_rest)
{
    size_t slashes = 1 + count_slashes(segments), end = 0;

    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    while (end < path.len && (path.ptr[end] != '/' || slashes-- > 0))
        end++;
    *ret_rest = span_from(path, end);
    path = span_of(path.ptr + 1, end - 1);
    if (decodes && path.len > 0 && memchr(path.ptr, '%', path.len))
        return equals_decoded(path, segments);
    return span_equal(path, segments);
}

static struct stage *find_stage(const struct api *api, struct span path, bool decodes, struct span *ret_rest)
{
    for (size_t i = 0; i < api->stage_count; i++)
        if (begins_with(path, api->stages[i].event.stage, decodes, ret_rest))
            return &api->stages[i];
    return NULL;
}

/* ---- the three ways ---- */

static struct directory_place by_api(const struct api *api, struct span path, bool decodes)
{
    struct directory_place place = {.result = DIRECTORY_NO_STAGE};

    if (api->config->disable_execute_api_endpoint)
        return (struct directory_place){.result = DIRECTORY_DISABLED};
    place.stage = find_stage(api, path, decodes, &place.rest);
    if (place.stage)
        place.result = DIRECTORY_FOUND;
    return place;
}

static struct directory_place by_execute_api_host(const struct api *apis, size_t count, struct span id,
                                                  struct span region, struct span path, bool decodes)
{
    for (size_t a = 0; a < count; a++)
        if (span_equal_nocase(id, span_of_str(apis[a].config->api_id)) &&
            span_equal_nocase(region, span_of_str(apis[a].config->region)))
            return by_api(&apis[a], path, decodes);
    return (struct directory_place){.result = DIRECTORY_NO_API};
}

/* By what it is made of: a file that was changed may have its stages in another order. */
static struct stage *mapped_stage(const struct api *api, const struct config_mapping *mapping)
{
    for (size_t i = 0; i < api->stage_count; i++)
        if (api->stages[i].config == mapping->stage)
            return &api->stages[i];
    return NULL;
}

static struct directory_place by_domain(const struct api *apis, size_t count, struct span name, bool wildcard,
                                        struct span path, bool decodes)
{
    struct directory_place place = {.result = DIRECTORY_NO_MAPPING};
    size_t longest = 0;
    struct span rest;

    for (size_t a = 0; a < count; a++) {
        for (size_t i = 0; i < apis[a].config->mapping_count; i++) {
            const struct config_mapping *mapping = &apis[a].config->mappings[i];
            struct span key = span_of_str(mapping->key);

            if ((place.stage && key.len <= longest) || !is_domain(mapping->domain, name, wildcard))
                continue;
            rest = path;
            if (key.len > 0 && !begins_with(path, key, decodes, &rest))
                continue;
            place = (struct directory_place){DIRECTORY_FOUND, mapped_stage(&apis[a], mapping), rest, true,
                                             memchr(mapping->key, '/', key.len)};
            longest = key.len;
        }
    }
    return place;
}

static struct directory_place by_stage_alone(const struct api *apis, size_t count, struct span path, bool decodes)
{
    struct directory_place found = {.result = DIRECTORY_NO_STAGE};
    struct span rest;

    for (size_t a = 0; a < count; a++) {
        struct directory_place place = by_api(&apis[a], path, decodes);

        if (place.result == DIRECTORY_FOUND && found.result == DIRECTORY_FOUND)
            return (struct directory_place){.result = DIRECTORY_AMBIGUOUS};
        if (place.result == DIRECTORY_FOUND)
            found = place;
        else if (place.result == DIRECTORY_DISABLED && found.result == DIRECTORY_NO_STAGE &&
                 (count == 1 || find_stage(&apis[a], path, decodes, &rest)))
            found = place;
    }
    return found;
}

struct directory_place directory_find(const struct api *apis, size_t count, struct span host, struct span path,
                                      bool decodes)
{
    struct span name = host_name(host), id, region;

    if (has_domain(apis, count, name, false))
        return by_domain(apis, count, name, false, path, decodes);
    if (has_domain(apis, count, name, true))
        return by_domain(apis, count, name, true, path, decodes);
    if (split_execute_api(name, &id, &region))
        return by_execute_api_host(apis, count, id, region, path, decodes);
    return by_stage_alone(apis, count, path, decodes);
}

bool directory_has_domain(const struct api *apis, size_t count, struct span host)
{
    return owns_domain(apis, count, host_name(host));
}

/* ---- saying why ---- */

struct listing {
    struct buf *out;
    size_t count;
};

static void list_item(struct listing *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void list_item(struct listing *l, const char *format, ...)
{
    va_list args;

    if (l->count++ >= LISTED_MAX)
        return;
    buf_append_str(l->out, l->count > 1 ? ", " : "");
    va_start(args, format);
    buf_vprintf(l->out, format, args);
    va_end(args);
}

static void list_end(struct listing *l)
{
    if (l->count > LISTED_MAX)
        buf_printf(l->out, " and %zu more", l->count - LISTED_MAX);
    else if (l->count == 0)
        buf_append_str(l->out, "none");
}

static bool is_listed(const struct api *api, const struct api *wanted)
{
    return wanted ? api == wanted : !api->config->disable_execute_api_endpoint;
}

/* Is a stage of that name among the first `count`? */
static bool is_repeated(const struct api *apis, size_t count, const struct api *wanted, const char *name)
{
    for (size_t a = 0; a < count; a++)
        if (is_listed(&apis[a], wanted) && config_find_stage(apis[a].config, span_of_str(name)))
            return true;
    return false;
}

/* Each stage of `wanted`, or of all that have an endpoint if that is NULL; what has one name is one. */
static void list_stages(const struct api *apis, size_t count, const struct api *wanted, struct buf *out)
{
    struct listing l = {.out = out};

    for (size_t a = 0; a < count; a++) {
        if (!is_listed(&apis[a], wanted))
            continue;
        for (size_t i = 0; i < apis[a].stage_count; i++)
            if (!is_repeated(apis, a, wanted, apis[a].stages[i].config->name))
                list_item(&l, "/%s", apis[a].stages[i].config->name);
    }
    list_end(&l);
}

static void list_hosts(const struct api *apis, size_t count, struct buf *out)
{
    struct listing l = {.out = out};

    for (size_t a = 0; a < count; a++)
        if (!apis[a].config->disable_execute_api_endpoint)
            list_item(&l, "%s.execute-api.%s.localhost (%s)", apis[a].config->api_id, apis[a].config->region,
                      apis[a].config->name);
    list_end(&l);
}

static void list_keys(const struct api *apis, size_t count, struct span name, struct buf *out)
{
    const bool wildcard = !has_domain(apis, count, name, false);
    struct listing l = {.out = out};

    for (size_t a = 0; a < count; a++)
        for (size_t i = 0; i < apis[a].config->mapping_count; i++)
            if (is_domain(apis[a].config->mappings[i].domain, name, wildcard))
                list_item(&l, "/%s", apis[a].config->mappings[i].key);
    list_end(&l);
}

static void explain_mappings(const struct api *apis, size_t count, struct span name, struct span path, struct buf *out)
{
    buf_printf(out, "the path is " SPAN_FMT ", and the custom domain " SPAN_FMT " maps ", SPAN_ARG(path),
               SPAN_ARG(name));
    list_keys(apis, count, name, out);
}

static const struct api *named_api(const struct api *apis, size_t count, struct span name)
{
    struct span id, region;

    if (!split_execute_api(name, &id, &region))
        return NULL;
    for (size_t a = 0; a < count; a++)
        if (span_equal_nocase(id, span_of_str(apis[a].config->api_id)))
            return &apis[a];
    return NULL;
}

void directory_explain(const struct api *apis, size_t count, enum directory_result result, struct span host,
                       struct span path, struct buf *out)
{
    struct span name = host_name(host);

    switch (result) {
    case DIRECTORY_NO_API:
        buf_printf(out, "the host is " SPAN_FMT ", and the APIs are ", SPAN_ARG(name));
        list_hosts(apis, count, out);
        break;
    case DIRECTORY_DISABLED:
        buf_append_str(out, "\"disableExecuteApiEndpoint\" is set, so the API is reached through its custom domains");
        break;
    case DIRECTORY_AMBIGUOUS:
        buf_printf(out, "the path is " SPAN_FMT ", and several APIs have that stage; the host tells them apart: ",
                   SPAN_ARG(path));
        list_hosts(apis, count, out);
        break;
    case DIRECTORY_NO_MAPPING: explain_mappings(apis, count, name, path, out); break;
    case DIRECTORY_FOUND: /* but the path goes on */
        if (owns_domain(apis, count, name)) {
            explain_mappings(apis, count, name, path, out);
            break;
        }
        /* fall through */
    case DIRECTORY_NO_STAGE:
        buf_printf(out, "the path is " SPAN_FMT ", and the one to connect to is ", SPAN_ARG(path));
        list_stages(apis, count, named_api(apis, count, name), out);
        break;
    }
}
