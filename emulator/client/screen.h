/* screen.h - what a person or a script is shown of a conversation.
 *
 * For a person (an editor): all goes to standard output above the line that is being typed, with the time, `<` in front
 * of what was received and `>` in front of what was sent; JSON is laid out, long messages are cut, nothing of a message
 * reaches the terminal but what is printable. For a script: messages go to standard output, each on one line, and
 * everything else to standard error. */
#ifndef CLIENT_SCREEN_H
#define CLIENT_SCREEN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"
#include "client/editor.h"

enum screen_colour { SCREEN_COLOUR_AUTO, SCREEN_COLOUR_ALWAYS, SCREEN_COLOUR_NEVER };

struct screen {
    struct editor *editor; /* NULL: a script */
    bool colour;           /* see screen_wants_colour */
    bool timestamps;
    bool pretty;         /* of a script: JSON is laid out */
    bool full;           /* nothing is cut */
    bool nul;            /* of a script: messages are as they came, with a NUL behind each */
    bool output_is_lost; /* standard output takes no more */
};

bool screen_wants_colour(enum screen_colour wish);

void screen_received(struct screen *s, struct span message, bool binary);
void screen_sent(struct screen *s, struct span message);

/* What is no message: "Connected …". Bytes of others in it do no harm. */
void screen_note(struct screen *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A mistake, or bad news. */
void screen_error(struct screen *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
