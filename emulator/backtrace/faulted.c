/* faulted.c - see faulted.h. What the process says is a plugin's to write: it is copied, bounded, and otherwise
 * believed, for all that it can spoil is its own backtrace. */
#include "backtrace/faulted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAPS_LINE_SIZE 4400 /* a path, and what stands in front of it */

/* ---- memory ---- */

static bool read_page(struct faulted *f, Dwarf_Addr address)
{
    const struct talk_memory ask = {.kind = TALK_MEMORY, .address = address};

    if (f->page_address == address)
        return f->page_readable;
    f->page_address = address;
    f->page_readable = send(TALK_FD_SOCKET, &ask, sizeof(ask), MSG_NOSIGNAL) == (ssize_t)sizeof(ask) &&
                       recv(TALK_FD_SOCKET, f->page, sizeof(f->page), 0) == (ssize_t)sizeof(f->page);
    return f->page_readable;
}

static bool read_memory(struct faulted *f, Dwarf_Addr address, char *out, size_t size)
{
    while (size > 0) {
        size_t at = address % TALK_PIECE, n = TALK_PIECE - at;
        if (n > size)
            n = size;
        if (!read_page(f, address - at))
            return false;
        memcpy(out, f->page + at, n);
        out += n;
        address += n;
        size -= n;
    }
    return true;
}

static bool on_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret, void *arg)
{
    (void)dwfl;
    return read_memory(arg, address, (char *)ret, sizeof(*ret));
}

/* ---- modules ---- */

/* The file that is mapped at `base`, by its numbers. */
static bool mapped_file(Dwarf_Addr base, dev_t *ret_device, ino_t *ret_inode)
{
    char line[MAPS_LINE_SIZE];
    FILE *maps;
    bool found = false;
    int fd = dup(TALK_FD_MAPS);

    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || !(maps = fdopen(fd, "r")))
        return false;
    while (!found && fgets(line, sizeof(line), maps)) {
        unsigned long long begin, inode;
        unsigned major, minor;
        if (sscanf(line, "%llx-%*x %*s %*x %x:%x %llu", &begin, &major, &minor, &inode) != 4 || begin != base)
            continue;
        found = true;
        *ret_device = makedev(major, minor);
        *ret_inode = (ino_t)inode;
    }
    fclose(maps);
    return found;
}

/* Is the image that we were given what is mapped at `base`? A plugin can have closed its own and opened another file.
 */
static bool is_image(Dwarf_Addr base)
{
    struct stat image;
    dev_t device;
    ino_t inode;

    return fstat(TALK_FD_PLUGIN, &image) == 0 && mapped_file(base, &device, &inode) && device == image.st_dev &&
           inode == image.st_ino;
}

/* Its first page says which build a file is of. */
static bool is_same_build(struct faulted *f, Dwarf_Addr base, int fd)
{
    char file[TALK_PIECE], memory[TALK_PIECE];
    ssize_t n = pread(fd, file, sizeof(file), 0);

    return n == (ssize_t)sizeof(file) && read_memory(f, base, memory, sizeof(memory)) &&
           memcmp(file, memory, sizeof(memory)) == 0;
}

/* "/memfd:chat.so (deleted)" was copied from a file chat.so. */
static char *plugin_path(const struct faulted *f, const char *module_name)
{
    const char *name = strchr(module_name, ':') + 1;
    const char *end = strstr(name, " (deleted)");
    char *path;

    if (asprintf(&path, "%s/%.*s", f->task_root, end ? (int)(end - name) : (int)strlen(name), name) < 0)
        return NULL;
    return path;
}

static int open_plugin(struct faulted *f, Dwarf_Addr base, const char *path)
{
    int fd;

    if (is_image(base))
        return dup(TALK_FD_PLUGIN);
    fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0 && is_same_build(f, base, fd))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static struct faulted *the_faulted; /* libdw gives its callbacks nothing of ours */

/* The path goes to libdw too: debug information in a file of its own is looked for beside it. */
static int find_elf(Dwfl_Module *module, void **user, const char *module_name, Dwarf_Addr base, char **ret_path,
                    Elf **ret_elf)
{
    int fd;

    if (strncmp(module_name, "/memfd:", 7) != 0)
        return dwfl_linux_proc_find_elf(module, user, module_name, base, ret_path, ret_elf);
    *ret_path = plugin_path(the_faulted, module_name);
    fd = open_plugin(the_faulted, base, *ret_path);
    if (fd < 0) {
        free(*ret_path);
        *ret_path = NULL;
    }
    return fd;
}

