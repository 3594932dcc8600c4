/* test_store.c - collections and key/value: queries, permissions and limits, and what becomes of the file when others
 * write to it, when a process is killed, and when it is not ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/services.h"

/* Last: it has a macro with the name of one of the host's functions. */
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct apigw_collection all_rights =
    APIGW_COLLECTION("things", APIGW_READING | APIGW_WRITING | APIGW_DELETING);

/* ---- a folder, a store in it, and a host for the services ---- */

struct fixture {
    char folder[64];
    char *path;
    struct store *store;
    struct apigw_host host;
    struct apigw_context context; /* its user is the fixture */
    void *allocated[4096];        /* memory of the invocation */
    size_t allocated_count;
    struct buf log; /* "0 sentence" for each line: its level in front */
};

static struct fixture *fixture_of(struct apigw_context *context)
{
    return context->user;
}

static void *allocate(struct apigw_context *context, size_t size)
{
    struct fixture *f = fixture_of(context);

    assert_true(f->allocated_count < COUNT(f->allocated));
    return f->allocated[f->allocated_count++] = mem_zalloc(size);
}

static void *allocate_nothing(struct apigw_context *context, size_t size)
{
    return NULL;
}

static void log_line(struct apigw_context *context, int level, struct apigw_span line)
{
    buf_printf(&fixture_of(context)->log, "%d %.*s\n", level, (int)line.len, line.ptr);
}

#define SERVICE(name, parameters, ...)                                              \
    static int service_##name parameters                                            \
    {                                                                               \
        return store_module.name(fixture_of(context)->store, context, __VA_ARGS__); \
    }

SERVICE(set, (struct apigw_context * context, const struct apigw_document *doc, struct apigw_span text), doc, text)
SERVICE(get, (struct apigw_context * context, const struct apigw_document *doc, struct apigw_json *ret), doc, ret)
SERVICE(remove, (struct apigw_context * context, const struct apigw_document *doc), doc)
SERVICE(fetch, (struct apigw_context * context, const struct apigw_query *query, struct apigw_page *ret), query, ret)
SERVICE(kv_set, (struct apigw_context * context, const struct apigw_document *doc, struct apigw_span text), doc, text)
SERVICE(kv_get, (struct apigw_context * context, const struct apigw_document *doc, struct apigw_json *ret), doc, ret)
SERVICE(kv_remove, (struct apigw_context * context, const struct apigw_document *doc), doc)

static int service_kv_keys(struct apigw_context *context, const struct apigw_collection *store,
                           struct apigw_span prefix, struct apigw_span after, const struct apigw_span **ret,
                           size_t *ret_count)
{
    return store_module.kv_keys(fixture_of(context)->store, context, store, prefix, after, ret, ret_count);
}

static const struct apigw_store_services services = {
    APIGW_ABI(struct apigw_store_services),
    service_set,
    service_get,
    service_remove,
    service_fetch,
    service_kv_set,
    service_kv_get,
    service_kv_remove,
    service_kv_keys,
};

static struct store *opened(const char *path)
{
    struct store *store;
    CLEANUP(buf_fini) struct buf error = {0};

    if (store_open(path, &store, &error) != APIGW_OK)
        fail_msg("%s", buf_terminate(&error));
    return store;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    const char *temporary = getenv("TMPDIR");

    snprintf(f->folder, sizeof(f->folder), "%.40s/apigw-test-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(f->folder))
        return -1;
    f->path = mem_printf("%s/.apigw/store.db", f->folder);
    f->store = opened(f->path);
    f->host = (struct apigw_host){
        .abi = APIGW_ABI(struct apigw_host), .log = log_line, .allocate = allocate, .store = &services};
    f->context = (struct apigw_context){.abi = APIGW_ABI(struct apigw_context), .host = &f->host, .user = f};
    *state = f;
    return 0;
}

static void end_invocation(struct fixture *f)
{
    while (f->allocated_count)
        free(f->allocated[--f->allocated_count]);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *command = mem_printf("rm -rf '%s'", f->folder);

    store_close(f->store);
    end_invocation(f);
    buf_fini(&f->log);
    free(f->path);
    if (system(command) != 0) /* NOLINT: a folder of our own making */
        return -1;
    free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    store_close(f->store);
    f->store = opened(f->path);
}

/* ---- shorthand ---- */

static struct apigw_span text(const char *str)
{
    return apigw_span_of_str(str);
}

static void put(struct fixture *f, const struct apigw_collection *in, const char *id, const char *content)
{
    assert_int_equal(apigw_doc_set(&f->context, apigw_doc(in, text(id)), text(content)), APIGW_OK);
}

static void assert_content(struct fixture *f, const struct apigw_collection *in, const char *id, const char *expected)
{
    struct apigw_json content;

    assert_int_equal(apigw_doc_get(&f->context, apigw_doc(in, text(id)), &content), APIGW_OK);
    if (!expected) {
        assert_int_equal(content.type, APIGW_JSON_NONE);
        return;
    }
    assert_int_equal(content.type, APIGW_JSON_OBJECT);
    assert_true(apigw_span_equal(content.raw, text(expected)));
}

static void assert_logged(struct fixture *f, const char *line)
{
    assert_string_equal(buf_terminate(&f->log), line);
    buf_clear(&f->log, 0);
}

/* "parent/id " or "id " of each. */
static void append_ids(struct buf *out, const struct apigw_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct apigw_snapshot *s = &page->documents[i];

        if (s->parent_id.len)
            buf_printf(out, "%.*s/", (int)s->parent_id.len, s->parent_id.ptr);
        buf_printf(out, "%.*s ", (int)s->id.len, s->id.ptr);
    }
}

static void assert_found(struct fixture *f, const struct apigw_query *query, const char *ids)
{
    CLEANUP(buf_fini) struct buf found = {0};
    struct apigw_page page;

    assert_int_equal(apigw_query_fetch(query, &page), APIGW_OK);
    append_ids(&found, &page);
    assert_string_equal(buf_terminate(&found), ids);
    end_invocation(f);
}

/* ---- documents ---- */

static void what_was_set_is_there_until_it_is_deleted(void **state)
{
    struct fixture *f = *state;

    assert_content(f, &all_rights, "a", NULL);
    put(f, &all_rights, "a", "{\"n\":1,\"left\":true}");
    put(f, &all_rights, "a", " {\"n\": 2} ");
    assert_content(f, &all_rights, "a", "{\"n\": 2}");
    reopen(f);
    assert_content(f, &all_rights, "a", "{\"n\": 2}");
    assert_int_equal(apigw_doc_delete(&f->context, apigw_doc(&all_rights, text("a"))), APIGW_OK);
    assert_content(f, &all_rights, "a", NULL);
}

static void deleting_what_is_not_there_is_a_success(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(apigw_doc_delete(&f->context, apigw_doc(&all_rights, text("nobody"))), APIGW_OK);
    assert_logged(f, "");
}

