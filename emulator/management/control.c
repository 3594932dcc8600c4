/* control.c - see control.h. */
#include "management/control.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/response.h"
#include "management/duration.h"

#define PREFIX SPAN("/_apigw")
#define NS_PER_MS 1000000u

/* How long a step waits for what it has begun: in the time of the clock, which stands between two steps. */
#define SETTLE_MS_MAX 2000u
#define SETTLE_POLL_MS 1u

/* Timers that are fired before others have their turn. */
#define STEPS_PER_TURN 256u

/* So far the clock goes in all; beyond, years have more digits than AWS's times have room for. */
#define ADVANCED_MS_MAX (100u * DURATION_MS_MAX)

struct control {
    struct loop *loop;
    struct gateway *gateway;
    struct function_pool *pool;
    struct lambda *lambda;
    struct list moves; /* the first is under way */
    struct loop_deferred *deferred;
    struct loop_timer *poll;
    bool stopped;
};

/* How many invocations had been begun at some moment. */
struct begun {
    uint64_t by_gateway;
    uint64_t by_lambda;
};

/* One move of the clock, and who waits for it. */
struct move {
    struct list link;
    uint64_t left_ms;
    bool begun;
    bool settling;       /* a step was made; what it began may still run */
    struct begun before; /* that step */
    struct begun after;
    uint64_t settle_until_ms;
    management_answered_fn *on_answered;
    void *arg;
};

/* ---- answers ---- */

static void answer_message(unsigned status, struct span message, management_answered_fn *on_answered, void *arg)
{
    struct management_response answer = {.status = status, .has_content_type = true};

    response_write_message(&answer.body, message);
    on_answered(arg, &answer);
}

static void answer_stopping(management_answered_fn *on_answered, void *arg)
{
    answer_message(503, SPAN("the emulator is stopping"), on_answered, arg);
}

static void answer_clock(management_answered_fn *on_answered, void *arg)
{
    struct management_response answer = {.status = 200, .has_content_type = true};
    struct json_writer w = {.out = &answer.body};
    char now[CLOCK_ISO_SIZE];

    clock_format_iso(clock_wall_ms(), now);
    json_object_begin(&w);
    json_key(&w, "now");
    json_string(&w, span_of_str(now));
    json_key(&w, "advancedMs");
    json_int(&w, (int64_t)(clock_offset_ns() / NS_PER_MS));
    json_object_end(&w);
    on_answered(arg, &answer);
}

/* ---- moving the clock ---- */

static struct move *current(const struct control *control)
{
    struct list *first = list_first(&control->moves);
    return first ? LIST_ENTRY(first, struct move, link) : NULL;
}

static struct begun count_begun(const struct control *control)
{
    return (struct begun){gateway_invocations(control->gateway), lambda_invocations(control->lambda)};
}

static void begin(struct control *control, struct move *move)
{
    move->begun = true;
    move->after = count_begun(control);
    gateway_sample_pings(control->gateway);
    function_pool_sample(control->pool);
}

/* Does something run that the last step began? */
static bool is_unsettled(const struct control *control, const struct move *move)
{
    return clock_mono_ms() < move->settle_until_ms &&
           (gateway_is_busy_with(control->gateway, move->before.by_gateway, move->after.by_gateway) ||
            lambda_is_busy_with(control->lambda, move->before.by_lambda, move->after.by_lambda) ||
            function_pool_is_ending(control->pool));
}

static void step(struct control *control, struct move *move)
{
    loop_timer_stop(control->poll);
    move->before = move->after; /* done, or waited for long enough */
    move->left_ms = loop_advance_step(control->loop, move->left_ms);
    move->after = count_begun(control);
    move->settle_until_ms = clock_mono_ms() + SETTLE_MS_MAX;
    move->settling = true;
}

static void finish(struct control *control, struct move *move)
{
    list_remove(&move->link);
    answer_clock(move->on_answered, move->arg);
    free(move);
    if (current(control))
        loop_deferred_start(control->deferred);
}

/* Makes steps until one has begun something, or enough for a turn. */
static void go_on(void *arg)
{
    struct control *control = arg;
    struct move *move = current(control);

    if (!move)
        return;
    if (!move->begun)
        begin(control, move);
    for (unsigned i = 0; i < STEPS_PER_TURN; i++) {
        if (move->settling && is_unsettled(control, move)) {
            loop_timer_start(control->poll, SETTLE_POLL_MS);
            return;
        }
        if (move->settling && move->left_ms == 0) {
            finish(control, move);
            return;
        }
        step(control, move);
    }
    loop_deferred_start(control->deferred);
}