static int report_modules(Dwfl *dwfl)
{
    int fd = dup(TALK_FD_MAPS);
    FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
    int r;

    if (!maps)
        return -1;
    dwfl_report_begin(dwfl);
    r = dwfl_linux_proc_maps_report(dwfl, maps);
    fclose(maps);
    return dwfl_report_end(dwfl, NULL, NULL) == 0 ? r : -1;
}

/* ---- the thread ---- */

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread)
{
    const struct faulted *f = arg;

    (void)dwfl;
    if (*thread)
        return 0;
    *thread = arg;
    return f->fault.tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread)
{
    (void)dwfl;
    *thread = arg;
    return tid == ((const struct faulted *)arg)->fault.tid;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
    const struct faulted *f = arg;

    dwfl_thread_state_register_pc(thread, f->fault.pc);
    return dwfl_thread_state_registers(thread, 0, f->fault.register_count, f->fault.registers);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
    .next_thread = next_thread,
    .get_thread = get_thread,
    .memory_read = on_memory,
    .set_initial_registers = set_registers,
};

static void add_frame(struct faulted *f, Dwarf_Addr pc)
{
    if (f->frame_count == TALK_FRAMES_MAX) {
        f->frames_left_out = true;
        return;
    }
    f->frames[f->frame_count++] = (struct frame){pc, dwfl_addrmodule(f->dwfl, pc)};
}

/* But for the innermost, a frame's address is where it goes on: that is behind the call, and may be of the next line.
 */
static int on_frame(Dwfl_Frame *frame, void *arg)
{
    struct faulted *f = arg;
    bool is_activation;
    Dwarf_Addr pc;

    if (!dwfl_frame_pc(frame, &pc, &is_activation))
        return DWARF_CB_ABORT;
    add_frame(f, is_activation || f->frame_count == 0 ? pc : pc - 1);
    return f->frames_left_out ? DWARF_CB_ABORT : DWARF_CB_OK;
}

/* Where there is no code somebody has called a pointer that leads nowhere: it goes on at the caller. */
static void leave_nowhere(struct faulted *f)
{
    Dwarf_Addr caller = 0;

    if (dwfl_addrmodule(f->dwfl, f->fault.pc))
        return;
    add_frame(f, f->fault.pc);
#if defined(__x86_64__)
    if (!read_memory(f, f->fault.registers[7], (char *)&caller, sizeof(caller)))
        return;
    f->fault.registers[7] += sizeof(caller);
    f->fault.registers[16] = caller - 1;
#elif defined(__aarch64__)
    caller = f->fault.registers[30];
#endif
    f->fault.pc = caller - 1;
}

void faulted_unwind(struct faulted *f)
{
    leave_nowhere(f);
    if (!dwfl_attach_state(f->dwfl, NULL, f->fault.pid, &thread_callbacks, f))
        return;
    dwfl_getthread_frames(f->dwfl, f->fault.tid, on_frame, f);
}

/* ---- the beginning and the end ---- */

static char *debuginfo_path; /* NULL: where the system keeps it */

static const Dwfl_Callbacks callbacks = {
    .find_elf = find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .debuginfo_path = &debuginfo_path,
};

const char *faulted_open(struct faulted *f, const char *task_root)
{
    *f = (struct faulted){.task_root = task_root, .page_address = 1};
    the_faulted = f;
    if (recv(TALK_FD_SOCKET, &f->fault, sizeof(f->fault), 0) != (ssize_t)sizeof(f->fault))
        return "apigw-backtrace is started by apigw-host";
    if (f->fault.register_count == 0 || f->fault.register_count > TALK_REGISTERS_MAX)
        return "it is not known how on this kind of machine";
    f->dwfl = dwfl_begin(&callbacks);
    if (!f->dwfl || report_modules(f->dwfl) != 0)
        return dwfl_errmsg(-1);
    return NULL;
}

void faulted_close(struct faulted *f)
{
    if (f->dwfl)
        dwfl_end(f->dwfl);
}
