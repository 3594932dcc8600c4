/* store.c - collections for a fake environment: the emulator's own store, in memory, one for each fake host. It is made
 * when a handler first asks for something. */
#include "base/list.h"
#include "base/mem.h"
#include "src/store_services.h"
#include "testing/src/fake.h"

int store_enter(struct apigw_context *context, struct store_access *ret)
{
    struct caller *const caller = caller_of(context);
    CLEANUP(buf_fini) struct buf error = {0};
    struct apigw_test *t;

    if (!caller)
        return APIGW_FAILED;
    t = LIST_ENTRY(caller, struct apigw_test, caller);
    if (!t->store && store_open(":memory:", &t->store, &error) != APIGW_OK)
        fake_misused(buf_terminate(&error));
    *ret = (struct store_access){&store_module, t->store};
    return APIGW_OK;
}

void store_leave(struct apigw_context *context)
{
}

void store_fini(struct apigw_test *t)
{
    store_close(TAKE(t->store));
}
