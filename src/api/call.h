// call.h -- the public interface's questions under way: one struct, one kind each.
//
// Every call is counted in its handle, so that a client's vlmd_run returns when all are
// answered, and all are answered before vlmd_close frees anything.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CALL_H
#define VLMD_CALL_H

#include "api/reload.h"
#include "app.h"

struct vlmd {
    struct app app;
    bool must_step;  // before a host may wait: something was begun since the last turn
    int pending;     // calls not yet answered
    bool is_closing;
    struct reload reload;
};

// Nothing new begins once vlmd_close was called, whichever callback asks for it.  Errors:
// E_CANCELED.
MUST_USE int call_check(const struct vlmd *v);
void call_begin(struct vlmd *v);
void call_end(struct vlmd *v);

// "" when there are none.
const char *call_words(const struct err *e, int code);

#endif
