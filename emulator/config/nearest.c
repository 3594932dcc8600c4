/* nearest.c - which of the known names was probably meant. */
#include <ctype.h>

#include "config/config.h"

#define NAME_BYTES_MAX 64 /* longer names are not compared */
#define NAMES_MAX 1000

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t min = a < b ? a : b;

    return min < c ? min : c;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many insertions, deletions, changes and swaps of neighbours make `a` from `b`, case ignored (optimal string
 * alignment). Both are at most NAME_BYTES_MAX long. */
static size_t distance(struct span a, struct span b)
{
    size_t rows[3][NAME_BYTES_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *oldest = before;

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + !same(a.ptr[i - 1], b.ptr[j - 1]));
            if (i > 1 && j > 1 && same(a.ptr[i - 1], b.ptr[j - 2]) && same(a.ptr[i - 2], b.ptr[j - 1]) &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        before = last;
        last = row;
        row = oldest;
    }
    return last[b.len];
}

const char *config_nearest(struct span name, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t least = (name.len + 2) / 3 + 1; /* one slip in three letters is still a slip */

    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return NULL;
    for (size_t i = 0; i < count && i < NAMES_MAX; i++) {
        struct span candidate = span_of_str(names[i]);
        size_t d;

        if (candidate.len > NAME_BYTES_MAX)
            continue;
        d = distance(name, candidate);
        if (d < least && d < candidate.len) {
            least = d;
            nearest = names[i];
        }
    }
    return nearest;
}