static void ids_are_bytes_and_not_words(void **state)
{
    struct fixture *f = *state;
    const struct apigw_span with_nul = APIGW_SPAN("a\0b"), with_quote = APIGW_SPAN("a' OR '1'='1");
    struct apigw_json found;

    put(f, &all_rights, "a", "{}");
    assert_int_equal(apigw_doc_set(&f->context, apigw_doc(&all_rights, with_nul), APIGW_SPAN("{\"nul\":1}")), APIGW_OK);
    assert_int_equal(apigw_doc_get(&f->context, apigw_doc(&all_rights, with_nul), &found), APIGW_OK);
    assert_true(apigw_span_equal(found.raw, APIGW_SPAN("{\"nul\":1}")));
    assert_int_equal(apigw_doc_delete(&f->context, apigw_doc(&all_rights, with_quote)), APIGW_OK);
    assert_content(f, &all_rights, "a", "{}");
    assert_content(f, &all_rights, "A", NULL);
}

static void a_collection_and_a_key_value_store_of_one_name_do_not_meet(void **state)
{
    struct fixture *f = *state;
    const struct apigw_kv kv = APIGW_KV("things", APIGW_READING | APIGW_WRITING | APIGW_DELETING);
    struct apigw_json value;

    put(f, &all_rights, "a", "{}");
    assert_int_equal(apigw_kv_get(&f->context, &kv, text("a"), &value), APIGW_OK);
    assert_int_equal(value.type, APIGW_JSON_NONE);
    assert_int_equal(apigw_kv_delete(&f->context, &kv, text("a")), APIGW_OK);
    assert_content(f, &all_rights, "a", "{}");
}

/* ---- what is refused ---- */

static struct apigw_span repeated(struct fixture *f, char c, size_t count)
{
    char *bytes = allocate(&f->context, count + 1);

    memset(bytes, c, count);
    return apigw_span_of(bytes, count);
}

static struct apigw_span document_of(struct fixture *f, size_t size)
{
    struct apigw_span text_ = repeated(f, 'x', size);
    char *bytes = f->allocated[f->allocated_count - 1];

    memcpy(bytes, "{\"x\":\"", 6);
    memcpy(bytes + size - 2, "\"}", 2);
    return text_;
}

static void documents_have_400_kb_at_most(void **state)
{
    struct fixture *f = *state;
    const struct apigw_document doc = apigw_doc(&all_rights, text("large"));
    struct apigw_json content;

    assert_int_equal(apigw_doc_set(&f->context, doc, document_of(f, STORE_CONTENT_MAX)), APIGW_OK);
    assert_int_equal(apigw_doc_get(&f->context, doc, &content), APIGW_OK);
    assert_int_equal(content.raw.len, STORE_CONTENT_MAX);
    assert_int_equal(apigw_doc_set(&f->context, doc, document_of(f, STORE_CONTENT_MAX + 1)), APIGW_TOO_LARGE);
    assert_logged(f, "1 a document of \"things\" has at most 409600 bytes, not 409601\n");
}

static void a_document_is_a_json_object(void **state)
{
    static const struct {
        struct apigw_span content;
        const char *line;
    } table[] = {
        {{"", 0}, "1 a document of \"things\" is not JSON\n"},
        {{NULL, 0}, "1 a document of \"things\" is not JSON\n"},
        {{NULL, 5}, "1 what is to be kept is no span\n"},
        {{"[]", 2}, "1 a document of \"things\" is a JSON object\n"},
        {{"null", 4}, "1 a document of \"things\" is a JSON object\n"},
        {{"{}{}", 4}, "1 a document of \"things\" is not JSON\n"},
        {{"{\"a\":1", 6}, "1 a document of \"things\" is not JSON\n"},
        {{"{\"a\":\"\xff\"}", 9}, "1 a document of \"things\" is not JSON\n"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(apigw_doc_set(&f->context, apigw_doc(&all_rights, text("a")), table[i].content),
                         APIGW_BAD_REQUEST);
        assert_logged(f, table[i].line);
    }
    assert_content(f, &all_rights, "a", NULL);
}

static void names_and_ids_have_a_length_and_are_utf_8(void **state)
{
    struct fixture *f = *state;
    const struct apigw_span ids[] = {{"", 0}, {NULL, 0}, {NULL, 3}, {"\xc3", 1}, repeated(f, 'i', STORE_ID_MAX + 1)};
    const char *names[] = {"", "\xff", repeated(f, 'n', STORE_NAME_MAX + 1).ptr};
    const struct apigw_span longest = repeated(f, 'i', STORE_ID_MAX);
    const struct apigw_collection longest_name =
        apigw_collection_open(repeated(f, 'n', STORE_NAME_MAX).ptr, APIGW_WRITING);

    for (size_t i = 0; i < COUNT(ids); i++)
        assert_int_equal(apigw_doc_set(&f->context, apigw_doc(&all_rights, ids[i]), APIGW_SPAN("{}")),
                         APIGW_BAD_REQUEST);
    buf_clear(&f->log, 0);
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct apigw_collection c = apigw_collection_open(names[i], APIGW_WRITING);
        const struct apigw_collection sub = apigw_doc_collection(apigw_doc(&all_rights, text("a")), names[i]);
        const struct apigw_kv kv = {c};

        assert_int_equal(apigw_doc_set(&f->context, apigw_doc(&c, text("a")), APIGW_SPAN("{}")), APIGW_BAD_REQUEST);
        assert_int_equal(apigw_doc_set(&f->context, apigw_doc(&sub, text("a")), APIGW_SPAN("{}")), APIGW_BAD_REQUEST);
        assert_int_equal(apigw_kv_set(&f->context, &kv, text("a"), APIGW_SPAN("1")), APIGW_BAD_REQUEST);
    }
    buf_clear(&f->log, 0);
    assert_int_equal(apigw_doc_set(&f->context, apigw_doc(&longest_name, longest), APIGW_SPAN("{}")), APIGW_OK);
    assert_logged(f, "");
}

/* Each kind of call on things opened with `permissions`. */
enum call { CALL_SET, CALL_GET, CALL_DELETE, CALL_FETCH, CALL_KV_SET, CALL_KV_GET, CALL_KV_DELETE, CALL_KV_KEYS };

