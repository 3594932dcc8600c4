/* collections.c - apigw collections: what handlers have kept, for people and for programs. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/storage.h"
#include "store/services.h"

#define PAGE 256 /* documents or keys read at once: no reader stands in the way of writers for long */

/* What was asked for. */
struct request {
    const char *config_path;
    struct span name; /* empty: list what there is */
    struct span id;   /* empty: all of NAME */
    bool json;
    bool help;
};

struct printer {
    const struct store_reader *reader;
    struct store *store; /* NULL: nothing was kept yet */
    const struct request *request;
    struct buf listings; /* of store_list: its rows as `struct row` and their texts */
    struct buf line;
    struct buf out; /* of a page, until it has been read */
    uint64_t printed;
};

/* ---- lines ---- */

/* Is it a control character of 8 bits, U+0080 to U+009F in UTF-8? Terminals act on those too. */
static bool is_c1(struct span rest)
{
    return rest.len > 1 && (unsigned char)rest.ptr[0] == 0xc2 && (unsigned char)rest.ptr[1] < 0xa0;
}

/* JSON as it may be on one line of a terminal: no blanks between its parts, no control characters in its strings. */
static void append_line(struct buf *out, struct span json)
{
    bool in_string = false;

    for (size_t i = 0; i < json.len; i++) {
        const char c = json.ptr[i];

        if (!in_string && memchr(" \t\r\n", c, 4))
            continue;
        if (c == 0x7f || is_c1(span_from(json, i))) {
            buf_printf(out, "\\u%04x", c == 0x7f ? 0x7fu : (unsigned char)json.ptr[++i]);
            continue;
        }
        buf_append_char(out, c);
        if (c == '\\' && in_string && i + 1 < json.len)
            buf_append_char(out, json.ptr[++i]);
        else if (c == '"')
            in_string = !in_string;
    }
    buf_append_char(out, '\n');
}

static void put_text(struct json_writer *w, const char *key, struct span value)
{
    if (!value.len)
        return;
    json_key(w, key);
    json_string(w, value);
}

static void end_line(struct printer *p)
{
    append_line(&p->out, buf_span(&p->line));
    buf_clear(&p->line, STORE_CONTENT_MAX);
    p->printed++;
}

static void print_document(struct printer *p, struct span sub, const struct store_row *row)
{
    struct json_writer w = {.out = &p->line};

    json_object_begin(&w);
    put_text(&w, "parent", row->parent);
    put_text(&w, "collection", sub);
    put_text(&w, "id", row->id);
    json_key(&w, "content");
    json_raw(&w, row->content.raw);
    json_object_end(&w);
    end_line(p);
}

static void print_pair(struct printer *p, struct span key, struct json_value value)
{
    struct json_writer w = {.out = &p->line};

    json_object_begin(&w);
    put_text(&w, "key", key);
    json_key(&w, "value");
    json_raw(&w, value.raw);
    json_object_end(&w);
    end_line(p);
}

static void flush(struct printer *p)
{
    if (p->out.len)
        fwrite(p->out.ptr, 1, p->out.len, stdout);
    buf_clear(&p->out, STORE_CONTENT_MAX);
}

/* ---- what there is ---- */

/* A listing whose texts are in `listings` too. */
struct row {
    size_t name_len, sub_len;
    uint64_t count;
    bool is_kv;
};

static int keep_listing(void *arg, const struct store_listing *listing)
{
    struct printer *p = arg;
    const struct row row = {listing->name.len, listing->sub.len, listing->count, listing->is_kv};

    buf_append(&p->listings, span_of((const char *)&row, sizeof(row)));
    buf_append(&p->listings, listing->name);
    buf_append(&p->listings, listing->sub);
    return APIGW_OK;
}

/* The listing at *at, which is moved behind it. False at the end. */
static bool next_listing(const struct printer *p, size_t *at, struct store_listing *ret)
{
    struct row row;

    if (*at == p->listings.len)
        return false;
    memcpy(&row, p->listings.ptr + *at, sizeof(row));
    *at += sizeof(row);
    *ret = (struct store_listing){row.is_kv, span_of(p->listings.ptr + *at, row.name_len),
                                  span_of(p->listings.ptr + *at + row.name_len, row.sub_len), row.count};
    *at += row.name_len + row.sub_len;
    return true;
}

static const char *kind_of(const struct store_listing *listing)
{
    return listing->is_kv ? "key/value" : "collection";
}

/* "rooms", or "rooms/" and "*" and "/members" for what is under its documents; fit for a terminal. */
static void name_of(const struct store_listing *listing, struct buf *out)
{
    CLEANUP(buf_fini) struct buf name = {0};

    buf_clear(out, STORE_CONTENT_MAX);
    buf_append_char(&name, '"');
    json_escape(&name, listing->name);
    if (listing->sub.len)
        buf_append_str(&name, "/*/");
    json_escape(&name, listing->sub);
    buf_append_char(&name, '"');
    append_line(out, buf_span(&name));
    out->len -= 2; /* the newline and a quote; the other quote is dropped next */
    buf_consume(out, 1);
}