/* The next step fires timers, which this one's own callback should not. */
static void on_poll(void *arg)
{
    loop_deferred_start(((struct control *)arg)->deferred);
}

/* ---- requests ---- */

/* The number of milliseconds of "advance", or a text with a unit. -1: neither. */
static int read_advance(struct json_value value, uint64_t *ret_ms)
{
    struct span text;
    int64_t ms;

    if (value.type == JSON_STRING && json_string_plain(value, &text))
        return duration_parse(text, ret_ms);
    if (value.type != JSON_NUMBER || json_int_value(value, &ms) < 0 || ms < 0 || (uint64_t)ms > DURATION_MS_MAX)
        return -1;
    *ret_ms = (uint64_t)ms;
    return 0;
}

/* NULL, or what is wrong with the request. */
static const char *read_move(struct span body, uint64_t *ret_ms)
{
    struct json_value root, advance;
    struct json_error error;

    if (json_parse(body, &root, &error) < 0 || root.type != JSON_OBJECT)
        return "the body must be an object such as {\"advance\":\"10m\"}";
    if (!json_get(root, SPAN("advance"), &advance))
        return "\"advance\" is missing, as in {\"advance\":\"10m\"}";
    if (read_advance(advance, ret_ms) < 0)
        return "\"advance\" is a number of milliseconds, or a text such as \"500ms\", \"30s\", \"1.5m\", \"2h\" or "
               "\"1d\": a year at most, and the clock only goes forward";
    if (clock_offset_ns() / NS_PER_MS + *ret_ms > ADVANCED_MS_MAX)
        return "the clock can be moved by a hundred years in all";
    return NULL;
}

static void get_clock(struct control *control, struct span body, management_answered_fn *on_answered, void *arg)
{
    answer_clock(on_answered, arg);
}

static void post_clock(struct control *control, struct span body, management_answered_fn *on_answered, void *arg)
{
    uint64_t ms = 0;
    const char *wrong = read_move(body, &ms);
    struct move *move;

    if (control->stopped) {
        answer_stopping(on_answered, arg);
        return;
    }
    if (wrong) {
        answer_message(400, span_of_str(wrong), on_answered, arg);
        return;
    }
    log_info(LOG_NET, "the clock is moved forward by %llu ms", (unsigned long long)ms);
    move = mem_zalloc(sizeof(*move));
    move->left_ms = ms;
    move->on_answered = on_answered;
    move->arg = arg;
    list_append(&control->moves, &move->link);
    loop_deferred_start(control->deferred);
}

typedef void operation_fn(struct control *control, struct span body, management_answered_fn *on_answered, void *arg);

static const struct {
    struct span path;
    struct span method;
    operation_fn *operation;
} operations[] = {
    {{"/_apigw/clock", 13}, {"GET", 3}, get_clock},
    {{"/_apigw/clock", 13}, {"POST", 4}, post_clock},
};

bool control_owns(struct span path)
{
    return span_starts_with(path, PREFIX) && (path.len == PREFIX.len || path.ptr[PREFIX.len] == '/');
}

void control_handle(struct control *control, struct span method, struct span path, struct span body,
                    management_answered_fn *on_answered, void *arg)
{
    bool known = false;

    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (!span_equal(path, operations[i].path))
            continue;
        known = true;
        if (!span_equal(method, operations[i].method))
            continue;
        operations[i].operation(control, body, on_answered, arg);
        return;
    }
    if (known)
        answer_message(405, SPAN("/_apigw/clock takes GET and POST"), on_answered, arg);
    else
        answer_message(404, SPAN("there is /_apigw/clock, and nothing else under /_apigw"), on_answered, arg);
}

/* ---- life ---- */

struct control *control_new(struct loop *loop, struct gateway *gateway, struct function_pool *pool,
                            struct lambda *lambda)
{
    struct control *control = mem_zalloc(sizeof(*control));

    control->loop = loop;
    control->gateway = gateway;
    control->pool = pool;
    control->lambda = lambda;
    list_init(&control->moves);
    control->deferred = loop_deferred_new(loop, go_on, control);
    control->poll = loop_timer_new(loop, on_poll, control);
    return control;
}

void control_stop(struct control *control)
{
    struct move *move;

    control->stopped = true;
    while ((move = current(control))) {
        list_remove(&move->link);
        answer_stopping(move->on_answered, move->arg);
        free(move);
    }
}

void control_free(struct control *control)
{
    if (!control)
        return;
    control_stop(control);
    loop_deferred_free(control->deferred);
    loop_timer_free(control->poll);
    free(control);
}
