/* stage.c - see stage.h. */
#include "gateway/stage.h"

#include <assert.h>

#include "base/mem.h"

static struct event_variable *borrow_variables(const struct config_variables *variables)
{
    struct event_variable *borrowed = mem_alloc((variables->count + 1) * sizeof(*borrowed));

    for (size_t i = 0; i < variables->count; i++) {
        borrowed[i].name = span_of_str(variables->items[i].name);
        borrowed[i].value = span_of_str(variables->items[i].value);
    }
    return borrowed;
}

static void stage_init(struct stage *stage, struct api *api, const struct config_stage *config)
{
    *stage = (struct stage){.api = api, .config = config, .variables = borrow_variables(&config->variables)};
    stage->event = (struct event_api){
        .api_id = span_of_str(api->config->api_id),
        .stage = span_of_str(config->name),
        .stage_variables = stage->variables,
        .stage_variable_count = config->variables.count,
    };
    route_rates_init(&stage->rates, api->config, config);
}

static void stage_fini(struct stage *stage)
{
    route_rates_fini(&stage->rates);
    free(stage->variables);
}

void api_init(struct api *api, struct config *config)
{
    *api = (struct api){
        .config = config_ref(config),
        .keys = api_keys_new(config),
        .stages = mem_alloc(config->stage_count * sizeof(struct stage)),
        .stage_count = config->stage_count,
    };
    for (size_t i = 0; i < api->stage_count; i++)
        stage_init(&api->stages[i], api, &config->stages[i]);
}

void api_fini(struct api *api)
{
    for (size_t i = 0; i < api->stage_count; i++)
        stage_fini(&api->stages[i]);
    free(api->stages);
    api_keys_free(api->keys);
    config_unref(api->config);
}

void api_reconfigure(struct api *api, struct config *config)
{
    struct config *old = api->config;

    assert(strcmp(old->api_id, config->api_id) == 0 && old->stage_count == config->stage_count);
    api->config = config_ref(config);
    api_keys_free(api->keys);
    api->keys = api_keys_new(config);
    for (size_t i = 0; i < api->stage_count; i++) {
        const struct config_stage *same = config_find_stage(config, span_of_str(api->stages[i].config->name));

        assert(same);
        stage_fini(&api->stages[i]);
        stage_init(&api->stages[i], api, same);
    }
    config_unref(old);
}

const struct config_function *stage_function(const struct stage *stage, const struct config_route *route)
{
    return config_stage_function(stage->api->config, stage->config, route);
}

void stage_describe(const struct stage *stage, struct buf *out)
{
    buf_printf(out, "%s/%s", stage->api->config->name, stage->config->name);
}
