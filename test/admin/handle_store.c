// handle_store.c -- see handle_store.h.
// SPDX-License-Identifier: MIT
#include "handle_store.h"

#include "api/call.h"

struct store *handle_store(vlmd *v)
{
    return v->app.store;
}
