/* invocation.c - makes the block that holds an invocation, and ends it. */
#include "function/invocation.h"

#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "event/id.h"

_Static_assert(sizeof(struct invocation_head) == sizeof(struct protocol_frame) + sizeof(struct protocol_invoke),
               "the head is the frame's own bytes");
_Static_assert(offsetof(struct invocation, fields) ==
                   offsetof(struct invocation, head) + sizeof(struct invocation_head),
               "the fields follow the head without a gap");

/* ---- blocks ----
 * A few of the size that most have are used again and again: the allocator is quick with what is smaller only. */

#define KEPT_ROOM 4096
#ifdef __SANITIZE_ADDRESS__
#define KEPT_MAX 0 /* it is to see who uses what was freed */
#else
#define KEPT_MAX 64
#endif

static struct {
    struct invocation *unused[KEPT_MAX + 1];
    unsigned unused_count;
    unsigned count; /* those in use, too */
} kept;

/* `is_kept` is set, and nothing else. */
static struct invocation *block_new(size_t field_bytes)
{
    struct invocation *block;

    if (field_bytes > KEPT_ROOM || (kept.unused_count == 0 && kept.count == KEPT_MAX)) {
        block = mem_alloc(sizeof(*block) + field_bytes);
        block->is_kept = false;
        return block;
    }
    if (kept.unused_count > 0)
        return kept.unused[--kept.unused_count];
    block = mem_alloc(sizeof(*block) + KEPT_ROOM);
    block->is_kept = true;
    kept.count++;
    return block;
}

static void block_free(struct invocation *block)
{
    if (block->is_kept)
        kept.unused[kept.unused_count++] = block;
    else
        free(block);
}

/* ---- making ---- */

/* 0: they do not fit in a frame. */
static size_t measure_fields(const struct invocation_request *request)
{
    size_t total = UUID_LEN;

    for (unsigned i = FIELD_AWS_REQUEST_ID + 1; i < FIELD_COUNT; i++) {
        if (request->fields[i].len > PROTOCOL_FRAME_MAX)
            return 0;
        total += request->fields[i].len;
    }
    return total <= PROTOCOL_FRAME_MAX - sizeof(struct protocol_invoke) ? total : 0;
}

static void copy_fields(struct invocation *inv, const struct invocation_request *request)
{
    uint32_t *lengths = inv->head.invoke.field_len;
    char *at = inv->fields;
    char id[UUID_SIZE];

    if (request->fields[FIELD_AWS_REQUEST_ID].len == UUID_LEN) {
        memcpy(at, request->fields[FIELD_AWS_REQUEST_ID].ptr, UUID_LEN);
    } else {
        id_new_uuid(id);
        memcpy(at, id, UUID_LEN);
    }
    lengths[FIELD_AWS_REQUEST_ID] = UUID_LEN;
    at += UUID_LEN;
    for (unsigned i = FIELD_AWS_REQUEST_ID + 1; i < FIELD_COUNT; i++) {
        struct span field = request->fields[i];
        if (field.len > 0)
            memcpy(at, field.ptr, field.len);
        lengths[i] = (uint32_t)field.len;
        at += field.len;
    }
}

struct invocation *invocation_new(const struct config_function *config, const struct invocation_request *request,
                                  invocation_done_fn *on_done, void *arg)
{
    size_t field_bytes = measure_fields(request);
    struct invocation *inv;

    static_assert(FIELD_AWS_REQUEST_ID == 0, "it is filled in first");
    if (field_bytes == 0)
        return NULL;
    inv = block_new(field_bytes);
    *inv = (struct invocation){
        .is_kept = inv->is_kept,
        .config = config,
        .on_done = on_done,
        .arg = arg,
        .queued_ns = clock_mono_ns(),
        .log_tail = request->wants_log_tail ? log_tail_new() : NULL,
        .field_bytes = field_bytes,
        .head.frame = {PROTOCOL_INVOKE, (uint32_t)(sizeof(struct protocol_invoke) + field_bytes)},
        .head.invoke =
            {
                .connected_at_ms = request->connected_at_ms,
                .request_time_ms = request->request_time_ms,
                .timeout_ms = config->timeout_ms,
                .event_type = request->event_type,
                .disconnect_status_code = request->disconnect_status_code,
            },
    };
    list_init(&inv->link);
    copy_fields(inv, request);
    return inv;
}

void invocation_set_config(struct invocation *inv, const struct config_function *config)
{
    inv->config = config;
    inv->head.invoke.timeout_ms = config->timeout_ms;
}

void invocation_free(struct invocation *inv)
{
    if (!inv)
        return;
    list_remove(&inv->link);
    log_tail_free(inv->log_tail);
    free(inv->error_type);
    free(inv->error_message);
    block_free(inv);
}

struct span invocation_frame(const struct invocation *inv)
{
    return span_of((const char *)&inv->head, sizeof(inv->head) + inv->field_bytes);
}

struct span invocation_request_id(const struct invocation *inv)
{
    return span_of(inv->fields, UUID_LEN);
}

void invocation_note_line(struct invocation *inv, struct span line)
{
    if (inv && inv->log_tail)
        log_tail_add(inv->log_tail, line);
}

void invocation_answer(struct invocation *inv, const struct invocation_result *result)
{
    struct invocation_result whole = *result;

    whole.request_id = invocation_request_id(inv);
    if (inv->log_tail)
        whole.log_tail = log_tail_get(inv->log_tail);
    whole.duration_ns = inv->duration_ns;
    whole.init_ns = inv->init_ns;
    whole.memory_max_kb = inv->memory_max_kb;
    inv->on_done(inv->arg, &whole);
    invocation_free(inv);
}

void invocation_fail(struct invocation *inv, enum invocation_outcome outcome, struct span error_type,
                     struct span message)
{
    assert(!inv->error_message);
    inv->outcome = outcome;
    inv->error_type = mem_span_dup(error_type);
    if (outcome == INVOCATION_ERROR || outcome == INVOCATION_TIMED_OUT)
        inv->error_message = mem_printf("RequestId: " SPAN_FMT " Error: " SPAN_FMT,
                                        SPAN_ARG(invocation_request_id(inv)), SPAN_ARG(message));
    else
        inv->error_message = mem_span_dup(message);
}

void invocation_end(struct invocation *inv)
{
    const struct invocation_result result = {
        .outcome = inv->outcome,
        .error_type = span_of_str(inv->error_type),
        .error_message = span_of_str(inv->error_message),
    };

    assert(inv->error_message);
    invocation_answer(inv, &result);
}
