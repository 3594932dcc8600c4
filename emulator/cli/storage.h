/* storage.h - where the collections of a configuration are kept (apigw/collections.h).
 *
 * The environment variable APIGW_STORE tells handlers, and the commands that `apigw exec` runs. Who has set it before
 * apigw was started has chosen the place. */
#ifndef CLI_STORAGE_H
#define CLI_STORAGE_H

#include <stdbool.h>

struct store_reader; /* store/services.h */

#define STORAGE_VARIABLE "APIGW_STORE"

/* The file: what the variable says, else .apigw/store.db beside the configuration file; absolute, if there is a way to
 * know. Nothing is made. The caller frees it. */
char *storage_path(const char *config_path);

/* What opens and reads the file. It is a module with a database engine in it, loaded when it is first asked for; NULL
 * after having said why on standard error. */
const struct store_reader *storage_reader(void);

/* Sets the variable, to a folder of this process's own if `ephemeral`. 0 and *ret_folder, which is that folder or NULL;
 * or -1 after having said why. */
int storage_open(const char *config_path, bool ephemeral, char **ret_folder);

/* Removes the folder with what is in it, and frees its name. NULL is fine. */
void storage_close(char *folder);

#endif
