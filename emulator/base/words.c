/* words.c - see words.h. */
#include "base/words.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

void words_add(struct words *w, char *word)
{
    w->items = mem_realloc(w->items, (w->count + 2) * sizeof(*w->items));
    w->items[w->count++] = word;
    w->items[w->count] = NULL;
}

bool words_equal(const struct words *a, const struct words *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

void words_fini(struct words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->items[i]);
    free(w->items);
    *w = (struct words){0};
}

/* Appends what stands between `quote` and its like; returns what is behind that, or NULL: it does not end. */
static const char *take_quoted(const char *at, char quote, struct buf *word)
{
    for (; *at && *at != quote; at++) {
        if (quote == '"' && *at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        buf_append_char(word, *at);
    }
    return *at ? at + 1 : NULL;
}

static const char blanks[] = " \t\n";

/* Takes one word off `at`; returns what is behind it, or NULL and what is wrong. */
static const char *take_word(const char *at, struct buf *word, const char **ret_wrong)
{
    while (*at && !strchr(blanks, *at)) {
        char c = *at++;
        if (c == '\'' || c == '"') {
            *ret_wrong = "a quote is not closed";
            at = take_quoted(at, c, word);
        } else if (c == '\\' && !*at) {
            *ret_wrong = "there is nothing behind the last backslash";
            at = NULL;
        } else {
            buf_append_char(word, c == '\\' ? *at++ : c);
        }
        if (!at)
            return NULL;
    }
    return at;
}

int words_split(const char *text, struct words *ret, const char **ret_wrong)
{
    CLEANUP(words_fini) struct words words = {0};
    const char *at = text + strspn(text, blanks);

    while (*at) {
        CLEANUP(buf_fini) struct buf word = {0};
        at = take_word(at, &word, ret_wrong);
        if (!at)
            return -1;
        words_add(&words, mem_span_dup(buf_span(&word)));
        at += strspn(at, blanks);
    }
    *ret = words;
    words = (struct words){0};
    return 0;
}
