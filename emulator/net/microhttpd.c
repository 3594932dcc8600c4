/* microhttpd.c - see microhttpd.h. It is never unloaded: GnuTLS does not survive that. */
#include "net/microhttpd.h"

#include <dlfcn.h>
#include <string.h>

struct microhttpd mhd;

static const struct {
    const char *name;
    void *slot; /* of a pointer to a function */
} functions[] = {
#define MICROHTTPD_ROW(name) {"MHD_" #name, &mhd.name},
    MICROHTTPD_FUNCTIONS(MICROHTTPD_ROW)
#undef MICROHTTPD_ROW
};

bool microhttpd_load(struct buf *ret_error)
{
    static bool loaded;
    void *library;

    if (loaded)
        return true;
    library = dlopen(MICROHTTPD_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        buf_printf(ret_error, "libmicrohttpd cannot be loaded: %s", dlerror());
        return false;
    }
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = dlsym(library, functions[i].name);

        if (!function) {
            buf_printf(ret_error, "libmicrohttpd is of another version: %s", dlerror());
            return false;
        }
        memcpy(functions[i].slot, &function, sizeof(function));
    }
    loaded = true;
    return true;
}