static int call(struct fixture *f, enum call which, uint32_t permissions)
{
    const struct apigw_collection c = apigw_collection_open("things", permissions);
    const struct apigw_kv kv = {c};
    const struct apigw_document doc = apigw_doc(&c, APIGW_SPAN("a"));
    const struct apigw_query query = apigw_query_of(&f->context, &c);
    struct apigw_keys keys = apigw_kv_keys(&f->context, &kv, APIGW_SPAN(""));
    struct apigw_json json;
    struct apigw_page page;
    struct apigw_span key;
    int r;

    switch (which) {
    case CALL_SET: return apigw_doc_set(&f->context, doc, APIGW_SPAN("{}"));
    case CALL_GET: return apigw_doc_get(&f->context, doc, &json);
    case CALL_DELETE: return apigw_doc_delete(&f->context, doc);
    case CALL_FETCH: return apigw_query_fetch(&query, &page);
    case CALL_KV_SET: return apigw_kv_set(&f->context, &kv, APIGW_SPAN("a"), APIGW_SPAN("1"));
    case CALL_KV_GET: return apigw_kv_get(&f->context, &kv, APIGW_SPAN("a"), &json);
    case CALL_KV_DELETE: return apigw_kv_delete(&f->context, &kv, APIGW_SPAN("a"));
    default: r = apigw_keys_next(&keys, &key); return r < 0 ? r : APIGW_OK;
    }
}

static void what_was_not_asked_for_is_forbidden_and_the_missing_word_is_named(void **state)
{
    static const struct {
        enum call call;
        uint32_t needed;
        const char *line;
    } table[] = {
        {CALL_SET, APIGW_WRITING, "1 collection \"things\" was opened without APIGW_WRITING\n"},
        {CALL_GET, APIGW_READING, "1 collection \"things\" was opened without APIGW_READING\n"},
        {CALL_FETCH, APIGW_READING, "1 collection \"things\" was opened without APIGW_READING\n"},
        {CALL_DELETE, APIGW_DELETING, "1 collection \"things\" was opened without APIGW_DELETING\n"},
        {CALL_KV_SET, APIGW_WRITING, "1 key/value store \"things\" was opened without APIGW_WRITING\n"},
        {CALL_KV_GET, APIGW_READING, "1 key/value store \"things\" was opened without APIGW_READING\n"},
        {CALL_KV_DELETE, APIGW_DELETING, "1 key/value store \"things\" was opened without APIGW_DELETING\n"},
        {CALL_KV_KEYS, APIGW_READING | APIGW_WRITING | APIGW_DELETING,
         "1 key/value store \"things\" was opened without any permission\n"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(table); i++)
        for (uint32_t permissions = 0; permissions < 8; permissions++) {
            const bool allowed = permissions & table[i].needed;

            assert_int_equal(call(f, table[i].call, permissions), allowed ? APIGW_OK : APIGW_FORBIDDEN);
            assert_logged(f, allowed ? "" : table[i].line);
        }
}

static void nonsense_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct apigw_collection nameless = apigw_collection_open(NULL, APIGW_READING);
    struct apigw_collection stray = all_rights;
    struct apigw_kv kv = {all_rights};
    struct apigw_json json;
    struct apigw_query query = apigw_query_of(&f->context, NULL);
    struct apigw_page page;

    stray.parent_id = APIGW_SPAN("parent");
    kv.store.sub = "sub";
    assert_int_equal(apigw_doc_get(&f->context, apigw_doc(NULL, text("a")), &json), APIGW_BAD_REQUEST);
    assert_int_equal(apigw_doc_get(&f->context, apigw_doc(&nameless, text("a")), &json), APIGW_BAD_REQUEST);
    assert_int_equal(apigw_doc_get(&f->context, apigw_doc(&stray, text("a")), &json), APIGW_BAD_REQUEST);
    assert_int_equal(apigw_kv_get(&f->context, &kv, text("a"), &json), APIGW_BAD_REQUEST);
    assert_int_equal(json.type, APIGW_JSON_NONE);
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_BAD_REQUEST);
    query = apigw_query_of(&f->context, &all_rights);
    query.where_count = 1000;
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_BAD_REQUEST);
    query = apigw_query_of(&f->context, &all_rights);
    query.error = 77;
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_BAD_REQUEST);
    assert_int_equal(page.count, 0);
}

static void what_does_not_fit_into_the_invocations_memory_is_a_failure(void **state)
{
    struct fixture *f = *state;
    const struct apigw_query query = apigw_query_of(&f->context, &all_rights);
    struct apigw_json json;
    struct apigw_page page;

    put(f, &all_rights, "a", "{}");
    f->host.allocate = allocate_nothing;
    assert_int_equal(apigw_doc_get(&f->context, apigw_doc(&all_rights, text("a")), &json), APIGW_FAILED);
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_FAILED);
    f->host.allocate = allocate;
    f->context.memory_limit_mb = 1;
    for (int i = 0; i < 5; i++)
        assert_int_equal(apigw_doc_set(&f->context, apigw_doc(&all_rights, repeated(f, (char)('b' + i), 3)),
                                       document_of(f, STORE_CONTENT_MAX)),
                         APIGW_OK);
    buf_clear(&f->log, 0);
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_FAILED);
    assert_logged(f, "0 what was found does not fit into the function's memory (ask for less at a time: "
                     "apigw_query_limit, apigw_query_stream)\n");
}

/* ---- conditions ---- */

static struct apigw_json json_of(const char *raw, uint32_t type)
{
    return (struct apigw_json){type, 0, text(raw)};
}

static void where(struct apigw_query *query, const char *field, const char *op, const char *value)
{
    apigw_where_json(query, field, op, json_of(value, APIGW_JSON_STRING));
}

static void conditions_compare_what_has_the_same_type(void **state)
{
    /* Does {"v": value} match `v op other`? */
    static const struct {
        const char *value, *op, *other;
        bool matches;
    } table[] = {
        {"1", "==", "1", true},
        {"1", "==", "1.0", true},
        {"10", "==", "1e1", true},
        {"1", "!=", "1.0", false},
        {"-0", "==", "0", true},
        {"9", "<", "10", true},
        {"10", "<", "9", false},
        {"10", "<=", "10", true},
        {"-5", ">", "-6", true},
        {"1.5", ">=", "1.5", true},
        {"0.1", "==", "0.10", true},
        {"9007199254740993", ">", "9007199254740992", true},
        {"9223372036854775807", "!=", "9223372036854775806", true},
        {"1e400", ">", "1e300", true},
        {"-1e400", "<", "-1e300", true},
        {"\"b\"", ">", "\"a\"", true},
        {"\"a\"", "<", "\"ab\"", true},
        {"\"\"", "<", "\"a\"", true},
        {"\"Z\"", "<", "\"a\"", true},
        {"\"z\"", "<", "\"\xc3\xa9\"", true},
        {"\"10\"", "<", "\"9\"", true},
        {"\"\\u00e9\"", "==", "\"\xc3\xa9\"", true},
        {"\"a\\nb\"", "==", "\"a\\u000ab\"", true},
        {"\"a\\u0000\"", ">", "\"a\"", true},
        {"\"same\"", "!=", "\"same\"", false},
        {"\"same\"", "!=", "\"other\"", true},
        {"\"hello\"", "startsWith", "\"he\"", true},
        {"\"hello\"", "startsWith", "\"\"", true},
        {"\"hello\"", "startsWith", "\"lo\"", false},
        {"\"he\"", "startsWith", "\"hello\"", false},
        {"\"\\u0068ello\"", "startsWith", "\"he\"", true},
        {"true", "==", "true", true},
        {"true", "==", "false", false},
        {"true", "!=", "false", true},
        {"false", "<", "true", true},
        /* another type, or none, never matches */
        {"\"1\"", "==", "1", false},
        {"\"1\"", "!=", "1", false},
        {"1", "!=", "\"1\"", false},
        {"null", "!=", "1", false},
        {"null", "!=", "true", false},
        {"[1]", "!=", "1", false},
        {"{}", "!=", "\"x\"", false},
        {"true", "!=", "1", false},
        {"5", "startsWith", "\"5\"", false},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(free) char *document = mem_printf("{\"other\":0,\"v\":%s}", table[i].value);
        struct apigw_query query = apigw_query_of(&f->context, &all_rights);
        struct apigw_page page;

        put(f, &all_rights, "a", document);
        where(&query, "v", table[i].op, table[i].other);
        assert_int_equal(apigw_query_fetch(&query, &page), APIGW_OK);
        if (page.count != table[i].matches)
            fail_msg("%s %s %s: %zu found", table[i].value, table[i].op, table[i].other, page.count);
        end_invocation(f);
    }
}