static void print_table(struct printer *p)
{
    CLEANUP(buf_fini) struct buf name = {0};
    struct store_listing listing;
    size_t width = strlen("NAME");

    for (size_t at = 0; next_listing(p, &at, &listing);) {
        name_of(&listing, &name);
        width = name.len > width ? name.len : width;
    }
    if (p->listings.len)
        printf("%-10s  %-*s  %10s\n", "KIND", (int)width, "NAME", "COUNT");
    for (size_t at = 0; next_listing(p, &at, &listing);) {
        name_of(&listing, &name);
        printf("%-10s  %-*s  %10" PRIu64 "\n", kind_of(&listing), (int)width, buf_terminate(&name), listing.count);
    }
}

static void print_json(struct printer *p)
{
    struct json_writer w = {.out = &p->line};
    struct store_listing listing;

    json_array_begin(&w);
    for (size_t at = 0; next_listing(p, &at, &listing);) {
        json_object_begin(&w);
        put_text(&w, "kind", span_of_str(kind_of(&listing)));
        put_text(&w, "name", listing.name);
        put_text(&w, "collection", listing.sub);
        json_key(&w, "count");
        json_int(&w, (int64_t)listing.count);
        json_object_end(&w);
    }
    json_array_end(&w);
    end_line(p);
    flush(p);
}

/* ---- documents ---- */

struct document_walk {
    struct printer *printer;
    struct span sub;
};

static int on_document(void *arg, const struct store_row *row)
{
    struct document_walk *walk = arg;

    print_document(walk->printer, walk->sub, row);
    return APIGW_OK;
}

/* All of a collection; with an id, what is under that document. */
static int print_documents(struct printer *p, struct span sub)
{
    struct document_walk walk = {p, sub};
    CLEANUP(buf_fini) struct buf token = {0};
    struct store_query query = {
        .in = {p->request->name, sub, p->request->id, sub.len && !p->request->id.len},
        .limit = PAGE,
    };
    struct span next;
    int r;

    do {
        r = p->reader->fetch(p->store, &query, on_document, &walk, &next);
        flush(p);
        if (r < 0)
            return r;
        buf_clear(&token, STORE_CONTENT_MAX);
        buf_append(&token, next);
        query.from = buf_span(&token);
    } while (next.len);
    return APIGW_OK;
}

static int print_one_document(struct printer *p)
{
    struct store_row row = {.id = p->request->id};
    int r = p->reader->get(p->store, &(struct store_place){.collection = p->request->name}, row.id, &row.content);

    if (r == APIGW_OK && row.content.raw.ptr)
        print_document(p, span_of(NULL, 0), &row);
    flush(p);
    return r;
}

/* ---- keys ---- */

static int print_key(struct printer *p, struct span key)
{
    struct json_value value;
    int r = p->reader->kv_get(p->store, p->request->name, key, &value);

    if (r == APIGW_OK && value.raw.ptr)
        print_pair(p, key, value);
    flush(p);
    return r;
}

struct keys {
    struct buf bytes;
    size_t ends[PAGE];
    size_t count;
};

static int keep_key(void *arg, struct span key)
{
    struct keys *keys = arg;

    buf_append(&keys->bytes, key);
    keys->ends[keys->count++] = keys->bytes.len;
    return APIGW_OK;
}

static struct span key_at(const struct keys *keys, size_t i)
{
    const size_t start = i ? keys->ends[i - 1] : 0;

    return span_of(keys->bytes.ptr + start, keys->ends[i] - start);
}

static int print_keys(struct printer *p)
{
    CLEANUP(buf_fini) struct buf last = {0};
    struct keys keys = {0};
    int r;

    do {
        keys.count = 0;
        buf_clear(&keys.bytes, STORE_CONTENT_MAX);
        r = p->reader->kv_keys(p->store, p->request->name, span_of(NULL, 0), buf_span(&last), PAGE, keep_key, &keys);
        for (size_t i = 0; i < keys.count && r == APIGW_OK; i++)
            r = print_key(p, key_at(&keys, i));
        buf_clear(&last, STORE_CONTENT_MAX);
        if (keys.count)
            buf_append(&last, key_at(&keys, keys.count - 1));
    } while (keys.count && r == APIGW_OK);
    buf_fini(&keys.bytes);
    return r;
}

/* ---- the command ---- */

static int print_listing(struct printer *p, const struct store_listing *listing)
{
    const bool one = p->request->id.len > 0;

    if (listing->is_kv)
        return one ? print_key(p, p->request->id) : print_keys(p);
    return one && !listing->sub.len ? print_one_document(p) : print_documents(p, listing->sub);
}

static int print_name(struct printer *p)
{
    struct store_listing listing;
    int r = APIGW_OK;

    for (size_t at = 0; r == APIGW_OK && next_listing(p, &at, &listing);)
        if (span_equal(listing.name, p->request->name))
            r = print_listing(p, &listing);
    return r;
}

/* What was asked for by its name and is not there. */
static int check_found(const struct printer *p)
{
    const struct request *request = p->request;

    if (p->printed || !request->name.len)
        return CLI_OK;
    if (request->id.len)
        fprintf(stderr, "apigw collections: there is no '%s' in '%s'\n", request->id.ptr, request->name.ptr);
    else
        fprintf(stderr, "apigw collections: nothing is kept under the name '%s'\n", request->name.ptr);
    return CLI_FAILED;
}

