/* database.c - the file behind a store: opening it, whose it is, and running statements on it.
 *
 * Readers and one writer at a time get along in WAL mode; writers queue in on_busy. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store_private.h"

#define APPLICATION_ID 0x41504757 /* "APGW", which tells our files from those of other programs */
#define FORMAT_VERSION 1
#define PAGE_BYTES 4096
#define LOG_KEEP_BYTES (16 * 1024 * 1024) /* of the write-ahead log, once it has been larger */

/* clang-format off */
static const char *const statement_texts[STATEMENT_COUNT] = {
    [DOCUMENT_SET] =
        "INSERT OR REPLACE INTO documents (collection, parent, sub, id, content) VALUES (?1, ?2, ?3, ?4, ?5)",
    [DOCUMENT_GET] =
        "SELECT content FROM documents WHERE collection = ?1 AND parent = ?2 AND sub = ?3 AND id = ?4",
    [DOCUMENT_REMOVE] =
        "DELETE FROM documents WHERE collection = ?1 AND parent = ?2 AND sub = ?3 AND id = ?4",
    [DOCUMENT_REMOVE_UNDER] =
        "DELETE FROM documents WHERE collection = ?1 AND parent = ?2",
    [QUERY_COLLECTION] =
        "SELECT id, content FROM documents WHERE collection = ?1 AND parent = ?2 AND sub = ?3 AND id > ?4 ORDER BY id",
    [QUERY_GROUP] =
        /* The plus: sub is for filtering, not for planning. */
        ("SELECT id, content, parent FROM documents WHERE collection = ?1 AND +sub = ?3"
         " AND (parent, sub, id) > (?2, ?3, ?4) ORDER BY parent, sub, id"),
    [KV_SET] =
        "INSERT OR REPLACE INTO pairs (store, key, value) VALUES (?1, ?2, ?3)",
    [KV_GET] =
        "SELECT value FROM pairs WHERE store = ?1 AND key = ?2",
    [KV_REMOVE] =
        "DELETE FROM pairs WHERE store = ?1 AND key = ?2",
    [KV_KEYS] =
        "SELECT key FROM pairs WHERE store = ?1 AND key >= ?2 ORDER BY key",
    [LIST] =
        ("SELECT 0, collection, sub, count(*) FROM documents GROUP BY collection, sub"
         " UNION ALL SELECT 1, store, '', count(*) FROM pairs GROUP BY store ORDER BY 1, 2, 3"),
};

static const char schema[] =
    "CREATE TABLE documents (collection TEXT NOT NULL, parent TEXT NOT NULL, sub TEXT NOT NULL, id TEXT NOT NULL,"
    " content TEXT NOT NULL, PRIMARY KEY (collection, parent, sub, id)) WITHOUT ROWID;"
    "CREATE TABLE pairs (store TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (store, key))"
    " WITHOUT ROWID;";
/* clang-format on */

/* ---- failing ---- */

struct span store_error(const struct store *s)
{
    return buf_span(&s->error);
}

static int refuse_v(struct store *s, int result, const char *format, va_list args)
{
    buf_clear(&s->error, STORE_KEEP_BYTES);
    buf_vprintf(&s->error, format, args);
    return result;
}

int store_refuse(struct store *s, int result, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    refuse_v(s, result, format, args);
    va_end(args);
    return result;
}

/* A sentence for what SQLite has just said. */
int database_failed(struct store *s)
{
    switch (sqlite3_errcode(s->db) & 0xff) {
    case SQLITE_BUSY:
        return store_refuse(s, APIGW_FAILED, "%s: other processes have kept it locked for %d seconds", s->path,
                            STORE_WAIT_MS / 1000);
    case SQLITE_FULL:
        return store_refuse(s, APIGW_FAILED,
                            "%s: it is full: it may have %" PRIu64 " MB, if the disk has them (delete documents)",
                            s->path, s->bytes_max >> 20);
    case SQLITE_NOTADB: return store_refuse(s, APIGW_FAILED, "%s: it is no database (move it away)", s->path);
    case SQLITE_CORRUPT: return store_refuse(s, APIGW_FAILED, "%s: it is damaged (move it away)", s->path);
    default: return store_refuse(s, APIGW_FAILED, "%s: %s", s->path, sqlite3_errmsg(s->db));
    }
}

