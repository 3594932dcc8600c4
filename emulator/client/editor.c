/* editor.c - see editor.h.
 *
 * libedit reads one key a call (EL_UNBUFFERED). Its own reader would wait for the rest of a sequence for as long as it
 * takes, so a lone Escape would stop the world; ours waits KEY_WAIT_MS. libedit has no call that takes its line off the
 * screen: editor_hide counts the rows between its first and its cursor as libedit lays them out. */
#include "client/editor.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "client/recall.h"

#define KEY_WAIT_MS 50
#define KEYS_SIZE 4096u
#define CTRL_D '\x04'
#define PASTED_MIN 8u /* characters that nobody types at once */
#define NAME_BYTES_MAX 64u

struct editor {
    EditLine *el;
    struct recall *recall;
    const char *prompt;
    const char *const *names;
    char keys[KEYS_SIZE]; /* read, and not yet decoded */
    size_t key_start, key_end;
    bool at_end;
    bool hidden;
    struct buf line;
};

/* ---- keys ---- */

static bool wait_for_keys(int timeout_ms)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&p, 1, timeout_ms) > 0;
}

/* False: there are none, or there will be none any more. */
static bool read_keys(struct editor *e)
{
    ssize_t n;

    if (e->key_start > 0) {
        memmove(e->keys, e->keys + e->key_start, e->key_end - e->key_start);
        e->key_end -= e->key_start;
        e->key_start = 0;
    }
    if (!wait_for_keys(KEY_WAIT_MS))
        return false;
    n = read(STDIN_FILENO, e->keys + e->key_end, KEYS_SIZE - e->key_end);
    if (n > 0)
        e->key_end += (size_t)n;
    e->at_end = e->at_end || n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
    return n > 0;
}

/* One character of the keys that were read. 0: there is no whole one. What is none is left out. */
static int decode(struct editor *e, wchar_t *ret)
{
    while (e->key_start < e->key_end) {
        mbstate_t state = {0};
        const size_t len = mbrtowc(ret, e->keys + e->key_start, e->key_end - e->key_start, &state);

        if (len == (size_t)-2)
            return 0;
        e->key_start += len == (size_t)-1 || len == 0 ? 1 : len;
        if (len != (size_t)-1)
            return 1;
    }
    return 0;
}

static int on_read(EditLine *el, wchar_t *ret)
{
    struct editor *e;

    el_get(el, EL_CLIENTDATA, &e);
    while (!decode(e, ret))
        if (!read_keys(e)) {
            e->key_start = e->key_end; /* half of a character that has no other half */
            return 0;
        }
    return 1;
}

/* How many bytes of whole, printable characters come next. */
static size_t pasted_bytes(const struct editor *e)
{
    const struct span keys = span_of(e->keys + e->key_start, e->key_end - e->key_start);
    size_t len = 0, more;

    while (len < keys.len && (unsigned char)keys.ptr[len] >= ' ' && keys.ptr[len] != 0x7f &&
           (more = utf8_sequence(span_from(keys, len))) > 0)
        len += more;
    return len;
}

/* What is pasted goes in at once: libedit copies its whole line for each key, which for a large text takes for ever. */
static void take_pasted(struct editor *e)
{
    char text[KEYS_SIZE + 1];
    const size_t len = pasted_bytes(e);

    if (len < PASTED_MIN)
        return;
    memcpy(text, e->keys + e->key_start, len);
    text[len] = '\0';
    editor_hide(e);
    if (el_insertstr(e->el, text) == 0)
        e->key_start += len;
    editor_show(e);
}

/* ---- keys that libedit does not see: functions that it is given (EL_ADDFN) it does not free ---- */

static void beep(void)
{
    fputs("\a", stdout);
    fflush(stdout);
}

/* Ctrl-D deletes a character; there is none in an empty line: it is the end. */
static void delete_or_end(struct editor *e)
{
    const LineInfo *line = el_line(e->el);

    if (line->lastchar == line->buffer) {
        e->at_end = true;
    } else if (line->cursor == line->lastchar) {
        beep();
    } else {
        editor_hide(e);
        el_cursor(e->el, 1);
        el_deletestr(e->el, 1);
        editor_show(e);
    }
}

/* The rest that all names have in common which begin with what was typed. */
static size_t common_rest(const char *const *names, struct span typed, char *ret)
{
    size_t len = 0, found = 0;

    for (; *names; names++) {
        const struct span name = span_of_str(*names);
        size_t same = 0;

        if (!span_starts_with(name, typed) || name.len - typed.len >= NAME_BYTES_MAX - 1)
            continue;
        if (found++ == 0) {
            len = name.len - typed.len;
            memcpy(ret, name.ptr + typed.len, len);
        }
        while (same < len && same < name.len - typed.len && ret[same] == name.ptr[typed.len + same])
            same++;
        len = same;
    }
    if (found == 1)
        ret[len++] = ' ';
    ret[len] = '\0';
    return len;
}

static void complete(struct editor *e)
{
    const LineInfo *line = el_line(e->el);
    const struct span typed = span_of(line->buffer, (size_t)(line->cursor - line->buffer));
    char rest[NAME_BYTES_MAX + 1];

    if (typed.len == 0 || typed.ptr[0] != '/' || !common_rest(e->names, typed, rest)) {
        beep();
        return;
    }
    editor_hide(e);
    el_insertstr(e->el, rest);
    editor_show(e);
}

/* Takes the next key if it is one of ours. */
static bool take_own_key(struct editor *e)
{
    const char key = e->key_start < e->key_end ? e->keys[e->key_start] : '\0';

    if (key != CTRL_D && key != '\t')
        return false;
    e->key_start++;
    if (key == CTRL_D)
        delete_or_end(e);
    else
        complete(e);
    return true;
}