static void a_field_is_a_member_or_a_way_to_one(void **state)
{
    static const struct {
        const char *document, *field;
        bool matches;
    } table[] = {
        {"{\"a\":1}", "a", true},
        {"{\"b\":1}", "a", false},
        {"{}", "a", false},
        {"{\"a\":0,\"a\":1}", "a", true},
        {"{\"a\":1,\"a\":0}", "a", false},
        {"{\"\\u0061\":1}", "a", true},
        {"{\"a\":{\"b\":1}}", "a.b", true},
        {"{\"a\":{\"b\":{\"c\":1}}}", "a.b.c", true},
        {"{\"a.b\":1}", "a.b", true},
        {"{\"a.b\":0,\"a\":{\"b\":1}}", "a.b", false},
        {"{\"a\":{\"b.c\":1}}", "a.b.c", true},
        {"{\"a\":[1]}", "a.0", false},
        {"{\"a\":1}", "a.b", false},
        {"{\"a\":1}", "a.", false},
        {"{\"a\":1}", ".a", false},
        {"{\"\":{\"a\":1}}", ".a", true},
        {"{\"a\":1}", "A", false},
        {"{\"g\xc3\xbcn\":1}", "g\xc3\xbcn", true},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(table); i++) {
        struct apigw_query query = apigw_query_of(&f->context, &all_rights);
        struct apigw_page page;

        put(f, &all_rights, "a", table[i].document);
        where(&query, table[i].field, "==", "1");
        assert_int_equal(apigw_query_fetch(&query, &page), APIGW_OK);
        if (page.count != table[i].matches)
            fail_msg("%s of %s: %zu found", table[i].field, table[i].document, page.count);
        end_invocation(f);
    }
}

static void all_conditions_must_hold(void **state)
{
    struct fixture *f = *state;
    struct apigw_query query = apigw_query_of(&f->context, &all_rights);

    put(f, &all_rights, "a", "{\"room\":\"x\",\"age\":10}");
    put(f, &all_rights, "b", "{\"room\":\"x\",\"age\":20}");
    put(f, &all_rights, "c", "{\"room\":\"y\",\"age\":20}");
    put(f, &all_rights, "d", "{\"room\":\"x\"}");
    where(&query, "room", "==", "\"x\"");
    assert_found(f, &query, "a b d ");
    where(&query, "age", ">", "5");
    assert_found(f, &query, "a b ");
    where(&query, "age", "<", "15");
    assert_found(f, &query, "a ");
}

static void a_condition_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *field, *op, *value;
    } table[] = {
        {"v", "=", "1"},          {"v", "like", "\"x\""},      {"v", "==", "null"},
        {"v", "==", "[1]"},       {"v", "==", "{}"},           {"v", "==", ""},
        {"v", "==", "1 2"},       {"v", "==", NULL},           {"", "==", "1"},
        {NULL, "==", "1"},        {"v", "==", "tru"},          {"\xff", "==", "1"},
        {"v", "startsWith", "1"}, {"v", "startsWith", "true"},
    };
    struct fixture *f = *state;
    struct apigw_page page;

    for (size_t i = 0; i < COUNT(table); i++) {
        struct apigw_query query = apigw_query_of(&f->context, &all_rights);

        where(&query, table[i].field, table[i].op, table[i].value);
        assert_int_equal(apigw_query_fetch(&query, &page), APIGW_BAD_REQUEST);
        assert_true(f->log.len > 0);
        buf_clear(&f->log, 0);
    }
    struct apigw_query query = apigw_query_of(&f->context, &all_rights);
    for (int i = 0; i < APIGW_WHERE_MAX; i++)
        where(&query, "v", "==", "1");
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_OK);
    where(&query, "v", "==", "1");
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_BAD_REQUEST);
}

/* ---- pages ---- */

static void put_many(struct fixture *f, const struct apigw_collection *in, int count)
{
    for (int i = 0; i < count; i++) {
        char id[16], content[32];

        snprintf(id, sizeof(id), "id-%03d", i);
        snprintf(content, sizeof(content), "{\"n\":%d,\"third\":%s}", i, i % 3 ? "false" : "true");
        put(f, in, id, content);
    }
}

/* Reads page after page of at most `limit`; returns the number of pages, and the ids in `ids`. */
static size_t read_pages(struct apigw_query query, uint64_t limit, struct buf *ids)
{
    struct apigw_page page;
    size_t pages = 0;

    apigw_query_limit(&query, limit);
    do {
        assert_int_equal(apigw_query_fetch(&query, &page), APIGW_OK);
        assert_true(page.count <= limit || limit == 0);
        append_ids(ids, &page);
        apigw_query_from(&query, page.next);
        pages++;
    } while (page.next.len);
    return pages;
}

static void pages_of_any_size_hold_everything_once_and_in_order(void **state)
{
    static const struct {
        uint64_t limit;
        size_t pages, pages_of_thirds;
    } table[] = {{0, 1, 1}, {1, 30, 10}, {7, 5, 2}, {10, 3, 1}, {15, 2, 1}, {29, 2, 1}, {30, 1, 1}, {1000, 1, 1}};
    struct fixture *f = *state;
    struct apigw_query query = apigw_query_of(&f->context, &all_rights), thirds = query;
    CLEANUP(buf_fini) struct buf all = {0}, all_thirds = {0};

    put_many(f, &all_rights, 30);
    where(&thirds, "third", "==", "true");
    for (int i = 0; i < 30; i++) {
        buf_printf(&all, "id-%03d ", i);
        if (i % 3 == 0)
            buf_printf(&all_thirds, "id-%03d ", i);
    }
    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(buf_fini) struct buf ids = {0}, ids_of_thirds = {0};

        assert_int_equal(read_pages(query, table[i].limit, &ids), table[i].pages);
        assert_string_equal(buf_terminate(&ids), buf_terminate(&all));
        assert_int_equal(read_pages(thirds, table[i].limit, &ids_of_thirds), table[i].pages_of_thirds);
        assert_string_equal(buf_terminate(&ids_of_thirds), buf_terminate(&all_thirds));
    }
}

