/* describe.c - see describe.h. */
#include "backtrace/describe.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELETED " (deleted)"
#define MEMFD "memfd:"

/* Where something stands; file NULL: not known. */
struct source {
    const char *file;
    const char *folder; /* in which the compiler ran, or NULL */
    int line;
};

const char *describe_module(Dwfl_Module *module, char out[TALK_LINE_MAX])
{
    const char *name = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    const char *slash = name ? strrchr(name, '/') : NULL;
    size_t len;

    name = slash ? slash + 1 : name ? name : "?";
    if (strncmp(name, MEMFD, strlen(MEMFD)) == 0)
        name += strlen(MEMFD);
    len = strlen(name);
    if (len > strlen(DELETED) && strcmp(name + len - strlen(DELETED), DELETED) == 0)
        len -= strlen(DELETED);
    snprintf(out, TALK_LINE_MAX, "%.*s", (int)len, name);
    return out;
}

/* ---- without debug information ---- */

static void describe_offset(Dwfl_Module *module, Dwarf_Addr pc, describe_fn *on_text, void *arg)
{
    char name[TALK_LINE_MAX], text[TALK_LINE_MAX];
    const char *symbol;
    Dwarf_Addr start;
    GElf_Off offset;
    GElf_Sym sym;

    dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
    symbol = dwfl_module_addrinfo(module, pc, &offset, &sym, NULL, NULL, NULL);
    describe_module(module, name);
    if (symbol)
        snprintf(text, sizeof(text), "%.300s (%.300s+0x%" PRIx64 ")", symbol, name, pc - start);
    else
        snprintf(text, sizeof(text), "%.600s+0x%" PRIx64, name, pc - start);
    on_text(arg, text);
}

/* ---- with ---- */

static struct source source_of(Dwfl_Module *module, Dwarf_Addr pc)
{
    struct source source = {0};
    Dwfl_Line *line = dwfl_module_getsrc(module, pc);

    if (line) {
        source.file = dwfl_lineinfo(line, NULL, &source.line, NULL, NULL, NULL);
        source.folder = dwfl_line_comp_dir(line);
    }
    return source;
}

static Dwarf_Word number_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word number = 0;

    return dwarf_formudata(dwarf_attr(die, name, &attribute), &number) == 0 ? number : 0;
}

/* Where the function that `inlined` is a copy of was called. */
static struct source source_of_call(Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Attribute attribute;
    struct source source = {0};
    Dwarf_Files *files;

    if (dwarf_getsrcfiles(unit, &files, NULL) != 0)
        return source;
    source.file = dwarf_filesrc(files, number_of(inlined, DW_AT_call_file), NULL, NULL);
    source.folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    source.line = (int)number_of(inlined, DW_AT_call_line);
    return source;
}

/* As the compiler was told it. */
static const char *short_name(const struct source *source)
{
    size_t len = source->folder ? strlen(source->folder) : 0;

    if (len > 0 && strncmp(source->file, source->folder, len) == 0 && source->file[len] == '/')
        return source->file + len + 1;
    return source->file;
}

static void describe_function(const char *name, const struct source *source, bool inlined, describe_fn *on_text,
                              void *arg)
{
    char text[TALK_LINE_MAX];

    if (source->file)
        snprintf(text, sizeof(text), "%.300s (%.500s:%d)%s", name, short_name(source), source->line,
                 inlined ? ", inlined" : "");
    else
        snprintf(text, sizeof(text), "%.300s%s", name, inlined ? ", inlined" : "");
    on_text(arg, text);
}

/* What the code at `pc` lies in, from the inside out; how many. Inlined functions are followed by what they were
 * inlined into. */
static int scopes_at(Dwfl_Module *module, Dwarf_Die *unit, Dwarf_Addr pc, Dwarf_Die **ret)
{
    Dwarf_Die *scopes = NULL, innermost;
    Dwarf_Addr bias;
    int count = dwarf_getscopes(unit, pc, &scopes);
    bool found =
        count > 0 && dwarf_offdie(dwfl_module_getdwarf(module, &bias), dwarf_dieoffset(&scopes[0]), &innermost) != NULL;

    free(scopes);
    *ret = NULL;
    return found ? dwarf_getscopes_die(&innermost, ret) : 0;
}

/* False: the debug information says nothing of this code. */
static bool describe_scopes(Dwfl_Module *module, Dwarf_Addr pc, describe_fn *on_text, void *arg)
{
    Dwarf_Addr bias;
    Dwarf_Die *unit = dwfl_module_addrdie(module, pc, &bias), *scopes;
    struct source source = source_of(module, pc);
    bool found = false;
    int count;

    if (!unit)
        return false;
    count = scopes_at(module, unit, pc - bias, &scopes);
    for (int i = 0; i < count; i++) {
        int tag = dwarf_tag(&scopes[i]);
        const char *name = dwarf_diename(&scopes[i]);
        if (!name || (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine))
            continue;
        describe_function(name, &source, tag == DW_TAG_inlined_subroutine, on_text, arg);
        found = true;
        if (tag == DW_TAG_subprogram)
            break;
        source = source_of_call(unit, &scopes[i]);
    }
    free(scopes);
    return found;
}

void describe_code(Dwfl_Module *module, Dwarf_Addr pc, describe_fn *on_text, void *arg)
{
    char text[TALK_LINE_MAX];

    if (!module) {
        snprintf(text, sizeof(text), "0x%" PRIx64 ", where there is no code", pc);
        on_text(arg, text);
    } else if (!describe_scopes(module, pc, on_text, arg)) {
        describe_offset(module, pc, on_text, arg);
    }
}
