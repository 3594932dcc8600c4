/* plugin_file.c - finds the datum `apigw_plugin` in an ELF file and reads its first 16 bytes.
 *
 * The way: section table → dynamic symbols → the symbol's address → the loadable segment that holds it → its place in
 * the file. Every offset and count is the file's word and is checked against the file's size. */
#include "host/plugin_file.h"

#include <elf.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PLUGIN_SYMBOL "apigw_plugin"
#define HOW_TO_BUILD "build the plugin with: cc -shared -fPIC"

#if defined(__x86_64__)
#define ELF_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define ELF_MACHINE EM_AARCH64
#elif defined(__riscv)
#define ELF_MACHINE EM_RISCV
#else
#error "add this machine's ELF number"
#endif

struct file {
    const char *bytes;
    uint64_t size;
};

static int refuse(struct buf *ret_error, const char *sentence)
{
    buf_append_str(ret_error, sentence);
    return -1;
}

/* The `count` records of `each` bytes at `offset`, or NULL if they are not all inside the file. */
static const char *file_records(const struct file *f, uint64_t offset, uint64_t count, uint64_t each)
{
    if (offset > f->size || count > (f->size - offset) / each)
        return NULL;
    return f->bytes + offset;
}

/* Records may lie at any offset, so they are copied out. False if it is not inside the file. */
static bool file_copy(const struct file *f, uint64_t offset, void *ret, size_t size)
{
    const char *at = file_records(f, offset, 1, size);
    if (at)
        memcpy(ret, at, size);
    return at != NULL;
}

