/* utf8.h - which bytes are valid UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/span.h"

/* U+FFFD, which stands for what could not be read. */
#define UTF8_REPLACEMENT SPAN("\xef\xbf\xbd")

/* Length of the valid sequence at the start of `s`: 1 to 4, or 0 if there is none. */
size_t utf8_sequence(struct span s);

/* Length of the longest valid start of `s`; all of it when `s` is valid. */
size_t utf8_valid_prefix(struct span s);

#endif