static void a_page_is_read_on_after_its_last_document_was_deleted(void **state)
{
    struct fixture *f = *state;
    struct apigw_query query = apigw_query_of(&f->context, &all_rights);
    struct apigw_page page;

    put_many(f, &all_rights, 4);
    apigw_query_limit(&query, 2);
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_OK);
    assert_int_equal(apigw_doc_delete(&f->context, apigw_doc(&all_rights, text("id-001"))), APIGW_OK);
    apigw_query_from(&query, page.next);
    assert_found(f, &query, "id-002 id-003 ");
}

static void a_token_of_anything_else_is_refused(void **state)
{
    static const char *const hostile[] = {
        "x",
        "00",
        "zz",
        "0123456789abcdef",
        "00000000000000000000",
        "000000000000000000000061",
        "ffffffffffffffffffff61",
        "' OR 1=1",
    };
    struct fixture *f = *state;
    const struct apigw_collection other = apigw_collection_open("others", APIGW_READING);
    struct apigw_query query = apigw_query_of(&f->context, &all_rights), stranger;
    struct apigw_page page, unused;
    char *token;

    put_many(f, &all_rights, 3);
    apigw_query_limit(&query, 1);
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_OK);
    token = allocate(&f->context, page.next.len + 1);
    memcpy(token, page.next.ptr, page.next.len);
    for (size_t i = 0; i < COUNT(hostile); i++) {
        apigw_query_from(&query, text(hostile[i]));
        assert_int_equal(apigw_query_fetch(&query, &unused), APIGW_BAD_REQUEST);
    }
    for (size_t i = 0; i < page.next.len; i++) { /* each digit counts, and the length too */
        const char was = token[i];

        token[i] = was == '0' ? '1' : '0';
        apigw_query_from(&query, apigw_span_of(token, page.next.len));
        assert_int_equal(apigw_query_fetch(&query, &unused), APIGW_BAD_REQUEST);
        token[i] = was;
        apigw_query_from(&query, apigw_span_of(token, i ? i : 1));
        assert_int_equal(apigw_query_fetch(&query, &unused), APIGW_BAD_REQUEST);
    }
    apigw_query_from(&query, repeated(f, 'a', 1 << 20));
    assert_int_equal(apigw_query_fetch(&query, &unused), APIGW_BAD_REQUEST);
    apigw_query_from(&query, apigw_span_of(NULL, 7));
    assert_int_equal(apigw_query_fetch(&query, &unused), APIGW_BAD_REQUEST);

    stranger = apigw_query_of(&f->context, &other);
    apigw_query_from(&stranger, page.next);
    assert_int_equal(apigw_query_fetch(&stranger, &unused), APIGW_BAD_REQUEST);
    stranger = apigw_query_of(&f->context, &all_rights);
    where(&stranger, "n", ">", "0");
    apigw_query_from(&stranger, page.next);
    assert_int_equal(apigw_query_fetch(&stranger, &unused), APIGW_BAD_REQUEST);

    apigw_query_from(&query, page.next);
    assert_found(f, &query, "id-001 ");
}

/* Twice, as a stream is: with something done to the documents at each step. */
static void a_stream_survives_inserts_and_deletes(void **state)
{
    struct fixture *f = *state;
    const struct apigw_query query = apigw_query_of(&f->context, &all_rights);
    struct apigw_stream stream = apigw_query_stream(&query);
    struct apigw_snapshot found;
    bool seen[300] = {false};
    int r, count = 0;

    put_many(f, &all_rights, 300);
    while ((r = apigw_stream_next(&stream, &found)) == 1) {
        int number = -1;
        char early[16], doomed[16];

        if (sscanf(found.id.ptr, "id-%3d", &number) != 1)
            continue; /* one that was inserted in the meantime */
        assert_false(seen[number]);
        seen[number] = true;
        count++;
        snprintf(early, sizeof(early), "early-%03d", number);
        snprintf(doomed, sizeof(doomed), "id-%03d", number);
        put(f, &all_rights, early, "{}"); /* in front of where we are */
        put(f, &all_rights, "zz", "{}");  /* behind all */
        assert_int_equal(apigw_doc_delete(&f->context, apigw_doc(&all_rights, text(doomed))), APIGW_OK);
    }
    assert_int_equal(r, 0);
    assert_int_equal(count, 300);
    assert_int_equal(apigw_stream_next(&stream, &found), 0);
}

static void a_stream_ends_at_its_limit(void **state)
{
    static const uint64_t limits[] = {1, 63, 64, 65, 100, 128};
    struct fixture *f = *state;
    struct apigw_query query = apigw_query_of(&f->context, &all_rights);
    struct apigw_snapshot found;

    put_many(f, &all_rights, 129);
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct apigw_stream stream;
        uint64_t count = 0;

        apigw_query_limit(&query, limits[i]);
        stream = apigw_query_stream(&query);
        while (apigw_stream_next(&stream, &found) == 1)
            count++;
        assert_int_equal(count, limits[i]);
    }
}

/* ---- sub-collections ---- */

static void put_under(struct fixture *f, const char *parent, const char *sub, const char *id)
{
    const struct apigw_collection c = apigw_doc_collection(apigw_doc(&all_rights, text(parent)), sub);

    put(f, &c, id, "{\"n\":1}");
}

static void put_rooms(struct fixture *f)
{
    put(f, &all_rights, "kitchen", "{}");
    put_under(f, "kitchen", "members", "ada");
    put_under(f, "kitchen", "members", "bob");
    put_under(f, "kitchen", "notes", "1");
    put_under(f, "hall", "members", "ada");
    put_under(f, "hall", "members", "cyd");
}

static void a_document_has_collections_of_its_own(void **state)
{
    struct fixture *f = *state;
    const struct apigw_collection members = apigw_doc_collection(apigw_doc(&all_rights, text("kitchen")), "members");
    const struct apigw_query in_members = apigw_query_of(&f->context, &members);
    const struct apigw_query in_things = apigw_query_of(&f->context, &all_rights);

    put_rooms(f);
    assert_found(f, &in_things, "kitchen ");
    assert_found(f, &in_members, "kitchen/ada kitchen/bob ");
    assert_content(f, &members, "ada", "{\"n\":1}");
    assert_content(f, &members, "cyd", NULL);
}