/* ---- statements ---- */

/* A pointer is bound in any case: without one it would be NULL and not the empty text. The texts are borrowed until
 * the statement is reset. */
static int bind_texts(sqlite3_stmt *statement, const struct span *texts, size_t count)
{
    int r = SQLITE_OK;

    for (size_t i = 0; i < count && r == SQLITE_OK; i++)
        r = sqlite3_bind_text(statement, (int)i + 1, texts[i].len ? texts[i].ptr : "", (int)texts[i].len,
                              SQLITE_STATIC);
    return r;
}

/* The statement with its parameters, or NULL and an error. Ends with end_statement. */
sqlite3_stmt *database_begin(struct store *s, enum statement which, const struct span *texts, size_t count)
{
    sqlite3_stmt **at = &s->statements[which];
    int r = SQLITE_OK;

    if (!*at)
        r = sqlite3_prepare_v3(s->db, statement_texts[which], -1, SQLITE_PREPARE_PERSISTENT, at, NULL);
    if (r == SQLITE_OK)
        r = bind_texts(*at, texts, count);
    if (r == SQLITE_OK)
        return *at;
    database_failed(s);
    return NULL;
}

/* Also tells what the last step failed with. */
int database_end(struct store *s, sqlite3_stmt *statement)
{
    int r = sqlite3_reset(statement) == SQLITE_OK ? APIGW_OK : database_failed(s);

    sqlite3_clear_bindings(statement);
    return r;
}

/* Runs a statement that gives no rows. */
int database_change(struct store *s, enum statement which, const struct span *texts, size_t count)
{
    sqlite3_stmt *statement = database_begin(s, which, texts, count);

    if (!statement)
        return APIGW_FAILED;
    sqlite3_step(statement);
    return database_end(s, statement);
}

/* Terminated, as SQLite promises; valid until the next step. */
struct span database_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    return span_of(text ? text : "", text ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}

/* ---- opening ---- */

/* 0.1 to 1.6 milliseconds, another time for each process: those that wait do not come back all at once. */
static int on_busy(void *arg, int attempt)
{
    struct timespec now, pause = {0, 100000};

    clock_gettime(CLOCK_MONOTONIC, &now);
    pause.tv_nsec += (now.tv_nsec ^ (long)getpid() * 7919) % 1500000;
    nanosleep(&pause, NULL);
    return attempt < STORE_WAIT_MS; /* a round takes a millisecond */
}

static bool is_in_memory(const char *path)
{
    return strcmp(path, ":memory:") == 0;
}

static int make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t written;

    /* One that is there is not even opened: to close it again would drop the locks of this process. */
    if (fd < 0)
        return errno == EEXIST ? 0 : -1;
    written = write(fd, text, strlen(text));
    close(fd);
    return written < 0 ? -1 : 0;
}

/* The folder, if there is none, is ours: what is in it does not belong under version control. */
static int make_folder(const char *path)
{
    CLEANUP(free) char *folder = mem_strdup(path), *ignore = NULL;
    char *slash = strrchr(folder, '/');

    if (!slash || slash == folder)
        return 0;
    *slash = '\0';
    if (mkdir(folder, 0700) < 0)
        return errno == EEXIST ? 0 : -1;
    ignore = mem_printf("%s/.gitignore", folder);
    return make_file(ignore, "*\n");
}

int database_execute(struct store *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? APIGW_OK : database_failed(s);
}

/* Changing the mode of the log does not wait for others by itself. */
static int enter_wal_mode(struct store *s)
{
    int r = SQLITE_BUSY;

    for (int attempt = 0; r == SQLITE_BUSY; attempt++) {
        r = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if (r == SQLITE_BUSY && !on_busy(NULL, attempt))
            break;
    }
    return r == SQLITE_OK ? APIGW_OK : database_failed(s);
}

static int read_number(struct store *s, const char *sql, int *ret)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);

    if (r == SQLITE_OK && (r = sqlite3_step(statement)) == SQLITE_ROW) {
        *ret = sqlite3_column_int(statement, 0);
        r = SQLITE_OK;
    }
    if (r != SQLITE_OK)
        database_failed(s);
    sqlite3_finalize(statement);
    return r == SQLITE_OK ? APIGW_OK : APIGW_FAILED;
}