static int read_head(const struct file *f, Elf64_Ehdr *ret, struct buf *ret_error)
{
    static const char kind[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB};

    if (f->size == 0)
        return refuse(ret_error, "the file is empty; was the build interrupted?");
    if (!file_copy(f, 0, ret, sizeof(*ret)) || memcmp(ret->e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(ret_error, "not a shared object, nor any ELF file; " HOW_TO_BUILD);
    if (memcmp(ret->e_ident, kind, sizeof(kind)) != 0 || ret->e_machine != ELF_MACHINE)
        return refuse(ret_error, "built for another kind of machine; rebuild it on this one");
    if (ret->e_type != ET_DYN)
        return refuse(ret_error, "an ELF file, but not a shared object; " HOW_TO_BUILD);
    return 0;
}

/* Section `index` of the table. */
static bool section_read(const struct file *f, const Elf64_Ehdr *elf, uint64_t index, Elf64_Shdr *ret)
{
    return elf->e_shentsize == sizeof(*ret) && index < elf->e_shnum && elf->e_shoff <= f->size &&
           file_copy(f, elf->e_shoff + index * sizeof(*ret), ret, sizeof(*ret));
}

static bool find_dynamic_symbols(const struct file *f, const Elf64_Ehdr *elf, Elf64_Shdr *ret_symbols,
                                 Elf64_Shdr *ret_names)
{
    for (uint64_t i = 0; section_read(f, elf, i, ret_symbols); i++)
        if (ret_symbols->sh_type == SHT_DYNSYM)
            return section_read(f, elf, ret_symbols->sh_link, ret_names);
    return false;
}

static bool symbol_is_plugin(const struct file *f, const Elf64_Shdr *names, const Elf64_Sym *symbol)
{
    char name[sizeof(PLUGIN_SYMBOL)];
    bool defined = symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) != STT_FUNC;

    return defined && symbol->st_name < names->sh_size && names->sh_offset <= f->size &&
           file_copy(f, names->sh_offset + symbol->st_name, name, sizeof(name)) &&
           memcmp(name, PLUGIN_SYMBOL, sizeof(name)) == 0;
}

static bool find_plugin_symbol(const struct file *f, const Elf64_Ehdr *elf, Elf64_Sym *ret)
{
    Elf64_Shdr symbols, names;
    const char *at;
    uint64_t count;

    if (!find_dynamic_symbols(f, elf, &symbols, &names))
        return false;
    count = symbols.sh_size / sizeof(*ret);
    at = file_records(f, symbols.sh_offset, count, sizeof(*ret));
    for (uint64_t i = 0; at && i < count; i++) {
        memcpy(ret, at + i * sizeof(*ret), sizeof(*ret));
        if (symbol_is_plugin(f, &names, ret))
            return true;
    }
    return false;
}

/* Copies what the file holds for the address; false if no segment's file part does. */
static bool copy_from_address(const struct file *f, const Elf64_Ehdr *elf, uint64_t address, void *ret, size_t size)
{
    Elf64_Phdr segment;

    if (elf->e_phentsize != sizeof(segment) || elf->e_phoff > f->size)
        return false;
    for (uint64_t i = 0; i < elf->e_phnum; i++) {
        if (!file_copy(f, elf->e_phoff + i * sizeof(segment), &segment, sizeof(segment)))
            return false;
        if (segment.p_type != PT_LOAD || address < segment.p_vaddr || segment.p_offset > f->size ||
            segment.p_filesz < size || address - segment.p_vaddr > segment.p_filesz - size)
            continue;
        return address - segment.p_vaddr <= f->size &&
               file_copy(f, segment.p_offset + (address - segment.p_vaddr), ret, size);
    }
    return false;
}

int plugin_abi_check(const struct apigw_abi *abi, struct buf *ret_error)
{
    if (abi->magic != APIGW_PLUGIN_MAGIC)
        return refuse(ret_error, "exports " PLUGIN_SYMBOL
                                 ", but it does not begin with APIGW_PLUGIN_MAGIC; define it with APIGW_PLUGIN");
    if (abi->major != APIGW_ABI_MAJOR) {
        buf_printf(ret_error, "built for plugin ABI %u.%u, this emulator speaks %u.%u; rebuild it with this SDK",
                   abi->major, abi->minor, APIGW_ABI_MAJOR, APIGW_ABI_MINOR);
        return -1;
    }
    if (abi->minor > APIGW_ABI_MINOR) {
        buf_printf(ret_error,
                   "built for plugin ABI %u.%u, this emulator speaks %u.%u; update apigw, or rebuild the plugin with "
                   "this SDK",
                   abi->major, abi->minor, APIGW_ABI_MAJOR, APIGW_ABI_MINOR);
        return -1;
    }
    if (abi->struct_size < PLUGIN_STRUCT_BYTES_MIN) {
        buf_printf(ret_error,
                   "its " PLUGIN_SYMBOL " says that it has %u bytes, ABI %u.%u needs %zu; define it with APIGW_PLUGIN",
                   abi->struct_size, abi->major, abi->minor, PLUGIN_STRUCT_BYTES_MIN);
        return -1;
    }
    return 0;
}

static int check_mapped(const struct file *f, struct buf *ret_error)
{
    Elf64_Ehdr elf;
    Elf64_Sym symbol;
    struct apigw_abi abi = {0}; /* what the file does not hold is zero in memory */

    if (read_head(f, &elf, ret_error) < 0)
        return -1;
    if (!find_plugin_symbol(f, &elf, &symbol))
        return refuse(ret_error,
                      "exports no datum named " PLUGIN_SYMBOL "; define it with APIGW_PLUGIN and do not hide it");
    copy_from_address(f, &elf, symbol.st_value, &abi, sizeof(abi));
    if (plugin_abi_check(&abi, ret_error) < 0)
        return -1;
    if (symbol.st_size && symbol.st_size < abi.struct_size) {
        buf_printf(ret_error,
                   "its " PLUGIN_SYMBOL " says that it has %u bytes, but it has %llu; define it with APIGW_PLUGIN",
                   abi.struct_size, (unsigned long long)symbol.st_size);
        return -1;
    }
    return 0;
}

int plugin_file_check(int fd, struct buf *ret_error)
{
    struct stat st;
    struct file f = {0};
    int r;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return refuse(ret_error, "not a file");
    f.size = (uint64_t)st.st_size;
    if (f.size) {
        void *mapped = mmap(NULL, f.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapped == MAP_FAILED) {
            buf_printf(ret_error, "cannot be read: %s", strerror(errno));
            return -1;
        }
        f.bytes = mapped;
    }
    r = check_mapped(&f, ret_error);
    if (f.bytes)
        munmap((void *)(uintptr_t)f.bytes, f.size);
    return r;
}
