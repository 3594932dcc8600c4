/* json_path.c - paths into a JSON value.
 *
 *   path   nothing, or a step and any number of further ones
 *   step   name, behind another step with a dot in front; or [index]; or ["name as a JSON string"]
 *   name   at least one byte but . and [
 *   index  decimal; below 0 it counts from the end */
#include "src/json_path.h"

#define SCRATCH_KEEP_BYTES (64u * 1024u)

struct step {
    bool is_index;
    int64_t index;
    struct span name;
};

/* ---- reading a path ---- */

/* Takes `c` off the path if it is next. */
static bool take(struct span *path, char c)
{
    if (path->len == 0 || path->ptr[0] != c)
        return false;
    *path = span_from(*path, 1);
    return true;
}

static bool read_name(struct span *path, struct step *ret)
{
    size_t len = 0;

    while (len < path->len && path->ptr[len] != '.' && path->ptr[len] != '[')
        len++;
    *ret = (struct step){.name = span_of(path->ptr, len)};
    *path = span_from(*path, len);
    return len > 0;
}

static bool read_quoted(struct span *path, struct buf *scratch, struct step *ret)
{
    struct json_value string;

    if (json_parse_first(*path, &string) < 0)
        return false;
    *path = span_from(*path, string.raw.len);
    *ret = (struct step){0};
    if (json_string_plain(string, &ret->name))
        return true;
    buf_clear(scratch, SCRATCH_KEEP_BYTES);
    json_unescape(string, scratch);
    ret->name = buf_span(scratch);
    return true;
}

static bool read_index(struct span *path, struct step *ret)
{
    struct json_value number;

    *ret = (struct step){.is_index = true};
    if (path->len == 0 || path->ptr[0] == ' ' || json_parse_first(*path, &number) < 0)
        return false;
    *path = span_from(*path, number.raw.len);
    return json_int_value(number, &ret->index) == 0;
}

static bool read_step(struct span *path, bool first, struct buf *scratch, struct step *ret)
{
    if (!take(path, '['))
        return (first || take(path, '.')) && read_name(path, ret);
    if (path->len && path->ptr[0] == '"')
        return read_quoted(path, scratch, ret) && take(path, ']');
    return read_index(path, ret) && take(path, ']');
}

/* ---- following it ---- */

static int64_t count_elements(struct json_value array)
{
    struct json_iter it;
    struct json_value element;
    struct span key;
    int64_t count = 0;

    json_iter_init(&it, array);
    while (json_iter_next(&it, &key, &element))
        count++;
    return count;
}

static bool find_element(struct json_value array, int64_t index, struct json_value *ret)
{
    struct json_iter it;
    struct span key;

    if (array.type != JSON_ARRAY)
        return false;
    if (index < 0)
        index += count_elements(array);
    json_iter_init(&it, array);
    while (index >= 0 && json_iter_next(&it, &key, ret))
        if (index-- == 0)
            return true;
    return false;
}

static bool follow(struct json_value from, const struct step *step, struct json_value *ret)
{
    return step->is_index ? find_element(from, step->index, ret) : json_get(from, step->name, ret);
}

enum json_path_result json_path_get(struct json_value from, struct span path, struct buf *scratch,
                                    struct json_value *ret)
{
    bool there = true;
    struct step step;

    for (bool first = true; path.len; first = false) {
        struct json_value found;

        if (!read_step(&path, first, scratch, &step))
            return JSON_PATH_WRONG;
        there = there && follow(from, &step, &found);
        if (there)
            from = found;
    }
    *ret = from;
    return there ? JSON_PATH_FOUND : JSON_PATH_ABSENT;
}
