/* utf8.c - which bytes are valid UTF-8. */
#include "base/utf8.h"

#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define ASCII_MASK 0x8080808080808080u

/* What may follow a leading byte: the second byte's range says all about overlong forms, surrogates and the upper end
 * (RFC 3629, section 4); every further byte is 0x80 to 0xbf. */
struct lead {
    unsigned char first_min, first_max;
    unsigned char second_min, second_max;
    unsigned char len;
};

/* clang-format off */
static const struct lead leads[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};
/* clang-format on */

static bool in_range(unsigned char c, unsigned char min, unsigned char max)
{
    return c >= min && c <= max;
}

static bool follows(const struct lead *lead, const unsigned char *bytes)
{
    if (!in_range(bytes[1], lead->second_min, lead->second_max))
        return false;
    for (size_t i = 2; i < lead->len; i++)
        if (!in_range(bytes[i], 0x80, 0xbf))
            return false;
    return true;
}

size_t utf8_sequence(struct span s)
{
    const unsigned char *bytes = (const unsigned char *)s.ptr;

    if (!s.len)
        return 0;
    if (bytes[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(leads) / sizeof(*leads); i++)
        if (in_range(bytes[0], leads[i].first_min, leads[i].first_max))
            return s.len >= leads[i].len && follows(&leads[i], bytes) ? leads[i].len : 0;
    return 0;
}

/* How many bytes at the front are ASCII. Most texts are nothing else, so it moves in blocks. */
static size_t ascii_prefix(struct span s)
{
    size_t at = 0;

#ifdef __SSE2__
    for (; s.len - at >= 4 * sizeof(__m128i); at += 4 * sizeof(__m128i)) {
        const __m128i *block = (const __m128i *)(const void *)(s.ptr + at);
        const __m128i any = _mm_or_si128(_mm_or_si128(_mm_loadu_si128(block), _mm_loadu_si128(block + 1)),
                                         _mm_or_si128(_mm_loadu_si128(block + 2), _mm_loadu_si128(block + 3)));

        if (_mm_movemask_epi8(any))
            break;
    }
#endif
    for (uint64_t eight; s.len - at >= sizeof(eight); at += sizeof(eight)) {
        memcpy(&eight, s.ptr + at, sizeof(eight));
        if (eight & ASCII_MASK)
            break;
    }
    while (at < s.len && !((unsigned char)s.ptr[at] & 0x80))
        at++;
    return at;
}

size_t utf8_valid_prefix(struct span s)
{
    size_t at = ascii_prefix(s), len;

    while (at < s.len && (len = utf8_sequence(span_from(s, at)))) {
        at += len;
        if (at < s.len && !((unsigned char)s.ptr[at] & 0x80))
            at += ascii_prefix(span_from(s, at));
    }
    return at;
}