/* Whose file is it? In a transaction, for somebody else may be about to make it. */
static int check_format(struct store *s, bool *ret_new)
{
    int application = 0, version = 0, tables = 0;

    if (read_number(s, "PRAGMA application_id", &application) < 0 ||
        read_number(s, "PRAGMA user_version", &version) < 0 ||
        read_number(s, "SELECT count(*) FROM sqlite_schema", &tables) < 0)
        return APIGW_FAILED;
    *ret_new = application == 0 && version == 0 && tables == 0;
    if (*ret_new)
        return APIGW_OK;
    if (application != APPLICATION_ID)
        return store_refuse(s, APIGW_FAILED, "%s: it is a database of another program (move it away)", s->path);
    if (version != FORMAT_VERSION)
        return store_refuse(s, APIGW_FAILED,
                            "%s: it has format %d, and this apigw knows format %d (update apigw, or move it away)",
                            s->path, version, FORMAT_VERSION);
    return APIGW_OK;
}

static int in_transaction(struct store *s, const char *begin, int (*run)(struct store *s, bool *ret_new), bool *ret_new)
{
    int r = database_execute(s, begin);

    if (r == APIGW_OK)
        r = run(s, ret_new);
    if (r == APIGW_OK)
        return database_execute(s, "COMMIT");
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

/* Whoever comes first makes the tables. */
static int create(struct store *s, bool *ret_new)
{
    CLEANUP(free)
    char *sql =
        mem_printf("PRAGMA application_id = %d; PRAGMA user_version = %d; %s", APPLICATION_ID, FORMAT_VERSION, schema);
    int r = check_format(s, ret_new);

    return r == APIGW_OK && *ret_new ? database_execute(s, sql) : r;
}

static int prepare_format(struct store *s)
{
    bool is_new;
    int r = in_transaction(s, "BEGIN", check_format, &is_new);

    if (r == APIGW_OK)
        r = enter_wal_mode(s);
    return r == APIGW_OK && is_new ? in_transaction(s, "BEGIN IMMEDIATE", create, &is_new) : r;
}

/* A file from elsewhere may hold triggers and views; none of ours does. */
static int configure(struct store *s)
{
    CLEANUP(free)
    char *settings = mem_printf("PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;"
                                "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = %d;",
                                LOG_KEEP_BYTES);

    sqlite3_busy_handler(s->db, on_busy, NULL);
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, 2 * (int)STORE_CONTENT_MAX);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    return database_execute(s, settings);
}

static int open_file(struct store *s)
{
    struct stat st;

    if (is_in_memory(s->path))
        return sqlite3_open(s->path, &s->db) == SQLITE_OK ? APIGW_OK : database_failed(s);
    if (make_folder(s->path) < 0 || make_file(s->path, "") < 0)
        return store_refuse(s, APIGW_FAILED, "%s cannot be made: %s", s->path, strerror(errno));
    if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return database_failed(s);
    if (stat(s->path, &st) < 0)
        return store_refuse(s, APIGW_FAILED, "%s: %s", s->path, strerror(errno));
    s->device = st.st_dev;
    s->inode = st.st_ino;
    return APIGW_OK;
}

int store_open(const char *path, struct store **ret, struct buf *ret_error)
{
    struct store *s = mem_zalloc(sizeof(*s));
    int r;

    s->path = mem_strdup(path);
    r = open_file(s);
    if (r == APIGW_OK)
        r = configure(s);
    if (r == APIGW_OK)
        r = prepare_format(s);
    if (r == APIGW_OK) {
        store_limit_bytes(s, STORE_BYTES_MAX);
        *ret = s;
        return APIGW_OK;
    }
    buf_append(ret_error, store_error(s));
    store_close(s);
    return r;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    buf_fini(&s->error);
    buf_fini(&s->content);
    buf_fini(&s->token);
    buf_fini(&s->place);
    free(s->path);
    free(s);
}

bool store_is_current(const struct store *s)
{
    struct stat st;

    if (s->inode == 0)
        return true;
    return stat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode;
}

void store_limit_bytes(struct store *s, uint64_t bytes)
{
    CLEANUP(free) char *sql = mem_printf("PRAGMA max_page_count = %" PRIu64, bytes / PAGE_BYTES);

    s->bytes_max = bytes;
    sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}
