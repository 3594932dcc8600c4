/* frame_head.c - see frame_head.h. */
#include "net/frame_head.h"

#include <stdint.h>

enum { OPCODE_CONTINUATION = 0, OPCODE_TEXT = 1, FIN = 0x80 };

/* Lengths up to the first are told in one byte; other values of it say how many bytes follow. */
#define LENGTH_IN_PLACE_MAX 125
#define LENGTH_IN_2_BYTES 126
#define LENGTH_IN_8_BYTES 127

static size_t put_big_endian(char *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (char)(uint8_t)(value >> (8 * (bytes - 1 - i)));
    return bytes;
}

size_t frame_head_write(char out[FRAME_HEAD_MAX], size_t len, bool first, bool last)
{
    out[0] = (char)(uint8_t)((first ? OPCODE_TEXT : OPCODE_CONTINUATION) | (last ? FIN : 0));
    if (len <= LENGTH_IN_PLACE_MAX) {
        out[1] = (char)len;
        return 2;
    }
    if (len <= UINT16_MAX) {
        out[1] = LENGTH_IN_2_BYTES;
        return 2 + put_big_endian(out + 2, len, 2);
    }
    out[1] = LENGTH_IN_8_BYTES;
    return 2 + put_big_endian(out + 2, len, 8);
}
