/* fuzz_directory.c - a Host and a path: "HOST\nPATH" (gateway/directory.h). */
#include "base/mem.h"
#include "fuzz.h"
#include "gateway/directory.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct config_stage stages[] = {{.name = (char *)"dev"}, {.name = (char *)"prod"}};
static struct config_stage other_stages[] = {{.name = (char *)"dev"}, {.name = (char *)"beta"}};

static struct config_mapping mappings[] = {
    {(char *)"a.test", (char *)"", &stages[0]},
    {(char *)"a.test", (char *)"v1", &stages[1]},
    {(char *)"a.test", (char *)"v1/eu", &stages[0]},
};
static struct config_mapping other_mappings[] = {{(char *)"*.test", (char *)"v1", &other_stages[1]}};

static struct config configs[] = {
    {.refs = 1,
     .name = (char *)"a",
     .api_id = (char *)"aaaaaaaaaa",
     .region = (char *)"r-1",
     .stages = stages,
     .stage_count = COUNT(stages),
     .mappings = mappings,
     .mapping_count = COUNT(mappings)},
    {.refs = 1,
     .name = (char *)"b",
     .api_id = (char *)"bbbbbbbbbb",
     .region = (char *)"r-1",
     .stages = other_stages,
     .stage_count = COUNT(other_stages),
     .mappings = other_mappings,
     .mapping_count = COUNT(other_mappings)},
};

/* What is found is a stage of theirs, and the rest is the path's end, which a slash begins. */
static void check(const struct api *apis, const struct directory_place *place, struct span host, struct span path)
{
    CLEANUP(buf_fini) struct buf why = {0};

    assert((place->result == DIRECTORY_FOUND) == (place->stage != NULL));
    assert(fuzz_within(place->rest, path));
    if (place->rest.len && place->stage)
        assert(place->rest.ptr + place->rest.len == path.ptr + path.len);
    if (place->stage && !(place->mapped && place->rest.len == path.len))
        assert(!place->rest.len || place->rest.ptr[0] == '/');
    directory_explain(apis, COUNT(configs), place->result, host, path, &why);
    assert(why.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span path = span_of((const char *)data, size);
    const struct span host = fuzz_line(&path);
    struct api apis[COUNT(configs)];
    struct directory_place as_sent, decoded;

    for (size_t i = 0; i < COUNT(configs); i++)
        api_init(&apis[i], &configs[i]);
    as_sent = directory_find(apis, COUNT(configs), host, path, false);
    decoded = directory_find(apis, COUNT(configs), host, path, true);
    check(apis, &as_sent, host, path);
    check(apis, &decoded, host, path);
    if (!path.len || !memchr(path.ptr, '%', path.len)) /* there is nothing to decode */
        assert(as_sent.result == decoded.result && as_sent.stage == decoded.stage);
    if (as_sent.mapped || as_sent.result == DIRECTORY_NO_MAPPING)
        assert(directory_owns_host(apis, COUNT(configs), host));
    for (size_t i = 0; i < COUNT(configs); i++)
        api_fini(&apis[i]);
    return 0;
}
