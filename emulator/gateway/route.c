/* route.c - the selection expression's value names the route; what has no route of its own goes to $default. */
#include "gateway/route.h"

#include <assert.h>

#include "gateway/rules.h"

#define DEFAULT_ROUTE SPAN("$default")
#define SCRATCH_KEEP_BYTES (16u * 1024u)
#define EXPLAIN_SELECTED_BYTES_MAX 128u
#define EXPLAIN_ROUTES_BYTES_MAX 512u

/* $connect, $disconnect and $default are not for clients to choose: such a key matches nothing (AWS reserves them and
 * does not say what happens), unless the rule is tuned. */
static bool is_reserved(struct span key)
{
    return span_starts_with(key, SPAN("$")) && rule_choice(RULE_RESERVED_ROUTE_KEY) == RESERVED_NO_MATCH;
}

static struct span null_text(void)
{
    return rule_choice(RULE_NULL_SELECTION) == NULL_EMPTY ? SPAN("") : SPAN("null");
}

struct route_choice route_select(const struct config *config, struct span body, struct buf *scratch)
{
    struct route_choice choice = {0};

    buf_clear(scratch, SCRATCH_KEEP_BYTES);
    choice.json = expression_evaluate(config->selection, body, null_text(), scratch) == EXPRESSION_OK;
    if (choice.json)
        choice.selected = buf_span(scratch);
    if (choice.selected.len > 0 && !is_reserved(choice.selected))
        choice.route = config_find_route(config, choice.selected);
    if (!choice.route)
        choice.route = config_find_route(config, DEFAULT_ROUTE);
    return choice;
}

/* The keys a client can choose. */
static size_t choosable_keys(const struct config *config, const char *ret_keys[CONFIG_ROUTES_MAX])
{
    size_t count = 0;

    assert(config->route_count <= CONFIG_ROUTES_MAX);
    for (size_t i = 0; i < config->route_count; i++)
        if (!is_reserved(span_of_str(config->routes[i].key)))
            ret_keys[count++] = config->routes[i].key;
    return count;
}

/* As many of them as fit a log line. */
static void append_keys(const char *const *keys, size_t count, struct buf *out)
{
    size_t start = out->len, i;

    for (i = 0; i < count && out->len - start < EXPLAIN_ROUTES_BYTES_MAX; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", keys[i]);
    if (i < count)
        buf_printf(out, " and %zu more", count - i);
    if (count == 0)
        buf_append_str(out, "none");
}

void route_explain(const struct config *config, const struct route_choice *choice, struct buf *out)
{
    const char *keys[CONFIG_ROUTES_MAX];
    struct span shown = choice->selected;
    size_t count = choosable_keys(config, keys);
    const char *nearest = config_nearest(choice->selected, keys, count);

    if (shown.len > EXPLAIN_SELECTED_BYTES_MAX)
        shown.len = EXPLAIN_SELECTED_BYTES_MAX;
    if (choice->json)
        buf_printf(out, "%s selected \"" SPAN_FMT "\"", config->route_selection_expression, SPAN_ARG(shown));
    else
        buf_append_str(out, "the message is not JSON");
    buf_append_str(out, " and there is no $default; routes: ");
    append_keys(keys, count, out);
    if (nearest)
        buf_printf(out, "; did you mean \"%s\"?", nearest);
}
