/* stage_functions.c - see stage_functions.h. */
#include "config/stage_functions.h"

#include "base/mem.h"
#include "config/checks.h"

#define OPENING "${"
#define VARIABLE SPAN("stageVariables.")

/* ---- texts with variables ---- */

static bool has_variables(const char *text)
{
    return strstr(text, OPENING);
}

/* One step through a text: a piece that stands for itself, or the name of a variable. */
struct piece {
    struct span literal;
    struct span variable; /* NULL ptr: a literal */
    size_t offset, len;   /* in the text */
};

/* The piece at `offset`, which is not at the end. -1: what begins with "${" there is no stage variable. */
static int next_piece(const char *text, size_t offset, struct piece *ret)
{
    const char *at = text + offset, *opening = strstr(at, OPENING), *closing;
    struct span inside;

    if (opening != at) {
        ret->literal = opening ? span_of(at, (size_t)(opening - at)) : span_of_str(at);
        ret->variable = span_of(NULL, 0);
        ret->offset = offset;
        ret->len = ret->literal.len;
        return 0;
    }
    closing = strchr(at, '}');
    ret->offset = offset;
    ret->len = closing ? (size_t)(closing - at) + 1 : strlen(at);
    inside = span_of(at + strlen(OPENING), ret->len - strlen(OPENING) - (closing ? 1 : 0));
    if (!closing || inside.len <= VARIABLE.len || !span_equal(span_of(inside.ptr, VARIABLE.len), VARIABLE))
        return -1;
    ret->variable = span_from(inside, VARIABLE.len);
    for (size_t i = 0; i < ret->variable.len; i++)
        if (!is_word_char(ret->variable.ptr[i]))
            return -1;
    return 0;
}

void stage_functions_check(struct reader *r, const struct node *n)
{
    const char *text = n->item->valuestring;
    struct piece piece;

    if (!has_variables(text)) {
        check_reference(r, n, &r->functions);
        return;
    }
    for (size_t offset = 0; text[offset]; offset += piece.len) {
        if (next_piece(text, offset, &piece) == 0)
            continue;
        reader_error(r, n, document_inside(&r->document, n, piece.offset, piece.len),
                     "only ${stageVariables.NAME} can stand in the name of a function");
        return;
    }
}

/* ---- what they are in a stage ---- */

static const struct config_variable *find_variable(const struct config_stage *stage, struct span name)
{
    for (size_t i = 0; i < stage->variables.count; i++)
        if (span_equal(span_of_str(stage->variables.items[i].name), name))
            return &stage->variables.items[i];
    return NULL;
}

/* The text with the stage's variables; -1 after reporting which it lacks. */
static int expand(struct reader *r, const struct node *n, const struct config_stage *stage, struct buf *out)
{
    const char *text = n->item->valuestring;
    struct piece piece;

    for (size_t offset = 0; text[offset] && next_piece(text, offset, &piece) == 0; offset += piece.len) {
        const struct config_variable *variable;

        if (!piece.variable.ptr) {
            buf_append(out, piece.literal);
            continue;
        }
        variable = find_variable(stage, piece.variable);
        if (!variable) {
            reader_error(r, n, document_inside(&r->document, n, piece.offset, piece.len),
                         "the stage \"%s\" has no variable " SPAN_FMT, stage->name, SPAN_ARG(piece.variable));
            return -1;
        }
        buf_append_str(out, variable->value);
    }
    return 0;
}

static void report_no_function(struct reader *r, const struct node *n, const struct config_stage *stage,
                               const char *name)
{
    const struct config *config = r->config;
    CLEANUP(free) const char **names = mem_alloc((config->function_count + 1) * sizeof(*names));
    CLEANUP(buf_fini) struct buf hint = {0};

    for (size_t i = 0; i < config->function_count; i++)
        names[i] = config->functions[i].name;
    reader_append_nearest(&hint, name, names, config->function_count);
    reader_error(r, n, document_value(&r->document, n),
                 "the stage \"%s\" makes it \"%s\", and no function has that name" SPAN_FMT, stage->name, name,
                 SPAN_ARG(buf_span(&hint)));
}

static const struct config_function *function_in(struct reader *r, const struct node *n,
                                                 const struct config_stage *stage)
{
    CLEANUP(buf_fini) struct buf name = {0};
    const struct config_function *function;

    if (expand(r, n, stage, &name) < 0)
        return NULL;
    function = find_referable(&r->functions, buf_terminate(&name));
    if (!function)
        report_no_function(r, n, stage, buf_terminate(&name));
    return function;
}

void stage_functions_resolve(struct reader *r, const struct node *root)
{
    struct config *config = r->config;
    struct node routes = node_member(root, "routes");

    for (size_t i = 0; i < config->stage_count; i++)
        config->stages[i].functions = mem_zalloc((config->route_count + 1) * sizeof(*config->stages[i].functions));
    for (struct node route = node_first(&routes); route.item; route = node_next(&route)) {
        struct node function = node_member(&route, "function");

        for (size_t i = 0; function.item && i < config->stage_count && !too_many_errors(r); i++)
            config->stages[i].functions[route.index] = function_in(r, &function, &config->stages[i]);
    }
}
