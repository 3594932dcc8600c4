/* runtime_folder.h - where each emulator that runs says so, for others of the same user: a folder that nobody else may
 * look into or write to.
 *
 * In it is a file PID.json for each, the ready file's text, which stays locked (flock) for as long as that emulator
 * lives: one that is not locked is of an emulator that has been killed. */
#ifndef BASE_RUNTIME_FOLDER_H
#define BASE_RUNTIME_FOLDER_H

#include <stdbool.h>

/* A descriptor of $XDG_RUNTIME_DIR/apigw, or of /tmp/apigw-UID where that variable is not set; the folder is made if
 * `make`. -1 with errno: it is not there, or it is not this user's alone. */
int runtime_folder_open(bool make);

#endif