static void a_group_is_the_collections_of_that_name_under_all_documents(void **state)
{
    struct fixture *f = *state;
    const struct apigw_collection members = apigw_collection_group(&all_rights, "members");
    const struct apigw_query query = apigw_query_of(&f->context, &members);
    struct apigw_json json;

    put_rooms(f);
    assert_found(f, &query, "hall/ada hall/cyd kitchen/ada kitchen/bob ");
    for (uint64_t limit = 1; limit <= 5; limit++) {
        CLEANUP(buf_fini) struct buf ids = {0};

        assert_int_equal(read_pages(query, limit, &ids), limit >= 4 ? 1 : (4 + limit - 1) / limit);
        assert_string_equal(buf_terminate(&ids), "hall/ada hall/cyd kitchen/ada kitchen/bob ");
    }
    assert_int_equal(apigw_doc_get(&f->context, apigw_doc(&members, text("ada")), &json), APIGW_BAD_REQUEST);
    assert_logged(f, "1 the collections \"members\" of all of \"things\" together are for queries alone\n");
}

static void with_a_document_goes_what_is_under_it(void **state)
{
    struct fixture *f = *state;
    const struct apigw_collection members = apigw_collection_group(&all_rights, "members");
    const struct apigw_collection notes = apigw_collection_group(&all_rights, "notes");
    const struct apigw_query in_members = apigw_query_of(&f->context, &members);
    const struct apigw_query in_notes = apigw_query_of(&f->context, &notes);
    const struct apigw_collection hall = apigw_doc_collection(apigw_doc(&all_rights, text("hall")), "members");

    put_rooms(f);
    assert_int_equal(apigw_doc_delete(&f->context, apigw_doc(&all_rights, text("kitchen"))), APIGW_OK);
    assert_found(f, &in_members, "hall/ada hall/cyd ");
    assert_found(f, &in_notes, "");
    assert_int_equal(apigw_doc_delete(&f->context, apigw_doc(&hall, text("ada"))), APIGW_OK);
    assert_found(f, &in_members, "hall/cyd ");
}

static void sub_collections_are_one_level_deep(void **state)
{
    struct fixture *f = *state;
    const struct apigw_collection members = apigw_doc_collection(apigw_doc(&all_rights, text("hall")), "members");
    const struct apigw_collection deeper = apigw_doc_collection(apigw_doc(&members, text("ada")), "hats");
    const struct apigw_collection group = apigw_collection_group(&members, "hats");
    const struct apigw_query query = apigw_query_of(&f->context, &group);
    struct apigw_page page;

    assert_int_equal(apigw_doc_set(&f->context, apigw_doc(&deeper, text("top")), APIGW_SPAN("{}")), APIGW_BAD_REQUEST);
    assert_logged(f, "1 collection \"things\": the documents of a sub-collection have no collections\n");
    assert_int_equal(apigw_query_fetch(&query, &page), APIGW_BAD_REQUEST);
}

/* ---- keys and values ---- */

static const struct apigw_kv settings = APIGW_KV("settings", APIGW_READING | APIGW_WRITING | APIGW_DELETING);

static void values_are_json_of_any_kind(void **state)
{
    static const struct {
        const char *value;
        uint32_t type;
    } table[] = {
        {"{\"a\":1}", APIGW_JSON_OBJECT}, {"[1,2]", APIGW_JSON_ARRAY},  {"\"text\"", APIGW_JSON_STRING},
        {"-1.5", APIGW_JSON_NUMBER},      {"true", APIGW_JSON_BOOLEAN}, {"false", APIGW_JSON_BOOLEAN},
        {"null", APIGW_JSON_NULL},
    };
    struct fixture *f = *state;
    struct apigw_json value;

    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(apigw_kv_set(&f->context, &settings, text("k"), text(table[i].value)), APIGW_OK);
        assert_int_equal(apigw_kv_get(&f->context, &settings, text("k"), &value), APIGW_OK);
        assert_int_equal(value.type, table[i].type);
        assert_true(apigw_span_equal(value.raw, text(table[i].value)));
    }
    assert_int_equal(apigw_kv_set(&f->context, &settings, text("k"), text("nil")), APIGW_BAD_REQUEST);
    assert_int_equal(apigw_kv_delete(&f->context, &settings, text("k")), APIGW_OK);
    assert_int_equal(apigw_kv_get(&f->context, &settings, text("k"), &value), APIGW_OK);
    assert_int_equal(value.type, APIGW_JSON_NONE);
}

static void assert_keys(struct fixture *f, const char *prefix, const char *expected)
{
    struct apigw_keys keys = apigw_kv_keys(&f->context, &settings, text(prefix));
    CLEANUP(buf_fini) struct buf found = {0};
    struct apigw_span key;
    int r;

    while ((r = apigw_keys_next(&keys, &key)) == 1)
        buf_printf(&found, "%.*s ", (int)key.len, key.ptr);
    assert_int_equal(r, 0);
    assert_string_equal(buf_terminate(&found), expected);
}

static void keys_are_walked_by_their_prefix(void **state)
{
    static const char *const keys[] = {"b", "a", "user:2", "user:10", "user", "users", "user:1", "v"};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(keys); i++)
        assert_int_equal(apigw_kv_set(&f->context, &settings, text(keys[i]), APIGW_SPAN("1")), APIGW_OK);
    assert_keys(f, "", "a b user user:1 user:10 user:2 users v ");
    assert_keys(f, "user:", "user:1 user:10 user:2 ");
    assert_keys(f, "user", "user user:1 user:10 user:2 users ");
    assert_keys(f, "w", "");
    assert_keys(f, "user:10", "user:10 ");
}

static void a_walk_through_more_keys_than_a_page_meets_each_once(void **state)
{
    struct fixture *f = *state;
    struct apigw_keys keys = apigw_kv_keys(&f->context, &settings, APIGW_SPAN("k"));
    struct apigw_span key;
    char name[16];
    int count = 0;

    for (int i = 0; i < 700; i++) {
        snprintf(name, sizeof(name), "k%04d", i);
        assert_int_equal(apigw_kv_set(&f->context, &settings, text(name), APIGW_SPAN("1")), APIGW_OK);
    }
    while (apigw_keys_next(&keys, &key) == 1) {
        snprintf(name, sizeof(name), "k%04d", count++);
        assert_true(apigw_span_equal(key, text(name)));
        assert_int_equal(apigw_kv_delete(&f->context, &settings, key), APIGW_OK);
    }
    assert_int_equal(count, 700);
}

/* ---- what there is ---- */

static int append_listing(void *arg, const struct store_listing *listing)
{
    buf_printf(arg, "%s" SPAN_FMT "/" SPAN_FMT "=%u ", listing->is_kv ? "kv " : "", SPAN_ARG(listing->name),
               SPAN_ARG(listing->sub), (unsigned)listing->count);
    return APIGW_OK;
}

