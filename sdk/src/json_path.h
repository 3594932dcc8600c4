/* json_path.h - paths into a JSON value: a.b[0].c, ["a.b"][-1]. Pure. */
#ifndef SDK_JSON_PATH_H
#define SDK_JSON_PATH_H

#include "base/json.h"

enum json_path_result {
    JSON_PATH_FOUND,
    JSON_PATH_ABSENT, /* there is no such value */
    JSON_PATH_WRONG   /* that is no path */
};

/* The value at `path`, from `from`, which json_parse has accepted. `scratch` is emptied: it holds a name in quotes once
 * its escapes are undone. The path is read to its end in any case, so a wrong one is always told. */
enum json_path_result json_path_get(struct json_value from, struct span path, struct buf *scratch,
                                    struct json_value *ret);

#endif
