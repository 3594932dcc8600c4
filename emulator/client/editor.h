/* editor.h - the line that a person types, and the lines of before: libedit, driven by poll(2).
 *
 * It has the terminal from editor_new to editor_free. What is to be printed meanwhile goes between editor_hide and
 * editor_show. There is one. */
#ifndef CLIENT_EDITOR_H
#define CLIENT_EDITOR_H

#include <stdbool.h>

#define EDITOR_LINE_MAX ((size_t)1024 * 1024)

enum editor_event {
    EDITOR_NOTHING, /* the line is not complete */
    EDITOR_LINE,
    EDITOR_TOO_LONG, /* it was over EDITOR_LINE_MAX, and is gone */
    EDITOR_END,      /* Ctrl-D on an empty line, or the terminal is gone */
};

struct editor;

/* Can standard input and output be edited on: terminals, of a kind that can move its cursor? */
bool editor_is_possible(void);

/* `names` are completed at the beginning of a line; NULL terminated. */
struct editor *editor_new(const char *prompt, const char *const *names);
void editor_free(struct editor *e);

/* Takes keys, when standard input is readable. *ret_line is valid until the next call, and the line is no longer on the
 * screen then. */
enum editor_event editor_read(struct editor *e, const char **ret_line);

/* Keys that were read and not taken yet: call editor_read without waiting. */
bool editor_has_more(const struct editor *e);

void editor_hide(struct editor *e);
void editor_show(struct editor *e);

/* After SIGWINCH, and after SIGCONT. */
void editor_resize(struct editor *e);

/* Columns of the terminal. */
unsigned editor_width(void);

#endif