static int print_all(struct printer *p)
{
    int r = p->store ? p->reader->list(p->store, keep_listing, p) : APIGW_OK;

    if (r == APIGW_OK && p->request->name.len)
        r = print_name(p);
    else if (r == APIGW_OK)
        (p->request->json ? print_json : print_table)(p);
    if (r < 0) {
        fprintf(stderr, "apigw collections: " SPAN_FMT "\n", SPAN_ARG(p->reader->error(p->store)));
        return CLI_FAILED;
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "apigw collections: standard output: %s\n", strerror(errno));
        return CLI_FAILED;
    }
    return check_found(p);
}

/* Nothing is made by looking at it. */
static int open_store(struct printer *p)
{
    CLEANUP(free) char *path = storage_path(p->request->config_path);
    CLEANUP(buf_fini) struct buf error = {0};

    if (access(path, F_OK) < 0 && errno == ENOENT)
        return CLI_OK;
    p->reader = storage_reader();
    if (!p->reader)
        return CLI_FAILED;
    if (p->reader->open(path, &p->store, &error) == APIGW_OK)
        return CLI_OK;
    fprintf(stderr, "apigw collections: %s\n", buf_terminate(&error));
    return CLI_FAILED;
}

enum option_id { OPTION_FORMAT = 256, OPTION_HELP };

static const struct option long_options[] = {
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static int take_option(const struct cli_command *command, int id, char **argv, struct request *ret)
{
    switch (id) {
    case OPTION_HELP: ret->help = true; return CLI_OK;
    case OPTION_FORMAT:
        ret->json = strcmp(optarg, "json") == 0;
        if (ret->json || strcmp(optarg, "text") == 0)
            return CLI_OK;
        return cli_usage_error(command, "--format takes text or json, not '%s'", optarg);
    case ':': return cli_usage_error(command, "%s needs a value", argv[optind - 1]);
    default: return cli_usage_error(command, "there is no option '%s'", argv[optind - 1]);
    }
}

static bool is_config(const char *argument)
{
    const size_t len = strlen(argument);

    return len > 5 && strcmp(argument + len - 5, ".json") == 0;
}

static int take_arguments(const struct cli_command *command, int count, char **arguments, struct request *ret)
{
    const bool config = count > 0 && is_config(arguments[0]);

    if (config)
        ret->config_path = arguments[0];
    if (count > config + 2)
        return cli_usage_error(command, "'%s' is one argument too many", arguments[config + 2]);
    for (int i = config; i < count; i++)
        if (!*arguments[i])
            return cli_usage_error(command, "a name or an id is not empty");
    ret->name = span_of_str(count > config ? arguments[config] : NULL);
    ret->id = span_of_str(count > config + 1 ? arguments[config + 1] : NULL);
    if (!getenv(STORAGE_VARIABLE) && access(ret->config_path, R_OK) < 0)
        return cli_usage_error(command, "%s: %s", ret->config_path, strerror(errno));
    return CLI_OK;
}

static int parse(const struct cli_command *command, int argc, char **argv, struct request *ret)
{
    int id;

    *ret = (struct request){.config_path = "routes.json"};
    optind = 0;
    while ((id = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
        if (take_option(command, id, argv, ret) != CLI_OK)
            return CLI_USAGE;
    return ret->help ? CLI_OK : take_arguments(command, argc - optind, argv + optind, ret);
}

static int collections(const struct cli_command *self, int argc, char **argv)
{
    struct request request;
    struct printer printer = {.request = &request};
    int status = parse(self, argc, argv, &request);

    if (status == CLI_OK && request.help)
        fputs(self->help, stdout);
    if (status != CLI_OK || request.help)
        return status;
    status = open_store(&printer);
    if (status == CLI_OK)
        status = print_all(&printer);
    if (printer.store)
        printer.reader->close(printer.store);
    buf_fini(&printer.listings);
    buf_fini(&printer.line);
    buf_fini(&printer.out);
    return status;
}

const struct cli_command cli_collections = {
    .name = "collections",
    .summary = "show what handlers keep in collections and key/value stores",
    .help = "Usage: apigw collections [OPTION]... [CONFIG] [NAME [ID]]\n"
            "Lists the collections and key/value stores of the API that CONFIG (a name that\n"
            "ends in .json; default ./routes.json) describes, with the number of documents or\n"
            "keys in each. With NAME, prints its documents or keys, one JSON object on each\n"
            "line; with ID, that document and what is in the collections under it, or that\n"
            "key. It may be used while the API is served.\n"
            "\n"
            "      --format FORMAT  of the list: text (default) or json\n"
            "      --help           show this help\n"
            "\n"
            "They are in .apigw/store.db beside CONFIG, or where the environment variable\n"
            "APIGW_STORE says.\n"
            "\n"
            "Exit status: 0; 1 if there is no such name or id, or they cannot be read; 2 if the\n"
            "command line is wrong.\n",
    .run = collections,
};
