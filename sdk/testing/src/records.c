/* records.c - what handlers have posted, closed and logged. */
#include "base/mem.h"
#include "testing/src/fake.h"

struct closed {
    char *connection_id;
};

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

/* ---- adding ---- */

void records_add_post(struct apigw_test *t, struct span id, struct span data, int result)
{
    struct apigw_test_post *post = rows_add(&t->posts, sizeof(*post));
    *post = (struct apigw_test_post){mem_span_dup(id), mem_span_dup(data), data.len, result};
}

void records_add_closed(struct apigw_test *t, struct span id)
{
    struct closed *closed = rows_add(&t->closed, sizeof(*closed));
    closed->connection_id = mem_span_dup(id);
}

void records_add_line(struct apigw_test *t, int level, struct span line)
{
    struct apigw_test_line *row = rows_add(&t->lines, sizeof(*row));
    *row = (struct apigw_test_line){(enum apigw_log_level)level, mem_span_dup(line)};
}

/* ---- forgetting ---- */

static void post_fini(void *row)
{
    struct apigw_test_post *post = row;
    free_text(post->connection_id);
    free_text(post->data);
}

static void closed_fini(void *row)
{
    struct closed *closed = row;
    free(closed->connection_id);
}

static void line_fini(void *row)
{
    struct apigw_test_line *line = row;
    free_text(line->text);
}

void apigw_test_forget(struct apigw_test *t)
{
    rows_clear(&t->posts, post_fini);
    rows_clear(&t->closed, closed_fini);
    rows_clear(&t->lines, line_fini);
}

/* ---- looking ---- */

static void *row_at(const struct rows *r, size_t index)
{
    return index < r->count ? r->items[index] : NULL;
}

size_t apigw_test_post_count(const struct apigw_test *t)
{
    return t->posts.count;
}

const struct apigw_test_post *apigw_test_post_at(const struct apigw_test *t, size_t index)
{
    return row_at(&t->posts, index);
}

/* The number `index` of those that this connection was sent; NULL if there are fewer, and *ret_count says how many. */
static const struct apigw_test_post *find_sent(const struct apigw_test *t, const char *connection_id, size_t index,
                                               size_t *ret_count)
{
    size_t count = 0;

    for (size_t i = 0; i < t->posts.count; i++) {
        const struct apigw_test_post *post = t->posts.items[i];

        if (post->result != APIGW_OK || strcmp(post->connection_id, connection_id) != 0)
            continue;
        if (count++ == index)
            return post;
    }
    *ret_count = count;
    return NULL;
}

size_t apigw_test_sent_count(const struct apigw_test *t, const char *connection_id)
{
    size_t count = 0;
    find_sent(t, connection_id, SIZE_MAX, &count);
    return count;
}

const char *apigw_test_sent(const struct apigw_test *t, const char *connection_id, size_t index)
{
    size_t count;
    const struct apigw_test_post *post = find_sent(t, connection_id, index, &count);
    return post ? post->data : NULL;
}

size_t apigw_test_closed_count(const struct apigw_test *t)
{
    return t->closed.count;
}

const char *apigw_test_closed(const struct apigw_test *t, size_t index)
{
    const struct closed *closed = row_at(&t->closed, index);
    return closed ? closed->connection_id : NULL;
}

int apigw_test_is_closed(const struct apigw_test *t, const char *connection_id)
{
    for (size_t i = 0; i < t->closed.count; i++)
        if (strcmp(apigw_test_closed(t, i), connection_id) == 0)
            return 1;
    return 0;
}

size_t apigw_test_line_count(const struct apigw_test *t)
{
    return t->lines.count;
}

const struct apigw_test_line *apigw_test_line_at(const struct apigw_test *t, size_t index)
{
    return row_at(&t->lines, index);
}

int apigw_test_logged(const struct apigw_test *t, const char *part)
{
    for (size_t i = 0; i < t->lines.count; i++)
        if (strstr(apigw_test_line_at(t, i)->text, part))
            return 1;
    return 0;
}
