/* together.c - what several configurations that one process serves may not disagree on. */
#include <stdarg.h>

#include "base/mem.h"
#include "config/config.h"

struct together {
    struct buf *out;
    size_t errors;
};

/* Of which none has one place: each names both files. */
static void report(struct together *t, const struct config *second, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void report(struct together *t, const struct config *second, const char *format, ...)
{
    va_list args;

    buf_printf(t->out, "%s: error: ", second->path);
    va_start(args, format);
    buf_vprintf(t->out, format, args);
    va_end(args);
    buf_append_char(t->out, '\n');
    t->errors++;
}

static void check_regions(struct together *t, const struct config *first, const struct config *second)
{
    if (strcmp(first->region, second->region) != 0)
        report(t, second, "/region: is %s, and that of %s is %s; one process serves one region", second->region,
               first->path, first->region);
}

static void check_ids(struct together *t, const struct config *first, const struct config *second)
{
    if (strcmp(first->api_id, second->api_id) != 0)
        return;
    if (strcmp(first->name, second->name) == 0)
        report(t, second, "%s is the API \"%s\" too; give one of them another \"name\", or \"apiId\"", first->path,
               first->name);
    else
        report(t, second, "%s has the id %s too; give one of them another \"apiId\"", first->path, first->api_id);
}

static void check_domains(struct together *t, const struct config *first, const struct config *second)
{
    for (size_t i = 0; i < first->mapping_count; i++) {
        for (size_t j = 0; j < second->mapping_count; j++) {
            const struct config_mapping *a = &first->mappings[i], *b = &second->mappings[j];

            if (strcmp(a->domain, b->domain) == 0 && strcmp(a->key, b->key) == 0)
                report(t, second, "/domains/%s: %s maps \"%s\" of this domain too", b->domain, first->path, b->key);
        }
    }
}

/* Functions are the account's: two APIs may share one, but there is one of a name. */
static void check_functions(struct together *t, const struct config *first, const struct config *second)
{
    for (size_t i = 0; i < first->function_count; i++) {
        for (size_t j = 0; j < second->function_count; j++) {
            const struct config_function *a = &first->functions[i], *b = &second->functions[j];

            if (strcmp(a->name, b->name) == 0 && !config_functions_equal(a, b))
                report(t, second,
                       "/functions/%s: %s has another function of this name; an account has one function of a name, "
                       "which APIs share if all of it is the same",
                       b->name, first->path);
        }
    }
}

static void check_rules(struct together *t, const struct config *first, const struct config *second)
{
    for (size_t i = 0; i < first->rule_count; i++) {
        const struct config_rule_setting *b = config_find_rule_setting(second, first->rules[i].id);

        if (b && !config_rule_settings_equal(&first->rules[i], b))
            report(t, second, "/rules/%s: %s sets this rule to something else; rules are those of all APIs", b->id,
                   first->path);
    }
}

static void append_count(struct buf *out, size_t errors)
{
    if (errors > 0)
        buf_printf(out, "%zu error%s\n", errors, errors == 1 ? "" : "s");
}

static void check_pair(struct together *t, const struct config *first, const struct config *second)
{
    if (strcmp(first->path, second->path) == 0) {
        report(t, second, "is given twice");
        return;
    }
    check_regions(t, first, second);
    check_ids(t, first, second);
    check_domains(t, first, second);
    check_functions(t, first, second);
    check_rules(t, first, second);
}

int config_check_together(struct config *const *configs, size_t count, struct buf *diagnostics)
{
    struct together t = {.out = diagnostics};

    for (size_t second = 1; second < count; second++)
        for (size_t first = 0; first < second; first++)
            check_pair(&t, configs[first], configs[second]);
    append_count(diagnostics, t.errors);
    return t.errors > 0 ? -1 : 0;
}
