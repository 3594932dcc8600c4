/* no_symbol.c - a shared object that is no plugin: it exports something else. */
#include <apigw/plugin.h>

APIGW_EXPORT int some_function(void);

int some_function(void)
{
    return 42;
}
