/* query.c - store_fetch: a walk along the primary key, from where a token says, past what does not match. */
#include "base/mem.h"
#include "store/conditions.h"
#include "store/store_private.h"
#include "store/token.h"

/* The smallest text that is not empty: groups begin behind the collection itself, which has an empty parent. */
#define FIRST_PARENT span_of("", 1)

struct walk {
    struct store *s;
    const struct store_query *query;
    struct conditions conditions;
    sqlite3_stmt *statement;
    uint64_t given;
    bool full;       /* one more than the limit was found */
    struct buf last; /* the id that was given last, and before it its parent's */
    size_t last_parent_len;
};

/* `room` keeps the place that a token names. */
static int begin_walk(struct walk *w, struct buf *room)
{
    const struct store_query *q = w->query;
    struct span parent = q->in.any_parent ? FIRST_PARENT : q->in.parent, from_parent, id = SPAN("");

    if (q->from.len && !token_read(q, room, &from_parent, &id))
        return store_refuse(w->s, APIGW_BAD_REQUEST, "that is no paging token of this query");
    if (q->from.len && q->in.any_parent)
        parent = from_parent;
    w->statement = database_begin(w->s, q->in.any_parent ? QUERY_GROUP : QUERY_COLLECTION,
                                  (struct span[]){q->in.collection, parent, q->in.sub, id}, 4);
    return w->statement ? APIGW_OK : APIGW_FAILED;
}

static void remember(struct walk *w, const struct store_row *row)
{
    buf_clear(&w->last, STORE_KEEP_BYTES);
    buf_append(&w->last, row->parent);
    buf_append(&w->last, row->id);
    w->last_parent_len = row->parent.len;
}

/* With the limit reached one more is looked for, so that the last page is known to be the last. */
static int visit(struct walk *w, store_row_fn *each, void *arg)
{
    const struct store_query *q = w->query;
    struct store_row row = {.id = database_text(w->statement, 0)};
    int r = store_check_stored(w->s, database_text(w->statement, 1), true, &row.content);

    if (r < 0 || !conditions_hold(&w->conditions, row.content))
        return r;
    if (q->limit && w->given == q->limit) {
        w->full = true;
        return APIGW_OK;
    }
    if (q->in.any_parent || q->in.sub.len)
        row.parent = q->in.any_parent ? database_text(w->statement, 2) : q->in.parent;
    if (q->limit && ++w->given == q->limit)
        remember(w, &row);
    return each(arg, &row);
}

static void write_next(const struct walk *w, struct buf *token)
{
    const struct span last = buf_span(&w->last);
    const struct span parent = span_of(last.ptr, w->query->in.any_parent ? w->last_parent_len : 0);

    token_write(token, w->query, parent, span_from(last, w->last_parent_len));
}

static int walk(struct walk *w, store_row_fn *each, void *arg)
{
    int visited = APIGW_OK, r = begin_walk(w, &w->s->place);

    if (r < 0)
        return r;
    while (visited == APIGW_OK && !w->full && sqlite3_step(w->statement) == SQLITE_ROW)
        visited = visit(w, each, arg);
    r = database_end(w->s, w->statement);
    return visited < 0 ? visited : r;
}

int store_fetch(struct store *s, const struct store_query *q, store_row_fn *each, void *arg, struct span *ret_next)
{
    struct walk w = {.s = s, .query = q};
    CLEANUP(buf_fini) struct buf wrong = {0};
    int r = store_check_place(s, &q->in);

    if (r == APIGW_OK && q->in.any_parent && q->in.sub.len == 0)
        r = store_check_name(s, "collection", q->in.sub);
    if (r < 0)
        return r;
    r = conditions_init(&w.conditions, q->where, q->where_count, &wrong);
    if (r < 0)
        store_refuse(s, r, SPAN_FMT, SPAN_ARG(buf_span(&wrong)));
    else
        r = walk(&w, each, arg);
    buf_clear(&s->token, STORE_KEEP_BYTES);
    if (r == APIGW_OK && w.full)
        write_next(&w, &s->token);
    if (r == APIGW_OK)
        *ret_next = buf_span(&s->token);
    conditions_fini(&w.conditions);
    buf_fini(&w.last);
    return r;
}
