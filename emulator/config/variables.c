/* variables.c - see variables.h. */
#include "config/variables.h"

#include "base/mem.h"

static void add_variable(struct config_variables *variables, const struct node *n)
{
    variables->items[variables->count++] = (struct config_variable){
        .name = mem_strdup(n->item->string),
        .value = mem_strdup(n->item->valuestring),
    };
}

void variables_read(struct reader *r, const struct node *object, size_t count, struct config_variables *variables,
                    bool (*check)(struct reader *r, const struct node *n))
{
    if (variables->items) /* a duplicate key, which was reported */
        return;
    variables->items = mem_zalloc(count * sizeof(*variables->items));
    for (struct node n = node_first(object); n.item && n.index < count; n = node_next(&n))
        if (reader_is_string(r, &n) && check(r, &n))
            add_variable(variables, &n);
}
