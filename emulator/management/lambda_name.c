/* lambda_name.c - takes a function's name apart at its colons, from the left: each part but the name may be missing. */
#include "management/lambda_name.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters, digits, and what is in `others`. */
static bool has_only(struct span text, const char *others)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_letter(text.ptr[i]) && !is_digit(text.ptr[i]) && !(text.ptr[i] && strchr(others, text.ptr[i])))
            return false;
    return text.len > 0;
}

/* us-east-1, us-gov-west-1 */
static bool is_region(struct span text)
{
    size_t dashes = 0;

    for (size_t i = 0; i < text.len; i++) {
        const bool last = i + 1 == text.len;

        dashes += text.ptr[i] == '-';
        if (last ? !is_digit(text.ptr[i]) : text.ptr[i] != '-' && !(text.ptr[i] >= 'a' && text.ptr[i] <= 'z'))
            return false;
    }
    return text.len > 5 && text.ptr[2] == '-' && text.ptr[text.len - 2] == '-' && (dashes == 2 || dashes == 3);
}

static bool is_account_id(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_digit(text.ptr[i]))
            return false;
    return text.len == 12;
}

static bool is_word_function(struct span text)
{
    return span_equal(text, SPAN("function"));
}

static bool is_partition(struct span text)
{
    return text.len == 0 || (span_starts_with(text, SPAN("aws")) && has_only(text, "-"));
}

bool lambda_name_is_qualifier(struct span text)
{
    return span_equal(text, SPAN("$LATEST")) || has_only(text, "-_");
}

/* The text before the next colon, which is taken off *rest; *rest has no pointer when nothing is left. */
static struct span take(struct span *rest)
{
    const struct span all = *rest;
    const char *colon = all.len > 0 ? memchr(all.ptr, ':', all.len) : NULL;

    *rest = colon ? span_from(all, (size_t)(colon - all.ptr) + 1) : span_of(NULL, 0);
    return span_of(all.ptr, colon ? (size_t)(colon - all.ptr) : all.len);
}

/* Takes the next part if it is such a one and something follows it. */
static struct span take_if(struct span *rest, bool (*is_such)(struct span))
{
    struct span after = *rest;
    const struct span part = take(&after);

    if (!after.ptr || !is_such(part))
        return span_of(NULL, 0);
    *rest = after;
    return part;
}

static bool take_arn(struct span *rest)
{
    if (!span_starts_with(*rest, SPAN("arn:")))
        return true;
    take(rest);
    return is_partition(take(rest)) && span_equal(take(rest), SPAN("lambda"));
}

bool lambda_name_parse(struct span text, struct lambda_name *ret)
{
    struct span rest = text;

    if (!take_arn(&rest))
        return false;
    ret->region = take_if(&rest, is_region);
    ret->account_id = take_if(&rest, is_account_id);
    take_if(&rest, is_word_function);
    ret->function = take(&rest);
    ret->qualifier = span_of(NULL, 0);
    if (!has_only(ret->function, "-_."))
        return false;
    if (!rest.ptr)
        return true;
    ret->qualifier = take(&rest);
    return !rest.ptr && lambda_name_is_qualifier(ret->qualifier);
}
