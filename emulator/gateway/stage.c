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

/* What is made of the configuration. */
static void stage_adopt(struct stage *stage, struct api *api, const struct config_stage *config)
{
    stage->api = api;
    stage->config = config;
    stage->variables = borrow_variables(&config->variables);
    stage->event = (struct event_api){
        .api_id = span_of_str(api->config->api_id),
        .stage = span_of_str(config->name),
        .stage_variables = stage->variables,
        .stage_variable_count = config->variables.count,
    };
    route_rates_init(&stage->rates, api->config, config);
}

static void stage_drop(struct stage *stage)
{
    route_rates_fini(&stage->rates);
    free(stage->variables);
}

void api_init(struct api *api, struct config *config)
{
    *api = (struct api){
        .config = config_ref(config),
        .keys = api_keys_new(config),
        .stages = mem_zalloc(config->stage_count * sizeof(struct stage)),
        .stage_count = config->stage_count,
    };
    for (size_t i = 0; i < api->stage_count; i++) {
        stage_adopt(&api->stages[i], api, &config->stages[i]);
        api->stages[i].metrics = metrics_new(config);
    }
}

void api_fini(struct api *api)
{
    for (size_t i = 0; i < api->stage_count; i++) {
        stage_drop(&api->stages[i]);
        metrics_free(api->stages[i].metrics);
        access_log_close(api->stages[i].access_log);
    }
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
        stage_drop(&api->stages[i]);
        stage_adopt(&api->stages[i], api, same);
        metrics_reconfigure(api->stages[i].metrics, config);
    }
    config_unref(old);
}

const struct config_function *stage_function(const struct stage *stage, const struct config_route *route)
{
    return config_stage_function(stage->api->config, stage->config, route);
}

int api_open_logs(struct api *api, struct access_logs *logs, struct buf *ret_error)
{
    int r = 0;

    for (size_t i = 0; i < api->stage_count; i++) {
        const struct config_access_log *config = &api->stages[i].config->access_log;
        CLEANUP(buf_fini) struct buf error = {0};
        struct access_log *log = config->set ? access_log_open(logs, config->path, &error) : NULL;

        access_log_close(api->stages[i].access_log);
        api->stages[i].access_log = log;
        if (error.len > 0 && r == 0)
            buf_append(ret_error, buf_span(&error));
        if (error.len > 0)
            r = -1;
    }
    return r;
}

struct metrics_route *stage_metrics(const struct stage *stage, const struct config *config,
                                    const struct config_route *route)
{
    if (route && config != stage->api->config)
        route = config_find_route(stage->api->config, span_of_str(route->key));
    return metrics_route(stage->metrics, route ? (size_t)(route - stage->api->config->routes) : METRICS_NO_ROUTE);
}

void stage_describe(const struct stage *stage, struct buf *out)
{
    buf_printf(out, "%s/%s", stage->api->config->name, stage->config->name);
}
