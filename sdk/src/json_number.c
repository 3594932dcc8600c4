/* json_number.c - what the text of a JSON number says. */
#include "src/json_number.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#define SCRATCH_KEEP_BYTES (64u * 1024u)

int json_number_double(struct json_value number, struct buf *scratch, double *ret)
{
    /* The C library has this one ready; a plugin may have chosen one with a decimal comma for itself. */
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value;

    if (!c)
        return -1;
    buf_clear(scratch, SCRATCH_KEEP_BYTES);
    buf_append(scratch, number.raw);
    value = strtod_l(buf_terminate(scratch), NULL, c);
    freelocale(c);
    if (!isfinite(value))
        return -1;
    *ret = value;
    return 0;
}

/* ---- whole numbers ---- */

/* Over every power of ten that could bring digits back into range, whatever the length of the text. */
#define EXPONENT_MAX (INT64_MAX / 4)

/* The number is digits * 10^exponent. */
struct decimal {
    bool negative;
    struct span whole;
    struct span fraction;
    int64_t exponent;
};

static struct span take_digits(struct span *text)
{
    size_t len = 0;

    while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9')
        len++;
    *text = span_from(*text, len);
    return span_of(text->ptr - len, len);
}

static bool take(struct span *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = span_from(*text, 1);
    return true;
}

static int64_t read_exponent(struct span text)
{
    const bool negative = take(&text, '-');
    int64_t exponent = 0;

    take(&text, '+');
    for (size_t i = 0; i < text.len && exponent < EXPONENT_MAX / 10; i++)
        exponent = exponent * 10 + (text.ptr[i] - '0');
    return negative ? -exponent : exponent;
}

/* `text` is a number that json_parse has accepted. */
static struct decimal read_decimal(struct span text)
{
    struct decimal d = {.negative = take(&text, '-')};

    d.whole = take_digits(&text);
    d.fraction = take(&text, '.') ? take_digits(&text) : span_of(text.ptr, 0);
    if (take(&text, 'e') || take(&text, 'E'))
        d.exponent = read_exponent(text);
    d.exponent -= (int64_t)d.fraction.len;
    return d;
}

static size_t digit_count(const struct decimal *d)
{
    return d->whole.len + d->fraction.len;
}

static unsigned digit_at(const struct decimal *d, size_t i)
{
    return (unsigned)((i < d->whole.len ? d->whole.ptr[i] : d->fraction.ptr[i - d->whole.len]) - '0');
}

/* *magnitude * 10 + digit, unless that is over `max`. */
static bool push_digit(uint64_t *magnitude, unsigned digit, uint64_t max)
{
    if (*magnitude > (max - digit) / 10)
        return false;
    *magnitude = *magnitude * 10 + digit;
    return true;
}

int json_number_integer(struct json_value number, int64_t *ret)
{
    const struct decimal d = read_decimal(number.raw);
    const uint64_t max = (uint64_t)INT64_MAX + d.negative;
    size_t end = digit_count(&d);
    int64_t exponent = d.exponent;
    uint64_t magnitude = 0;

    for (; end > 0 && digit_at(&d, end - 1) == 0; end--)
        exponent++;
    if (end > 0 && exponent < 0)
        return -1;
    for (size_t i = 0; i < end; i++)
        if (!push_digit(&magnitude, digit_at(&d, i), max))
            return -1;
    for (; magnitude > 0 && exponent > 0; exponent--)
        if (!push_digit(&magnitude, 0, max))
            return -1;
    *ret = d.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 0;
}
