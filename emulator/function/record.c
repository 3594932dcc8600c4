/* record.c - what a function has done, counted, and what of it does not work at present. For inspection alone: nothing
 * is decided by it. */
#include "base/mem.h"
#include "function/pool.h"

/* What an error says may be as long as a plugin likes. */
#define FAILURE_BYTES_MAX 512

void record_init(struct function *f)
{
    f->unsettled = f->config->provisioned > 0;
    f->provisioned_up = f->config->provisioned == 0;
}

void record_fini(struct function *f)
{
    free(f->start_failure);
    free(f->renewal_failure);
}

/* ---- counts ---- */

static bool was_run(enum invocation_outcome outcome)
{
    return outcome == INVOCATION_RESULT || outcome == INVOCATION_RESULT_JSON || outcome == INVOCATION_ERROR ||
           outcome == INVOCATION_TIMED_OUT;
}

static void count_duration(struct function_counts *counts, const struct invocation *inv)
{
    counts->timed++;
    counts->duration_ns += inv->duration_ns;
    if (inv->duration_ns > counts->duration_max_ns)
        counts->duration_max_ns = inv->duration_ns;
    counts->cold_starts += inv->init_ns > 0;
}

void record_invocation(struct function *f, const struct invocation *inv, enum invocation_outcome outcome)
{
    struct function_counts *counts = &f->counts;

    if (outcome == INVOCATION_STOPPED)
        return;
    if (outcome == INVOCATION_THROTTLED) {
        counts->throttles++;
        return;
    }
    counts->invocations++;
    counts->errors += outcome != INVOCATION_RESULT && outcome != INVOCATION_RESULT_JSON;
    counts->timeouts += outcome == INVOCATION_TIMED_OUT;
    if (was_run(outcome))
        count_duration(counts, inv);
}

/* ---- what does not work ---- */

static void set(char **failure, struct span error_type, struct span message)
{
    if (message.len > FAILURE_BYTES_MAX)
        message.len = FAILURE_BYTES_MAX;
    free(*failure);
    *failure = mem_printf(SPAN_FMT ": " SPAN_FMT, SPAN_ARG(error_type), SPAN_ARG(message));
}

void record_start_failure(struct function *f, struct span error_type, struct span message)
{
    set(&f->start_failure, error_type, message);
    f->unsettled = true;
}

size_t record_provisioned_ready(const struct function *f)
{
    size_t count = 0;

    for (unsigned s = ENVIRONMENT_IDLE; s <= ENVIRONMENT_SLOW; s++) {
        const struct list *head = &f->environments[s].list;

        for (const struct list *node = head->next; node != head; node = node->next)
            count += LIST_ENTRY(node, const struct environment, link)->setup.provisioned;
    }
    return count;
}

void record_room(struct function *f)
{
    if (!f->unsettled)
        return;
    free(TAKE(f->start_failure));
    f->provisioned_up = f->provisioned_up || record_provisioned_ready(f) >= f->config->provisioned;
    f->unsettled = !f->provisioned_up;
}

void record_renewal_failure(struct function *f, struct span error_type, struct span message)
{
    set(&f->renewal_failure, error_type, message);
}

void record_renewed(struct function *f)
{
    free(TAKE(f->renewal_failure));
}

void record_plugin_changed(struct function *f)
{
    free(TAKE(f->start_failure));
    free(TAKE(f->renewal_failure));
}
