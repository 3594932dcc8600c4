/* replay.c - runs a fuzz target where there is no libFuzzer: once on each file that is named, and on each below the
 * folders that are named. Which file it was is printed before, so that a crash can be told. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"

#define DESCRIPTORS_MAX 16
#define PIECE_BYTES 65536

static unsigned files;

static int read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "r");
    size_t got;

    if (!f)
        return -1;
    while ((got = fread(buf_reserve(out, PIECE_BYTES), 1, PIECE_BYTES, f)) > 0)
        out->len += got;
    fclose(f);
    return 0;
}

static int on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    CLEANUP(buf_fini) struct buf bytes = {0};
    CLEANUP(free) uint8_t *exact = NULL;

    if (type == FTW_D)
        return 0;
    printf("%s\n", path);
    fflush(stdout);
    if (type != FTW_F || read_file(path, &bytes) < 0) {
        perror(path);
        return -1;
    }
    /* Of its own size, so that a sanitizer sees a read behind it. */
    exact = malloc(bytes.len ? bytes.len : 1);
    if (!exact)
        return -1;
    if (bytes.len)
        memcpy(exact, bytes.ptr, bytes.len);
    LLVMFuzzerTestOneInput(exact, bytes.len);
    files++;
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (nftw(argv[i], on_file, DESCRIPTORS_MAX, 0) != 0) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
            return 1;
        }
    printf("%u inputs\n", files);
    return files > 0 ? 0 : 1; /* a corpus without files tests nothing */
}