static void the_list_has_each_name_once_with_its_count(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_fini) struct buf found = {0};

    put_rooms(f);
    assert_int_equal(apigw_kv_set(&f->context, &settings, text("k"), APIGW_SPAN("1")), APIGW_OK);
    assert_int_equal(store_list(f->store, append_listing, &found), APIGW_OK);
    assert_string_equal(buf_terminate(&found), "things/=1 things/members=4 things/notes=1 kv settings/=1 ");
}

/* ---- the file ---- */

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void the_file_is_its_owners_alone_and_not_for_version_control(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free)
    char *log = mem_printf("%s-wal", f->path), *folder = mem_printf("%s/.apigw", f->folder),
         *ignore = mem_printf("%s/.apigw/.gitignore", f->folder);
    FILE *file;
    char line[8] = "";

    put(f, &all_rights, "a", "{}");
    assert_int_equal(mode_of(f->path), 0600);
    assert_int_equal(mode_of(log), 0600);
    assert_int_equal(mode_of(folder), 0700);
    file = fopen(ignore, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    assert_string_equal(line, "*\n");
}

static void a_folder_that_was_there_is_left_as_it_is(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *path = mem_printf("%s/other.db", f->folder), *ignore = mem_printf("%s/.gitignore", f->folder);

    store_close(opened(path));
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(access(ignore, F_OK), -1);
}

static void a_store_in_memory_is_a_store(void **state)
{
    struct fixture *f = *state;

    store_close(f->store);
    f->store = opened(":memory:");
    put(f, &all_rights, "a", "{}");
    assert_content(f, &all_rights, "a", "{}");
    assert_true(store_is_current(f->store));
    reopen(f);
    assert_content(f, &all_rights, "a", NULL);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void with_sqlite(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void assert_refused(const char *path, const char *sentence)
{
    CLEANUP(buf_fini) struct buf error = {0};
    CLEANUP(free) char *expected = mem_printf("%s%s", path, sentence);
    struct store *store = NULL;

    assert_int_equal(store_open(path, &store, &error), APIGW_FAILED);
    assert_string_equal(buf_terminate(&error), expected);
    assert_null(store);
}

static void a_file_that_is_not_ours_is_left_alone(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free)
    char *text_file = mem_printf("%s/text", f->folder), *foreign = mem_printf("%s/foreign", f->folder),
         *folder = mem_printf("%s/folder", f->folder), *nowhere = mem_printf("%s/a/b/c.db", f->folder);
    char text_[8192];

    memset(text_, 'x', sizeof(text_));
    write_file(text_file, text_, sizeof(text_));
    assert_refused(text_file, ": it is no database (move it away)");
    with_sqlite(foreign, "CREATE TABLE documents (a); INSERT INTO documents VALUES (1);");
    assert_refused(foreign, ": it is a database of another program (move it away)");
    with_sqlite(foreign, "SELECT a FROM documents");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_refused(folder, ": unable to open database file");
    assert_refused(nowhere, " cannot be made: No such file or directory");
}

static void a_newer_format_is_refused(void **state)
{
    struct fixture *f = *state;

    store_close(TAKE(f->store));
    with_sqlite(f->path, "PRAGMA user_version = 2");
    assert_refused(f->path, ": it has format 2, and this apigw knows format 1 (update apigw, or move it away)");
}

static void a_file_of_ours_may_hold_anything(void **state)
{
    static const char *const damages[] = {"nonsense", "[]", "{\"a\":", ""};
    struct fixture *f = *state;
    const struct apigw_query query = apigw_query_of(&f->context, &all_rights);
    struct apigw_page page;
    struct apigw_json json;

    for (size_t i = 0; i < COUNT(damages); i++) {
        CLEANUP(free)
        char *sql = mem_printf("INSERT OR REPLACE INTO documents VALUES ('things', '', '', 'a', '%s')", damages[i]);

        with_sqlite(f->path, sql);
        assert_int_equal(apigw_query_fetch(&query, &page), APIGW_FAILED);
        assert_int_equal(apigw_doc_get(&f->context, apigw_doc(&all_rights, text("a")), &json), APIGW_FAILED);
    }
    put(f, &all_rights, "a", "{}");
    assert_content(f, &all_rights, "a", "{}");
}

static void a_damaged_file_is_an_error_and_no_crash(void **state)
{
    struct fixture *f = *state;
    char noise[4096];
    struct apigw_page page;
    int fd, failed = 0;

    put_many(f, &all_rights, 500);
    store_close(TAKE(f->store));
    memset(noise, 0x5a, sizeof(noise));
    fd = open(f->path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = 4096; at < 8 * 4096; at += 4096)
        assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
    close(fd);
    f->store = opened(f->path);
    const struct apigw_query query = apigw_query_of(&f->context, &all_rights);
    failed = apigw_query_fetch(&query, &page);
    assert_int_equal(failed, APIGW_FAILED);
    assert_non_null(strstr(buf_terminate(&f->log), "it is damaged"));
}

static void a_file_that_was_removed_is_noticed(void **state)
{
    struct fixture *f = *state;

    assert_true(store_is_current(f->store));
    assert_int_equal(unlink(f->path), 0);
    assert_false(store_is_current(f->store));
    write_file(f->path, "", 0);
    assert_false(store_is_current(f->store));
}

static void a_full_store_says_so_and_takes_what_fits_again(void **state)
{
    struct fixture *f = *state;
    int r = APIGW_OK;
    char id[16];

    store_limit_bytes(f->store, 4 << 20);
    for (int i = 0; i < 100 && r == APIGW_OK; i++) {
        snprintf(id, sizeof(id), "%d", i);
        r = apigw_doc_set(&f->context, apigw_doc(&all_rights, text(id)), document_of(f, 100000));
    }
    assert_int_equal(r, APIGW_FAILED);
    assert_non_null(strstr(buf_terminate(&f->log), "it is full: it may have 4 MB"));
    assert_int_equal(apigw_doc_delete(&f->context, apigw_doc(&all_rights, text("0"))), APIGW_OK);
    put(f, &all_rights, "small", "{}");
}

/* ---- other processes ---- */

/* Each ends with 0 if all of its writes were acknowledged. */
static pid_t start_writer(const char *path, int number, int count)
{
    pid_t pid = fork();
    struct store *store;
    CLEANUP(buf_fini) struct buf error = {0};

    if (pid != 0)
        return pid;
    if (store_open(path, &store, &error) != APIGW_OK)
        _exit(2);
    for (int i = 0; i < count; i++) {
        const struct store_place in = {.collection = SPAN("things")};
        char id[32];
        int len = snprintf(id, sizeof(id), "%d-%d", number, i);

        if (store_set(store, &in, span_of(id, (size_t)len), SPAN("{\"n\":1}")) != APIGW_OK)
            _exit(3);
        if (i % 2 && store_remove(store, &in, span_of(id, (size_t)len)) != APIGW_OK)
            _exit(4);
    }
    store_close(store);
    _exit(0);
}

static void await_success(pid_t pid)
{
    int status;

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void assert_intact(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *check;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &check, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(check), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(check, 0), "ok");
    sqlite3_finalize(check);
    sqlite3_close(db);
}

/* All of them come to a store that nobody has made yet. */
static void several_processes_write_at_once(void **state)
{
    struct fixture *f = *state;
    CLEANUP(free) char *path = mem_printf("%s/new/store.db", f->folder);
    CLEANUP(buf_fini) struct buf found = {0};
    pid_t pids[6];

    for (int i = 0; i < (int)COUNT(pids); i++)
        pids[i] = start_writer(path, i, 100);
    for (size_t i = 0; i < COUNT(pids); i++)
        await_success(pids[i]);
    store_close(f->store);
    f->store = opened(path);
    assert_int_equal(store_list(f->store, append_listing, &found), APIGW_OK);
    assert_string_equal(buf_terminate(&found), "things/=300 ");
    assert_intact(path);
}

/* Writes documents until it is killed, and says the number of each that was acknowledged. */
static pid_t start_victim(const char *path, int round, int *ret_fd)
{
    int ends[2];
    pid_t pid;
    struct store *store;
    CLEANUP(buf_fini) struct buf error = {0};

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid != 0) {
        close(ends[1]);
        *ret_fd = ends[0];
        return pid;
    }
    if (store_open(path, &store, &error) != APIGW_OK)
        _exit(2);
    for (int i = 0;; i++) {
        const struct store_place in = {.collection = SPAN("things")};
        char id[32], content[2048];
        int len = snprintf(id, sizeof(id), "%d-%d", round, i);
        int content_len = snprintf(content, sizeof(content), "{\"n\":\"%0*d\"}", i % 2000 + 1, i);

        if (store_set(store, &in, span_of(id, (size_t)len), span_of(content, (size_t)content_len)) != APIGW_OK ||
            write(ends[1], &i, sizeof(i)) != sizeof(i))
            _exit(3);
    }
}

