/* authority.h - the local certificate authority (CA) of a user: two files, made once, shared by all that user's
 * emulators.
 *
 * FOLDER/ca.pem is the certificate, for clients to trust; FOLDER/ca-key.pem, which only its user may read, the key.
 * What is there is never replaced: somebody may trust it already.
 *
 * Errors   NULL or -1 with one sentence, that ends in what to do, in `ret_error`. Threads: loop thread only, but any
 *          number of processes at once. */
#ifndef TLS_AUTHORITY_H
#define TLS_AUTHORITY_H

#include "base/buf.h"
#include "tls/certificate.h"

/* Overrides where the files are. */
#define AUTHORITY_FOLDER_VARIABLE "APIGW_CA_DIR"

/* APIGW_CA_DIR, else apigw/ca below XDG_DATA_HOME or ~/.local/share; absolute. Free with free(). */
char *authority_folder(struct buf *ret_error);

/* FOLDER/ca.pem. Free with free(). */
char *authority_certificate_path(const char *folder);

/* Makes both files, and the folder, if there is no certificate. Two stats if there is: what it says is not looked at.
 */
int authority_ensure(const char *folder, struct buf *ret_error);

/* Reads and checks both. certificate_fini frees. */
int authority_load(const char *folder, struct certificate *ret, struct buf *ret_error);

/* Writes a file under a temporary name, to the disk, and gives it its own then. 0, or -1 with errno. */
int authority_write_file(const char *path, unsigned mode, struct span bytes);

#endif
