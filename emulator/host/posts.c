/* posts.c - see posts.h. */
#include "host/posts.h"

#include <stdlib.h>

/* What one frame makes the gateway send at most, if it is for more than one connection: it does nothing else meanwhile.
 */
#define FRAME_DELIVERS_MAX (1024u * 1024u)

static bool is_sane(struct apigw_span s)
{
    return s.ptr || s.len == 0;
}

static bool can_be_id(struct apigw_span id)
{
    return is_sane(id) && id.len <= CONNECTION_ID_MAX;
}

static size_t frame_posts_max(size_t data_len)
{
    size_t most = data_len > 0 ? FRAME_DELIVERS_MAX / data_len : PROTOCOL_POSTS_MAX;

    return most < 1 ? 1 : most > PROTOCOL_POSTS_MAX ? PROTOCOL_POSTS_MAX : most;
}

/* How many of the ids go into one frame: those up to one that is none. */
static size_t gather_ids(struct buf *out, const struct apigw_span *ids, size_t count, size_t most)
{
    size_t n = 0;

    buf_clear(out, SIZE_MAX);
    while (n < count && n < most && can_be_id(ids[n])) {
        const uint32_t len = (uint32_t)ids[n].len;

        buf_append(out, span_of((const char *)&len, sizeof(len)));
        buf_append(out, span_of(ids[n].ptr, ids[n].len));
        n++;
    }
    return n;
}

static bool answer_is_sane(const struct message *m, size_t count)
{
    struct protocol_call_result head;

    if (m->head.size != sizeof(head) + count * sizeof(int32_t))
        return false;
    memcpy(&head, m->bytes, sizeof(head));
    return head.result == APIGW_OK && head.post_count == count;
}

/* Counts what was sent. */
static size_t read_results(const struct message *m, size_t count, int *ret_results)
{
    size_t sent = 0;

    for (size_t i = 0; i < count; i++) {
        int32_t result;

        memcpy(&result, m->bytes + sizeof(struct protocol_call_result) + i * sizeof(result), sizeof(result));
        sent += result == APIGW_OK;
        if (ret_results)
            ret_results[i] = result;
    }
    return sent;
}

static size_t set_all(int result, size_t count, int *ret_results)
{
    for (size_t i = 0; ret_results && i < count; i++)
        ret_results[i] = result;
    return 0;
}

/* Posts to those in rt->ids, and waits for what became of it. */
static size_t send_frame(struct runtime *rt, size_t count, struct apigw_span data, int *ret_results)
{
    struct protocol_call head = {.op = CALL_POST_ALL,
                                 .id_len = (uint32_t)rt->ids.len,
                                 .data_len = (uint32_t)data.len,
                                 .id_count = (uint32_t)count};
    struct span parts[] = {span_of((char *)&head, sizeof(head)), buf_span(&rt->ids), span_of(data.ptr, data.len)};

    link_send(&rt->link, PROTOCOL_CALL, parts, 3);
    free(rt->call_result);
    rt->call_result = link_wait_call_result(&rt->link);
    return answer_is_sane(rt->call_result, count) ? read_results(rt->call_result, count, ret_results)
                                                  : set_all(APIGW_FAILED, count, ret_results);
}

size_t posts_send(struct runtime *rt, const struct apigw_span *ids, size_t count, struct apigw_span data,
                  int *ret_results)
{
    size_t sent = 0, done = 0;

    if (!is_sane(data) || !ids)
        return set_all(APIGW_BAD_REQUEST, count, ret_results);
    if (data.len > PROTOCOL_PAYLOAD_MAX)
        return set_all(APIGW_TOO_LARGE, count, ret_results);
    while (done < count) {
        size_t n = gather_ids(&rt->ids, ids + done, count - done, frame_posts_max(data.len));
        int *results = ret_results ? ret_results + done : NULL;

        if (n > 0)
            sent += send_frame(rt, n, data, results);
        else
            set_all(APIGW_BAD_REQUEST, n = 1, results);
        done += n;
    }
    return sent;
}