static const char *prompt_of(EditLine *el)
{
    struct editor *e;

    el_get(el, EL_CLIENTDATA, &e);
    return e->prompt;
}

/* ---- where the cursor is ---- */

unsigned editor_width(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

static unsigned height(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 ? size.ws_row : 24;
}

/* Columns that libedit gives a character at a column. */
static unsigned columns_of(wchar_t c, unsigned column)
{
    const int width = wcwidth(c);

    if (c == L'\t')
        return 8 - column % 8;
    return width >= 0 ? (unsigned)width : 2; /* ^X */
}

/* Rows between that of the prompt and the one that the cursor is in behind `text`. */
static unsigned rows_of(const struct editor *e, struct span text)
{
    const unsigned width = editor_width(), rows_max = height() - 1;
    unsigned row = 0, column = (unsigned)strlen(e->prompt);
    mbstate_t state = {0};

    while (text.len) {
        wchar_t c = L'?';
        const size_t len = mbrtowc(&c, text.ptr, text.len, &state);
        const unsigned wide = columns_of(c, column);

        if (column + wide > width) {
            row++;
            column = 0;
        }
        column += wide;
        if (column >= width) {
            row++;
            column = 0;
        }
        text = span_from(text, len == 0 || len > text.len ? 1 : len);
    }
    return row < rows_max ? row : rows_max;
}

void editor_hide(struct editor *e)
{
    const LineInfo *line = el_line(e->el);
    const unsigned rows = rows_of(e, span_of(line->buffer, (size_t)(line->cursor - line->buffer)));

    if (e->hidden)
        return;
    if (rows > 0)
        printf("\033[%uA", rows);
    fputs("\r\033[J", stdout);
    e->hidden = true;
}

void editor_show(struct editor *e)
{
    fflush(stdout);
    if (e->hidden)
        el_set(e->el, EL_REFRESH);
    e->hidden = false;
}

void editor_resize(struct editor *e)
{
    editor_hide(e);
    el_resize(e->el);
    editor_show(e);
}

/* ---- lines ---- */

/* A new, empty line; libedit forgets the old one only so. */
static void begin_line(struct editor *e)
{
    el_set(e->el, EL_UNBUFFERED, 1);
    e->hidden = false;
}

/* libedit has gone to the row below the line's last. */
static void take_line(struct editor *e, const char *line, size_t len)
{
    buf_clear(&e->line, EDITOR_LINE_MAX);
    buf_append(&e->line, span_of(line, len));
    printf("\033[%uA\r\033[J", rows_of(e, buf_span(&e->line)) + 1);
    fflush(stdout);
    el_set(e->el, EL_UNBUFFERED, 0);
    e->hidden = true;
}

enum editor_event editor_read(struct editor *e, const char **ret_line)
{
    int count = 0;
    const char *line;

    if (e->line.len || !e->el) /* the last one was taken */
        buf_clear(&e->line, EDITOR_LINE_MAX);
    if (e->key_start == e->key_end && !read_keys(e))
        return e->at_end ? EDITOR_END : EDITOR_NOTHING;
    do {
        take_pasted(e);
        while (take_own_key(e) && !e->at_end)
            ;
        if (e->at_end || e->key_start == e->key_end)
            return e->at_end ? EDITOR_END : EDITOR_NOTHING;
        line = el_gets(e->el, &count);
        if (e->at_end)
            return EDITOR_END;
        if (line && count > 0 && line[count - 1] == '\n')
            break;
        if (line && (size_t)count > EDITOR_LINE_MAX) {
            take_line(e, "", 0);
            begin_line(e);
            return EDITOR_TOO_LONG;
        }
        line = NULL;
    } while (e->key_start < e->key_end);
    if (!line)
        return EDITOR_NOTHING;
    take_line(e, line, (size_t)count - 1);
    *ret_line = buf_terminate(&e->line);
    recall_add(e->recall, *ret_line);
    begin_line(e);
    return EDITOR_LINE;
}

bool editor_has_more(const struct editor *e)
{
    return e->key_start < e->key_end;
}

/* ---- beginning and end ---- */

bool editor_is_possible(void)
{
    const char *terminal = getenv("TERM");

    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

struct editor *editor_new(const char *prompt, const char *const *names)
{
    /* What these do would wait for more keys, and the world with it; as would most of vi's commands. */
    static const char *const waiting[] = {"^V", "^S", "\\ex", "\\eX"};
    struct editor *e = mem_zalloc(sizeof(*e));

    e->prompt = prompt;
    e->names = names;
    e->recall = recall_open();
    e->el = el_init("apigw", stdin, stdout, stderr);
    if (!e->el) {
        recall_close(e->recall);
        free(e);
        return NULL;
    }
    el_set(e->el, EL_CLIENTDATA, e);
    el_set(e->el, EL_PROMPT, prompt_of);
    el_set(e->el, EL_EDITOR, "emacs");
    el_set(e->el, EL_SIGNAL, 0);
    el_set(e->el, EL_GETCFN, on_read);
    el_set(e->el, EL_HIST, history, recall_history(e->recall));
    el_set(e->el, EL_BIND, "^R", "ed-search-prev-history", NULL);
    for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++)
        el_set(e->el, EL_BIND, waiting[i], "ed-unassigned", NULL);
    begin_line(e);
    return e;
}

void editor_free(struct editor *e)
{
    if (!e)
        return;
    editor_hide(e);
    fflush(stdout);
    el_set(e->el, EL_UNBUFFERED, 0);
    el_end(e->el);
    recall_close(e->recall);
    buf_fini(&e->line);
    free(e);
}
