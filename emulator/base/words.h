/* words.h - a command as a text, cut into words as a shell does it, but for everything that a shell puts in their
 * place: no variables, no patterns, no substitution.
 *
 * Blanks separate words. Between ' and ' all is literal; between " and " a backslash is needed before " and \;
 * elsewhere a backslash makes the next character literal. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
    char **items; /* items[count] is NULL; NULL: nothing was split */
    size_t count;
};

/* 0 and *ret, which may be of no words; or -1 with one sentence about `text` in *ret_wrong, a literal. */
int words_split(const char *text, struct words *ret, const char **ret_wrong);

/* Takes `word`. */
void words_add(struct words *w, char *word);

/* The same words in the same order? */
bool words_equal(const struct words *a, const struct words *b);

void words_fini(struct words *w);

static inline void words_fini_ptr(struct words *w)
{
    words_fini(w);
}

#endif
