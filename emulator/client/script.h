/* script.h - the lines that are sent without a person: of standard input or a file, or texts of the command line. */
#ifndef CLIENT_SCRIPT_H
#define CLIENT_SCRIPT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

#define SCRIPT_LINE_MAX ((size_t)16 * 1024 * 1024)
#define SCRIPT_TEXTS_MAX 256u

enum script_got {
    SCRIPT_LINE,
    SCRIPT_WAIT, /* read more, when the descriptor is readable */
    SCRIPT_END,
    SCRIPT_FAILED,
};

struct script;

/* `path`: "-" is standard input. NULL with a sentence if it cannot be read. */
struct script *script_open(const char *path, struct buf *ret_error);
struct script *script_of_texts(const char *const *texts, size_t count);
void script_close(struct script *s);

/* What to wait for, or -1: there is always something, or nothing more. */
int script_descriptor(const struct script *s);

/* Reads what there is. */
void script_fill(struct script *s);

/* The next line, without its end; valid until the next call. Empty ones are left out. */
enum script_got script_next(struct script *s, struct span *ret_line);

/* What failed. */
const char *script_failure(struct script *s);

/* Of the line that was given last, from 1. */
size_t script_line_number(const struct script *s);

#endif
