/* access.c - see access.h. */
#include "config/access.h"

#include "base/mem.h"
#include "config/checks.h"

#define DESTINATION_MAX_CHARS 4095 /* Linux: PATH_MAX with its terminator */
#define STANDARD_OUTPUT "stdout"

/* ---- destination ---- */

/* From where plugins are looked for, too. */
static char *path_of(const struct reader *r, const char *destination)
{
    if (destination[0] == '/' || strcmp(r->plugins.config_dir, ".") == 0)
        return mem_strdup(destination);
    return mem_printf("%s/%s", r->plugins.config_dir, destination);
}

static void read_destination(struct reader *r, const struct node *n, void *target)
{
    struct config_access_log *log = target;
    const char *text = n->item->valuestring;

    if (strncmp(text, "arn:", 4) == 0) {
        reader_error(r, n, document_value(&r->document, n),
                     "there is no CloudWatch and no Firehose here; the destination is a file, or \"stdout\"");
        return;
    }
    free(log->path); /* of a duplicate key, which was reported */
    log->path = strcmp(text, STANDARD_OUTPUT) == 0 ? NULL : path_of(r, text);
}

/* ---- format ---- */

static void warn_unknown(struct reader *r, const struct node *n, const struct access_token *token)
{
    const char *nearest = access_format_nearest(token->text);
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, "$context.");
    diagnostics_append(&text, token->text);
    buf_append_str(&text, " is no variable of WebSocket APIs, and prints \"-\"");
    if (nearest)
        buf_printf(&text, "; did you mean $context.%s?", nearest);
    reader_warn(r, n, document_inside(&r->document, n, token->offset, token->len), SPAN_FMT, SPAN_ARG(buf_span(&text)));
}

static void check_format(struct reader *r, const struct node *n, const struct access_format *format)
{
    if (strlen(n->item->valuestring) > ACCESS_FORMAT_BYTES_MAX)
        reader_error(r, n, document_value(&r->document, n), "has %zu bytes; AWS's limit is %d (3 KB)",
                     strlen(n->item->valuestring), ACCESS_FORMAT_BYTES_MAX);
    if (!access_format_has_request_id(format))
        reader_error(r, n, document_value(&r->document, n),
                     "AWS takes no format without $context.requestId or $context.extendedRequestId");
    if (format->breaks > 0)
        reader_warn(r, n, document_value(&r->document, n),
                    "AWS takes a format of one line alone; its line breaks are left out here");
    for (size_t i = 0; i < format->count; i++)
        if (format->tokens[i].variable == ACCESS_UNKNOWN)
            warn_unknown(r, n, &format->tokens[i]);
}

static void read_format(struct reader *r, const struct node *n, void *target)
{
    struct config_access_log *log = target;

    access_format_free(log->format); /* of a duplicate key, which was reported */
    log->format = access_format_compile(span_of_str(n->item->valuestring));
    check_format(r, n, log->format);
}

/* clang-format off */
static const struct field fields[] = {
    {.key = "destination", .type = FIELD_STRING, .required = true, .offset = FIELD_NOWHERE,
     .min = 1, .max = DESTINATION_MAX_CHARS, .limit = "", .read = read_destination},
    {.key = "format", .type = FIELD_STRING, .offset = FIELD_NOWHERE,
     .min = 1, .max = ACCESS_FORMAT_BYTES_MAX, .limit = " (as on AWS)", .read = read_format},
};
/* clang-format on */

void access_read(struct reader *r, const struct node *object, void *target)
{
    struct config_access_log *log = &((struct config_stage *)target)->access_log;

    reader_fields(r, object, fields, COUNT(fields), log);
    log->set = true;
    if (!log->format)
        log->format = access_format_compile(SPAN(ACCESS_FORMAT_DEFAULT));
}

void access_fini(struct config_access_log *log)
{
    free(log->path);
    access_format_free(log->format);
}
