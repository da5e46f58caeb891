// reload.h -- the options a handle was opened with, for reading its configuration again, and
// who waits for that.
// SPDX-License-Identifier: MIT
#ifndef VLMD_RELOAD_H
#define VLMD_RELOAD_H

#include "base/list.h"
#include "vlmd.h"

struct reload {
    struct vlmd_options options;  // owned copies
    struct list waiting;
    bool is_under_way;
};

void reload_keep(struct reload *r, const struct vlmd_options *o);
void reload_fini(struct reload *r);

#endif