/* The last number that came through; at least `enough` of them, and then until the other end is closed. */
static int kill_after(pid_t pid, int fd, int enough)
{
    int last = -1, number;

    while (read(fd, &number, sizeof(number)) == sizeof(number)) {
        last = number;
        if (number == enough)
            kill(pid, SIGKILL);
    }
    return last;
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    struct fixture *f = *state;

    store_close(TAKE(f->store));
    for (int round = 0; round < 12; round++) {
        int fd, status, last;
        pid_t pid = start_victim(f->path, round, &fd);

        last = kill_after(pid, fd, 40 * round + 1);
        close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        f->store = opened(f->path);
        for (int i = 0; i <= last; i++) {
            const struct store_place in = {.collection = SPAN("things")};
            struct json_value found;
            char id[32];
            int len = snprintf(id, sizeof(id), "%d-%d", round, i);

            assert_int_equal(store_get(f->store, &in, span_of(id, (size_t)len), &found), APIGW_OK);
            assert_non_null(found.raw.ptr);
        }
        store_close(TAKE(f->store));
        assert_intact(f->path);
    }
}

/* Takes the lock, says so, and keeps it for a thousand inserts. */
static pid_t start_long_writer(const char *path, int *ret_fd)
{
    int ends[2];
    pid_t pid;
    sqlite3 *db;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid != 0) {
        close(ends[1]);
        *ret_fd = ends[0];
        return pid;
    }
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
        write(ends[1], "", 1) != 1)
        _exit(2);
    for (int i = 0; i < 1000; i++) {
        char *sql = mem_printf("INSERT INTO pairs VALUES ('settings', 'key-%d', '1')", i);

        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
            _exit(3);
        free(sql);
    }
    _exit(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? 0 : 4);
}

static void a_writer_waits_for_another_and_readers_do_not(void **state)
{
    struct fixture *f = *state;
    struct apigw_json value;
    char byte;
    int fd;
    pid_t pid;

    store_close(TAKE(f->store)); /* not to be carried over a fork */
    pid = start_long_writer(f->path, &fd);
    assert_int_equal(read(fd, &byte, 1), 1);
    close(fd);
    f->store = opened(f->path);
    assert_content(f, &all_rights, "a", NULL);
    put(f, &all_rights, "a", "{}");
    assert_int_equal(apigw_kv_get(&f->context, &settings, text("key-999"), &value), APIGW_OK);
    assert_int_equal(value.type, APIGW_JSON_NUMBER);
    await_success(pid);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_set_is_there_until_it_is_deleted),
        TEST(deleting_what_is_not_there_is_a_success),
        TEST(ids_are_bytes_and_not_words),
        TEST(a_collection_and_a_key_value_store_of_one_name_do_not_meet),
        TEST(documents_have_400_kb_at_most),
        TEST(a_document_is_a_json_object),
        TEST(names_and_ids_have_a_length_and_are_utf_8),
        TEST(what_was_not_asked_for_is_forbidden_and_the_missing_word_is_named),
        TEST(nonsense_is_refused),
        TEST(what_does_not_fit_into_the_invocations_memory_is_a_failure),
        TEST(conditions_compare_what_has_the_same_type),
        TEST(a_field_is_a_member_or_a_way_to_one),
        TEST(all_conditions_must_hold),
        TEST(a_condition_that_makes_no_sense_is_refused),
        TEST(pages_of_any_size_hold_everything_once_and_in_order),
        TEST(a_page_is_read_on_after_its_last_document_was_deleted),
        TEST(a_token_of_anything_else_is_refused),
        TEST(a_stream_survives_inserts_and_deletes),
        TEST(a_stream_ends_at_its_limit),
        TEST(a_document_has_collections_of_its_own),
        TEST(a_group_is_the_collections_of_that_name_under_all_documents),
        TEST(with_a_document_goes_what_is_under_it),
        TEST(sub_collections_are_one_level_deep),
        TEST(values_are_json_of_any_kind),
        TEST(keys_are_walked_by_their_prefix),
        TEST(a_walk_through_more_keys_than_a_page_meets_each_once),
        TEST(the_list_has_each_name_once_with_its_count),
        TEST(the_file_is_its_owners_alone_and_not_for_version_control),
        TEST(a_folder_that_was_there_is_left_as_it_is),
        TEST(a_store_in_memory_is_a_store),
        TEST(a_file_that_is_not_ours_is_left_alone),
        TEST(a_newer_format_is_refused),
        TEST(a_file_of_ours_may_hold_anything),
        TEST(a_damaged_file_is_an_error_and_no_crash),
        TEST(a_file_that_was_removed_is_noticed),
        TEST(a_full_store_says_so_and_takes_what_fits_again),
        TEST(several_processes_write_at_once),
        TEST(what_was_acknowledged_survives_a_kill),
        TEST(a_writer_waits_for_another_and_readers_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
