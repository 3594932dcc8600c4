/* checks.h - what several tables check: characters, names, how many there are, what refers to what.
 *
 * Each reports what is wrong, at its place, and says whether it was right. */
#ifndef CONFIG_CHECKS_H
#define CONFIG_CHECKS_H

#include "config/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- characters ---- */

typedef bool char_class_fn(char c);

char_class_fn is_word_char;    /* letters, digits and '_' */
char_class_fn is_name_char;    /* and '-' */
char_class_fn is_visible_char; /* all but blanks and controls */

/* Where the first byte is that `allowed` refuses, or `text`'s length. */
size_t first_refused(const char *text, char_class_fn *allowed);

/* Checks the characters of a string value, and points at the first wrong one. `rule` says what there may be. */
bool check_characters(struct reader *r, const struct node *n, char_class_fn *allowed, const char *rule);

/* The same for the member's key, which also has a longest length. */
bool check_key(struct reader *r, const struct node *n, char_class_fn *allowed, size_t max, const char *rule);

/* A name of the user's own choice, as the member's key: 1 to 128 characters, no controls. */
bool check_free_name(struct reader *r, const struct node *n);

/* ---- counts and choices ---- */

/* How many members will be read; more than the limit are reported and left. */
size_t count_members(struct reader *r, const struct node *n, size_t max, const char *what);

bool is_one_of(const char *text, const char *const *names, size_t count);

/* Are there so many that looking for more, where that is expensive, tells nobody anything? */
bool too_many_errors(const struct reader *r);

/* Which of `choices` a string value is; -1 after reporting that it is none. */
int check_choice(struct reader *r, const struct node *n, const char *const *choices, size_t count);

/* ---- references ---- */

/* Says what can be referred to; `items` are structs of `size` bytes that begin with their name. */
void referable_init(struct referable *to, const void *items, size_t size, size_t count);

/* The item of that name, which counts as used from now on; NULL: there is none. */
const void *find_referable(struct referable *to, const char *name);

/* The one that a string value names; NULL after reporting that there is none. */
const void *check_reference(struct reader *r, const struct node *n, struct referable *to);

/* Its number. */
size_t referable_index(const struct referable *to, const void *item);

/* The same report for any name that is not there, at `where`. */
void report_dangling(struct reader *r, const struct node *n, struct range where, const char *name,
                     const struct referable *to);

/* A warning for each member of root's member `key` that nothing referred to. */
void warn_unused(struct reader *r, const struct node *root, const char *key, const struct referable *of,
                 const char *what);

/* ---- values that must differ ---- */

/* No two members of `object` may have the same string as their member `key`. */
void check_unique(struct reader *r, const struct node *object, const char *key);

#endif
